"""What an allocation is asked and what it answers: values only, exact decimals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from common.exact import EXACT

ZERO = Decimal(0)
ONE = Decimal(1)
YEAR = Decimal(365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A quantity of a lot that is decided by itself: one pledge on it, or what is free of it.

    `market` and `lending` are live values of one unit in the facility's currency, `storage` what
    its custody costs a day while it is pledged. It may be secured not at all, whole, or in part
    with at least `least` on either side, in multiples of `step`.
    """

    key: str
    lot_id: int
    item_id: int
    site_id: int
    quantity: Decimal
    pledged: bool
    market: Decimal
    lending: Decimal
    by_commodity: Mapping[int, Decimal] = field(default_factory=dict)
    days_to_sell: Decimal | None = None
    age_days: int = 0
    storage: Decimal = ZERO
    step: Decimal = ONE
    least: Decimal = ONE

    @property
    def before(self) -> Decimal:
        """What of it is secured now."""
        return self.quantity if self.pledged else ZERO

    @property
    def may_split(self) -> bool:
        """Whether both sides of a split could reach the least quantity."""
        return self.quantity >= 2 * self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Goods that must be free by a date, such as an open sales order; in the item's unit."""

    item_id: int
    quantity: Decimal
    by: date


class Kind(StrEnum):
    """The rules that may bind."""

    COVER = "cover"
    CONTROLLED = "controlled"
    NEED = "need"
    ITEM = "item"
    SITE = "site"
    COMMODITY = "commodity"


LIMITED = (Kind.ITEM, Kind.SITE, Kind.COMMODITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What makes goods dear to keep pledged, as shares of market value over the horizon.

    `tied_up` counts for all goods, `turnover` × the share of the stock that sells within the
    horizon, `ageing` × the age in years (at most one): the oldest leave first. `storage`
    multiplies the custody cost. Each act on a lot costs `handling`, each split `split`.
    """

    tied_up: Decimal = Decimal("0.001")
    turnover: Decimal = Decimal("0.05")
    ageing: Decimal = Decimal("0.01")
    storage: Decimal = ONE
    handling: Decimal = Decimal(20)
    split: Decimal = Decimal(100)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The pool as it stands, what must be free, and what must stay covered.

    `exposure` includes what is still to be drawn. `lending_now` and `market_now` are the pool's
    whole values, of which the pledged parts are some; `fixed` is the lending value of goods that
    are not decided here by (kind, id). `limits` are the greatest shares of lending value by kind,
    `limits_of` those of single items, sites or commodities.
    """

    parts: Sequence[Part]
    exposure: Decimal
    lending_now: Decimal
    market_now: Decimal
    factor: Decimal = Decimal("0.9")
    minimum_market: Decimal = ZERO
    needs: Sequence[Need] = ()
    horizon_days: int = 30
    fixed: Mapping[tuple[Kind, int], Decimal] = field(default_factory=dict)
    limits: Mapping[Kind, Decimal] = field(default_factory=dict)
    limits_of: Mapping[tuple[Kind, int], Decimal] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    whole_lots_only: bool = False

    @cached_property
    def required(self) -> Decimal:
        """Least lending value with which E ≤ factor × ΣLV, to the cent and rounded up."""
        cent = Decimal("0.01")
        least = EXACT.divide(self.exposure, self.factor)
        return least.quantize(cent, rounding="ROUND_CEILING", context=EXACT)

    @cached_property
    def floor(self) -> Decimal:
        """Market value that must stay under control; none while nothing is owed."""
        return self.minimum_market if self.exposure else ZERO

    @cached_property
    def needed(self) -> dict[int, Decimal]:
        """Quantity that must be free by item, over all dates of the horizon."""
        total: dict[int, Decimal] = {}
        for need in self.needs:
            total[need.item_id] = total.get(need.item_id, ZERO) + need.quantity
        return total

    @cached_property
    def groups(self) -> dict[tuple[Kind, int], Decimal]:
        """The limit of each item, site and commodity that has one."""
        found: dict[tuple[Kind, int], Decimal] = {}
        for part in self.parts:
            for group in groups_of(part):
                limit = self.limits_of.get(group, self.limits.get(group[0], ONE))
                if limit < ONE:
                    found[group] = limit
        return dict(sorted(found.items()))

    def cost(self, part: Part) -> Decimal:
        """Return what one unit of a part costs while it is pledged, over the horizon."""
        weights = self.weights
        sells = ZERO
        if part.days_to_sell is not None:
            horizon = Decimal(self.horizon_days)
            sells = min(ONE, EXACT.divide(horizon, max(part.days_to_sell, ONE)))
        age = min(ONE, EXACT.divide(Decimal(part.age_days), YEAR))
        share = weights.tied_up + weights.turnover * sells + weights.ageing * age
        custody = weights.storage * part.storage * self.horizon_days
        return (part.market * share + custody).quantize(Decimal("1e-12"), context=EXACT)


def groups_of(part: Part) -> dict[tuple[Kind, int], Decimal]:
    """Return the lending value of one unit by each group that a limit may name."""
    return {
        (Kind.ITEM, part.item_id): part.lending,
        (Kind.SITE, part.site_id): part.lending,
        **{(Kind.COMMODITY, pk): value for pk, value in part.by_commodity.items()},
    }


Secured = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Shortage:
    """A rule that cannot be kept, and by how much: units of a need, money of the others.

    Of a need, `beyond_stock` is what is missing even with everything free.
    """

    kind: Kind
    id: int | None
    amount: Decimal
    beyond_stock: Decimal = ZERO
    by: date | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A rule that shapes the plan, and what one step of relief would save over the horizon.

    The step is one unit of a need, one percentage point of a limit, 1,000 of lending value.
    """

    kind: Kind
    id: int | None
    limit: Decimal
    saves: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one part, and why (codes with the figure that decided)."""

    part: Part
    after: Decimal
    reasons: tuple[tuple[str, Decimal], ...] = ()

    @property
    def change(self) -> Decimal:
        """What is newly pledged; below zero, what is released."""
        return self.after - self.part.before


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An allocation whose figures were recomputed exactly after the solver.

    `cost` is what the plan costs over the horizon, `bound` what no plan can go below, both with
    shortages left out; `gap` is the share by which the plan may miss the optimum.
    """

    problem: Problem
    lines: tuple[Line, ...]
    lending_after: Decimal
    market_after: Decimal
    cost_before: Decimal
    cost: Decimal
    bound: Decimal
    gap: Decimal
    shortages: tuple[Shortage, ...] = ()
    bindings: tuple[Binding, ...] = ()

    @property
    def changes(self) -> tuple[Line, ...]:
        """The lines that ask for an act."""
        return tuple(line for line in self.lines if line.change)

    @property
    def meets_cover(self) -> bool:
        """Whether exposure stays within the release level and the controlled value."""
        return not any(one.kind in {Kind.COVER, Kind.CONTROLLED} for one in self.shortages)
