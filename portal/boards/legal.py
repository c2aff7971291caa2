"""Legal & insurance: what stands between the lender and its goods, and when it runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from logistics.models import Lot
from pledges.models import ControlEvidence, InsurancePolicy, PurchaseMoneyNotice, Registration
from pledges.rules.jurisdictions import law_of
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.boards.receipt import receipts_table
from portal.names import joined, name_of
from portal.queries.law import OnFile
from portal.tables import Column, Table

SOON = 30


@dataclass(frozen=True, slots=True)
class LegalBoard:
    """What the page shows."""

    facility: Facility
    facts: list[Fact]
    tables: dict[str, Table]
    forms: Sequence[Form] = ()


def legal_board(
    facility: Facility, found: OnFile, on: date, forms: Sequence[Form] = ()
) -> LegalBoard:
    """Return what is on file for a facility on a day, and the forms of what the reader may file."""
    return LegalBoard(
        facility=facility,
        facts=_facts(facility, found, on),
        tables={
            "registrations": _registrations(found.registrations, on),
            "policies": _policies(facility, found.policies, on),
            "evidence": evidence_table(found.evidence, on),
            "windows": _windows(facility, found.windows, on),
            "notices": _notices(found.notices),
            "receipts": receipts_table(found.receipts),
            "entries": _entries(found),
        },
        forms=forms,
    )


def _facts(facility: Facility, found: OnFile, on: date) -> list[Fact]:
    law = law_of(facility.jurisdiction)
    ends = [one.expires_on for one in found.registrations if _in_force(one, on)]
    insured = [one for one in found.policies if _insures(one, on)]
    return [
        Fact(
            _("Registration"),
            formats.days_between(on, max(ends)) if ends else _("None in force"),
            note=_("runs out")
            if ends
            else _("money goes out only with one")
            if law.registration_required
            else _("not asked for here"),
            tone=_tone(ends, on, needed=law.registration_required),
        ),
        money_fact(
            _("Insured for the lender"),
            sum((one.insured_sum for one in insured), Decimal(0)),
            facility.currency,
            note=_("the facility demands it") if facility.insurance_required else _("on file"),
            tone="bad" if facility.insurance_required and not insured else "",
        ),
        Fact(
            _("Control"),
            f"{sum(1 for one in found.evidence if one.valid_until >= on):,}",
            note=_("places’ evidence in date, demanded")
            if facility.control_required
            else _("places’ evidence in date"),
        ),
        Fact(
            _("May still be outranked"),
            f"{len(found.windows):,}",
            note=_("lots delivered within %(days)s days") % {"days": law.purchase_money_days},
            tone="warn" if found.windows else "",
        ),
        Fact(_("Law"), str(facility.get_jurisdiction_display()), note=str(law.register)),
    ]


def _tone(ends: Sequence[date], on: date, *, needed: bool) -> str:
    if not ends:
        return "bad" if needed else ""
    return "warn" if (max(ends) - on).days <= SOON else "good"


def _in_force(one: Registration, on: date) -> bool:
    return one.filed_on <= on < one.expires_on and one.discharged_on is None


def _insures(one: InsurancePolicy, on: date) -> bool:
    return one.from_on <= on < one.until_on and one.lender_is_loss_payee and one.ended_on is None


def days_left(label: str, get: str, on: date, *, through: bool = False) -> Column:
    """Return a column of days left to the date under `get`, or `through` it where it counts."""

    def left(row: Any) -> int | None:
        ends: date | None = getattr(row, get)
        return (ends - on).days + through if ends else None

    return Column(label, left, show=_days, numeric=True)


def _days(days: int | None) -> str:
    if days is None:
        return formats.EMPTY
    return f"{days:,}" if days > 0 else str(_("run out"))


def _registrations(rows: Sequence[Registration], on: date) -> Table:
    return Table(
        key="registrations",
        title=_("Registrations"),
        columns=[
            columns.text(_("Number"), "number"),
            columns.words(_("Register"), "register"),
            columns.words(_("Collateral"), "description"),
            columns.day(_("Filed"), "filed_on"),
            columns.day(_("Until"), "expires_on"),
            days_left(_("Days left"), "expires_on", on),
            columns.day(_("Discharged"), "discharged_on"),
        ],
        rows=rows,
        empty=_("No registration is on file."),
        first_step=_("File the security interest at the register and enter its number."),
    )


def _entries(found: OnFile) -> Table:
    return Table(
        key="entries",
        title=_("Done at the registers"),
        columns=[
            columns.day(_("When"), "on"),
            columns.text(_("Number"), "registration.number"),
            columns.state(_("What"), lambda e: str(e.get_act_display())),
            columns.day(_("Until"), "expires_on"),
            columns.text(_("By"), "actor_label"),
        ],
        rows=found.entries,
        empty=_("Nothing was done at a register yet."),
    )


def _policies(facility: Facility, rows: Sequence[InsurancePolicy], on: date) -> Table:
    return Table(
        key="policies",
        title=_("Insurance policies"),
        columns=[
            columns.text(_("Number"), "number"),
            columns.text(_("Insurer"), "insurer"),
            columns.words(
                _("Places"), lambda p: joined(*(name_of(named.site) for named in p.sites.all()))
            ),
            columns.amount(_("Sum"), "insured_sum", facility.currency),
            columns.state(
                _("Pays the lender"), lambda p: str(_("yes") if p.lender_is_loss_payee else _("no"))
            ),
            columns.day(_("From"), "from_on"),
            columns.day(_("Until"), "until_on"),
            days_left(_("Days left"), "until_on", on),
            columns.day(_("Cancelled"), "ended_on"),
        ],
        rows=rows,
        empty=_("No policy is on file."),
        first_step=_("Goods that must be insured lend nothing without one."),
    )


def evidence_table(rows: Sequence[ControlEvidence], on: date) -> Table:
    """Return evidence of control with the days that each is good for."""
    return Table(
        key="evidence",
        title=_("Evidence of control"),
        columns=[
            columns.text(_("Place"), lambda e: name_of(e.site)),
            columns.state(_("What"), lambda e: str(e.get_kind_display())),
            columns.text(_("Reference"), "reference"),
            columns.instant(_("Taken"), "taken_at"),
            columns.day(_("Good until"), "valid_until"),
            days_left(_("Days left"), "valid_until", on, through=True),
            columns.text(_("By"), "actor_label"),
        ],
        rows=rows,
        empty=_("No evidence of control is on file."),
        first_step=_("Seal checks, counts, camera records and signed reports appear here."),
    )


def _windows(facility: Facility, rows: Sequence[Lot], on: date) -> Table:
    days = law_of(facility.jurisdiction).purchase_money_days
    return Table(
        key="windows",
        title=_("Lots whose supplier may still outrank the lender"),
        columns=[
            columns.words(
                _("Lot"), _lot_name, href=lambda lot: reverse("portal:lot", args=[lot.pk])
            ),
            columns.text(_("Place"), lambda lot: name_of(lot.site)),
            columns.day(_("Delivered"), "received_on"),
            columns.day(_("Until"), lambda lot: lot.received_on + timedelta(days=days)),
        ],
        rows=rows,
        empty=_("No delivery is so recent."),
        first_step=_("A supplier that registers in time ranks before the lender."),
    )


def _lot_page(lot: Lot) -> str:
    return reverse("portal:lot", args=[lot.pk])


def _lot_name(lot: Lot) -> str:
    return joined(name_of(lot.item), lot.number)


def _notices(rows: Sequence[PurchaseMoneyNotice]) -> Table:
    return Table(
        key="notices",
        title=_("Suppliers’ security interests"),
        columns=[
            columns.text(_("Supplier"), lambda n: name_of(n.supplier)),
            columns.words(_("Lot"), lambda n: _lot_name(n.lot)),
            columns.text(_("Number"), "number"),
            columns.day(_("Delivered"), "delivered_on"),
            columns.day(_("Registered"), "registered_on"),
            columns.state(
                _("Rank"),
                lambda n: str(_("before the lender") if n.outranks else _("after the lender")),
            ),
        ],
        rows=rows,
        empty=_("No supplier has registered a security interest."),
    )
