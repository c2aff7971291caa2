"""Place an order, call it off, end it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.money import Money
from lending.services.acts import act_once
from logistics.models import Item, Site
from logistics.services.lots import require_quantity
from orders.models import OrderFinancing, OrderLine, PurchaseOrder
from orders.refusals import (
    AmountsDoNotTie,
    GoodsReceived,
    OrderNumberTaken,
    OrderUnsound,
    PriceNotPossible,
    StagesUnpaid,
)
from orders.rules import ZERO, is_price, line_amount
from orders.services.acts import leave_trace, lock_order, require_one_of
from orders.states import StageState
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind, Role
from parties.services.authority import require_role


class Ordered(NamedTuple):
    """One line to be ordered: so much of an item, at a price in the order's currency."""

    item: Item
    quantity: Decimal
    unit_price: Decimal


def place_order(  # noqa: PLR0913  (an order has many fields)
    *,
    number: str,
    buyer: Organisation,
    supplier: Organisation,
    deliver_to: Site,
    currency: str,
    lines: Sequence[tuple[Item, Decimal, Decimal]],
    deliver_by: date,
    on: date,
    actor: Actor,
    now: datetime,
    run: str = "",
    amount: Decimal | None = None,
    idempotency_key: str | None = None,
) -> PurchaseOrder:
    """Place an order of lines (item, quantity, unit price) and return it.

    A line costs quantity × price, halves up; `amount`, if the document states one, must be their
    sum. The buyer's people place orders, a lender's may write them down. Raises OrderUnsound,
    PriceNotPossible, QuantityNotPossible, AmountsDoNotTie, OrderNumberTaken, NotYourOrder.
    """
    order = PurchaseOrder(
        number=number.strip(),
        run=run.strip(),
        buyer=buyer,
        supplier=supplier,
        deliver_to=deliver_to,
        currency=currency,
        deliver_by=deliver_by,
    )
    ordered = [Ordered(*line) for line in lines]
    require_role(actor, Role.PREPARER, Role.APPROVER, Role.OPERATIONS)
    _require_writer(actor, order)
    with act_once(
        service="place_order",
        tenant_id=buyer.pk,
        key=idempotency_key,
        payload=_payload(order, ordered, amount),
        now=now,
    ) as once:
        if once.replayed:
            return PurchaseOrder.objects.get(pk=once.response["order"])
        _require_sound(order, ordered, on)
        _place(order, ordered, amount, on=on)
        _trace(order, "place_order", "order_placed", tenant_id=None, actor=actor, now=now, on=on)
        once.store({"order": order.pk})
        return order


def _payload(
    order: PurchaseOrder, lines: Sequence[Ordered], stated: Decimal | None
) -> dict[str, object]:
    return {
        "number": order.number,
        "run": order.run,
        "buyer": order.buyer_id,
        "supplier": order.supplier_id,
        "deliver_to": order.deliver_to_id,
        "currency": order.currency,
        "lines": [[line.item.pk, line.quantity, line.unit_price] for line in lines],
        "deliver_by": order.deliver_by,
        "amount": stated,
    }


def _require_writer(actor: Actor, order: PurchaseOrder) -> None:
    if actor.organisation_kind != OrganisationKind.LENDER:
        require_one_of(actor, order, order.buyer_id)


def _require_sound(order: PurchaseOrder, lines: Sequence[Ordered], on: date) -> None:
    if not order.number or not lines:
        raise OrderUnsound(message=_("An order has a number and a line."), field="lines")
    if order.supplier_id == order.buyer_id:
        raise OrderUnsound(message=_("Nobody orders from themselves."), field="supplier")
    if order.deliver_by < on:
        raise OrderUnsound(
            message=_("To be delivered by %(by)s, before it is placed on %(on)s.")
            % {"by": order.deliver_by, "on": on},
            field="deliver_by",
        )
    if len({line.item.pk for line in lines}) != len(lines):
        raise OrderUnsound(message=_("An order names each item once."), field="lines")
    for line in lines:
        require_quantity(line.quantity, item=line.item)
        if not is_price(line.unit_price):
            raise PriceNotPossible(
                message=_("%(item)s: a price is more than zero, with at most 8 decimals.")
                % {"item": line.item.code},
                field="unit_price",
                numbers={"unit_price": line.unit_price},
            )


