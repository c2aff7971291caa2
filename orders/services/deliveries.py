"""Record what came in on an order: goods enter the site's lots, claims turn into goods."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from common.idempotency import claim
from common.money import minor_step
from logistics.hooks import Movement, goods_moving
from logistics.models import Item, Lot
from logistics.rules.quantities import show
from logistics.services.lots import require_quantity
from logistics.services.stock import Received, receive_delivery
from logistics.states import StockActKind
from orders.models import (
    Delivery,
    DeliveryLine,
    OrderClaim,
    OrderFinancing,
    OrderLine,
    PurchaseOrder,
)
from orders.refusals import NotAwaitingGoods, OrderChanged, OverDelivery, UnknownItem
from orders.rules import ZERO, discharged, value_received
from orders.services.acts import leave_trace, lock_order, require_one_of
from orders.states import AWAITING_GOODS, OrderState
from parties.actors import Actor
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, covering
from pledges.services.order_claims import deliver


class Receipt(NamedTuple):
    """One lot that came in: so much of an item, with the share of its quality that is missing."""

    item: Item
    lot_number: str
    quantity: Decimal
    quality_deduction: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Report:
    """A goods-received report as it was made."""

    receipts: Sequence[Receipt]
    reference: str
    occurred_at: datetime
    on: date
    actor: Actor
    now: datetime


def record_delivery(
    *,
    order: PurchaseOrder,
    receipts: Sequence[tuple[Item, str, Decimal, Decimal]],
    reference: str,
    occurred_at: datetime,
    on: date,
    actor: Actor,
    now: datetime,
) -> Delivery:
    """Take a delivery (item, lot number, quantity, quality deduction) in, in full or in part.

    The goods enter the site's lots as the buyer's. If the order is financed they come under the
    floating mortgage in the same act and discharge the claims on the supplier in the proportion
    of value received to value awaited; what completes the order takes what remains of them.
    The site's operator reports, or the lender in its name. The same reference again returns the
    first delivery. Raises UnknownItem, OverDelivery with the numbers, NotAwaitingGoods,
    OrderChanged, NotYourOrder, IdempotencyKeyReused, WouldUncover, and what logistics refuses.
    """
    report = _Report(
        [Receipt(*receipt) for receipt in receipts], reference.strip(), occurred_at, on, actor, now
    )
    with transaction.atomic():
        financing = OrderFinancing.objects.filter(order=order).first()
        _require_reporter(order, financing, actor)
        once = claim(
            scope=f"record_delivery:{order.pk}",
            key=report.reference,
            payload=_payload(report),
            now=now,
        )
        if once.replayed:
            return Delivery.objects.get(pk=once.response["delivery"])
        with _act(order, financing, report) as act:
            delivery = _record(lock_order(order.pk), report, act)
        once.store({"delivery": delivery.pk})
        return delivery


def _require_reporter(order: PurchaseOrder, financing: OrderFinancing | None, actor: Actor) -> None:
    tenant_id = financing.tenant_id if financing else None
    require_one_of(actor, order, order.deliver_to.operator_id, tenant_id)


@contextmanager
def _act(
    order: PurchaseOrder, financing: OrderFinancing | None, report: _Report
) -> Iterator[CoverAct | None]:
    """Open an act on the cover of the facility behind the order, if there is one."""
    if financing is None:
        # The goods may come under a mortgage: its facility is locked before the order is.
        with goods_moving(movement=_movement(order, report), actor=report.actor, now=report.now):
            yield None
        return
    with covering(
        facility_id=financing.facility_id,
        cause="deliver",
        actor=report.actor,
        on=report.on,
        now=report.now,
    ) as act:
        yield act


def _movement(order: PurchaseOrder, report: _Report) -> Movement:
    return Movement(
        kind=StockActKind.RECEIVED,
        owners=frozenset([order.buyer_id]),
        items=frozenset(one.item.pk for one in report.receipts),
        sites=frozenset([order.deliver_to_id]),
        leaving={},
        reference=report.reference,
        occurred_at=report.occurred_at,
    )


def _payload(report: _Report) -> dict[str, object]:
    return {
        "occurred_at": report.occurred_at,
        "receipts": [
            [one.item.pk, one.lot_number, one.quantity, one.quality_deduction]
            for one in report.receipts
        ],
    }


def _record(order: PurchaseOrder, report: _Report, act: CoverAct | None) -> Delivery:
    _require_awaiting(order, act)
    lines = {line.item_id: line for line in order.lines.select_related("item")}
    arriving = _arriving(lines, report.receipts)
    awaited = _value_open(order, lines)
    lots = receive_delivery(
        site=order.deliver_to,
        owner=order.buyer,
        lines=[
            Received(
                item=one.item,
                lot_number=one.lot_number,
                quantity=one.quantity,
                quality_deduction=one.quality_deduction,
            )
            for one in report.receipts
        ],
        source=order.deliver_to.operator,
        reference=report.reference,
        occurred_at=report.occurred_at,
        evidence={"order": order.number, "supplier": order.supplier.name},
        actor=report.actor,
        now=report.now,
    )
    delivery = _write(order, report, lines, lots)
    if act is not None:
        still_open = _value_open(order, lines)
        _convert(act, order, report, lots, arriving=awaited - still_open, awaited=awaited)
    if all(line.received == line.quantity for line in lines.values()):
        order.deliver()
        order.save(update_fields=["state"])
    _trace(delivery, order, arriving, act, report)
    return delivery


def _require_awaiting(order: PurchaseOrder, act: CoverAct | None) -> None:
    if order.state not in AWAITING_GOODS:
        raise NotAwaitingGoods(
            message=_("%(order)s is %(state)s: nothing more is awaited on it")
            % {"order": order.number, "state": OrderState(order.state).label},
            field="order",
        )
    if act is None and order.state == OrderState.FINANCED:
        # Its facility must be locked before the order; here it would come after.
        raise OrderChanged(
            message=_("%s was just financed: send the report again") % order.number, field="order"
        )


def _arriving(lines: dict[int, OrderLine], receipts: Sequence[Receipt]) -> dict[OrderLine, Decimal]:
    """Return what arrives by line; refuse what was not ordered or is too much."""
    arriving: dict[OrderLine, Decimal] = {}
    for one in receipts:
        line = lines.get(one.item.pk)
        if line is None:
            raise UnknownItem(message=_("%s was not ordered") % one.item, field="item", numbers={})
        quantity = require_quantity(one.quantity, item=one.item)
        arriving[line] = arriving.get(line, ZERO) + quantity
    for line, quantity in arriving.items():
        _require_awaited(line, quantity)
    return arriving


def _require_awaited(line: OrderLine, quantity: Decimal) -> None:
    figures = {
        "ordered": line.quantity,
        "received": line.received,
        "asked": quantity,
        "over": line.received + quantity - line.quantity,
    }
    if figures["over"] <= 0:
        return
    shown = {name: show(value, line.item.unit) for name, value in figures.items()}
    raise OverDelivery(
        message=_(
            "%(item)s: ordered %(ordered)s, received before %(received)s, now %(asked)s, "
            "over by %(over)s"
        )
        % {"item": line.item, **shown},
        field="quantity",
        numbers=figures,
    )


def _value(order: PurchaseOrder, line: OrderLine) -> Decimal:
    return value_received(
        line.amount, ordered=line.quantity, received=line.received, currency=order.currency
    )


def _value_open(order: PurchaseOrder, lines: dict[int, OrderLine]) -> Decimal:
    """Return the value of what is still awaited, at the order's prices."""
    return sum((line.amount - _value(order, line) for line in lines.values()), ZERO)


