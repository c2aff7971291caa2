"""Facility: limit, exposure, lending value and headroom; then why each of them moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility, Loan
from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.boards.standing_facts import cover_fact, headroom_fact
from portal.boards.waterfall import Step, borrowing_base
from portal.call_words import state_in_words
from portal.queries.calls import list_calls
from portal.queries.changes import Change, list_changes
from portal.queries.cover import Standing, get_standing
from portal.queries.dates import end_of
from portal.queries.loans import list_loans, next_due, owed
from portal.queries.positions import PositionValue, list_positions
from portal.tables import Column, Table
from portal.valuation_words import formula


@dataclass(frozen=True, slots=True)
class FacilityBoard:
    """What the facility's page shows."""

    facility: Facility
    standing: Standing
    facts: list[Fact]
    tables: dict[str, Table]
    is_lender: bool


@dataclass(frozen=True, slots=True)
class RightSum:
    """All positions of one right."""

    right: str
    count: int
    market: Decimal
    lending: Decimal
    left_out: Decimal
    share: Decimal | None

    @property
    def rate(self) -> Decimal | None:
        """Lending value as a share of market value."""
        return self.lending / self.market if self.market else None


def facility_board(actor: Actor, facility: Facility, as_of: date) -> FacilityBoard:
    """Return the page of one facility at its business date."""
    standing = get_standing(actor, facility)
    loans = list_loans(actor, facility)
    positions = list_positions(actor, facility, at=end_of(as_of), on=as_of)
    return FacilityBoard(
        facility=facility,
        standing=standing,
        facts=_facts(facility, standing, loans, as_of),
        tables={
            "base": base_table(facility, borrowing_base(facility, positions)),
            "changes": changes_table(facility, list_changes(actor, facility)),
            "rights": rights_table(facility, positions),
            "positions": positions_table(facility, positions),
            "loans": loans_table(facility, loans, as_of),
            "calls": calls_table(facility, list_calls(actor, facility)),
        },
        is_lender=actor.organisation_id == facility.tenant_id,
    )


def _facts(
    facility: Facility, standing: Standing, loans: Sequence[Loan], as_of: date
) -> list[Fact]:
    cover, currency = standing.cover, facility.currency
    return [
        headroom_fact(facility, standing),
        money_fact(
            _("Exposure"),
            cover.exposure,
            currency,
            note=_("%(share)s of the limit")
            % {"share": formats.percent(cover.exposure / cover.limit)},
        ),
        money_fact(
            _("Lending value"),
            cover.lending_value,
            currency,
            note=_("out of %(market)s at market")
            % {"market": formats.large_money(cover.market_value)},
        ),
        money_fact(_("Limit"), cover.limit, currency, note=facility.get_state_display()),
        cover_fact(facility, standing),
        _maturity_fact(facility, loans, as_of),
    ]


def _maturity_fact(facility: Facility, loans: Sequence[Loan], as_of: date) -> Fact:
    due = next_due(loans)
    if due is None:
        note = _("the facility ends on %(day)s") % {"day": formats.day(facility.matures_on)}
        return Fact(_("Next maturity"), _("none"), note=note)
    return Fact(
        _("Next maturity"),
        formats.day(due.due_on),
        note=f"{due.number}, {formats.days_between(as_of, due.due_on)}",
        tone="bad" if due.due_on < as_of else "",
        href=reverse("portal:loan", args=[due.pk]),
    )


def base_table(facility: Facility, steps: Sequence[Step]) -> Table:
    """Return the borrowing base's steps as numbers."""
    return Table(
        key="base",
        title=_("Borrowing base in numbers"),
        columns=[
            columns.words(_("Step"), "label", sub=lambda step: step.note),
            Column(
                _("Amount"),
                lambda step: step.amount,
                show=formats.statement,
                unit=facility.currency,
                numeric=True,
            ),
        ],
        rows=steps,
        empty=_("Nothing secures this facility yet."),
    )


def changes_table(facility: Facility, changes: Sequence[Change]) -> Table:
    """Every reading of cover that something caused, explained."""
    currency = facility.currency
    return Table(
        key="changes",
        title=_("Why cover moved"),
        columns=[
            columns.moment(_("When"), "at"),
            columns.words(_("Cause"), "text", href=lambda c: c.href, sub=lambda c: c.drift_words),
            columns.change(_("Exposure by"), "exposure_by", currency),
            columns.change(_("Lending value by"), "lending_by", currency),
            columns.amount(_("Exposure"), "exposure", currency, file_only=True),
            columns.amount(_("Lending value"), "lending", currency, file_only=True),
            columns.text(_("Cover"), lambda c: formats.ratio(c.lending, c.exposure)),
            columns.band(_("Band"), "band"),
        ],
        rows=changes,
        empty=_("Cover has not been read yet."),
        first_step=_("The first conversion or payment writes the first reading."),
    )


