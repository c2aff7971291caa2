"""The allocation as an integer program on HiGHS: the only place where it is floats.

Three steps, each exact about what it proves:
1. a linear relaxation without acts' fixed costs on splits: its optimum bounds every plan from
   below, its multipliers price the rules ("what would a relaxed limit gain");
2. the multipliers price each part by itself; the parts whose second-best decision costs least more
   than their best form the kernel;
3. the integer program over the kernel, the other parts at their best decision. Every rule is
   elastic at a price above anything it could save, so there is always an answer;
4. the proof: a part whose other decisions cost more than the answer lies above the bound stands as
   it is in every better answer. If all parts that this leaves open were in the kernel, the answer
   is the best there is; else the program is solved once more over the open parts. Either way its
   bound holds for all allocations.
The gap to the bound is measured on the plan's exact figures and handed on, never assumed.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, diags, hstack, identity, vstack

from pledges.rules.allocation_problem import ONE, Kind, Part, Problem, groups_of

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

KERNELS = (60, 240)
# More than so many open parts are not decided exactly: the relaxation bounds the plan then.
MOST_OPEN = 600
# Up to so many parts every piece is counted in whole numbers; up to fewer the optimum is proved to
# the last digit.
COUNTED, SMALL, EXACTLY = 128, 16, 1e-9
PROOF = 1e-5
NODES = 1_000
PATIENCE = 20.0  # seconds; a net only: the node limit comes first, so that answers repeat
SLIP = 1e-7
_linprog: Any = linprog  # its stub knows no sparse matrix, its code does
# A unit of market value short, a unit of lending value over a limit, a unit of cover short.
PRICES = {Kind.NEED: 10.0, Kind.CONTROLLED: 1e3, Kind.COVER: 1e4}
LIMIT_PRICE = 1e2


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: Σ coefficient × secured + `total` × (Σ lending) ≤ `most`, in the rule's unit."""

    kind: Kind
    id: int | None
    coefficients: Floats
    total: float
    most: float
    price: float  # of breaking it by one unit, in money


@dataclass(frozen=True, slots=True)
class Solution:
    """What the solver found: quantities, the bound, and what one unit of each rule costs."""

    secured: tuple[Decimal, ...]
    bound: float
    prices: tuple[tuple[Rule, float], ...]


class _Model:
    """The program's columns and rows as arrays, in money and units scaled to a thousand."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        parts = problem.parts
        self.quantity = _floats(part.quantity for part in parts)
        self.lending = _floats(part.lending for part in parts)
        self.least = _floats(part.least for part in parts)
        self.cost = _floats(problem.cost(part) for part in parts)
        self.pledged = np.array([part.pledged for part in parts], dtype=bool)
        whole_only = problem.whole_lots_only
        self.may_split = np.array([p.may_split and not whole_only for p in parts], dtype=bool)
        self.small = len(parts) <= SMALL
        counted = len(parts) <= COUNTED
        self.counted = np.array([counted and part.step >= ONE for part in parts], dtype=bool)
        self.steps = _floats(part.step for part in parts)
        handling, split = float(problem.weights.handling), float(problem.weights.split)
        # Acts: a free part costs one when it is pledged, a pledged one when it is not kept whole.
        self.whole_act = np.where(self.pledged, -handling, handling)
        self.split_act = np.where(self.pledged, 0.0, handling) + split
        self.standing = handling * float(self.pledged.sum())
        self.rules = _rules(problem, self)
        self.unit = max(1.0, float(np.max(self.cost * self.quantity, initial=1.0)))

    def rows(self) -> tuple[Any, Floats]:
        """Return the rules as a sparse matrix over parts and Σ lending, scaled, and their most."""
        blocks, most = [], []
        for rule in self.rules:
            scale = _scale(rule)
            blocks.append(csr_matrix(np.append(rule.coefficients, rule.total) / scale))
            most.append(rule.most / scale)
        return vstack(blocks).tocsr(), np.array(most)


def solve(problem: Problem) -> Solution:
    """Return the best quantities the program finds, in the order of the problem's parts."""
    model = _Model(problem)
    matrix, most = model.rows()
    relaxed = _Relaxation(model, matrix, most)
    best, bound = _best(model, matrix, most + relaxed.relief, relaxed)
    prices = tuple(
        (rule, float(multiplier) * model.unit / _scale(rule))
        for rule, multiplier in zip(model.rules, relaxed.multipliers, strict=True)
    )
    secured = tuple(
        _quantity_of(part, float(found))
        for part, found in zip(problem.parts, best.secured, strict=True)
    )
    return Solution(secured, (bound * model.unit) + model.standing, prices)


