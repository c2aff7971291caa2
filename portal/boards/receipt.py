"""Warehouse receipts: all of them, and one with what it says and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from logistics.models import ReceiptEntry, WarehouseReceipt
from logistics.states import ReceiptState
from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.names import joined, name_of
from portal.queries.receipts import Outside, ReceiptDetail, list_receipts
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ReceiptsBoard:
    """What the page of all receipts shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    may_issue: bool


def receipts_board(actor: Actor, facility: Facility | None, *, may_issue: bool) -> ReceiptsBoard:
    """Return the receipts in view, those that stand at the top of the page in numbers."""
    found = list_receipts(actor, facility)
    standing = [one for one in found if one.state == ReceiptState.ISSUED]
    pledged = sum(getattr(one, "pledged", False) for one in standing)
    held = sum(one.holder_id == actor.organisation_id for one in standing)
    return ReceiptsBoard(
        facts=[
            Fact(_("Standing"), f"{len(standing):,}", note=_("receipts for goods"), tone="lead"),
            Fact(_("Pledged"), f"{pledged:,}", note=_("as far as you may see")),
            Fact(_("In your hands"), f"{held:,}", note=_("held by your house")),
            Fact(
                _("Ended"),
                f"{len(found) - len(standing):,}",
                note=_("split, joined, given back or cancelled"),
            ),
        ],
        tables={"receipts": receipts_table(found)},
        may_issue=may_issue,
    )


def receipts_table(rows: Sequence[WarehouseReceipt]) -> Table:
    """Return warehouse receipts as a table that leads to each."""
    return Table(
        key="receipts",
        title=_("Warehouse receipts"),
        columns=[
            columns.text(
                _("Number"), "number", href=lambda r: reverse("portal:receipt", args=[r.pk])
            ),
            columns.words(_("Goods"), lambda r: joined(name_of(r.lot.item), r.lot.number)),
            columns.quantity(_("Quantity"), "quantity", "lot.item.unit"),
            columns.text(_("Operator"), lambda r: name_of(r.operator)),
            columns.text(_("Holder"), lambda r: name_of(r.holder)),
            columns.day(_("Issued"), "issued_on"),
            columns.state(_("State"), lambda r: str(r.get_state_display())),
            columns.text(_("Pledged"), lambda r: str(_("yes")) if r.pledged else ""),
        ],
        rows=rows,
        empty=_("No warehouse receipt was issued for these goods."),
        first_step=_("The operator of a warehouse issues them for goods that lie there."),
    )


@dataclass(frozen=True, slots=True)
class IssueBoard:
    """What the page for a new receipt shows: its form, and how much may still be papered."""

    facts: list[Fact]
    forms: Sequence[Form]
    tables: dict[str, Table] = field(default_factory=dict)


def issue_board(forms: Sequence[Form], outside: Sequence[Outside]) -> IssueBoard:
    """Return the frame of a new receipt."""
    return IssueBoard(
        facts=[
            Fact(
                _("Lots without a full receipt"),
                f"{len(outside):,}",
                note=_("receipts never stand for more than lies there"),
                tone="lead",
            )
        ],
        forms=forms,
    )


@dataclass(frozen=True, slots=True)
class ReceiptBoard:
    """What the page of one receipt shows; `effect` is what a pledge of it would do to cover."""

    receipt: WarehouseReceipt
    facts: list[Fact]
    said: list[tuple[str, str]]
    tables: dict[str, Table]
    forms: Sequence[Form] = ()
    effect: Sequence[tuple[str, str]] = ()


def receipt_board(
    detail: ReceiptDetail, forms: Sequence[Form] = (), effect: Sequence[tuple[str, str]] = ()
) -> ReceiptBoard:
    """Return one receipt with what its reader may do."""
    receipt = detail.receipt
    unit = receipt.lot.item.unit
    return ReceiptBoard(
        receipt=receipt,
        facts=[
            Fact(_("Stands for"), formats.quantity(receipt.quantity, unit), tone="lead"),
            Fact(_("State"), str(receipt.get_state_display())),
            Fact(_("Holder"), name_of(receipt.holder)),
            Fact(
                _("Pledged"),
                _("yes") if detail.is_pledged else _("no"),
                note=_("to you, as far as you may see"),
            ),
        ],
        said=_said(receipt),
        tables={"tree": _tree(detail), "journal": _journal(detail), "claims": _claims(detail)},
        forms=forms,
        effect=effect,
    )


