"""Writing prices: what importing files and recording ticks have in common."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from django.db import connection
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.exact import EXACT
from common.locks import lock_in_order
from outbox.services import audit
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from risk import hooks
from risk.models import Commodity, CommodityKind, FeedRun, PriceBatch
from risk.price_files import MAX_DECIMALS, MAX_WHOLE_DIGITS
from risk.queries import current_prices, latest_price_days
from risk.units import UnknownUnit, parse_quotation

_UNIT_PRICE_STEP = Decimal("0.000000000001")
_UNIT_PRICE_LIMIT = Decimal(10) ** 12


class PriceRefused(Refusal):
    """An observation that cannot be recorded; a whole tick is refused with it."""

    code = "price_refused"


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A row to write."""

    commodity_id: int
    observed_on: date
    price: Decimal
    unit_price: Decimal
    currency: str
    unit: str
    revision: int = 1
    supersedes_id: int | None = None


@dataclass(frozen=True, slots=True)
class SortedOut:
    """Prices by what they are to what is recorded."""

    new: list[NewPrice]
    corrections: list[NewPrice]
    duplicates: int

    @property
    def changed(self) -> list[NewPrice]:
        """What is to be written."""
        return self.new + self.corrections


def lock_priced(codes: Iterable[str]) -> dict[str, Commodity]:
    """Lock the commodities of these codes that have prices of their own, against other writers."""
    wanted = Commodity.objects.filter(code__in=list(codes), kind=CommodityKind.COMMODITY)
    return {commodity.code: commodity for commodity in lock_in_order(wanted)}


def means(text: str, commodity: Commodity) -> bool:
    """Tell whether a unit's text is what the commodity is priced in."""
    try:
        return parse_quotation(text) == commodity.quotation
    except UnknownUnit:
        return False


def price_of(commodity: Commodity, observed_on: date, price: Decimal, unit: str) -> NewPrice:
    """Return a price with its unit price, refused where the columns could not hold it exactly."""
    fits = price.is_finite() and price.adjusted() < MAX_WHOLE_DIGITS
    if not fits or price != round(price, MAX_DECIMALS):
        raise PriceRefused(
            message=_(
                "%(price)s cannot be kept exactly: %(whole)d digits and %(decimals)d decimals"
            )
            % {"price": price, "whole": MAX_WHOLE_DIGITS, "decimals": MAX_DECIMALS},
            field="price",
            numbers={"price": price},
        )
    unit_price = commodity.quotation.unit_price(price).quantize(
        _UNIT_PRICE_STEP, rounding=ROUND_HALF_EVEN, context=EXACT
    )
    if abs(unit_price) >= _UNIT_PRICE_LIMIT:
        raise PriceRefused(
            message=_("%(price)s is too large a price for one %(unit)s")
            % {"price": unit_price, "unit": commodity.unit},
            field="price",
            numbers={"unit_price": unit_price},
        )
    return NewPrice(commodity.pk, observed_on, price, unit_price, commodity.currency, unit)


def batch_of(
    prices: Sequence[NewPrice],
    source: str,
    as_of: date,
    reference: str,
    actor: Actor,
    now: datetime,
    run: FeedRun | None = None,
) -> tuple[PriceBatch, bool]:
    """Return the batch of this content, and whether it is new. run: the feed's that brought it."""
    digest = hashlib.sha256(reference.encode())
    for price in sorted(prices, key=lambda price: (price.commodity_id, price.observed_on)):
        line = f"\n{price.commodity_id},{price.observed_on},{price.price.normalize():f}"
        digest.update(line.encode())
    return PriceBatch.objects.get_or_create(
        source=source,
        as_of=as_of,
        raw_hash=digest.hexdigest(),
        defaults={
            "recorded_at": now,
            "actor_label": actor.label,
            "run": run,
            "kind": run.feed.kind if run else "",
        },
    )


def sort_out(prices: Sequence[NewPrice]) -> SortedOut:
    """Compare prices with what is recorded, in one query."""
    days = [price.observed_on for price in prices]
    recorded = current_prices(
        commodity_ids=sorted({price.commodity_id for price in prices}),
        from_on=min(days),
        until_on=max(days),
    )
    new: list[NewPrice] = []
    corrections: list[NewPrice] = []
    for price in prices:
        old = recorded.get((price.commodity_id, price.observed_on))
        if old is None:
            new.append(price)
        elif old.price != price.price:
            corrections.append(replace(price, revision=old.revision + 1, supersedes_id=old.id))
    return SortedOut(new, corrections, len(prices) - len(new) - len(corrections))


def record(*, batch: PriceBatch, prices: Sequence[NewPrice], actor: Actor, now: datetime) -> None:
    """Write prices and tell the rooms above about those that are now their commodity's latest.

    Filling in the past changes no value of today, so the rooms above are not told of it.
    """
    _tell_world(batch, prices, actor, now)
    if not prices:
        return
    latest = latest_price_days(sorted({price.commodity_id for price in prices}))
    _write(batch, prices)
    newest: dict[int, date] = {}
    for price in prices:
        newest[price.commodity_id] = max(
            price.observed_on, newest.get(price.commodity_id, date.min)
        )
    told = sorted(pk for pk, day in newest.items() if day >= latest.get(pk, date.min))
    if told:
        as_of = max(newest[pk] for pk in told)
        hooks.prices_recorded(batch=batch, commodity_ids=told, as_of=as_of, actor=actor, now=now)


def _write(batch: PriceBatch, prices: Sequence[NewPrice]) -> None:
    """Insert prices in one statement, whatever their number."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO risk_price (commodity_id, observed_on, price, unit_price, currency, unit,
                                    revision, supersedes_id, batch_id)
            SELECT *, %s FROM unnest(%s::bigint[], %s::date[], %s::numeric[], %s::numeric[],
                                     %s::varchar[], %s::varchar[], %s::smallint[], %s::bigint[])
            """,
            [
                batch.pk,
                [price.commodity_id for price in prices],
                [price.observed_on for price in prices],
                [price.price for price in prices],
                [price.unit_price for price in prices],
                [price.currency for price in prices],
                [price.unit for price in prices],
                [price.revision for price in prices],
                [price.supersedes_id for price in prices],
            ],
        )


def _tell_world(batch: PriceBatch, prices: Sequence[NewPrice], actor: Actor, now: datetime) -> None:
    """Write the batch into the journal and the outbox."""
    payload = {
        "source": batch.source,
        "as_of": batch.as_of.isoformat(),
        "commodities": sorted({price.commodity_id for price in prices}),
        "new": sum(1 for price in prices if price.revision == 1),
        "corrected": sum(1 for price in prices if price.revision > 1),
    }
    audit.record(
        action="risk.record_prices",
        actor=actor,
        object_type="price_batch",
        object_id=batch.pk,
        at=now,
        business_date=batch.as_of,
        detail=payload,
    )
    if prices:
        told = NewEvent("risk.prices_recorded", "price_batch", batch.pk, payload)
        emit_many([told], now=now)
