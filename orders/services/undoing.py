"""Take a delivery back that was reported by mistake: goods, claims and quantities as before it."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.money import Money
from lending.refusals import ReasonMissing
from lending.services.acts import person_of
from logistics.rules.quantities import show
from logistics.services.acts import reported_act
from logistics.services.reversal import reverse_act
from orders.models import (
    Delivery,
    DeliveryReversal,
    OrderClaim,
    OrderFinancing,
    OrderLine,
    PaymentStage,
    PurchaseOrder,
)
from orders.refusals import DeliveryNotReversible, StandsOnDelivery
from orders.services.acts import leave_trace, lock_order, require_one_of
from orders.states import INSTRUCTED, OrderState, StageState, StageTrigger
from parties.actors import Actor
from parties.services.authority import require_other_person
from pledges.models import Conversion
from pledges.services.cover import CoverAct, covering
from pledges.services.reversal import reverse
from pledges.states import ConversionKind, Right


def reverse_delivery(
    *,
    delivery: Delivery,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> DeliveryReversal:
    """Take a mistaken delivery back: its goods leave the lots, what they discharged is owed again.

    The act's actor is the checker, another person than the maker: the lender's where the order is
    financed, else one of the site's operator. The last delivery of the order goes back first, and
    no payment may stand on it. Raises StandsOnDelivery with the numbers, DeliveryNotReversible,
    SamePerson, ReasonMissing, NotYourOrder, NotFree when the goods are no longer there, and what
    `pledges.services.reversal.reverse` raises.
    """
    checker_id = person_of(actor, _("Taking a delivery back"))
    require_other_person(actor, maker_id=maker_id)
    if not reason.strip():
        raise ReasonMissing.of("reason")
    financing = OrderFinancing.objects.filter(order=delivery.order_id).first()
    words = (maker_id, reason.strip())
    with transaction.atomic():
        if financing is None:
            require_one_of(actor, delivery.order, delivery.order.deliver_to.operator_id)
            order = _lock(delivery, on)
            reversal = _record(delivery, words, checker_id, on, now)
        else:
            with covering(
                facility_id=financing.facility_id, cause="reverse", actor=actor, on=on, now=now
            ) as act:
                require_one_of(actor, delivery.order, financing.tenant_id)
                order = _lock(delivery, on)
                reversal = _record(delivery, words, checker_id, on, now)
                _give_claims_back(act, order, delivery, words)
        reverse_act(
            act=reported_act(source=order.deliver_to.operator, reference=delivery.reference),
            reason=reason,
            actor=actor,
            now=now,
        )
        _await_again(order, delivery)
        _trace(reversal, order, financing, actor)
        return reversal


def take_delivery_back(
    *,
    conversion: Conversion,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> DeliveryReversal:
    """Take back the delivery that a conversion was: see `reverse_delivery`."""
    told = conversion.evidence
    delivery = Delivery.objects.filter(
        order__financing__facility=conversion.facility_id,
        order__number=told["order"],
        reference=told["reference"],
    ).first()
    if delivery is None:
        raise _not_reversible(_("%s is not of a delivery.") % conversion)
    return reverse_delivery(
        delivery=delivery,
        maker_id=maker_id,
        reason=reason,
        on=on,
        actor=actor,
        now=now,
    )


def _lock(delivery: Delivery, on: date) -> PurchaseOrder:
    order = lock_order(delivery.order_id)
    if order.state not in (OrderState.PLACED, OrderState.FINANCED, OrderState.DELIVERED):
        raise _not_reversible(
            _("%(order)s is %(state)s")
            % {"order": order.number, "state": OrderState(order.state).label}
        )
    if on < delivery.received_on:
        raise _not_reversible(_("The goods came in on %s.") % delivery.received_on)
    _require_last(order, delivery)
    _require_unpaid(order, delivery)
    return order


def _not_reversible(why: str) -> DeliveryNotReversible:
    return DeliveryNotReversible(message=why, field="delivery")


def _require_last(order: PurchaseOrder, delivery: Delivery) -> None:
    later = order.deliveries.standing().filter(pk__gt=delivery.pk).order_by("-pk").first()
    if later is None:
        return
    brought = {line.line.item: line.quantity for line in later.lines.select_related("line__item")}
    shown = ", ".join(f"{item}: {show(quantity, item.unit)}" for item, quantity in brought.items())
    raise StandsOnDelivery(
        message=_("%(later)s came in after it (%(goods)s): take that back first")
        % {"later": later.reference, "goods": shown},
        field="delivery",
        numbers={f"{item.code}.later": quantity for item, quantity in brought.items()},
    )


def _require_unpaid(order: PurchaseOrder, delivery: Delivery) -> None:
    """Refuse while a payment stands on it: one on receipt, or one whose claim it cut."""
    stages = PaymentStage.objects.filter(financing__order=order).exclude(state=StageState.PLANNED)
    for stage in stages.select_related("disbursement").order_by("sequence"):
        if _stands_on(stage, delivery):
            raise StandsOnDelivery(
                message=_("%(stage)s of %(amount)s is %(state)s on the evidence of it")
                % {
                    "stage": stage,
                    "amount": Money(stage.amount, order.currency),
                    "state": StageState(stage.state).label,
                },
                field="delivery",
                numbers={"stage": stage.sequence, "amount": stage.amount},
            )


def _stands_on(stage: PaymentStage, delivery: Delivery) -> bool:
    if stage.trigger == StageTrigger.ON_RECEIPT:
        return True
    paid = stage.disbursement
    if stage.state not in INSTRUCTED or paid is None or paid.instructed_at is None:
        return False
    first = stage.claims.filter(position__parent__isnull=True).order_by("-pk").first()
    claimed = first.position.quantity if first else Decimal(0)
    return claimed < stage.amount and paid.instructed_at >= delivery.recorded_at


def _record(
    delivery: Delivery, words: tuple[int, str], checker_id: int, on: date, now: datetime
) -> DeliveryReversal:
    maker_id, reason = words
    again = _not_reversible(_("%s was taken back already.") % delivery)
    with constraint_refusals({"orders_deliveryreversal_delivery_id_key": again}):
        return DeliveryReversal.objects.create(
            delivery=delivery,
            reversed_on=on,
            reason=reason,
            maker_id=maker_id,
            checker_id=checker_id,
            recorded_at=now,
        )


def _give_claims_back(
    act: CoverAct, order: PurchaseOrder, delivery: Delivery, words: tuple[int, str]
) -> None:
    """Turn the goods into the claims on the supplier that they had discharged."""
    maker_id, reason = words
    conversion = Conversion.objects.filter(
        facility=act.facility,
        kind=ConversionKind.DELIVER,
        evidence__order=order.number,
        evidence__reference=delivery.reference,
    ).first()
    if conversion is None:
        return  # the goods came before the order was financed
    restored = reverse(
        act=act, conversion_id=conversion.pk, maker_id=maker_id, reason=reason, by_its_room=True
    )
    claims = [one for one in restored if one.right == Right.ORDER_CLAIM]
    parents = OrderClaim.objects.filter(position__in=[one.parent_id for one in claims])
    stages = dict(parents.values_list("position_id", "stage_id"))
    OrderClaim.objects.bulk_create(
        OrderClaim(stage_id=stages[one.parent_id], position=one)
        for one in claims
        if one.parent_id is not None
    )


def _await_again(order: PurchaseOrder, delivery: Delivery) -> None:
    lines = {line.pk: line for line in order.lines.all()}
    for one in delivery.lines.all():
        lines[one.line_id].received -= one.quantity
    OrderLine.objects.bulk_update(lines.values(), ["received"])
    if order.state != OrderState.DELIVERED:
        return
    if OrderFinancing.objects.filter(order=order).exists():
        order.await_again()
    else:
        order.await_again_unfinanced()
    order.save(update_fields=["state"])


def _trace(
    reversal: DeliveryReversal,
    order: PurchaseOrder,
    financing: OrderFinancing | None,
    actor: Actor,
) -> None:
    leave_trace(
        reversal,
        action="reverse_delivery",
        topic="delivery_reversed",
        detail={
            "order": order.number,
            "reference": reversal.delivery.reference,
            "taken_back": {
                line.line.item.code: line.quantity
                for line in reversal.delivery.lines.select_related("line__item")
            },
        },
        tenant_id=financing.tenant_id if financing else None,
        actor=actor,
        now=reversal.recorded_at,
        on=reversal.reversed_on,
        reason=reversal.reason,
    )