def _best(
    model: _Model, matrix: Any, most: Floats, relaxed: "_Relaxation"
) -> tuple["_Answer", float]:
    """Return the best answer found, and what no answer can go below."""
    for size in KERNELS if len(model.quantity) > COUNTED else (COUNTED,):
        kernel = relaxed.kernel(size)
        best = _Kernel(model, matrix, most, relaxed.shares, kernel).solve()
        open_parts = relaxed.open_parts(best)
        if kernel.all() or not (open_parts & ~kernel).any():
            return best, max(best.bound, relaxed.bound)
        if not best.broken and open_parts.sum() <= MOST_OPEN:
            break
    if best.broken or open_parts.sum() > MOST_OPEN:
        return best, relaxed.bound
    again = _Kernel(model, matrix, most, relaxed.shares, open_parts).solve()
    bound = max(relaxed.bound, min(again.bound, best.cost))
    return min(again, best, key=lambda one: one.cost), bound


def relaxed_cost(problem: Problem) -> float:
    """Return what no allocation can go below: the linear relaxation alone, for comparison."""
    model = _Model(problem)
    return _Relaxation(model, *model.rows()).bound * model.unit + model.standing


class _Relaxation:
    """The program with every part divisible: a bound, multipliers, and the kernel."""

    def __init__(self, model: _Model, matrix: Any, most: Floats) -> None:
        self.model = model
        per_part = (model.cost * model.quantity + model.whole_act) / model.unit
        self.relief = np.zeros(len(most))
        found = self._minimise(np.append(per_part, 0.0), matrix, most)
        if found is None:
            self.relief = self._shortages(matrix, most)
            found = self._minimise(np.append(per_part, 0.0), matrix, most + self.relief)
        assert found is not None, "with the relief found, the relaxation has an answer"
        self.shares, self.bound, self.multipliers, total_price = found
        column = matrix[:, :-1]
        self.adjusted = (
            model.cost / model.unit
            - column.T @ self.multipliers
            - total_price * model.lending / _money_scale(model.problem)
        )

    def _minimise(
        self, cost: Floats, matrix: Any, most: Floats
    ) -> tuple[Floats, float, Floats, float] | None:
        model, size = self.model, len(self.model.quantity)
        shares = matrix @ diags(np.append(model.quantity, 1.0))
        scale = _money_scale(model.problem)
        total = csr_matrix(np.append(model.lending * model.quantity, -1.0) / scale)
        found = _linprog(
            cost,
            A_ub=shares,
            b_ub=most,
            A_eq=total,
            b_eq=[0.0],
            bounds=[(0.0, 1.0)] * size + [(0.0, None)],
            method="highs",
        )
        if found.status != 0:
            return None
        marginals = np.asarray(found.ineqlin.marginals)
        return found.x[:size], float(found.fun), marginals, float(found.eqlin.marginals[0])

    def _shortages(self, matrix: Any, most: Floats) -> Floats:
        """Return by how much each rule must give way, the dearest rules last."""
        model, size = self.model, len(self.model.quantity)
        shares = matrix @ diags(np.append(model.quantity, 1.0))
        scale = _money_scale(model.problem)
        rows = hstack([shares, -identity(len(most))])
        total = csr_matrix(np.concatenate([model.lending * model.quantity / scale, [-1 / scale]]))
        total = hstack([total, csr_matrix((1, len(most)))])
        prices = np.array([rule.price * _scale(rule) for rule in model.rules])
        found = _linprog(
            np.concatenate([np.zeros(size + 1), prices / prices.min()]),
            A_ub=rows,
            b_ub=most,
            A_eq=total,
            b_eq=[0.0],
            bounds=[(0.0, 1.0)] * size + [(0.0, None)] * (1 + len(most)),
            method="highs",
        )
        relief: Floats = np.asarray(found.x[size + 1 :])
        return np.where(relief > SLIP, relief * (1 + SLIP) + SLIP, 0.0)

    def kernel(self, size: int) -> Marks:
        """Return the parts to decide in whole numbers: those nearest to another decision."""
        regret = np.sort(self.decisions(), axis=0)
        order = np.argsort(regret[1] - regret[0], kind="stable")
        kernel = np.zeros(len(order), dtype=bool)
        kernel[order[:size]] = True
        return kernel | ((self.shares > SLIP) & (self.shares < 1 - SLIP))

    def open_parts(self, answer: "_Answer") -> Marks:
        """Return the parts that something cheaper than the answer might decide otherwise.

        Another decision on a part adds at least its regret to the bound: where that reaches the
        answer's cost, the part stands as it is in whatever is cheaper.
        """
        regret = np.sort(self.decisions(), axis=0)
        margin = max(answer.cost - self.bound, 0.0) + SLIP
        is_open: Marks = regret[1] - regret[0] <= margin
        return is_open | ((self.shares > SLIP) & (self.shares < 1 - SLIP))

    def decisions(self) -> Floats:
        """Return what leaving, securing and splitting each part costs at the rules' prices."""
        model = self.model
        whole = self.adjusted * model.quantity + model.whole_act / model.unit
        side = np.where(self.adjusted < 0, model.quantity - model.least, model.least)
        split = self.adjusted * side + model.split_act / model.unit
        return np.stack([np.zeros_like(whole), whole, np.where(model.may_split, split, np.inf)])


