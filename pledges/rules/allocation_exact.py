"""The solver's answer made exact: quantities in whole steps, every rule recomputed, repaired.

Floats decide which lots; from here on everything is Decimal, and nothing is uncovered by rounding.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from common.exact import EXACT
from pledges.rules.allocation_problem import (
    ZERO,
    Kind,
    Part,
    Problem,
    Secured,
    Shortage,
    groups_of,
)

CENT = Decimal("0.01")
MOST_REPAIRS = 200
MOST_TRIED = 50


def quantised(part: Part, quantity: Decimal) -> Decimal:
    """Return a quantity that may be secured of the part, the next one below."""
    if quantity >= part.quantity:
        return part.quantity
    steps = (quantity / part.step).to_integral_value(rounding=ROUND_FLOOR)
    stepped = min(steps * part.step, part.quantity - part.least)
    return stepped if part.may_split and stepped >= part.least else ZERO


def lending_after(problem: Problem, secured: Secured) -> Decimal:
    """Return the pool's lending value with these quantities secured, cut to the cent.

    The pool's own figure is cut already, so the true one is never below what this returns.
    """
    with localcontext(EXACT):
        moved = sum((_moved(part, secured) * part.lending for part in problem.parts), ZERO)
        return (problem.lending_now + moved).quantize(CENT, rounding=ROUND_FLOOR)


def market_after(problem: Problem, secured: Secured) -> Decimal:
    """Return the pool's market value with these quantities secured, cut to the cent."""
    with localcontext(EXACT):
        moved = sum((_moved(part, secured) * part.market for part in problem.parts), ZERO)
        return (problem.market_now + moved).quantize(CENT, rounding=ROUND_FLOOR)


def cost_of(problem: Problem, secured: Secured) -> Decimal:
    """Return what the quantities cost over the horizon, with the acts that lead to them."""
    with localcontext(EXACT):
        total = ZERO
        for part in problem.parts:
            quantity = secured[part.key]
            total += problem.cost(part) * quantity + _acts(problem, part, quantity)
        return total.quantize(CENT)


def _acts(problem: Problem, part: Part, quantity: Decimal) -> Decimal:
    """Return what the acts cost that lead to a quantity: to touch the part, and to split it."""
    weights = problem.weights
    touched = weights.handling if quantity != part.before else ZERO
    return touched + (weights.split if ZERO < quantity < part.quantity else ZERO)


def shortages_of(problem: Problem, secured: Secured) -> tuple[Shortage, ...]:
    """Return every rule that these quantities break, with the exact amount."""
    with localcontext(EXACT):
        return (
            *_cover_shortages(problem, secured),
            *_need_shortages(problem, secured),
            *_limit_shortages(problem, secured),
        )


def _cover_shortages(problem: Problem, secured: Secured) -> list[Shortage]:
    short = problem.required - lending_after(problem, secured)
    uncontrolled = problem.floor - market_after(problem, secured)
    found = [(Kind.COVER, short), (Kind.CONTROLLED, uncontrolled)]
    return [Shortage(kind, None, amount) for kind, amount in found if amount > 0]


def _need_shortages(problem: Problem, secured: Secured) -> list[Shortage]:
    """Return what is missing of each need; the goods there are go to the earliest dates."""
    left, stock = free_by_item(problem, secured), stock_by_item(problem)
    found = []
    for need in sorted(problem.needs, key=lambda one: (one.by, one.item_id)):
        free, all_of_it = left.get(need.item_id, ZERO), stock.get(need.item_id, ZERO)
        missing = max(ZERO, need.quantity - free)
        left[need.item_id] = max(ZERO, free - need.quantity)
        stock[need.item_id] = max(ZERO, all_of_it - need.quantity)
        if missing:
            beyond = max(ZERO, need.quantity - all_of_it)
            found.append(Shortage(Kind.NEED, need.item_id, missing, beyond, need.by))
    return found


def _limit_shortages(problem: Problem, secured: Secured) -> list[Shortage]:
    if not problem.groups:
        return []
    total = lending_after(problem, secured)
    used = lending_by_group(problem, secured)
    found = []
    for group, limit in problem.groups.items():
        over = (used.get(group, ZERO) - limit * total).quantize(CENT, rounding=ROUND_CEILING)
        if over > 0:
            found.append(Shortage(group[0], group[1], over))
    return found


def free_by_item(problem: Problem, secured: Secured) -> dict[int, Decimal]:
    """Return what stays free of each item."""
    free: dict[int, Decimal] = {}
    for part in problem.parts:
        left = part.quantity - secured[part.key]
        free[part.item_id] = free.get(part.item_id, ZERO) + left
    return free


def stock_by_item(problem: Problem) -> dict[int, Decimal]:
    """Return the quantity of each item that is decided here."""
    return free_by_item(problem, {part.key: ZERO for part in problem.parts})


def lending_by_group(problem: Problem, secured: Secured) -> dict[tuple[Kind, int], Decimal]:
    """Return the lending value by item, site and commodity, goods not decided here included."""
    used = dict(problem.fixed)
    for part in problem.parts:
        for group, lending in groups_of(part).items():
            used[group] = used.get(group, ZERO) + lending * secured[part.key]
    return used


def repaired(problem: Problem, secured: Secured) -> dict[str, Decimal]:
    """Return the quantities with more secured where rounding left the pool uncovered.

    Adds the cheapest quantity that closes the gap without breaking another rule, again and again;
    gives up where nothing more helps: the shortage is then told, never hidden.
    """
    fixed = dict(secured)
    with localcontext(EXACT):
        for _round in range(MOST_REPAIRS):
            short = problem.required - lending_after(problem, fixed)
            if short <= 0:
                break
            best = _cheapest_addition(problem, fixed, short)
            if best is None:
                break
            fixed[best[0]] = best[1]
    return fixed


def _cheapest_addition(
    problem: Problem, secured: Mapping[str, Decimal], short: Decimal
) -> tuple[str, Decimal] | None:
    broken = _severity(problem, secured)
    spare = _spare(problem, secured)
    found = []
    for part in problem.parts:
        if part.lending <= 0 or secured[part.key] == part.quantity:
            continue
        wanted = _raised(problem, part, secured[part.key], short)
        added = wanted - secured[part.key]
        if added > spare.get(part.item_id, added):
            continue
        closes = min(short, added * part.lending)
        extra = problem.cost(part) * added + _acts(problem, part, wanted)
        extra -= _acts(problem, part, secured[part.key])
        found.append((closes < short, extra / closes, part.key, wanted))
    for _partial, _price, key, wanted in sorted(found)[:MOST_TRIED]:
        if _severity(problem, {**secured, key: wanted}) <= broken:
            return key, wanted
    return None


def _raised(problem: Problem, part: Part, now: Decimal, short: Decimal) -> Decimal:
    steps = (short / part.lending / part.step).to_integral_value(rounding=ROUND_CEILING)
    wanted = max(now + steps * part.step, part.least)
    if not part.may_split or problem.whole_lots_only or wanted > part.quantity - part.least:
        return part.quantity
    return wanted


def _spare(problem: Problem, secured: Secured) -> dict[int, Decimal]:
    free = free_by_item(problem, secured)
    return {
        item_id: max(ZERO, free.get(item_id, ZERO) - quantity)
        for item_id, quantity in problem.needed.items()
    }


def _severity(problem: Problem, secured: Secured) -> Decimal:
    """How far the limits are exceeded together; a repair may not add to it."""
    return sum((one.amount for one in _limit_shortages(problem, secured)), ZERO)


def _moved(part: Part, secured: Secured) -> Decimal:
    return secured[part.key] - part.before
