"""What the life of a warehouse receipt does to the claims on it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from common.errors import Refusal
from logistics.hooks import Departure
from logistics.models import Lot, WarehouseReceipt
from logistics.services.receipts import surrender_receipt
from logistics.states import ReceiptAct, ReceiptState
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import ClaimedReceipt, Position, Suspension
from pledges.services.claims import claim_receipts
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.eligibility import Findings, suspend
from pledges.states import SuspensionReason


class ReceiptSecures(Refusal):
    """A lender's claim rests on the receipt; it cannot go elsewhere."""

    code = "receipt_secures"


def receipts_ending(
    *, receipts: Sequence[WarehouseReceipt], act: ReceiptAct, actor: Actor, now: datetime
) -> None:
    """Let what is secured by a void receipt count for nothing; refuse what a claim forbids.

    Called before the receipts are locked: it may lock facilities.
    """
    claims = _standing(receipts)
    if act == ReceiptAct.CANCELLED:
        _suspend(claims, actor, now)
    elif act == ReceiptAct.SURRENDERED:
        _refuse(claims)


def receipts_ended(
    *,
    receipts: Sequence[WarehouseReceipt],
    act: ReceiptAct,
    successors: Sequence[WarehouseReceipt],
    now: datetime,
) -> None:
    """Let claims go over to the parts or the sum; refuse what claims of this moment forbid."""
    claims = _standing(receipts)
    if act in (ReceiptAct.SPLIT, ReceiptAct.MERGED):
        _hand_over(receipts, claims, successors, now)
    elif act == ReceiptAct.SURRENDERED:
        _refuse(claims)
    elif act == ReceiptAct.TRANSFERRED:
        _refuse(claim for claim in claims if claim.receipt.holder_id != claim.position.tenant_id)
    else:  # cancelled: somebody may have pledged it between the two looks
        _refuse(claim for claim in claims if not claim.position.suspended)


def _standing(receipts: Sequence[WarehouseReceipt]) -> list[ClaimedReceipt]:
    claims = ClaimedReceipt.objects.filter(receipt__in=receipts, lifted_at__isnull=True)
    return list(claims.select_related("position__facility", "receipt").order_by("pk"))


def _refuse(claims: Iterable[ClaimedReceipt]) -> None:
    for claim in claims:
        raise ReceiptSecures(
            message=_("%(number)s is pledged: it goes back when the goods are released")
            % {"number": claim.receipt.number},
            field="receipt",
        )


def _hand_over(
    receipts: Sequence[WarehouseReceipt],
    claims: Sequence[ClaimedReceipt],
    successors: Sequence[WarehouseReceipt],
    now: datetime,
) -> None:
    if not claims:
        return
    positions = {claim.position_id: claim.position for claim in claims}
    if len(positions) > 1 or len(claims) < len(receipts):
        _refuse(claims)
    ClaimedReceipt.objects.filter(pk__in=[claim.pk for claim in claims]).update(lifted_at=now)
    [position] = positions.values()
    claim_receipts(position=position, receipts=successors, now=now)


def _suspend(claims: Sequence[ClaimedReceipt], actor: Actor, now: datetime) -> None:
    by_facility: dict[int, list[ClaimedReceipt]] = defaultdict(list)
    for claim in claims:
        by_facility[claim.position.facility_id].append(claim)
    for facility_id, mine in sorted(by_facility.items()):
        found = {claim.position_id: {"receipt": claim.receipt.number} for claim in mine}
        with covering(
            facility_id=facility_id,
            cause="receipt",
            actor=actor,
            on=now.date(),
            now=now,
            requirement=Requirement.NONE,
        ) as act:
            suspend(act=act, reason=SuspensionReason.RECEIPT, findings=found)
    raise_alerts([_cancelled(claim) for claim in claims], now=now)


def _cancelled(claim: ClaimedReceipt) -> NewAlert:
    return NewAlert(
        organisation_id=claim.position.tenant_id,
        topic="pledges.receipt_cancelled",
        aggregate="position",
        aggregate_id=claim.position_id,
        key=f"receipt_cancelled:{claim.receipt_id}",
        severity=Severity.URGENT,
        payload={"receipt": claim.receipt.number, "thing": claim.position.label},
    )


def check_receipts(_act: CoverAct, positions: Sequence[Position]) -> Findings:
    """Find new positions that come of one without a valid receipt: the goods are the same."""
    parents = [position.parent_id for position in positions if position.parent_id]
    if not parents:
        return {}
    void = Suspension.objects.filter(
        position_id__in=parents, reason=SuspensionReason.RECEIPT, lifted_at__isnull=True
    )
    details: Mapping[UUID, Any] = dict(void.values_list("position_id", "detail"))
    return {
        one.pk: details[one.parent_id]
        for one in positions
        if one.parent_id is not None and one.parent_id in details
    }


def receipts_follow(*, departure: Departure, actor: Actor, now: datetime) -> None:
    """Give the operator back the receipts of pledged goods that are about to leave.

    Of a position's receipts those that stand for more than what remains of it, the largest that
    fit first, and only as far as what leaves is under receipts. Two queries without receipts.
    """
    claims = (
        ClaimedReceipt.objects.filter(
            Q(lifted_at__isnull=True) | Q(lifted_at=now),
            receipt__lot_id__in=departure.quantities,
            receipt__state=ReceiptState.ISSUED,
        )
        .select_related("position", "receipt")
        .order_by("-receipt__quantity", "pk")
    )
    if not (standing := list(claims)):
        return
    for claim in _given_back(standing, departure):
        ClaimedReceipt.objects.filter(pk=claim.pk, lifted_at__isnull=True).update(lifted_at=now)
        # The act that lets the goods go decides, whoever is named on the paper.
        surrender_receipt(
            receipt=claim.receipt,
            reason=departure.reference,
            actor=replace(actor, is_system=True),
            now=now,
        )


def _given_back(claims: Sequence[ClaimedReceipt], departure: Departure) -> list[ClaimedReceipt]:
    excess: dict[UUID, Decimal] = defaultdict(Decimal)
    for claim in claims:
        excess[claim.position_id] += claim.receipt.quantity
    for claim in {one.position_id: one for one in claims}.values():
        excess[claim.position_id] -= claim.position.remaining
    needed = _under_receipts(departure)
    chosen = []
    for claim in claims:
        size, lot_id = claim.receipt.quantity, claim.receipt.lot_id
        if size <= excess[claim.position_id] and needed.get(lot_id, Decimal(0)) > 0:
            excess[claim.position_id] -= size
            needed[lot_id] -= size
            chosen.append(claim)
    return chosen


def _under_receipts(departure: Departure) -> dict[int, Decimal]:
    """Return how much of what leaves each lot is under receipts."""
    lots = Lot.objects.filter(
        pk__in=departure.quantities, receipts__state=ReceiptState.ISSUED
    ).annotate(receipted=Sum("receipts__quantity"))
    return {
        pk: receipted - (on_hand - departure.quantities[pk])
        for pk, on_hand, receipted in lots.values_list("pk", "on_hand", "receipted")
    }