@dataclass(frozen=True, slots=True)
class _Answer:
    secured: Floats
    cost: float
    bound: float
    broken: bool


class _Kernel:
    """The integer program over some parts; the others stand at whole or nothing.

    Columns: whole? of each part, split? and its steps of each part that may be split, Σ lending,
    relief of each rule, and one that is always 1 and carries what the other parts cost.
    """

    def __init__(
        self, model: _Model, matrix: Any, most: Floats, shares: Floats, kernel: Marks
    ) -> None:
        self.model, self.matrix, self.most = model, matrix, most
        self.rest = (~kernel) & (shares > 0.5)
        self.fixed = model.quantity * self.rest
        self.whole = np.flatnonzero(kernel)
        self.split = np.flatnonzero(kernel & model.may_split)
        self.counts = np.where(model.counted[self.split], model.steps[self.split], 1.0)
        self.room = model.quantity[self.split] - model.least[self.split]
        self.scale = _money_scale(model.problem)

    def solve(self) -> _Answer:
        """Return the best answer; there is one, since every rule may give way at its price."""
        low, high = self._sides()
        wholes, splits, rows = len(self.whole), len(self.split), len(self.most)
        ends = [np.inf] * (1 + rows) + [1.0]
        found = milp(
            self._costs(),
            constraints=LinearConstraint(self._rows(), low, high),
            bounds=Bounds(
                np.append(np.zeros(wholes + 2 * splits + 1 + rows), 1.0),
                np.concatenate([np.ones(wholes + splits), self.room / self.counts, ends]),
            ),
            integrality=np.concatenate(
                [np.ones(wholes + splits), self.model.counted[self.split], np.zeros(rows + 2)]
            ),
            options={
                "mip_rel_gap": EXACTLY if self.model.small else PROOF,
                "node_limit": NODES,
                "time_limit": PATIENCE,
            },
        )
        assert found.x is not None, "every rule is elastic, so there is an answer"
        return _Answer(
            secured=self._quantities(found.x),
            cost=float(found.fun),
            bound=float(found.mip_dual_bound),
            broken=bool((found.x[-1 - rows : -1] > SLIP).any()),
        )

    def _rows(self) -> Any:
        model, rows, splits = self.model, len(self.most), len(self.split)
        steps = diags(self.counts)
        rules = hstack(
            [
                self.matrix[:, self.whole] @ diags(model.quantity[self.whole]),
                csr_matrix((rows, splits)),
                self.matrix[:, self.split] @ steps,
                self.matrix[:, [-1]],
                -identity(rows),
                csr_matrix((rows, 1)),
            ]
        )
        total = np.concatenate(
            [
                model.lending[self.whole] * model.quantity[self.whole],
                np.zeros(splits),
                model.lending[self.split] * self.counts,
                [-1.0],
                np.zeros(rows + 1),
            ]
        )
        ends, none = csr_matrix((splits, rows + 2)), csr_matrix((splits, len(self.whole)))
        # At most the room, at least the least, and not whole besides.
        upper = hstack([none, -diags(self.room), steps, ends])
        lower = hstack([none, -diags(model.least[self.split]), steps, ends])
        columns = np.searchsorted(self.whole, self.split)
        same = csr_matrix((np.ones(splits), (range(splits), columns)), shape=none.shape)
        either = hstack([same, identity(splits), csr_matrix((splits, splits)), ends])
        return vstack([rules, csr_matrix(total / self.scale), upper, lower, either]).tocsr()

    def _sides(self) -> tuple[Floats, Floats]:
        rows, splits = len(self.most), len(self.split)
        standing = [-float(self.model.lending @ self.fixed) / self.scale]
        never, always = np.full(splits, -np.inf), np.full(splits, np.inf)
        nothing, one = np.zeros(splits), np.ones(splits)
        low = np.concatenate([np.full(rows, -np.inf), standing, never, nothing, never])
        rules = self.most - self.matrix[:, :-1] @ self.fixed
        return low, np.concatenate([rules, standing, nothing, always, one])

    def _costs(self) -> Floats:
        model = self.model
        per_whole = (model.cost * model.quantity + model.whole_act) / model.unit
        relief = np.array([rule.price * _scale(rule) for rule in model.rules]) / model.unit
        return np.concatenate(
            [
                per_whole[self.whole],
                model.split_act[self.split] / model.unit,
                model.cost[self.split] * self.counts / model.unit,
                [0.0],
                relief,
                [float(per_whole @ self.rest)],
            ]
        )

    def _quantities(self, found: Floats) -> Floats:
        wholes, splits = len(self.whole), len(self.split)
        secured = self.model.quantity * self.rest
        secured[self.whole] = self.model.quantity[self.whole] * np.round(found[:wholes])
        halves = np.round(found[wholes : wholes + splits]) > 0
        steps = found[wholes + splits : wholes + 2 * splits] * self.counts
        secured[self.split[halves]] = steps[halves]
        return secured


