"""Which lots to pledge, release or swap for a need: asked, solved, made exact, explained.

Pure: nothing is read, nothing is written. See `allocation_problem` for the words,
`allocation_solver` for the method and `allocation_exact` for what makes the answer safe.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from pledges.rules.allocation_exact import (
    CENT,
    cost_of,
    lending_after,
    market_after,
    quantised,
    repaired,
    shortages_of,
)
from pledges.rules.allocation_problem import (
    LIMITED,
    ZERO,
    Binding,
    Kind,
    Line,
    Plan,
    Problem,
)
from pledges.rules.allocation_reasons import middle_of, reasons_for
from pledges.rules.allocation_solver import Rule, solve

# The step of relief by which a rule's price is told (see Binding).
STEPS = {Kind.NEED: Decimal(1), Kind.COVER: Decimal(1000), Kind.CONTROLLED: Decimal(1000)}


def propose_allocation(problem: Problem) -> Plan:
    """Return the cheapest allocation that keeps every rule, or the one that breaks least.

    Same input, same plan. What cannot be kept is told in `shortages`, cover being the last to give
    way and needs the first; never an exception.
    """
    problem = replace(problem, parts=sorted(problem.parts, key=lambda part: part.key))
    before = {part.key: part.before for part in problem.parts}
    if not problem.parts:
        return _plan(problem, before, ZERO, ())
    solution = solve(problem)
    asked = {
        part.key: quantised(part, quantity)
        for part, quantity in zip(problem.parts, solution.secured, strict=True)
    }
    bound = Decimal(repr(round(solution.bound, 2)))
    return _plan(problem, repaired(problem, asked), bound, solution.prices)


def _plan(
    problem: Problem,
    secured: dict[str, Decimal],
    bound: Decimal,
    prices: Sequence[tuple[Rule, float]],
) -> Plan:
    cost, lending = cost_of(problem, secured), lending_after(problem, secured)
    bound, middle = min(bound, cost), middle_of(problem.parts)
    return Plan(
        problem=problem,
        lines=tuple(
            Line(part, secured[part.key], reasons_for(problem, part, secured[part.key], middle))
            for part in problem.parts
        ),
        lending_after=lending,
        market_after=market_after(problem, secured),
        cost_before=cost_of(problem, {part.key: part.before for part in problem.parts}),
        cost=cost,
        bound=bound,
        gap=((cost - bound) / cost).quantize(Decimal("1e-8")) if cost > 0 else ZERO,
        shortages=shortages_of(problem, secured),
        bindings=_bindings(problem, lending, prices),
    )


def _bindings(
    problem: Problem, lending: Decimal, prices: Sequence[tuple[Rule, float]]
) -> tuple[Binding, ...]:
    found = []
    for rule, price in prices:
        step = lending / 100 if rule.kind in LIMITED else STEPS[rule.kind]
        saves = (Decimal(repr(-price)) * step).quantize(CENT)
        if saves > 0:
            found.append(Binding(rule.kind, rule.id, _limit_of(problem, rule), saves))
    return tuple(sorted(found, key=lambda one: (-one.saves, one.kind, one.id or 0)))


def _limit_of(problem: Problem, rule: Rule) -> Decimal:
    if rule.kind == Kind.COVER:
        return problem.required
    if rule.kind == Kind.CONTROLLED:
        return problem.floor
    assert rule.id is not None, "every other rule is about one item, site or commodity"
    if rule.kind == Kind.NEED:
        return problem.needed[rule.id]
    return problem.groups[rule.kind, rule.id]