def _write(
    order: PurchaseOrder, report: _Report, lines: dict[int, OrderLine], lots: Sequence[Lot]
) -> Delivery:
    """Write the delivery and its lines, and raise what was received."""
    delivery = Delivery.objects.create(
        order=order,
        reference=report.reference,
        occurred_at=report.occurred_at,
        received_on=report.on,
        recorded_at=report.now,
        actor_label=report.actor.label,
    )
    rows = []
    for receipt, lot in zip(report.receipts, lots, strict=True):
        line = lines[receipt.item.pk]
        before = _value(order, line)
        line.received += receipt.quantity
        value = _value(order, line) - before
        rows.append(
            DeliveryLine(
                delivery=delivery, line=line, lot=lot, quantity=receipt.quantity, value=value
            )
        )
    DeliveryLine.objects.bulk_create(rows)
    OrderLine.objects.bulk_update(lines.values(), ["received"])
    return delivery


def _convert(
    act: CoverAct,
    order: PurchaseOrder,
    report: _Report,
    lots: Sequence[Lot],
    *,
    arriving: Decimal,
    awaited: Decimal,
) -> None:
    """Turn the claims' share into a floating mortgage on the goods."""
    step = minor_step(order.currency)
    claims = OrderClaim.objects.filter(
        stage__financing__order=order, position__remaining__gt=0
    ).select_related("position")
    takes = [
        Take(
            one.position_id,
            discharged(one.position.remaining, arriving=arriving, awaited=awaited, step=step),
        )
        for one in claims.order_by("stage__sequence", "pk")
    ]
    deliver(
        act=act,
        claims=[one for one in takes if one.quantity > 0],
        lots=[(lot, receipt.quantity) for lot, receipt in zip(lots, report.receipts, strict=True)],
        evidence=Evidence(
            "goods_received",
            report.reference,
            {"order": order.number, "site": order.deliver_to.name},
        ),
    )


def _trace(
    delivery: Delivery,
    order: PurchaseOrder,
    arriving: dict[OrderLine, Decimal],
    act: CoverAct | None,
    report: _Report,
) -> None:
    leave_trace(
        delivery,
        action="record_delivery",
        topic="delivery_recorded",
        detail={
            "order": order.number,
            "reference": delivery.reference,
            "received": {line.item.code: quantity for line, quantity in arriving.items()},
            "complete": order.state == OrderState.DELIVERED,
        },
        tenant_id=act.facility.tenant_id if act else None,
        actor=report.actor,
        now=report.now,
        on=report.on,
    )
