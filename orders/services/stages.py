"""Pay the supplier stage by stage: asked for on evidence, approved by a second person, confirmed.

The payee is always the supplier. A payment in advance makes a claim on the supplier in the same
act; a payment on receipt adds exposure only, because the goods are in the pool already.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.money import Money
from lending.services.acts import act_once, lock_facility
from lending.services.disbursements import (
    approve_disbursement,
    confirm_payment,
    refuse_disbursement,
    request_disbursement,
)
from logistics.rules.quantities import show
from orders.models import Delivery, DeliveryLine, OrderClaim, PaymentStage, PurchaseOrder
from orders.refusals import AccountUnclear, EvidenceAwaited, OwnShareNotEvidenced
from orders.rules import ZERO, claim_on_payment
from orders.services.acts import leave_trace, lock_order
from orders.states import OrderState, StageTrigger
from parties.actors import Actor
from parties.models import BankAccount
from pledges.services.conversion import Evidence
from pledges.services.cover import CoverAct, covering
from pledges.services.order_claims import prepay

CAUSES = {StageTrigger.ON_ORDER: "prepay", StageTrigger.ON_RECEIPT: "draw"}


def request_stage_payment(
    *,
    stage: PaymentStage,
    actor: Actor,
    now: datetime,
    own_reference: str = "",
    account: BankAccount | None = None,
    idempotency_key: str | None = None,
) -> PaymentStage:
    """Ask for the lender's part of a stage to be paid to the supplier; changes no exposure yet.

    `own_reference` is the bank's reference of the buyer's own payment, needed if it has a part;
    `account` the supplier's, needed if there are several in the currency. Raises EvidenceAwaited
    (with what is still to come), OwnShareNotEvidenced, AccountUnclear, TransitionRefused, and
    what `request_disbursement` raises.
    """
    with act_once(
        service="request_stage_payment",
        tenant_id=stage.financing.tenant_id,
        key=idempotency_key,
        payload={"stage": stage.pk, "own": own_reference, "account": account and account.pk},
        now=now,
    ) as once:
        if once.replayed:
            return _fresh(stage)
        order = lock_order(stage.financing.order_id)
        fresh = _fresh(stage)
        _require_evidence(fresh, order)
        own = own_reference.strip()
        _require_own_payment(fresh, own)
        disbursement = request_disbursement(
            loan=fresh.financing.loan,
            payee=order.supplier,
            account=account or _account_of(order),
            amount=fresh.lender_amount,
            purpose=f"{order.number} / {fresh.sequence}",
            actor=actor,
            now=now,
        )
        fresh.ask_for(disbursement=disbursement, own_reference=own)
        with constraint_refusals({"payment_stage_own_payment_counts_once": _own_payment_used(own)}):
            fresh.save(update_fields=["state", "disbursement", "own_reference"])
        _trace(fresh, order, "request_stage_payment", "stage_requested", actor=actor, now=now)
        once.store({"stage": fresh.pk})
        return fresh


def _fresh(stage: PaymentStage) -> PaymentStage:
    stages = PaymentStage.objects.select_related(
        "disbursement", "financing__loan", "financing__facility", "financing__order"
    )
    return stages.get(pk=stage.pk)


def _lock(stage: PaymentStage) -> tuple[PurchaseOrder, PaymentStage]:
    """Lock the facility, which lending will want too, then the order; read the stage after it."""
    lock_facility(stage.financing.facility_id)
    return lock_order(stage.financing.order_id), _fresh(stage)


def _require_evidence(stage: PaymentStage, order: PurchaseOrder) -> None:
    if stage.trigger == StageTrigger.ON_ORDER or order.state == OrderState.DELIVERED:
        return
    awaited = [
        (line, line.quantity - line.received)
        for line in order.lines.select_related("item")
        if line.received < line.quantity
    ]
    shown = [
        _("%(item)s: received %(received)s of %(ordered)s")
        % {
            "item": line.item,
            "received": show(line.received, line.item.unit),
            "ordered": show(line.quantity, line.item.unit),
        }
        for line, _open in awaited
    ]
    raise EvidenceAwaited(
        message=_("%(stage)s is paid on receipt: %(awaited)s")
        % {"stage": stage, "awaited": "; ".join(shown)},
        field="stage",
        numbers={f"{line.item.code}.awaited": quantity for line, quantity in awaited},
    )


def _require_own_payment(stage: PaymentStage, own_reference: str) -> None:
    if stage.own_amount and not own_reference:
        raise OwnShareNotEvidenced(
            message=_("the buyer pays %(amount)s itself: its bank reference is missing")
            % {"amount": Money(stage.own_amount, stage.financing.order.currency)},
            field="own_reference",
            numbers={"own_amount": stage.own_amount},
        )


def _own_payment_used(reference: str) -> OwnShareNotEvidenced:
    return OwnShareNotEvidenced(
        message=_("the payment %s counted for another stage of this order") % reference,
        field="own_reference",
    )


def _account_of(order: PurchaseOrder) -> BankAccount:
    accounts = list(order.supplier.bank_accounts.filter(currency=order.currency)[:2])
    if len(accounts) == 1:
        return accounts[0]
    raise AccountUnclear(
        message=_("%(supplier)s has %(count)s accounts in %(currency)s: name the one to pay")
        % {
            "supplier": order.supplier,
            "count": _("several") if accounts else _("no"),
            "currency": order.currency,
        },
        field="account",
    )


def approve_stage_payment(
    *,
    stage: PaymentStage,
    on: date,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> PaymentStage:
    """Instruct a requested stage payment; the claim on the supplier is made in the same act.

    The claim covers the whole stage, the buyer's part too, less what was delivered before.
    Refused whole (WouldUncover) unless exposure is within lending value afterwards. Raises also
    what `approve_disbursement` raises: SameHand, BeyondAuthority, AboveLimit.
    """
    financing = stage.financing
    with act_once(
        service="approve_stage_payment",
        tenant_id=financing.tenant_id,
        key=idempotency_key,
        payload={"stage": stage.pk, "on": on},
        now=now,
    ) as once:
        if once.replayed:
            return _fresh(stage)
        with covering(
            facility_id=financing.facility_id,
            cause=CAUSES[StageTrigger(stage.trigger)],
            actor=actor,
            on=on,
            now=now,
        ) as act:
            order = lock_order(financing.order_id)
            fresh = _fresh(stage)
            fresh.approve()
            assert fresh.disbursement is not None  # a CHECK holds it for requested stages
            approve_disbursement(disbursement=fresh.disbursement, on=on, actor=actor, now=now)
            fresh.save(update_fields=["state"])
            _claim(act, fresh, order)
            _trace(
                fresh, order, "approve_stage_payment", "stage_approved", actor=actor, now=now, on=on
            )
        once.store({"stage": fresh.pk})
        return fresh


def _claim(act: CoverAct, stage: PaymentStage, order: PurchaseOrder) -> None:
    """Make the claim that the payment founds, unless the goods are here already."""
    delivered = sum(
        DeliveryLine.objects.filter(
            delivery__in=Delivery.objects.standing().filter(order=order)
        ).values_list("value", flat=True),
        ZERO,
    )
    amount = claim_on_payment(
        stage.amount,
        awaited=order.amount - delivered,
        ordered=order.amount,
        currency=order.currency,
    )
    if amount == 0:
        return
    position = prepay(
        act=act,
        supplier=order.supplier,
        amount=amount,
        label=f"{order.number}, {order.supplier.name}",
        evidence=Evidence(
            "entrusted_payment",
            f"{order.number} / {stage.sequence}",
            {
                "disbursement": stage.disbursement_id,
                "lender_amount": str(stage.lender_amount),
                "own_amount": str(stage.own_amount),
                "own_reference": stage.own_reference,
            },
        ),
    )
    OrderClaim.objects.create(stage=stage, position=position)


def refuse_stage_payment(
    *, stage: PaymentStage, reason: str, actor: Actor, now: datetime
) -> PaymentStage:
    """Turn a requested stage payment down (or take it back); it may be asked for again.

    Raises TransitionRefused once the payment is instructed.
    """
    with transaction.atomic():
        order, fresh = _lock(stage)
        requested = fresh.disbursement
        fresh.turn_down()
        assert requested is not None  # a CHECK holds it for requested stages
        refuse_disbursement(disbursement=requested, reason=reason, actor=actor, now=now)
        fresh.save(update_fields=["state", "disbursement", "own_reference"])
        _trace(
            fresh,
            order,
            "refuse_stage_payment",
            "stage_refused",
            actor=actor,
            now=now,
            reason=reason,
        )
        return fresh


def confirm_stage_payment(
    *,
    stage: PaymentStage,
    bank_reference: str,
    paid_on: date,
    actor: Actor,
    now: datetime,
) -> PaymentStage:
    """Note that the bank has paid the supplier: the stage is paid, clearing becomes cash.

    Raises TransitionRefused for a stage that is not approved, or is paid already.
    """
    with transaction.atomic():
        order, fresh = _lock(stage)
        fresh.confirm(paid_on=paid_on)
        assert fresh.disbursement is not None  # a CHECK holds it for approved stages
        confirm_payment(
            disbursement=fresh.disbursement,
            bank_reference=bank_reference,
            paid_on=paid_on,
            actor=actor,
            now=now,
        )
        fresh.save(update_fields=["state", "paid_on"])
        _trace(
            fresh, order, "confirm_stage_payment", "stage_paid", actor=actor, now=now, on=paid_on
        )
        return fresh


def _trace(
    stage: PaymentStage,
    order: PurchaseOrder,
    action: str,
    topic: str,
    *,
    actor: Actor,
    now: datetime,
    on: date | None = None,
    reason: str = "",
) -> None:
    detail = {
        "order": order.number,
        "stage": stage.sequence,
        "supplier": order.supplier.code,
        "lender_amount": stage.lender_amount,
        "own_amount": stage.own_amount,
        "own_reference": stage.own_reference,
    }
    leave_trace(
        stage,
        action=action,
        topic=topic,
        detail=detail,
        tenant_id=stage.financing.tenant_id,
        actor=actor,
        now=now,
        on=on,
        reason=reason,
    )
