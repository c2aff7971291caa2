"""Factor a sale: pledged goods leave, the buyer's debt takes their place, the advance is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.money import Money
from factoring.models import Receivable
from factoring.refusals import AdvanceTooHigh, InvoiceAlreadyFinanced
from factoring.rules import ZERO, highest_advance
from factoring.services.acts import leave_trace
from factoring.services.invoices import (
    Invoice,
    InvoiceLine,
    enter_receivable,
    require_sound,
    require_tie,
)
from lending.models import Facility, Loan
from lending.refusals import ProductNotAllowed
from lending.services.accrual import accrue
from lending.services.acts import act_once, person_of, require_lender
from lending.services.loans import agree_loan
from lending.services.refinancing import refinance
from lending.states import Product
from logistics.models import Item
from outbox.services import NewEvent, emit_many
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from parties.services.authority import require_other_person
from pledges.models import Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, covering
from pledges.services.sale import sell


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sale:
    """One request to factor a sale."""

    facility: Facility
    invoice: Invoice
    goods: Sequence[tuple[Position, Decimal]]
    carrier: Organisation
    shipped_at: datetime
    refinances: Sequence[Loan]
    advance: Decimal | None
    maker: Actor
    actor: Actor
    on: date
    now: datetime

    def payload(self) -> dict[str, object]:
        """Return all that was asked, for the memory of the key."""
        invoice = self.invoice
        return {
            "facility": self.facility.pk,
            "invoice": [invoice.normal_number, invoice.debtor.pk, invoice.buyer_order],
            "lines": [[line.item.pk, line.quantity, line.unit_price] for line in invoice.lines],
            "face": invoice.stated,
            "dates": [invoice.issued_on, invoice.due_on, self.on],
            "goods": [[position.pk, quantity] for position, quantity in self.goods],
            "delivery": [self.carrier.pk, invoice.delivery_reference],
            "refinances": [loan.pk for loan in self.refinances],
            "advance": self.advance,
            "maker": self.maker.person_id,
        }


def factor_sale(  # noqa: PLR0913  (an invoice and a shipment have many fields)
    *,
    facility: Facility,
    debtor: Organisation,
    invoice_number: str,
    lines: Sequence[tuple[Item, Decimal, Decimal]],
    issued_on: date,
    due_on: date,
    goods: Sequence[tuple[Position, Decimal]],
    carrier: Organisation,
    delivery_reference: str,
    maker: Actor,
    actor: Actor,
    on: date,
    now: datetime,
    refinances: Sequence[Loan] = (),
    advance: Decimal | None = None,
    face: Decimal | None = None,
    buyer_order: str = "",
    shipped_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> Receivable:
    """Turn pledged goods into the assigned debt of their buyer, all or nothing.

    `actor` approves what `maker` prepared. In one act on cover the invoice (lines of item,
    quantity, unit price; its `face` if stated) is verified against the goods (positions,
    quantities), the goods leave with the carrier, the pledge becomes a receivable, and an advance
    is agreed for the invoice's time, which repays the loans in `refinances`, interest first.

    `advance` is at most face × the facility's rate; unless stated it is what those loans owe, as
    far as that rate reaches. What stays undrawn can be paid to the seller by a disbursement.
    Raises InvoiceAlreadyFinanced (neutral; an event tells both lenders), InvoiceUnsound,
    InvoicePastDue, InvoiceDoesNotAdd, InvoiceDoesNotTie, AdvanceTooHigh, SamePerson,
    BeyondAuthority, ProductNotAllowed, AboveLimit, WouldUncover.
    """
    sale = _Sale(
        facility=facility,
        invoice=Invoice(
            number=invoice_number,
            debtor=debtor,
            buyer_order=buyer_order,
            lines=[InvoiceLine(*line) for line in lines],
            issued_on=issued_on,
            due_on=due_on,
            delivery_reference=delivery_reference,
            stated=face,
        ),
        goods=goods,
        carrier=carrier,
        shipped_at=now if shipped_at is None else shipped_at,
        refinances=refinances,
        advance=advance,
        maker=maker,
        actor=actor,
        on=on,
        now=now,
    )
    try:
        return _factor_once(sale, idempotency_key)
    except InvoiceAlreadyFinanced:
        _alert(sale)  # after the roll-back: the refusal changes nothing, but somebody should look
        raise


def _factor_once(sale: _Sale, key: str | None) -> Receivable:
    with act_once(
        service="factor_sale",
        tenant_id=sale.facility.tenant_id,
        key=key,
        payload=sale.payload(),
        now=sale.now,
    ) as once:
        if once.replayed:
            return Receivable.objects.get(pk=once.response["receivable"])
        with covering(
            facility_id=sale.facility.pk,
            cause="sell",
            actor=sale.actor,
            on=sale.on,
            now=sale.now,
        ) as act:
            receivable = _factor(sale, act)
        once.store({"receivable": receivable.pk})
        return receivable


def _factor(sale: _Sale, act: CoverAct) -> Receivable:
    facility = act.facility
    maker_id, checker_id = _require_hands(sale, facility)
    if Product.FACTORING not in facility.products:
        raise ProductNotAllowed.of(facility, Product.FACTORING)
    face = require_sound(sale.invoice, facility=facility, on=sale.on)
    require_tie(sale.invoice, sale.goods)
    receivable = enter_receivable(
        sale.invoice, facility=facility, face=face, maker_id=maker_id, checker_id=checker_id
    )
    receivable.position = _sell(sale, act, receivable)
    receivable.loan = _advance(sale, facility, face)
    receivable.assign()
    receivable.save(update_fields=["position", "loan", "state"])
    _trace(sale, receivable)
    return receivable


def _require_hands(sale: _Sale, facility: Facility) -> tuple[int, int]:
    """Return the maker's and the checker's ids; the advance needs the checker's authority, too."""
    maker_id = person_of(sale.maker, _("Preparing a sale"))
    checker_id = person_of(sale.actor, _("Approving a sale"))
    require_lender(sale.maker, facility, Role.PREPARER)
    require_lender(sale.actor, facility, Role.APPROVER)
    require_other_person(sale.actor, maker_id=maker_id)
    return maker_id, checker_id


