"""Two crashes told again: the real prices of 2008 and of 2020, on the trading days of the story.

The prices are those of the committed files, one trading day after another; only the calendar is
the story's, as the whole story is moved to days on which copper really fell. So all of the story
has one present, and a crash is judged by the prices of its own days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from parties.actors import Actor
from portal.story.calendar import END
from portal.story.market import SOURCE, daily_prices, price_file
from risk.models.commodity import AssetClass
from risk.price_files import PriceFile, PriceRow, read_price_file
from risk.services.commodities import define_commodity
from risk.services.prices import import_price_file

HISTORY_DAYS = 300  # what the model needs for its first rate, and some weeks of rates


@dataclass(frozen=True, slots=True)
class Crash:
    """A series told again: `real_day` of the file is told on `told_on`, and so on from there."""

    code: str
    name: str
    name_zh: str
    file: str
    asset_class: AssetClass
    horizon_days: int
    real_day: date
    told_on: date


COPPER_2008 = Crash(
    code="crash-2008-copper",
    name="Copper (COMEX), 2008 told again",
    name_zh="铜（2008 年重演）",
    file="copper_comex",
    asset_class=AssetClass.BASE_METAL,
    horizon_days=10,
    real_day=date(2008, 9, 22),
    told_on=date(2011, 11, 1),
)
SILVER_2020 = Crash(
    code="crash-2020-silver",
    name="Silver (COMEX), 2020 told again",
    name_zh="银（2020 年重演）",
    file="silver_comex",
    asset_class=AssetClass.PRECIOUS_METAL,
    horizon_days=10,
    real_day=date(2020, 2, 24),
    told_on=date(2011, 11, 21),
)
CRASHES = (COPPER_2008, SILVER_2020)


@cache
def _file(name: str) -> PriceFile:
    return read_price_file(price_file(name), today=date.max)


@cache
def retold(code: str) -> Mapping[date, PriceRow]:
    """Return a crash's rows by the day of the story they are told on, history included."""
    [crash] = [one for one in CRASHES if one.code == code]
    story = sorted(day for day in daily_prices() if day <= END)
    rows = _file(crash.file).rows
    shift = story.index(crash.told_on) - [row.observed_on for row in rows].index(crash.real_day)
    first = max(0, shift, story.index(crash.told_on) - HISTORY_DAYS)
    return {story[place]: rows[place - shift] for place in range(first, len(story))}


def replay_prices(day: date) -> dict[str, Decimal]:
    """Return the crashes' prices as they are told on a day of the story."""
    return {crash.code: retold(crash.code)[day].price for crash in CRASHES}


def open_replays(*, before: date, actor: Actor, now: datetime) -> None:
    """Define the series and load what came before a day of the story."""
    for crash in CRASHES:
        source = _file(crash.file).rows[0]
        define_commodity(
            code=crash.code, name=crash.name, name_zh=crash.name_zh, quoted_unit=source.unit,
            currency=source.currency, asset_class=crash.asset_class,
            horizon_days=crash.horizon_days, cap=Decimal("0.90"), actor=actor, now=now,
        )  # fmt: skip
        rows = [
            PriceRow(line, day, row.price, row.currency, row.unit)
            for line, (day, row) in enumerate(sorted(retold(crash.code).items()), start=2)
            if day < before
        ]
        file = PriceFile(f"{crash.code}.csv", crash.code, rows)
        import_price_file(file=file, source=SOURCE, actor=actor, now=now)