def _place(
    order: PurchaseOrder, lines: Sequence[Ordered], stated: Decimal | None, *, on: date
) -> None:
    amounts = [line_amount(line.quantity, line.unit_price, order.currency) for line in lines]
    order.amount = sum(amounts, ZERO)
    if min(amounts) <= 0:
        raise OrderUnsound(message=_("A line costs at least the smallest coin."), field="lines")
    _require_tie(order, stated)
    taken = OrderNumberTaken(
        message=_("%(buyer)s has an order %(number)s already.")
        % {"buyer": order.buyer, "number": order.number},
        field="number",
    )
    with constraint_refusals({"order_number_unique": taken}):
        order.save(force_insert=True)
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            item=line.item,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount=amount,
        )
        for line, amount in zip(lines, amounts, strict=True)
    )
    order.place(on=on)
    order.save(update_fields=["state", "placed_on"])


def _require_tie(order: PurchaseOrder, stated: Decimal | None) -> None:
    if stated is None or stated == order.amount:
        return
    raise AmountsDoNotTie(
        message=_("the lines make %(lines)s, the order says %(stated)s: off by %(off)s")
        % {
            "lines": Money(order.amount, order.currency),
            "stated": Money(stated, order.currency),
            "off": Money(abs(stated - order.amount), order.currency),
        },
        field="amount",
        numbers={"lines": order.amount, "stated": stated, "off": stated - order.amount},
    )


def cancel_order(
    *, order: PurchaseOrder, reason: str, actor: Actor, now: datetime
) -> PurchaseOrder:
    """Call an order off that is neither financed nor received in part.

    Raises GoodsReceived, TransitionRefused, NotYourOrder.
    """
    with transaction.atomic():
        locked = lock_order(order.pk)
        require_one_of(actor, locked, locked.buyer_id)
        if locked.lines.filter(received__gt=0).exists():
            raise GoodsReceived(message=_("Goods were received on %s.") % locked.number)
        locked.cancel()
        locked.save(update_fields=["state"])
        _trace(
            locked,
            "cancel_order",
            "order_cancelled",
            tenant_id=None,
            actor=actor,
            now=now,
            reason=reason,
        )
        return locked


def close_order(*, order: PurchaseOrder, actor: Actor, now: datetime) -> PurchaseOrder:
    """End an order that is delivered in full and, if it was financed, paid in every stage.

    Raises StagesUnpaid with their number, TransitionRefused, NotYourOrder.
    """
    with transaction.atomic():
        locked = lock_order(order.pk)
        financing: OrderFinancing | None = getattr(locked, "financing", None)
        tenant_id = financing.tenant_id if financing else None
        require_one_of(actor, locked, locked.buyer_id, tenant_id)
        if financing:
            _require_paid(financing)
        locked.close()
        locked.save(update_fields=["state"])
        _trace(locked, "close_order", "order_closed", tenant_id=tenant_id, actor=actor, now=now)
        return locked


def _require_paid(financing: OrderFinancing) -> None:
    unpaid = financing.stages.exclude(state=StageState.PAID).count()
    if unpaid:
        raise StagesUnpaid(
            message=_("%(count)s stages of %(order)s are not paid.")
            % {"count": unpaid, "order": financing.order.number},
            numbers={"unpaid": unpaid},
        )


def _trace(
    order: PurchaseOrder,
    action: str,
    topic: str,
    *,
    tenant_id: int | None,
    actor: Actor,
    now: datetime,
    on: date | None = None,
    reason: str = "",
) -> None:
    detail = {"order": order.number, "supplier": order.supplier.code, "amount": order.amount}
    leave_trace(
        order,
        action=action,
        topic=topic,
        detail=detail,
        tenant_id=tenant_id,
        actor=actor,
        now=now,
        on=on,
        reason=reason,
    )
