"""Why a lot was chosen: codes with the figure that decided; the portal words them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.exact import EXACT
from pledges.rules.allocation_problem import ZERO, Part, Problem

TENTH = Decimal("0.1")
MOST = 3


@dataclass(frozen=True, slots=True)
class Middle:
    """The middle of the parts' figures, against which one part is fast, dear or old."""

    days: Decimal | None
    rate: Decimal
    per_storage: Decimal
    age: Decimal


def reasons_for(
    problem: Problem, part: Part, after: Decimal, middle: Middle
) -> tuple[tuple[str, Decimal], ...]:
    """Return up to three reasons for what becomes of a part; none where nothing changes."""
    if after == part.before:
        return ()
    if after > part.before:
        return tuple(_for_pledging(part, middle))[:MOST]
    return tuple(_for_release(problem, part, middle))[:MOST]


def _for_pledging(part: Part, middle: Middle) -> list[tuple[str, Decimal]]:
    found = []
    if part.days_to_sell is None:
        found.append(("never_sold", ZERO))
    elif middle.days is None or part.days_to_sell >= middle.days:
        found.append(("slow_seller", part.days_to_sell.quantize(TENTH)))
    if part.storage and _per_storage(part) >= middle.per_storage:
        found.append(("lends_most_per_storage", _per_storage(part)))
    if part.market and _rate(part) >= middle.rate:
        found.append(("lends_much", _rate(part)))
    if part.age_days <= middle.age:
        found.append(("newest", Decimal(part.age_days)))
    if not found:
        found.append(("keeps_cover", part.lending.quantize(Decimal("0.01"))))
    return found


def _for_release(problem: Problem, part: Part, middle: Middle) -> list[tuple[str, Decimal]]:
    found = []
    if part.item_id in problem.needed:
        found.append(("needed_free", problem.needed[part.item_id]))
    if not part.lending:
        found.append(("lends_nothing", ZERO))
    if part.days_to_sell is not None and (middle.days is None or part.days_to_sell <= middle.days):
        found.append(("fast_seller", part.days_to_sell.quantize(TENTH)))
    if part.storage and _per_storage(part) < middle.per_storage:
        found.append(("dear_storage", part.storage))
    if part.age_days > middle.age:
        found.append(("oldest", Decimal(part.age_days)))
    if not found:
        found.append(("not_needed_for_cover", ZERO))
    return found


def middle_of(parts: Sequence[Part]) -> Middle:
    """Return the medians of the parts' figures."""
    return Middle(
        days=_median([part.days_to_sell for part in parts if part.days_to_sell is not None]),
        rate=_median([_rate(part) for part in parts if part.market]) or ZERO,
        per_storage=_median([_per_storage(part) for part in parts if part.storage]) or ZERO,
        age=_median([Decimal(part.age_days) for part in parts]) or ZERO,
    )


def _median(values: list[Decimal]) -> Decimal | None:
    return sorted(values)[len(values) // 2] if values else None


def _rate(part: Part) -> Decimal:
    return EXACT.divide(part.lending, part.market).quantize(Decimal("0.0001"))


def _per_storage(part: Part) -> Decimal:
    return EXACT.divide(part.lending, part.storage).quantize(Decimal("0.01"))
