"""The story's market: the committed price files, told one day at a time."""

import csv
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from django.conf import settings

from parties.actors import Actor
from risk.backtests.runner import ENTRANTS
from risk.models import Commodity
from risk.price_files import read_price_file
from risk.rate_models.codes import RateModelCode
from risk.services.backtests import record_backtest
from risk.services.commodities import load_catalogue
from risk.services.prices import Observation, import_price_file, record_prices
from risk.services.rates import publish_rates, publish_rates_range

METALS = ("copper_comex", "gold_comex", "silver_comex")
SOURCE = "COMEX settlement files"


def price_file(code: str) -> Path:
    """Return the committed price file of a commodity."""
    return Path(settings.BASE_DIR) / "data" / "prices" / f"{code}.csv"


@cache
def daily_prices() -> Mapping[date, Mapping[str, Decimal]]:
    """Return every day's prices by commodity, as quoted in the files."""
    days: dict[date, dict[str, Decimal]] = defaultdict(dict)
    for code in METALS:
        with price_file(code).open(newline="") as rows:
            for row in csv.DictReader(rows):
                days[date.fromisoformat(row["date"])][code] = Decimal(row["price"])
    return days


def open_market(*, before: date, actor: Actor, now: datetime) -> None:
    """Load the catalogue and the price history up to the eve of a date, and publish its rates."""
    load_catalogue(actor=actor, now=now)
    for code in METALS:
        history = read_price_file(price_file(code), today=before)
        history.rows = [row for row in history.rows if row.observed_on < before]
        import_price_file(file=history, source=SOURCE, actor=actor, now=now)
    eve = max(day for day in daily_prices() if day < before)
    from_on = before.replace(year=before.year - 1)
    publish_rates_range(from_on=from_on, until_on=eve, commodities=_metals(), actor=actor, now=now)
    # Without the fits, which take minutes: `manage.py backtest` adds them.
    quick = [entrant for entrant in ENTRANTS if entrant != RateModelCode.GARCH_T]
    record_backtest(entrants=quick, until_on=eve, codes=METALS, actor=actor, now=now)


def tick(
    *, day: date, actor: Actor, now: datetime, besides: Mapping[str, Decimal] | None = None
) -> None:
    """Record the day's settlements (and those of the crash replays) and publish their rates."""
    prices = {**daily_prices()[day], **(besides or {})}
    observations = [Observation(commodity=code, price=price) for code, price in prices.items()]
    record_prices(observations=observations, source=SOURCE, as_of=day, actor=actor, now=now)
    publish_rates(as_of=day, commodities=_metals(prices), actor=actor, now=now)


def _metals(codes: Collection[str] = METALS) -> list[Commodity]:
    return list(Commodity.objects.filter(code__in={*METALS, *codes}))
