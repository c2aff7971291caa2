"""Sorting out what cannot be a price before anything is judged: wrong series, day, unit, number."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.translation import gettext as _

from risk.feeds.interface import Reading, ReadProblem, SeriesObservation
from risk.models import Feed, FeedSeries
from risk.services.recording import NewPrice, PriceRefused, means, price_of


@dataclass(slots=True)
class Sifted:
    """Observations that may be prices, the prices they make, and why others may not.

    incomplete: a day of a feed that is recorded whole or not at all lacked something.
    """

    good: list[SeriesObservation] = field(default_factory=list)
    prices: list[tuple[SeriesObservation, NewPrice]] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)
    incomplete: bool = False

    def refuse(self, one: SeriesObservation, code: str, message: str) -> None:
        """Note an observation that is no price."""
        self.problems.append(
            ReadProblem(series=one.series, observed_on=one.observed_on, code=code, message=message)
        )


def sift(
    feed: Feed,
    reading: Reading,
    *,
    mapped: Mapping[str, FeedSeries],
    known: Mapping[int, date],
    now: datetime,
) -> Sifted:
    """Return what may be prices.

    mapped: the feed's series by name. known: the newest day that this source gave, by commodity.
    """
    sifted = Sifted()
    newest = _newest(reading)
    seen: dict[tuple[str, date], SeriesObservation] = {}
    for one in reading.observations:
        series = mapped.get(one.series)
        if series is None:
            sifted.refuse(one, "unknown_series", _("no commodity is fed by this series"))
        elif one.observed_on > now.date():
            told = _("%(day)s has not come yet") % {"day": one.observed_on}
            sifted.refuse(one, "future_price", told)
        elif _overtaken(one, newest[one.series], known.get(series.commodity_id)):
            told = _("the source gave %s already") % known[series.commodity_id]
            sifted.refuse(one, "older_than_recorded", told)
        elif (one.series, one.observed_on) in seen:
            sifted.refuse(one, "duplicate_date", _("this day is there twice"))
        else:
            seen[one.series, one.observed_on] = one
            _priced(one, series, sifted)
    if feed.complete_only:
        _keep_whole_days(sifted, reading, mapped, known)
    return sifted


def _newest(reading: Reading) -> dict[str, date]:
    found: dict[str, date] = {}
    for one in reading.observations:
        found[one.series] = max(one.observed_on, found.get(one.series, date.min))
    return found


def _overtaken(one: SeriesObservation, newest: date, known: date | None) -> bool:
    """Tell whether the parcel is older than what this source gave before, and no correction."""
    return known is not None and newest < known and not one.corrects


def _priced(one: SeriesObservation, series: FeedSeries, sifted: Sifted) -> None:
    """Add an observation to the good ones, or the reason why it is no price."""
    commodity = series.commodity
    if not one.price.is_finite():
        sifted.refuse(one, "not_a_number", _("no number"))
    elif one.currency != commodity.currency:
        told = _("%(currency)s; expected %(expected)s")
        figures = {"currency": one.currency, "expected": commodity.currency}
        sifted.refuse(one, "wrong_currency", told % figures)
    elif not means(one.unit, commodity):
        figures = {"unit": one.unit, "expected": str(commodity.quotation)}
        sifted.refuse(one, "wrong_unit", _("per %(unit)s; expected %(expected)s") % figures)
    else:
        try:
            price = price_of(commodity, one.observed_on, one.price, one.unit)
        except PriceRefused as refusal:
            sifted.refuse(one, refusal.code, refusal.message)
            return
        sifted.good.append(one)
        if not series.confirms_only:
            sifted.prices.append((one, price))


def _keep_whole_days(
    sifted: Sifted,
    reading: Reading,
    mapped: Mapping[str, FeedSeries],
    known: Mapping[int, date],
) -> None:
    """Leave out the new days that lack one of the feed's series: half a batch is none."""
    wanted = {name for name, series in mapped.items() if not series.confirms_only}
    since = max(known.values(), default=date.min)
    there: dict[date, set[str]] = defaultdict(set)
    for one, _price in sifted.prices:
        there[one.observed_on].add(one.series)
    halves = {day for day, names in there.items() if day > since and names != wanted}
    kept = [(one, price) for one, price in sifted.prices if one.observed_on not in halves]
    for one, _price in sifted.prices:
        if one.observed_on in halves:
            lacking = ", ".join(sorted(wanted - there[one.observed_on]))
            sifted.refuse(one, "incomplete_batch", _("the day lacks %s") % lacking)
    sifted.prices = kept
    sifted.incomplete = bool(halves) or any(
        problem.observed_on is None for problem in reading.problems
    )