def _sell(sale: _Sale, act: CoverAct, receivable: Receivable) -> Position:
    details = {
        "debtor": receivable.debtor.name,
        "face": str(receivable.face),
        "due_on": receivable.due_on.isoformat(),
        "buyer_order": receivable.buyer_order,
        "delivery": receivable.delivery_reference,
    }
    return sell(
        act=act,
        goods=[Take(position.pk, quantity) for position, quantity in sale.goods],
        face=receivable.face,
        advance_rate=receivable.advance_rate,
        label=f"{receivable.invoice_number}, {receivable.debtor.name}",
        carrier=sale.carrier,
        shipment_reference=receivable.delivery_reference,
        occurred_at=sale.shipped_at,
        evidence=Evidence("assigned_invoice", receivable.invoice_number, details),
    )


def _advance(sale: _Sale, facility: Facility, face: Decimal) -> Loan | None:
    """Agree the advance and repay the old loans with it; None if nothing is advanced."""
    owed = _owed(sale, facility)
    highest = highest_advance(face, facility.receivable_advance_rate, facility.currency)
    principal = min(owed, highest) if sale.advance is None else sale.advance
    _require_within(principal, highest, facility.currency)
    if principal == 0:
        return None
    loan = agree_loan(
        facility=facility,
        product=Product.FACTORING,
        principal=principal,
        due_on=sale.invoice.due_on,
        refinances=sale.refinances,
        on=sale.on,
        actor=sale.actor,
        now=sale.now,
    )
    if owed:
        refinance(
            new_loan=loan,
            amount=min(principal, owed),
            old_loans=sale.refinances,
            on=sale.on,
            maker=sale.maker,
            actor=sale.actor,
            now=sale.now,
        )
        loan.refresh_from_db()
    return loan


def _owed(sale: _Sale, facility: Facility) -> Decimal:
    """Return what the loans to be refinanced owe, interest of this day included."""
    if not sale.refinances:
        return ZERO
    accrue(
        through=sale.on,
        tenant_id=facility.tenant_id,
        facility_ids=[facility.pk],
        actor=sale.actor,
        now=sale.now,
    )
    loans = facility.loans.filter(pk__in=[loan.pk for loan in sale.refinances])
    return sum((loan.owed_total for loan in loans), ZERO)


def _require_within(advance: Decimal, highest: Decimal, currency: str) -> None:
    if advance <= highest:
        return
    raise AdvanceTooHigh(
        message=_("the invoice lends up to %(highest)s, asked %(asked)s, too much by %(above)s")
        % {
            "highest": Money(highest, currency),
            "asked": Money(advance, currency),
            "above": Money(advance - highest, currency),
        },
        field="advance",
        numbers={"highest": highest, "asked": advance, "above": advance - highest},
    )


def _trace(sale: _Sale, receivable: Receivable) -> None:
    leave_trace(
        receivable,
        action="factor_sale",
        topic="receivable_assigned",
        detail={
            "invoice": receivable.invoice_number,
            "debtor": receivable.debtor.code,
            "face": receivable.face,
            "due_on": receivable.due_on,
            "loan": receivable.loan.number if receivable.loan else None,
            "advanced": receivable.loan.drawn if receivable.loan else ZERO,
        },
        tenant_id=receivable.tenant_id,
        actor=sale.actor,
        now=sale.now,
        on=sale.on,
    )


def _alert(sale: _Sale) -> None:
    """Tell both lenders that an invoice was offered twice, neither of them about the other."""
    seller = sale.facility.borrower
    first = Receivable.objects.filter(
        seller=seller, normal_number=sale.invoice.normal_number
    ).first()
    tenants = {sale.facility.tenant_id} | ({first.tenant_id} if first else set())
    with transaction.atomic():
        emit_many(
            [
                NewEvent(
                    topic="factoring.invoice_offered_twice",
                    aggregate="parties.organisation",
                    aggregate_id=seller.pk,
                    tenant_id=tenant_id,
                    payload={"seller": seller.code, "invoice": sale.invoice.number},
                )
                for tenant_id in sorted(tenants)
            ],
            now=sale.now,
        )
