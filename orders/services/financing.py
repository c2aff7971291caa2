"""Finance an order: agree its loan and plan the stages in which the supplier is paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from lending.models import Facility, Loan
from lending.services.acts import act_once, lock_facility, require_lender
from lending.services.loans import agree_loan
from lending.states import Product
from orders.models import OrderFinancing, PaymentStage, PurchaseOrder
from orders.refusals import (
    FractionsDoNotSum,
    NotTheBuyersFacility,
    OrderUnsound,
    ShareAboveAdvanceRate,
)
from orders.rules import ZERO, StageAmounts, split_stages
from orders.services.acts import leave_trace, lock_order
from orders.states import StageTrigger
from parties.actors import Actor
from parties.roles import Role


@dataclass(frozen=True, slots=True)
class _Terms:
    """How an order is to be financed, by whom and when."""

    share: Decimal
    stages: Sequence[tuple[str, Decimal]]
    due_on: date
    on: date
    actor: Actor
    now: datetime


def finance_order(
    *,
    order: PurchaseOrder,
    facility: Facility,
    share: Decimal,
    stages: Sequence[tuple[str, Decimal]],
    due_on: date,
    on: date,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> OrderFinancing:
    """Agree the loan behind an order and plan its stages (trigger, fraction of the order).

    The lender pays `share` of every stage, at most the facility's order advance rate; the loan's
    principal is the sum of these parts. Nothing is drawn yet. Raises NotTheBuyersFacility,
    FractionsDoNotSum, ShareAboveAdvanceRate, OrderUnsound, TransitionRefused, and what
    `agree_loan` raises: AboveLimit with the numbers, ProductNotAllowed, FacilityNotActive.
    """
    payload = {
        "order": order.pk,
        "facility": facility.pk,
        "share": share,
        "stages": [[str(trigger), fraction] for trigger, fraction in stages],
        "due_on": due_on,
    }
    with act_once(
        service="finance_order",
        tenant_id=facility.tenant_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return OrderFinancing.objects.get(pk=once.response["financing"])
        terms = _Terms(share, stages, due_on, on, actor, now)
        financing = _finance(lock_facility(facility.pk), lock_order(order.pk), terms)
        once.store({"financing": financing.pk})
        return financing


def _finance(facility: Facility, order: PurchaseOrder, terms: _Terms) -> OrderFinancing:
    """Agree the loan and write the plan; facility and order are locked, in this order."""
    require_lender(terms.actor, facility, Role.PREPARER, Role.APPROVER)
    order.finance()
    _require_fit(order, facility, terms.share, terms.stages)
    parts = _split(order, terms.share, terms.stages)
    loan = agree_loan(
        facility=facility,
        product=Product.ORDER,
        principal=sum((part.lender_amount for part in parts), ZERO),
        due_on=terms.due_on,
        on=terms.on,
        actor=terms.actor,
        now=terms.now,
    )
    financing = _write(order, loan, terms.share, terms.stages, parts)
    leave_trace(
        financing,
        action="finance_order",
        topic="order_financed",
        detail={"order": order.number, "loan": loan.number, "principal": loan.principal},
        tenant_id=facility.tenant_id,
        actor=terms.actor,
        now=terms.now,
        on=terms.on,
    )
    return financing


def _require_fit(
    order: PurchaseOrder,
    facility: Facility,
    share: Decimal,
    stages: Sequence[tuple[str, Decimal]],
) -> None:
    if order.buyer_id != facility.borrower_id or order.currency != facility.currency:
        raise NotTheBuyersFacility(
            message=_("%(order)s is %(buyer)s's, in %(currency)s: facility %(facility)s is not.")
            % {
                "order": order.number,
                "buyer": order.buyer,
                "currency": order.currency,
                "facility": facility.code,
            },
            field="facility",
        )
    if not 0 < share <= facility.order_advance_rate:
        raise ShareAboveAdvanceRate(
            message=_("%(facility)s lends up to %(rate)s of a paid order, asked %(share)s")
            % {
                "facility": facility.code,
                "rate": f"{facility.order_advance_rate.normalize():f}",
                "share": f"{share.normalize():f}",
            },
            field="share",
            numbers={"rate": facility.order_advance_rate, "share": share},
        )
    _require_whole([fraction for _trigger, fraction in stages])


def _require_whole(fractions: Sequence[Decimal]) -> None:
    total = sum(fractions, ZERO)
    if total == 1 and all(fraction > 0 for fraction in fractions):
        return
    raise FractionsDoNotSum(
        message=_("the stages make %(total)s of the order, not 1: off by %(off)s")
        % {"total": f"{total:f}", "off": f"{abs(total - 1):f}"},
        field="stages",
        numbers={"total": total, "off": total - 1},
    )


def _split(
    order: PurchaseOrder, share: Decimal, stages: Sequence[tuple[str, Decimal]]
) -> list[StageAmounts]:
    parts = split_stages(
        order.amount,
        share=share,
        fractions=[fraction for _trigger, fraction in stages],
        currency=order.currency,
    )
    if any(part.lender_amount <= 0 for part in parts):
        raise OrderUnsound(
            message=_("A stage is too small for the lender to pay its share."), field="stages"
        )
    return parts


def _write(
    order: PurchaseOrder,
    loan: Loan,
    share: Decimal,
    stages: Sequence[tuple[str, Decimal]],
    parts: Sequence[StageAmounts],
) -> OrderFinancing:
    financing = OrderFinancing.objects.create(
        tenant_id=loan.tenant_id,
        order=order,
        facility_id=loan.facility_id,
        loan=loan,
        share=share,
    )
    PaymentStage.objects.bulk_create(
        PaymentStage(
            financing=financing,
            sequence=sequence,
            trigger=StageTrigger(trigger),
            fraction=fraction,
            amount=part.amount,
            lender_amount=part.lender_amount,
            own_amount=part.own_amount,
        )
        for sequence, ((trigger, fraction), part) in enumerate(
            zip(stages, parts, strict=True), start=1
        )
    )
    order.save(update_fields=["state"])
    return financing
