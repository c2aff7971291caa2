"""Set a price by hand: asked for by one person, applied by another, recorded as a correction."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from outbox.services import audit
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import (
    NotAllowed,
    require_authority,
    require_other_person,
)
from risk import hooks
from risk.models import Commodity, PriceOverride
from risk.queries import current_prices, latest_prices
from risk.services.held_prices import settle_by_override
from risk.services.houses import house_person
from risk.services.prices import FuturePrice, Observation, UnknownCommodity, record_prices
from risk.services.recording import PriceRefused, lock_priced, price_of

_CENT = Decimal("0.01")


class SamePrice(PriceRefused):
    """The price of that day is this one already."""

    code = "same_price"


class OverrideWaiting(Refusal):
    """Another price for the same day has not been decided yet."""

    code = "override_waiting"


class PriceMovedOn(Refusal):
    """The price that was to be replaced has changed since."""

    code = "price_moved_on"


def request_override(
    *, commodity: Commodity, price: Decimal, on: date, reason: str, actor: Actor, now: datetime
) -> PriceOverride:
    """Ask for a price of a day, as the commodity is quoted; nothing changes yet.

    Raises SamePrice, FuturePrice, UnknownCommodity (money has no price to set), PriceRefused,
    OverrideWaiting, NotAllowed.
    """
    maker_id = house_person(actor, Role.PREPARER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _lock(commodity)
        before = _price_on(locked, on)
        _require_possible(locked, price, before, on, reason, now)
        with constraint_refusals({"price_override_open_once": _waiting}):
            override = PriceOverride.objects.create(
                tenant_id=actor.organisation_id or 0,
                commodity=locked,
                observed_on=on,
                price=price,
                price_before=before,
                stake=_stake(locked, price, on),
                reason=reason.strip(),
                maker_id=maker_id,
                requested_at=now,
            )
        _trace(override, "request_override", "override_requested", actor, now)
        return override


def apply_override(*, override: PriceOverride, actor: Actor, now: datetime) -> PriceOverride:
    """Record the price as a correction of its day and run the tick that follows from it.

    A risk officer or approver of the maker's house other than the maker, with authority for what
    the step is worth now. Raises SamePerson, BeyondAuthority, PriceMovedOn, TransitionRefused,
    NotAllowed.
    """
    checker_id = house_person(actor, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(override, actor)
        require_other_person(actor, maker_id=locked.maker_id)
        commodity = _lock(locked.commodity)
        if _price_on(commodity, locked.observed_on) != locked.price_before:
            raise PriceMovedOn(
                message=_("The price of that day has changed since this was asked for: ask again.")
            )
        stake = _stake(commodity, locked.price, locked.observed_on)
        require_authority(actor, Act.OVERRIDE_PRICE, stake, commodity.currency)
        batch = record_prices(
            observations=[Observation(commodity=commodity.code, price=locked.price)],
            source=f"override {locked.pk}",
            as_of=locked.observed_on,
            actor=actor,
            now=now,
        )
        locked.apply(checker_id=checker_id, stake=stake, batch=batch, now=now)
        locked.save()
        settle_by_override(override=locked, actor=actor, now=now)
        _trace(locked, "apply_override", "override_applied", actor, now)
        return locked


def refuse_override(
    *, override: PriceOverride, note: str, actor: Actor, now: datetime
) -> PriceOverride:
    """Leave the price as it is, by the word of another person than the maker."""
    checker_id = house_person(actor, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(override, actor)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id, note=note, now=now)
        locked.save()
        _trace(locked, "refuse_override", "override_refused", actor, now)
        return locked


def withdraw_override(
    *, override: PriceOverride, note: str, actor: Actor, now: datetime
) -> PriceOverride:
    """Take a request back; anybody of the house who may ask may also take back."""
    house_person(actor, Role.PREPARER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(override, actor)
        locked.withdraw(note=note, now=now)
        locked.save()
        _trace(locked, "withdraw_override", "override_withdrawn", actor, now)
        return locked


def _mine(override: PriceOverride, actor: Actor) -> PriceOverride:
    rows = PriceOverride.objects.select_related("commodity")
    locked = lock_one(rows, override.pk)
    if locked.tenant_id != actor.organisation_id:
        raise NotAllowed(message=_("This price was asked for by another house."))
    return locked


def _lock(commodity: Commodity) -> Commodity:
    found = lock_priced([commodity.code]).get(commodity.code)
    if found is None:
        raise UnknownCommodity(
            message=_("%s has no price of its own.") % commodity.code, field="commodity"
        )
    return found


def _require_possible(
    commodity: Commodity,
    price: Decimal,
    before: Decimal | None,
    on: date,
    reason: str,
    now: datetime,
) -> None:
    if on > now.date():
        raise FuturePrice(message=_("%s has not come yet.") % on, field="on", numbers={"on": on})
    if price == before:
        raise SamePrice(
            message=_("The price of %(day)s is %(price)s already.") % {"day": on, "price": price},
            field="price",
            numbers={"price": price},
        )
    if not reason.strip():
        raise PriceRefused(message=_("Say why the price is to be set by hand."), field="reason")


def _price_on(commodity: Commodity, on: date) -> Decimal | None:
    found = current_prices(commodity_ids=[commodity.pk], from_on=on, until_on=on)
    return found[commodity.pk, on].price if found else None


def _stake(commodity: Commodity, price: Decimal, on: date) -> Decimal:
    """Return what the step from the price in force is worth on all goods held against it."""
    new = price_of(commodity, on, price, str(commodity.quotation)).unit_price
    old = latest_prices(on, commodity_ids=[commodity.pk])[commodity.pk].unit_price
    moved = abs(new - old) * hooks.weight_of(commodity.pk)
    return max(_CENT, moved.quantize(_CENT, rounding=ROUND_HALF_EVEN))


def _waiting() -> OverrideWaiting:
    return OverrideWaiting(message=_("A price of that day waits for its decision already."))


def _trace(override: PriceOverride, action: str, topic: str, actor: Actor, now: datetime) -> None:
    detail = {
        "override": override.pk,
        "commodity": override.commodity.code,
        "on": override.observed_on.isoformat(),
        "price": str(override.price),
        "price_before": None if override.price_before is None else str(override.price_before),
        "stake": str(override.stake),
        "state": override.state,
    }
    audit.record(
        action=f"risk.{action}",
        actor=actor,
        object_type="risk.priceoverride",
        object_id=override.pk,
        at=now,
        business_date=override.observed_on,
        tenant_id=override.tenant_id,
        detail=detail,
        reason=override.note or override.reason,
    )
    told = NewEvent(
        topic=f"risk.{topic}",
        aggregate="price_override",
        aggregate_id=override.pk,
        payload=detail,
        tenant_id=override.tenant_id,
    )
    emit_many([told], now=now)
