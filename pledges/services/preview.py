"""What giving and bringing goods would do to cover: measured, never written.

The figures come from the functions that judge the act itself; only sums already cut to the cent
are added, so that a preview may lie a cent below the act, never above it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from functools import reduce

from lending.models import Facility
from logistics.models import Lot
from pledges.measure import judging_days, measure
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
    """Market, lending and glided value of one side of a change, in the facility's currency."""

    market: Decimal = ZERO
    lending: Decimal = ZERO
    glided: Decimal = ZERO

    def __add__(self, other: "Side") -> "Side":
        """Return both together."""
        return Side(
            self.market + other.market, self.lending + other.lending, self.glided + other.glided
        )

    def __mul__(self, quantity: Decimal) -> "Side":
        """Return the value of a quantity of which this is one unit's."""
        return Side(self.market * quantity, self.lending * quantity, self.glided * quantity)

    def rounded(self, rounding: str) -> "Side":
        """Return it to the cent: the market value to the nearest, what it lends as told."""
        return Side(
            self.market.quantize(CENT, rounding=ROUND_HALF_EVEN),
            self.lending.quantize(CENT, rounding=rounding),
            self.glided.quantize(CENT, rounding=rounding),
        )


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
    positions = _positions({pk for change in changes for pk in change.give})
    lots = {lot.pk: lot for change in changes for lot, _quantity in change.bring}
    terms = terms_of_lots(list(lots.values())) if lots else []
    lot_terms = dict(zip(lots, terms, strict=True))
    held = [position_terms for _suspended, position_terms in positions.values()]
    bases = {term.basis_id for one in [*terms, *held] for term in one}
    quotes = latest_prices(priced_on, commodity_ids=bases) if bases else {}
    return [
        _preview(change, covers[change.facility.pk], positions, lot_terms, quotes, priced_on)
        for change in changes
    ]


def _positions(ids: set[uuid.UUID]) -> dict[uuid.UUID, tuple[bool, list[Term]]]:
    """Return whether each position is suspended, and its terms (two queries)."""
    found = Position.objects.filter(pk__in=ids).prefetch_related("terms") if ids else []
    return {
        position.pk: (
            position.suspended,
            [
                Term(term.basis_id, term.market_per_unit, term.lending_per_unit)
                for term in position.terms.all()
            ],
        )
        for position in found
    }


def _preview(
    change: Change,
    before: Cover,
    positions: Mapping[uuid.UUID, tuple[bool, list[Term]]],
    lot_terms: Mapping[int, Sequence[Term]],
    quotes: Mapping[int, Quote],
    priced_on: date,
) -> Preview:
    currency = change.facility.currency
    given, leaving = Side(), Side()
    for pk, quantity in change.give.items():
        suspended, terms = positions[pk]
        value = _unit(terms, quotes, currency) * quantity
        # What counts for nothing changes no cover when it goes; who gives it up decides on it.
        given += Side(value.market.quantize(CENT, rounding=ROUND_HALF_EVEN))
        leaving += Side() if suspended else value
    coming = [_unit(lot_terms[lot.pk], quotes, currency) * qty for lot, qty in change.bring]
    leaving = leaving.rounded(ROUND_UP)
    brought = reduce(Side.__add__, coming, Side()).rounded(ROUND_DOWN)
    return Preview(
        before=before,
        after=_after(change.facility, before, leaving, brought),
        given=Side(given.market, leaving.lending, leaving.glided),
        brought=brought,
        priced_on=priced_on,
    )


def _unit(terms: Sequence[Term], quotes: Mapping[int, Quote], currency: str) -> Side:
    """Return what one unit is worth; what has no fresh price in the currency is worth nothing."""
    value = Side()
    for term in terms:
        quote = quotes[term.basis_id]
        if quote.fresh and quote.currency == currency:
            lending = term.lending_per_unit * quote.unit_price
            value += Side(
                term.market_per_unit * quote.unit_price,
                lending * quote.rate,
                lending * quote.glided_rate,
            )
    return value


def _after(facility: Facility, before: Cover, leaving: Side, coming: Side) -> Cover:
    market = max(ZERO, before.market_value - leaving.market + coming.market)
    lending = max(ZERO, before.lending_value - leaving.lending + coming.lending)
    glided = max(ZERO, before.glided_value - leaving.glided + coming.glided)
    watch, call = line_values(
        market_value=market,
        lending_value=lending,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
        glided_value=glided,
    )
    return Cover(
        exposure=before.exposure,
        market_value=market,
        lending_value=lending,
        band=band_of(
            exposure=before.exposure, lending_value=lending, watch_value=watch, call_value=call
        ),
        limit=before.limit,
        glided_value=glided,
    )