def sum_rights(positions: Sequence[PositionValue]) -> list[RightSum]:
    """Return the sums by right, in the order of the chain."""
    order = ["order_claim", "floating_mortgage", "pledge", "in_transit", "receivable", "proceeds"]
    pool = sum((p.lending for p in positions), Decimal(0))
    sums = []
    for right in order:
        members = [p for p in positions if p.right == right]
        if members:
            lending = sum((p.lending for p in members), Decimal(0))
            sums.append(
                RightSum(
                    right=right,
                    count=len(members),
                    market=sum((p.market for p in members), Decimal(0)),
                    lending=lending,
                    left_out=sum((p.left_out for p in members), Decimal(0)),
                    share=lending / pool if pool else None,
                )
            )
    return sums


def rights_table(facility: Facility, positions: Sequence[PositionValue]) -> Table:
    """Return the pool by right; each line opens into the positions below."""
    currency = facility.currency
    return Table(
        key="rights",
        title=_("Pool by right"),
        columns=[
            columns.right(_("Right"), "right"),
            columns.count(_("Positions"), "count"),
            columns.amount(_("Market value"), "market", currency),
            columns.share(_("Rate"), "rate"),
            columns.amount(_("Lending value"), "lending", currency),
            columns.meter(_("Share of the pool"), "share"),
        ],
        rows=sum_rights(positions),
        empty=_("Nothing secures this facility yet."),
        first_step=_("Paying a supplier in advance makes the first claim."),
    )


def positions_table(facility: Facility, positions: Sequence[PositionValue]) -> Table:
    """Every live position with its formula."""
    currency = facility.currency
    return Table(
        key="positions",
        title=_("Positions"),
        columns=[
            columns.words(
                _("Position"),
                lambda p: p.item or p.label,
                href=lambda p: reverse("portal:lineage", args=[p.id]),
                sub=lambda p: p.label if p.item else "",
            ),
            columns.right(_("Right"), "right"),
            columns.quantity(_("Remaining"), "remaining", "unit"),
            columns.amount(_("Market value"), "market", currency),
            columns.share(_("Rate"), "rate"),
            columns.amount(_("Lending value"), "lending", currency, exact=formula),
            columns.day(_("Since"), lambda p: p.opened_at.date()),
        ],
        rows=positions,
        empty=_("Nothing secures this facility yet."),
        first_step=_("Paying a supplier in advance makes the first claim."),
    )


def loans_table(facility: Facility, loans: Sequence[Loan], as_of: date) -> Table:
    """Return the facility's loans, each leading to its statement."""
    currency = facility.currency
    return Table(
        key="loans",
        title=_("Loans"),
        columns=[
            columns.text(
                _("Loan"), "number", href=lambda loan: reverse("portal:loan", args=[loan.pk])
            ),
            columns.text(_("Product"), lambda loan: loan.get_product_display()),
            columns.amount(_("Drawn"), "drawn", currency),
            columns.amount(_("Principal owed"), "owed_principal", currency),
            columns.amount(_("Interest and fees owed"), _beside_principal, currency),
            columns.share(_("Rate a year"), "annual_rate"),
            columns.day(
                _("Due"),
                "due_on",
                sub=lambda loan: formats.days_between(as_of, loan.due_on) if owed(loan) else "",
            ),
            columns.state(_("State"), lambda loan: loan.get_state_display()),
        ],
        rows=loans,
        empty=_("No loan has been agreed."),
        first_step=_("Financing an order agrees the first one."),
    )


def _beside_principal(loan: Loan) -> Decimal:
    return owed(loan) - loan.owed_principal


def calls_table(facility: Facility, calls: Sequence[object]) -> Table:
    """Return the facility's margin calls, each leading to its page."""
    return Table(
        key="calls",
        title=_("Margin calls"),
        columns=[
            columns.instant(
                _("Opened"), "opened_at", href=lambda call: reverse("portal:call", args=[call.pk])
            ),
            columns.amount(_("Cash needed"), "cash_needed", facility.currency),
            columns.instant(_("Until"), "due_at"),
            columns.instant(_("Ended"), "cured_at"),
            columns.state(_("State"), state_in_words),
        ],
        rows=calls,
        empty=_("No margin call was ever opened."),
        first_step=_("One opens when exposure passes the watch line."),
    )
