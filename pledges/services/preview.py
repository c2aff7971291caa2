"""What giving and bringing goods would do to cover: measured, never written.

The figures come from the functions that judge the act itself; only sums already cut to the cent
are added, so that a preview may lie a cent below the act, never above it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal

from lending.models import Facility
from logistics.models import Lot
from pledges.measure import UnitValue, judging_days, measure, unit_values
from pledges.models import Position
from pledges.rules.cover import Cover, band_of, line_values
from pledges.rules.terms import Term
from pledges.services.valuation import terms_of_lots
from risk.queries import Quote, latest_prices

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Change:
    """Quantities of positions that would be given up, and of lots that would be pledged."""

    facility: Facility
    give: Mapping[uuid.UUID, Decimal] = field(default_factory=dict)
    bring: Sequence[tuple[Lot, Decimal]] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """Market and lending value of one side of a change, in the facility's currency."""

    market: Decimal
    lending: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """Cover as it is and as it would be, by the prices of `priced_on`."""

    before: Cover
    after: Cover
    given: Side
    brought: Side
    priced_on: date

    @property
    def amount(self) -> Decimal:
        """Return the market value that is decided on: of what is given, else of what comes."""
        return self.given.market or self.brought.market


def preview_change(change: Change, *, on: date) -> Preview:
    """Return what one change would do at the live price; see `preview_changes`."""
    [preview] = preview_changes([change], on=on)
    return preview


def preview_changes(changes: Sequence[Change], *, on: date) -> list[Preview]:
    """Return what each change, by itself, would do to its facility's cover.

    A constant number of queries a pricing day, whatever the number of changes. Goods without a
    fresh price count nothing. Raises NothingToLendOn, CurrencyNotValued.
    """
    days = judging_days(on=on, facility_ids={change.facility.pk for change in changes})
    found: dict[int, Preview] = {}
    for priced_on, facility_ids in days.items():
        concerned = {n: one for n, one in enumerate(changes) if one.facility.pk in facility_ids}
        found |= dict(zip(concerned, _previews(list(concerned.values()), priced_on), strict=True))
    return [found[n] for n in range(len(changes))]


def _previews(changes: Sequence[Change], priced_on: date) -> list[Preview]:
    covers = measure(as_of=priced_on, facility_ids={change.facility.pk for change in changes})
    given = {pk for change in changes for pk in change.give}
    units = unit_values(as_of=priced_on, position_ids=given) if given else {}
    # A suspended position is left out of the pool: giving it up changes no cover.
    suspended = Position.objects.filter(pk__in=given, suspended=True)
    idle = set(suspended.values_list("pk", flat=True)) if given else set()
    worth = _worth_of_lots([lot for change in changes for lot, _qty in change.bring], priced_on)
    return [
        _preview(change, covers[change.facility.pk], units, idle, worth, priced_on)
        for change in changes
    ]


def _preview(
    change: Change,
    before: Cover,
    units: Mapping[uuid.UUID, UnitValue],
    idle: set[uuid.UUID],
    worth: Mapping[int, dict[str, UnitValue]],
    priced_on: date,
) -> Preview:
    currency = change.facility.currency
    counting = [(units[pk], quantity) for pk, quantity in change.give.items() if pk not in idle]
    leaving = _sum(counting, rounding=ROUND_UP)
    everything = [(units[pk], quantity) for pk, quantity in change.give.items()]
    nothing = UnitValue(ZERO, ZERO)
    coming = [(worth[lot.pk].get(currency, nothing), quantity) for lot, quantity in change.bring]
    brought = _sum(coming, rounding=ROUND_DOWN)
    return Preview(
        before=before,
        after=_after(change.facility, before, leaving, brought),
        given=_sum(everything, rounding=ROUND_DOWN),
        brought=brought,
        priced_on=priced_on,
    )


def _sum(parts: Sequence[tuple[UnitValue, Decimal]], *, rounding: str) -> Side:
    market = sum((unit.market * quantity for unit, quantity in parts), ZERO)
    lending = sum((unit.lending * quantity for unit, quantity in parts), ZERO)
    return Side(
        market.quantize(CENT, rounding=ROUND_HALF_EVEN), lending.quantize(CENT, rounding=rounding)
    )


def _after(facility: Facility, before: Cover, leaving: Side, coming: Side) -> Cover:
    market = max(ZERO, before.market_value - leaving.market + coming.market)
    lending = max(ZERO, before.lending_value - leaving.lending + coming.lending)
    watch, call = line_values(
        market_value=market,
        lending_value=lending,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
    )
    return Cover(
        exposure=before.exposure,
        market_value=market,
        lending_value=lending,
        band=band_of(
            exposure=before.exposure, lending_value=lending, watch_value=watch, call_value=call
        ),
        limit=before.limit,
    )


def _worth_of_lots(lots: Sequence[Lot], priced_on: date) -> dict[int, dict[str, UnitValue]]:
    """Return what one unit of each lot would be worth as a pledge, by currency of its prices."""
    unique = list({lot.pk: lot for lot in lots}.values())
    terms = terms_of_lots(unique) if unique else []
    bases = {term.basis_id for lot_terms in terms for term in lot_terms}
    quotes = latest_prices(priced_on, commodity_ids=bases) if bases else {}
    return {lot.pk: _worth(one, quotes) for lot, one in zip(unique, terms, strict=True)}


def _worth(terms: Sequence[Term], quotes: Mapping[int, Quote]) -> dict[str, UnitValue]:
    found: dict[str, UnitValue] = {}
    for term in terms:
        quote = quotes[term.basis_id]
        if quote.fresh:
            sofar = found.get(quote.currency, UnitValue(ZERO, ZERO))
            found[quote.currency] = UnitValue(
                sofar.market + term.market_per_unit * quote.unit_price,
                sofar.lending + term.lending_per_unit * quote.unit_price * quote.rate,
            )
    return found
