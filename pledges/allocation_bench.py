"""The allocation beside its linear relaxation (floor) and a greedy choice (peer)."""

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from common.bench import Result, benchmark, side_by_side
from pledges.rules.allocation import propose_allocation
from pledges.rules.allocation_exact import cost_of
from pledges.rules.allocation_problem import ONE, ZERO, Kind, Need, Part, Problem, groups_of
from pledges.rules.allocation_solver import relaxed_cost

ITEMS, SITES, COMMODITIES = 60, 8, 7
NEEDED = range(0, ITEMS, 10)
ROUNDS = 3


def make_problem(lots: int, *, seed: int = 1) -> Problem:
    """Return a pool of so many lots, half of them pledged, with needs and limits that bind."""
    draw = random.Random(seed)
    prices = [Decimal(draw.randint(50, 2_000)) for _ in range(ITEMS)]
    rates = [Decimal(draw.randint(40, 80)) / 100 for _ in range(ITEMS)]
    days = [Decimal(draw.randint(3, 400)) for _ in range(ITEMS)]
    fees = [Decimal(draw.randint(0, 10)) / 30_000 for _ in range(SITES)]
    parts = []
    for lot in range(lots):
        item, site = draw.randrange(ITEMS), draw.randrange(SITES)
        lending = prices[item] * rates[item]
        parts.append(
            Part(
                key=f"{lot:08d}",
                lot_id=lot,
                item_id=item,
                site_id=site,
                quantity=Decimal(draw.randint(20, 500)),
                pledged=draw.random() < 0.5,
                market=prices[item],
                lending=lending,
                by_commodity={item % COMMODITIES: lending},
                days_to_sell=days[item],
                age_days=draw.randint(0, 300),
                storage=fees[site] * prices[item],
                least=Decimal(10),
            )
        )
    stock = {item: sum((p.quantity for p in parts if p.item_id == item), ZERO) for item in NEEDED}
    lending = sum((part.before * part.lending for part in parts), ZERO)
    return Problem(
        parts=parts,
        exposure=lending * Decimal("0.85"),
        lending_now=lending,
        market_now=sum((part.before * part.market for part in parts), ZERO),
        needs=[
            Need(item_id=item, quantity=(total * 3 / 10).quantize(Decimal(1)), by=date(2016, 4, 1))
            for item, total in stock.items()
        ],
        limits={Kind.ITEM: Decimal("0.1"), Kind.SITE: Decimal("0.25")},
    )


def greedy(problem: Problem) -> dict[str, Decimal]:
    """Secure whole lots in order of cost by lending value until the pool is covered.

    The peer: what a clerk with a spreadsheet does. It keeps needs and limits as it goes.
    """
    choice = _Choice(problem)
    for part in sorted(problem.parts, key=lambda one: problem.cost(one) / one.lending):
        if choice.total >= problem.required:
            break
        if choice.fits(part):
            choice.take(part)
    return choice.secured


class _Choice:
    """What the peer has secured so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.secured = {part.key: ZERO for part in problem.parts}
        self.left = {item: -quantity for item, quantity in problem.needed.items()}
        for part in problem.parts:
            if part.item_id in self.left:
                self.left[part.item_id] += part.quantity
        self.used: dict[tuple[Kind, int], Decimal] = {}
        pledged = sum((part.before * part.lending for part in problem.parts), ZERO)
        self.total = problem.lending_now - pledged

    def fits(self, part: Part) -> bool:
        """Whether the needs and limits allow the whole part."""
        if part.quantity > self.left.get(part.item_id, part.quantity):
            return False
        problem = self.problem
        return all(
            self.used.get(group, ZERO) + value * part.quantity
            <= problem.groups.get(group, ONE) * problem.required
            for group, value in groups_of(part).items()
        )

    def take(self, part: Part) -> None:
        """Secure the whole part."""
        self.secured[part.key] = part.quantity
        self.total += part.lending * part.quantity
        if part.item_id in self.left:
            self.left[part.item_id] -= part.quantity
        for group, value in groups_of(part).items():
            self.used[group] = self.used.get(group, ZERO) + value * part.quantity


@benchmark("allocation", sizes=[2_000, 5_000])
def allocation(size: int) -> Iterator[Result]:
    """Choose among `size` lots; the gap to the bound and the peer's excess stand in the case."""
    problem = make_problem(size)
    taken = side_by_side(
        {
            "platform": lambda: propose_allocation(problem),
            "floor": lambda: relaxed_cost(problem),
            "peer": lambda: greedy(problem),
        },
        rounds=ROUNDS,
    )
    plan, choice = propose_allocation(problem), greedy(problem)
    excess = cost_of(problem, choice) / plan.cost - 1
    yield Result(
        case=f"plan within {plan.gap:.3%} of the bound, floor: linear relaxation",
        size=size,
        seconds=taken["platform"],
        floor_seconds=taken["floor"],
        peer=f"greedy, its plan costs {excess:+.1%}",
        peer_seconds=taken["peer"],
    )