def _said(receipt: WarehouseReceipt) -> list[tuple[str, str]]:
    """Return what the operator wrote; what was left open is left out."""
    amounts = {
        _("Market value at deposit"): receipt.market_value,
        _("Charges"): receipt.charges,
        _("Operator’s lien"): receipt.operator_lien,
        _("Operator’s advances"): receipt.operator_advances,
        _("Insured sum"): receipt.insured_sum,
    }
    rows = [
        (_("Operator"), joined(name_of(receipt.operator), receipt.operator_licence)),
        (_("Place"), joined(name_of(receipt.site), receipt.place)),
        (_("Issued"), formats.day(receipt.issued_on)),
        (_("Depositor"), name_of(receipt.depositor)),
        (_("Goods due"), str(receipt.get_negotiability_display())),
        (_("Goods"), receipt.description),
        (_("Packages"), f"{receipt.packages:,}" if receipt.packages else ""),
        (_("Marks"), receipt.marks),
        (_("Grade"), receipt.grade),
        (_("Keeps until"), formats.day(receipt.keeps_until) if receipt.keeps_until else ""),
        *(
            (label, f"{formats.money(amount)} {receipt.currency}")
            for label, amount in amounts.items()
            if amount
        ),
        (_("Insurer"), receipt.insurer),
        (_("Signature"), joined(receipt.signature_reference, receipt.signature_hash)),
        (_("Terms"), _flags(receipt)),
    ]
    return [(label, text) for label, text in rows if text]


def _flags(receipt: WarehouseReceipt) -> str:
    flags = {
        _("fungible"): receipt.fungible,
        _("may be commingled"): receipt.may_be_commingled,
        _("may be substituted"): receipt.may_be_substituted,
        _("the operator owns a part"): receipt.operator_owns_part,
    }
    return joined(*(word for word, stands in flags.items() if stands))


@dataclass(frozen=True, slots=True)
class _Branch:
    way: str
    entry: ReceiptEntry
    receipt: WarehouseReceipt


def _tree(detail: ReceiptDetail) -> Table:
    branches = [_Branch(_("Came from"), one, one.receipt) for one in detail.came_from]
    branches += [
        _Branch(_("Went over to"), one, one.other)
        for one in detail.entries
        if one.other is not None
    ]
    unit = detail.receipt.lot.item.unit
    return Table(
        key="tree",
        title=_("Receipts before and after it"),
        columns=[
            columns.text(_("Way"), "way"),
            columns.text(
                _("Number"),
                "receipt.number",
                href=lambda b: reverse("portal:receipt", args=[b.receipt.pk]),
            ),
            columns.quantity(_("Quantity"), "entry.quantity", lambda _branch: unit),
            columns.state(_("State"), lambda b: str(b.receipt.get_state_display())),
        ],
        rows=branches,
        empty=_("It was neither divided nor joined."),
    )


def _journal(detail: ReceiptDetail) -> Table:
    unit = detail.receipt.lot.item.unit
    return Table(
        key="journal",
        title=_("What became of it"),
        columns=[
            columns.instant(_("When"), "happened_at"),
            columns.state(_("What"), lambda e: str(e.get_act_display())),
            columns.quantity(_("Quantity"), "quantity", lambda _entry: unit),
            columns.text(_("From"), lambda e: name_of(e.from_holder) if e.from_holder else ""),
            columns.text(_("To"), lambda e: name_of(e.to_holder) if e.to_holder else ""),
            columns.words(_("Reason"), "reason"),
            columns.text(_("By"), "actor_label"),
        ],
        rows=detail.entries,
        empty=_("Nothing has happened yet."),
    )


def _claims(detail: ReceiptDetail) -> Table:
    return Table(
        key="claims",
        title=_("Claims on it"),
        columns=[
            columns.words(
                _("Position"),
                "position.label",
                href=lambda c: reverse("portal:lineage", args=[c.position_id]),
            ),
            columns.text(_("Lender"), lambda c: name_of(c.position.tenant)),
            columns.instant(_("Since"), "placed_at"),
            columns.instant(_("Used up"), "lifted_at"),
        ],
        rows=detail.claims,
        empty=_("Nothing that you may see rests on this receipt."),
    )
