"""Money that was matched or used by mistake, or never came: taken back, step by step, by two.

First the use of the proceeds, then the match. Positions go back by `pledges.services.reversal`,
loans by `lending.services.repayment_reversal`, the books by mirrored entries; nothing is erased.
"""

import uuid
from contextlib import AbstractContextManager
from datetime import date, datetime

from django.utils.translation import gettext as _

from common.locks import lock_one
from common.money import Money
from factoring.models import BankEntry, Collection, Receivable
from factoring.refusals import NothingToTakeBack, RebateStands
from factoring.services.acts import lock_receivable
from factoring.services.collections import matched_key, swept_key, trace_collection
from factoring.states import ReceivableState
from ledger.models import Entry
from ledger.services.reversal import reverse as mirror
from lending.services.acts import require_lender
from lending.services.repayment_reversal import reverse_repayment
from parties.actors import Actor
from parties.roles import Role
from pledges.models import Conversion, Position
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.reversal import reverse
from pledges.states import ConversionKind, Direction, Right


def unapply_collection(
    *,
    collection: Collection,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> Collection:
    """Take back what a collection repaid: the proceeds are whole again, the loans owe again.

    The act's actor is the checker, another person than the maker. A fact of the bank's: cover is
    judged and called, but nothing refused for it. Raises NothingToTakeBack, RebateStands, and
    what `reverse` and `reverse_repayment` raise.
    """
    with _undoing(collection, "unapply", on, actor, now) as act:
        receivable, fresh = _lock(act, collection)
        if fresh.repayment is None:
            raise NothingToTakeBack.of(_("%s has repaid nothing.") % fresh)
        _require_no_rebate(receivable)
        amount = fresh.repayment.amount
        [fresh.proceeds] = reverse(
            act=act,
            conversion_id=_standing(fresh.proceeds, ConversionKind.APPLY, Direction.CONSUMED),
            maker_id=maker_id,
            reason=reason,
            by_its_room=True,
        )
        if receivable.state == ReceivableState.SETTLED:
            receivable.reopen()
            receivable.save(update_fields=["state"])
        reverse_repayment(
            repayment=fresh.repayment,
            maker_id=maker_id,
            reason=reason,
            on=on,
            actor=actor,
            now=now,
            within_collection=True,
        )
        _mirror(act, swept_key(fresh), fresh, reason)
        fresh.repayment = None
        fresh.save(update_fields=["proceeds", "repayment"])
        trace_collection(fresh, "unapply_collection", "collection_unapplied", amount, act)
        return fresh


def unmatch_collection(
    *,
    collection: Collection,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> Collection:
    """Take a match back: the buyer owes the money still, the bank entry is free to be matched.

    The act's actor is the checker, another person than the maker. Cover is judged and called, but
    nothing refused for it. Raises NothingToTakeBack, RebateStands, LaterConversionFirst while the
    proceeds are in use, and what `reverse` raises.
    """
    with _undoing(collection, "unmatch", on, actor, now) as act:
        receivable, fresh = _lock(act, collection)
        _require_no_rebate(receivable)
        entry = lock_one(BankEntry.objects.all(), fresh.entry_id)
        [receivable.position] = reverse(
            act=act,
            conversion_id=_standing(fresh.proceeds, ConversionKind.COLLECT, Direction.PRODUCED),
            maker_id=maker_id,
            reason=reason,
            by_its_room=True,
        )
        if receivable.state == ReceivableState.COLLECTED:
            receivable.be_owed_again()
        receivable.save(update_fields=["state", "position"])
        _mirror(act, matched_key(fresh), fresh, reason)
        fresh.taken_back_at = now
        fresh.save(update_fields=["taken_back_at"])
        entry.unmatch()
        entry.save(update_fields=["state"])
        trace_collection(fresh, "unmatch_collection", "collection_unmatched", fresh.amount, act)
        return fresh


def take_use_back(
    *,
    conversion: Conversion,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> Collection:
    """Take back the use of proceeds that a conversion was: see `unapply_collection`."""
    return unapply_collection(
        collection=_collection_of(conversion, Direction.CONSUMED),
        maker_id=maker_id,
        reason=reason,
        on=on,
        actor=actor,
        now=now,
    )


def take_match_back(
    *,
    conversion: Conversion,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> Collection:
    """Take back the match that a conversion was: see `unmatch_collection`."""
    return unmatch_collection(
        collection=_collection_of(conversion, Direction.PRODUCED),
        maker_id=maker_id,
        reason=reason,
        on=on,
        actor=actor,
        now=now,
    )


def _collection_of(conversion: Conversion, direction: Direction) -> Collection:
    """Return the collection whose proceeds a conversion used or made; NothingToTakeBack if none."""
    legs = conversion.legs.filter(direction=direction, position__right=Right.PROCEEDS)
    leg = legs.select_related("position__parent").first()
    claims = Position.objects.continuing(leg.position) if leg else Position.objects.none()
    found = Collection.objects.select_related("receivable").filter(proceeds__in=claims).first()
    if found is None:
        raise NothingToTakeBack.of(_("%s is not of a collection.") % conversion)
    return found


def _undoing(
    collection: Collection, cause: str, on: date, actor: Actor, now: datetime
) -> AbstractContextManager[CoverAct]:
    return covering(
        facility_id=collection.receivable.facility_id,
        cause=cause,
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    )


def _lock(act: CoverAct, collection: Collection) -> tuple[Receivable, Collection]:
    require_lender(act.actor, act.facility, Role.APPROVER, Role.RISK_OFFICER)
    receivable = lock_receivable(collection.receivable_id)
    wanted = Collection.objects.select_related("entry", "proceeds__parent", "repayment")
    fresh = wanted.get(pk=collection.pk)
    if fresh.taken_back_at is not None:
        raise NothingToTakeBack.of(_("%s was taken back already.") % fresh)
    return receivable, fresh


def _require_no_rebate(receivable: Receivable) -> None:
    rebate = getattr(receivable, "rebate", None)
    if rebate is not None:
        raise RebateStands(
            message=_("%(invoice)s: a rebate of %(amount)s stands on it (%(state)s)")
            % {
                "invoice": receivable.invoice_number,
                "amount": Money(rebate.amount, receivable.currency),
                "state": rebate.get_state_display(),
            },
            field="collection",
            numbers={"rebate": rebate.amount},
        )


def _standing(proceeds: Position, kind: ConversionKind, direction: Direction) -> uuid.UUID:
    """Return the conversion of a kind that stands on the proceeds: there is one at a time."""
    claims = Position.objects.continuing(proceeds)
    stands = Conversion.objects.filter(
        kind=kind, legs__position__in=claims, legs__direction=direction, reversal__isnull=True
    )
    return stands.values_list("pk", flat=True).get()


def _mirror(act: CoverAct, key: str, collection: Collection, reason: str) -> None:
    """Mirror the entry that stands under a key, today; the bank's own day is its value date."""
    entry = Entry.objects.filter(
        tenant_id=act.facility.tenant_id, idempotency_key__startswith=key
    ).latest("pk")
    words = f"{reason.strip()} (value date {collection.entry.booked_on})"
    mirror(entry=entry, reason=words, booked_on=act.on, actor=act.actor, now=act.now)
