"""Commodities, prices and rates for tests, reached through the real services."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from parties.actors import Actor, system_actor
from risk.models import Commodity, PriceBatch
from risk.price_files import PriceFile, PriceRow
from risk.services.commodities import define_commodity, load_catalogue, set_rate_policy
from risk.services.prices import (
    FileImport,
    Observation,
    import_price_file,
    record_prices,
)
from risk.services.rates import publish_rates

ACTOR: Actor = system_actor("tests")
HISTORY_ROWS = 300  # the model's first rate with a horizon of ten days is on row 259


def noon(day: date) -> datetime:
    """Return noon of a day, UTC."""
    return datetime.combine(day, time(12), UTC)


def make_money(*codes: str) -> list[Commodity]:
    """Define currencies of the catalogue: USD, CNY, EUR."""
    return load_catalogue(actor=ACTOR, now=noon(date(2020, 1, 1)), codes=codes or ("USD",))


def make_commodity(
    *,
    code: str = "copper",
    quoted_unit: str = "tonne",
    currency: str = "USD",
    cap: Decimal = Decimal("0.80"),
    now: datetime | None = None,
) -> Commodity:
    """Define a commodity without prices."""
    return define_commodity(
        code=code,
        name=code.title(),
        quoted_unit=quoted_unit,
        currency=currency,
        cap=cap,
        actor=ACTOR,
        now=now or noon(date(2020, 1, 1)),
    )


def weekdays_back(last: date, count: int) -> list[date]:
    """Return the last weekdays up to a day, oldest first."""
    days: list[date] = []
    while len(days) < count:
        if last.weekday() < 5:
            days.append(last)
        last -= timedelta(days=1)
    return days[::-1]


def make_history(
    *,
    commodity: Commodity,
    prices: Sequence[Decimal],
    until: date,
    source: str = "history",
    now: datetime | None = None,
) -> FileImport:
    """Record one price a weekday, the last one on `until`."""
    days = weekdays_back(until, len(prices))
    unit = str(commodity.quotation)
    rows = [
        PriceRow(line, day, price, commodity.currency, unit)
        for line, (day, price) in enumerate(zip(days, prices, strict=True), start=2)
    ]
    file = PriceFile(f"{commodity.code}.csv", commodity.code, rows)
    return import_price_file(file=file, source=source, actor=ACTOR, now=now or noon(until))


def calm_prices(last: Decimal, count: int = HISTORY_ROWS) -> list[Decimal]:
    """Return prices that hardly move, so that the model's rate is near 1, up to a last one."""
    down = last * Decimal("0.9999")
    step = Decimal("0.00000001")
    return [(last if row % 2 else down).quantize(step) for row in range(count - 1)] + [last]


def make_quoted(
    *,
    code: str = "copper",
    price: Decimal = Decimal(9000),
    rate: Decimal = Decimal("0.80"),
    on: date,
    quoted_unit: str = "tonne",
    currency: str = "USD",
) -> Commodity:
    """Return a commodity that on a weekday has exactly this price and this published rate.

    A calm history makes the model's rate nearly one and the cap decides.
    """
    commodity = make_commodity(code=code, quoted_unit=quoted_unit, currency=currency, cap=rate)
    make_history(commodity=commodity, prices=calm_prices(price), until=on)
    publish_rates(as_of=on, commodities=[commodity], actor=ACTOR, now=noon(on))
    return commodity


def make_tick(
    prices: Mapping[str, Decimal | int | str],
    *,
    on: date,
    source: str = "feed",
    reference: str = "",
) -> PriceBatch:
    """Record the prices of a day by commodity code, through the tick that revalues everything."""
    observations = [
        Observation(commodity=code, price=Decimal(price)) for code, price in prices.items()
    ]
    return record_prices(
        observations=observations,
        source=source,
        as_of=on,
        reference=reference,
        actor=ACTOR,
        now=noon(on),
    )


def set_cap(commodity: Commodity, cap: Decimal, *, now: datetime) -> Commodity:
    """Change the highest rate of a commodity; it acts from the next publication on."""
    return set_rate_policy(commodity=commodity, actor=ACTOR, now=now, cap=cap)
