"""Prices in quarantine: what settles them without a person. See `quarantine` for people's part."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from common.locks import lock_one
from outbox.services import audit
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from risk import hooks
from risk.models import HeldPrice, Price, PriceOverride
from risk.services.recording import NewPrice, batch_of, lock_priced, price_of, record, sort_out
from risk.states import HoldState


def confirm_hold(*, hold: HeldPrice, note: str, actor: Actor, now: datetime) -> HeldPrice:
    """Record a held price because a second source or time speaks for it; never by one person.

    Raises TransitionRefused if it was settled before.
    """
    with hooks.moving_market(now=now):
        commodity = lock_priced([hold.commodity.code])[hold.commodity.code]
        locked = lock_hold(hold)
        price = price_of(commodity, locked.observed_on, locked.price, locked.unit)
        source = f"feed {locked.run.feed.code}"
        reference = f"held {locked.pk}"
        batch, _new = batch_of(
            [price], source, price.observed_on, reference, actor, now, locked.run
        )
        record(batch=batch, prices=sort_out([price]).changed, actor=actor, now=now)
        locked.confirm(note=note, now=now)
        locked.save()
        trace(locked, "confirm_price", actor, now)
    return locked


def confirm_ripe(*, actor: Actor, now: datetime) -> int:
    """Confirm the rises that have waited their hour without being contradicted; return how many."""
    ripe = HeldPrice.objects.filter(state=HoldState.HELD, confirm_after__lte=now, override=None)
    rows = list(ripe.select_related("commodity", "run__feed").order_by("observed_on", "pk"))
    for hold in rows:
        confirm_hold(hold=hold, note="one hour uncontradicted", actor=actor, now=now)
    return len(rows)


def settle_by_override(*, override: PriceOverride, actor: Actor, now: datetime) -> None:
    """Confirm the hold that an applied override was asked for, if it was for one."""
    hold = HeldPrice.objects.filter(override=override, state=HoldState.HELD).first()
    if hold is not None:
        hold.confirm(note="two people", now=now)
        hold.save()
        trace(hold, "confirm_price", actor, now)


def overtake_holds(*, prices: Sequence[NewPrice], actor: Actor, now: datetime) -> None:
    """Let lie what was held of a day of which the source says something else now."""
    said: dict[tuple[int, object], Decimal] = {
        (price.commodity_id, price.observed_on): price.price for price in prices
    }
    standing = HeldPrice.objects.standing().filter(
        commodity_id__in={price.commodity_id for price in prices},
        observed_on__in={price.observed_on for price in prices},
    )
    for hold in standing.select_related("commodity").order_by("pk"):
        price = said.get((hold.commodity_id, hold.observed_on))
        if price is None or (price == hold.price and not _is_recorded(hold)):
            continue
        if price == hold.price and hold.state == HoldState.HELD:
            hold.confirm(note="borne out by later prices", now=now)
        else:
            hold.overtake(note=f"now {price.normalize():f}", now=now)
        hold.save()
        trace(hold, "settle_held_price", actor, now)


def _is_recorded(hold: HeldPrice) -> bool:
    """Tell whether the held price has been recorded since, by whatever way."""
    current = Price.objects.filter(
        commodity_id=hold.commodity_id, observed_on=hold.observed_on, superseded_by=None
    )
    return current.filter(price=hold.price).exists()


def lock_hold(hold: HeldPrice) -> HeldPrice:
    """Lock a held price with its commodity, feed and override."""
    return lock_one(HeldPrice.objects.select_related("commodity", "run__feed", "override"), hold.pk)


def trace(hold: HeldPrice, action: str, actor: Actor, now: datetime) -> None:
    """Write a step in a held price's life into the journal and the outbox."""
    detail = {
        "commodity": hold.commodity.code,
        "on": hold.observed_on.isoformat(),
        "price": f"{hold.price.normalize():f}",
        "reason": hold.reason,
        "state": hold.state,
    }
    audit.record(
        action=f"risk.{action}",
        actor=actor,
        object_type="risk.heldprice",
        object_id=hold.pk,
        at=now,
        business_date=hold.observed_on,
        tenant_id=hold.tenant_id,
        detail=detail,
        reason=hold.note,
    )
    told = NewEvent(f"risk.{action}", "held_price", hold.pk, detail, hold.tenant_id)
    emit_many([told], now=now)
