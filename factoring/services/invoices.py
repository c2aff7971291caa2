"""Verify an invoice: sound in itself, tied to the goods that leave, and not financed before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.money import Money
from factoring.models import Receivable, ReceivableLine
from factoring.refusals import (
    InvoiceAlreadyFinanced,
    InvoiceDoesNotAdd,
    InvoiceDoesNotTie,
    InvoicePastDue,
    InvoiceUnsound,
)
from factoring.rules import (
    ZERO,
    Gap,
    gaps,
    is_price,
    line_amount,
    normal_invoice_number,
    quantities_by_item,
)
from lending.models import Facility
from logistics.models import Item
from logistics.rules.quantities import show
from logistics.services.lots import require_quantity
from parties.models import Organisation
from pledges.models import Position

NUMBER_LENGTH = 60


class InvoiceLine(NamedTuple):
    """One line of an invoice: so much of an item, at a price in the invoice's currency."""

    item: Item
    quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice as the seller wrote it; `stated` is the amount it says to be due, if it does."""

    number: str
    debtor: Organisation
    buyer_order: str
    lines: Sequence[InvoiceLine]
    issued_on: date
    due_on: date
    delivery_reference: str
    stated: Decimal | None = None

    @property
    def normal_number(self) -> str:
        """Return the one spelling under which the invoice counts."""
        return normal_invoice_number(self.number)

    def amounts(self, currency: str) -> list[Decimal]:
        """Return what each line makes."""
        return [line_amount(line.quantity, line.unit_price, currency) for line in self.lines]


def require_sound(invoice: Invoice, *, facility: Facility, on: date) -> Decimal:
    """Check what an invoice says of itself and return its face, the sum of its lines.

    Raises InvoiceUnsound, InvoicePastDue, InvoiceDoesNotAdd, QuantityNotPossible.
    """
    _require_form(invoice, facility, on)
    for line in invoice.lines:
        require_quantity(line.quantity, item=line.item)
        if not is_price(line.unit_price):
            raise InvoiceUnsound(
                message=_("%(item)s: a price is more than zero, with at most 8 decimals.")
                % {"item": line.item.code},
                field="unit_price",
            )
    amounts = invoice.amounts(facility.currency)
    if min(amounts) <= 0:
        raise InvoiceUnsound(message=_("A line makes at least the smallest coin."), field="lines")
    face = sum(amounts, ZERO)
    if invoice.stated is not None and invoice.stated != face:
        raise InvoiceDoesNotAdd(
            message=_("the lines make %(lines)s, the invoice says %(stated)s: off by %(off)s")
            % {
                "lines": Money(face, facility.currency),
                "stated": Money(invoice.stated, facility.currency),
                "off": Money(abs(invoice.stated - face), facility.currency),
            },
            field="face",
            numbers={"lines": face, "stated": invoice.stated, "off": invoice.stated - face},
        )
    return face


def _require_form(invoice: Invoice, facility: Facility, on: date) -> None:
    if not 0 < len(invoice.normal_number) <= NUMBER_LENGTH or not invoice.lines:
        raise InvoiceUnsound(
            message=_("An invoice has a number of at most %(most)s signs, and a line.")
            % {"most": NUMBER_LENGTH},
            field="invoice_number",
        )
    if invoice.debtor.pk == facility.borrower_id:
        raise InvoiceUnsound(message=_("Nobody sells to themselves."), field="debtor")
    if invoice.issued_on > on or invoice.due_on < invoice.issued_on:
        raise InvoiceUnsound(
            message=_("issued on %(issued)s and due on %(due)s: not possible on %(on)s")
            % {"issued": invoice.issued_on, "due": invoice.due_on, "on": on},
            field="issued_on",
        )
    if invoice.due_on <= on:
        raise InvoicePastDue(
            message=_("due on %(due)s, and it is %(on)s") % {"due": invoice.due_on, "on": on},
            field="due_on",
            numbers={"due_on": invoice.due_on, "on": on},
        )


def require_tie(invoice: Invoice, goods: Sequence[tuple[Position, Decimal]]) -> None:
    """Refuse an invoice whose quantities are not those of the goods that leave, item by item.

    Raises InvoiceDoesNotTie with the numbers of every item that is off.
    """
    leaving = [
        (position.lot.item_id, quantity) for position, quantity in goods if position.lot is not None
    ]
    found = gaps(
        invoiced=quantities_by_item((line.item.pk, line.quantity) for line in invoice.lines),
        leaving=quantities_by_item(leaving),
    )
    if not found:
        return
    items = Item.objects.in_bulk([gap.item_id for gap in found])
    raise InvoiceDoesNotTie(
        message="; ".join(_complaint(gap, items[gap.item_id]) for gap in found),
        field="lines",
        numbers={f"{items[gap.item_id].code}.off": gap.off for gap in found},
    )


def _complaint(gap: Gap, item: Item) -> str:
    figures = {"invoiced": gap.invoiced, "leaving": gap.leaving, "off": abs(gap.off)}
    shown = {name: show(value, item.unit) for name, value in figures.items()}
    text = (
        _("%(item)s: invoiced %(invoiced)s, leaving %(leaving)s, %(off)s too many")
        if gap.off > 0
        else _("%(item)s: invoiced %(invoiced)s, leaving %(leaving)s, %(off)s too few")
    )
    return text % {"item": item, **shown}


def enter_receivable(
    invoice: Invoice, *, facility: Facility, face: Decimal, maker_id: int, checker_id: int
) -> Receivable:
    """Write the verified invoice down, once for all lenders.

    Raises InvoiceAlreadyFinanced in neutral words; the database decides between two at once.
    """
    receivable = Receivable(
        tenant_id=facility.tenant_id,
        facility=facility,
        seller_id=facility.borrower_id,
        debtor=invoice.debtor,
        invoice_number=invoice.number.strip(),
        normal_number=invoice.normal_number,
        buyer_order=invoice.buyer_order.strip(),
        delivery_reference=invoice.delivery_reference,
        face=face,
        currency=facility.currency,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        advance_rate=facility.receivable_advance_rate,
        maker_id=maker_id,
        checker_id=checker_id,
    )
    financed = InvoiceAlreadyFinanced(
        message=_("Invoice %(number)s of %(seller)s is financed already.")
        % {"number": receivable.invoice_number, "seller": facility.borrower},
        field="invoice_number",
    )
    with constraint_refusals({"invoice_financed_once": financed}):
        receivable.save(force_insert=True)
    ReceivableLine.objects.bulk_create(
        ReceivableLine(
            receivable=receivable,
            item=line.item,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount=amount,
        )
        for line, amount in zip(invoice.lines, invoice.amounts(facility.currency), strict=True)
    )
    return receivable
