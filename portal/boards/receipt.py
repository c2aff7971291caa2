"""One warehouse receipt: what it says, what became of it, what it came from."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from logistics.models import ReceiptEntry, WarehouseReceipt
from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.names import joined, name_of
from portal.queries.receipts import ReceiptDetail, get_receipt
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ReceiptBoard:
    """What the page shows."""

    receipt: WarehouseReceipt
    facts: list[Fact]
    said: list[tuple[str, str]]
    tables: dict[str, Table]


def receipt_board(actor: Actor, receipt_id: int) -> ReceiptBoard:
    """Return one receipt; 404 for strangers."""
    detail = get_receipt(actor, receipt_id)
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
                _("yes") if any(one.lifted_at is None for one in detail.claims) else _("no"),
                note=_("to you, as far as you may see"),
            ),
        ],
        said=_said(receipt),
        tables={"tree": _tree(detail), "journal": _journal(detail), "claims": _claims(detail)},
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
        (_("Due"), str(receipt.get_negotiability_display())),
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
