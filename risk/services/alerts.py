"""Alerts about feeds that have gone quiet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from common.idempotency import idempotent
from outbox.services.events import NewEvent, emit_many
from risk.models import Commodity


@dataclass(frozen=True, slots=True)
class StalePrice:
    """A commodity whose last price is too old, with the reason its quote gives."""

    commodity: Commodity
    price_on: date
    reason: str


def alert_stale(stale: Sequence[StalePrice], *, as_of: date, now: datetime) -> list[str]:
    """Emit `risk.price_went_stale` once for each silence; return the codes alerted now.

    A silence is known by its last price and its reason: a feed that goes from stale to no price
    at all alerts again, a feed that speaks and falls silent again does too.
    """
    alerted = []
    for old in stale:
        payload = {
            "commodity": old.commodity.code,
            "price_on": old.price_on.isoformat(),
            "reason": old.reason,
        }
        key = ":".join(payload.values())
        with idempotent(scope="risk.alert_stale", key=key, payload=payload, now=now) as once:
            if once.replayed:
                continue
            told = payload | {"as_of": as_of.isoformat()}
            event = NewEvent("risk.price_went_stale", "commodity", old.commodity.code, told)
            emit_many([event], now=now)
            once.store(told)
            alerted.append(old.commodity.code)
    return alerted