def _rules(problem: Problem, model: _Model) -> list[Rule]:
    """Return every rule as a row; limits keep a hair back for quantities that are cut to steps."""
    hair = _hair(problem, model)
    rules = [*_value_rules(problem)]
    for item_id, quantity in problem.needed.items():
        mine = [part.item_id == item_id for part in problem.parts]
        stock = sum((p.quantity for p in problem.parts if p.item_id == item_id), 0 * quantity)
        worth = max([float(p.market) for p in problem.parts if p.item_id == item_id], default=0.0)
        rules.append(
            Rule(
                Kind.NEED,
                item_id,
                np.array(mine, dtype=float),
                0.0,
                float(stock - quantity),
                PRICES[Kind.NEED] * max(worth, 1.0),
            )
        )
    lending_before = sum((p.before * p.lending for p in problem.parts), 0 * problem.exposure)
    besides = problem.lending_now - lending_before
    coefficients = {group: np.zeros(len(problem.parts)) for group in problem.groups}
    for index, part in enumerate(problem.parts):
        for group, lending in groups_of(part).items():
            if group in coefficients:
                coefficients[group][index] = float(lending)
    for (kind, pk), limit in problem.groups.items():
        shares = coefficients[kind, pk]
        most = limit * besides - problem.fixed.get((kind, pk), 0 * limit)
        rules.append(Rule(kind, pk, shares, -float(limit), float(most) - hair, LIMIT_PRICE))
    return rules


def _value_rules(problem: Problem) -> list[Rule]:
    parts = problem.parts
    lending_before = sum((p.before * p.lending for p in parts), 0 * problem.exposure)
    market_before = sum((p.before * p.market for p in parts), 0 * problem.exposure)
    besides = problem.lending_now - lending_before - problem.required
    uncommitted = problem.market_now - market_before - problem.floor
    nothing = np.zeros(len(parts))
    found = [Rule(Kind.COVER, None, nothing, -1.0, float(besides), PRICES[Kind.COVER])]
    if problem.floor:
        market = -_floats(part.market for part in parts)
        price = PRICES[Kind.CONTROLLED]
        found.append(Rule(Kind.CONTROLLED, None, market, 0.0, float(uncommitted), price))
    return found


def _hair(problem: Problem, model: _Model) -> float:
    """Return what cutting continuous quantities to their steps may cost, a millionth at most."""
    loose = (model.lending * model.steps)[~model.counted]
    return float(min(10 * np.max(loose, initial=0.0), 1e-6 * float(problem.required)))


def _money_scale(problem: Problem) -> float:
    return max(1.0, float(problem.required), float(problem.lending_now)) / 1000


def _scale(rule: Rule) -> float:
    """Return what the row is divided by, so that its figures are about a thousand."""
    largest = max(float(np.max(np.abs(rule.coefficients), initial=0.0)), abs(rule.most), 1.0)
    return max(largest / 1000, 1e-9)


def _floats(values: Any) -> Floats:
    return np.array([float(value) for value in values], dtype=float)


def _quantity_of(part: Part, found: float) -> Decimal:
    """Return a found quantity without the solver's dust: whole lots and steps stay whole."""
    if abs(found - float(part.quantity)) <= 1e-9 * float(part.quantity):
        return part.quantity
    steps = found / float(part.step)
    nearest = round(steps)
    return (nearest if abs(steps - nearest) <= 1e-5 else int(steps)) * part.step
