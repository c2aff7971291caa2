"""The allocation against every possible one, and its figures against hand reckoning."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pledges.allocation_bench import make_problem
from pledges.rules.allocation import propose_allocation
from pledges.rules.allocation_exact import cost_of, lending_after, repaired, shortages_of
from pledges.rules.allocation_problem import Kind, Need, Part, Plan, Problem, Weights
from pledges.rules.allocation_solver import relaxed_cost

SOON = date(2016, 3, 10)
LATER = date(2016, 3, 20)


def part(key: str, quantity: int | str, **values: Any) -> Part:
    """A lot of pieces worth 100 that lend 50, in place 1."""
    defaults: dict[str, Any] = {
        "key": key,
        "lot_id": int(key.split(":")[1]),
        "item_id": 1,
        "site_id": 1,
        "quantity": Decimal(quantity),
        "pledged": False,
        "market": Decimal(100),
        "lending": Decimal(50),
    }
    return Part(**(defaults | values))


EASY_SPLITS = Weights(split=Decimal(1))


def problem(*parts: Part, exposure: int | str = 0, **values: Any) -> Problem:
    """A pool that holds nothing besides its pledged parts; lots are split without much ado."""
    lending = sum((one.before * one.lending for one in parts), Decimal(0))
    market = sum((one.before * one.market for one in parts), Decimal(0))
    given = {"lending_now": lending, "market_now": market, "weights": EASY_SPLITS} | values
    return Problem(parts=parts, exposure=Decimal(exposure), **given)


def after(plan: Plan) -> dict[str, Decimal]:
    return {line.part.key: line.after for line in plan.lines}


def test_a_fast_seller_is_swapped_for_a_slow_one() -> None:
    fast = part("lot:1", 100, pledged=True, days_to_sell=Decimal(20))
    slow = part("lot:2", 1_000, item_id=2, days_to_sell=Decimal(400))

    plan = propose_allocation(
        problem(
            fast,
            slow,
            exposure=4_500,
            needs=[Need(item_id=1, quantity=Decimal(100), by=SOON)],
        )
    )

    # 4,500 ÷ 0.9 = 5,000 of lending value: a hundred of the slow seller, in a split.
    assert after(plan) == {"lot:1": 0, "lot:2": 100}
    assert (plan.lending_after, plan.market_after) == (5_000, 10_000)
    assert plan.shortages == ()
    assert [reason for reason, _figure in plan.lines[0].reasons] == ["needed_free", "fast_seller"]
    assert plan.lines[1].reasons[0] == ("slow_seller", Decimal("400.0"))
    # 100 × 100 × (0.001 + 0.05 × 30 ÷ 400), two acts of 20 and one split of 1.
    assert plan.cost == Decimal("88.50")
    assert plan.gap < Decimal("1e-6") or plan.bound < plan.cost


def test_whole_lots_only_pledges_the_whole_lot() -> None:
    plan = propose_allocation(problem(part("lot:1", 300), exposure=4_500, whole_lots_only=True))
    assert after(plan) == {"lot:1": 300}


def test_what_cover_does_not_need_comes_free() -> None:
    kept = [part(f"lot:{n}", 100, pledged=True, days_to_sell=Decimal(40 * n)) for n in (1, 2, 3)]
    plan = propose_allocation(problem(*kept, exposure=4_500))
    assert after(plan) == {"lot:1": 0, "lot:2": 0, "lot:3": 100}


def test_a_split_leaves_the_least_quantity_on_both_sides() -> None:
    lot = part("lot:1", 100, least=Decimal(30))
    assert after(propose_allocation(problem(lot, exposure=450))) == {"lot:1": 30}
    assert after(propose_allocation(problem(lot, exposure=3_600))) == {"lot:1": 100}


def test_an_item_limit_spreads_the_pledge() -> None:
    cheap = part("lot:1", 400, days_to_sell=Decimal(1_000))
    dear = part("lot:2", 400, item_id=2, days_to_sell=Decimal(10))
    free = propose_allocation(problem(cheap, dear, exposure=9_000))
    assert after(free) == {"lot:1": 200, "lot:2": 0}

    held = propose_allocation(
        problem(cheap, dear, exposure=9_000, limits={Kind.ITEM: Decimal("0.75")})
    )
    assert after(held) == {"lot:1": 150, "lot:2": 50}
    assert held.shortages == ()
    [limit] = [one for one in held.bindings if one.kind == Kind.ITEM]
    # One percentage point: two pieces change places, at 100 × 0.05 × (1 − 0.03) each.
    assert (limit.id, limit.limit, limit.saves) == (1, Decimal("0.75"), Decimal("9.70"))


def test_site_and_commodity_limits_count_what_is_not_decided_here() -> None:
    here = part("lot:1", 400, by_commodity={7: Decimal(50)})
    there = part("lot:2", 400, item_id=2, site_id=2, by_commodity={8: Decimal(50)})
    asked = problem(
        here,
        there,
        exposure=18_000,
        lending_now=Decimal(10_000),
        market_now=Decimal(20_000),
        fixed={(Kind.SITE, 1): Decimal(10_000), (Kind.COMMODITY, 7): Decimal(4_000)},
    )
    by_site = propose_allocation(replace(asked, limits={Kind.SITE: Decimal("0.5")}))
    assert after(by_site) == {"lot:1": 0, "lot:2": 200}
    by_commodity = propose_allocation(replace(asked, limits={Kind.COMMODITY: Decimal("0.35")}))
    assert after(by_commodity)["lot:1"] <= 60  # 0.35 × 20,000 − 4,000 of it
    assert by_site.shortages == by_commodity.shortages == ()


def test_a_need_beyond_the_stock_is_told_for_the_latest_date() -> None:
    lot = part("lot:1", 100, pledged=True)
    needs = [
        Need(item_id=1, quantity=Decimal(60), by=LATER),
        Need(item_id=1, quantity=Decimal(80), by=SOON),
    ]
    plan = propose_allocation(problem(lot, needs=needs))
    [short] = plan.shortages
    assert (short.kind, short.id, short.amount, short.beyond_stock, short.by) == (
        Kind.NEED, 1, Decimal(40), Decimal(40), LATER,
    )  # fmt: skip
    assert after(plan) == {"lot:1": 0}


def test_cover_comes_before_a_need() -> None:
    lot = part("lot:1", 100, pledged=True)
    plan = propose_allocation(
        problem(lot, exposure=3_600, needs=[Need(item_id=1, quantity=Decimal(50), by=SOON)])
    )
    # 3,600 ÷ 0.9 ÷ 50 = 80 stay pledged; of the fifty wanted, thirty are missing.
    assert after(plan) == {"lot:1": 80}
    [short] = plan.shortages
    assert (short.kind, short.amount, short.beyond_stock) == (Kind.NEED, 30, 0)


def test_a_need_for_goods_that_nobody_has_and_an_empty_pool() -> None:
    need = [Need(item_id=9, quantity=Decimal(5), by=SOON)]
    nothing = propose_allocation(problem(exposure=100, needs=need))
    assert [(one.kind, one.amount) for one in nothing.shortages] == [
        (Kind.COVER, Decimal("111.12")),
        (Kind.NEED, 5),
    ]
    other = propose_allocation(problem(part("lot:1", 10), needs=need))
    assert [(one.kind, one.id, one.amount) for one in other.shortages] == [(Kind.NEED, 9, 5)]


def test_the_controlled_value_is_kept() -> None:
    kept = [part(f"lot:{n}", 100, pledged=True) for n in (1, 2)]
    plan = propose_allocation(problem(*kept, exposure=90, minimum_market=Decimal(15_000)))
    assert plan.market_after >= 15_000
    assert plan.meets_cover
    gone = propose_allocation(problem(*kept, exposure=90, minimum_market=Decimal(25_000)))
    [short] = gone.shortages
    assert (short.kind, short.amount) == (Kind.CONTROLLED, 5_000)


def test_goods_without_a_price_secure_nothing() -> None:
    unpriced = part("lot:1", 100, market=Decimal(0), lending=Decimal(0))
    plan = propose_allocation(problem(unpriced, exposure=90))
    assert after(plan) == {"lot:1": 0}
    assert [one.kind for one in plan.shortages] == [Kind.COVER]


def test_a_repair_covers_to_the_cent_and_keeps_the_needs() -> None:
    copper = part(
        "lot:1",
        "1000.123456",
        step=Decimal("0.001"),
        lending=Decimal("3.333333"),
        market=Decimal("4.777777"),
    )
    asked = problem(copper, exposure="1000.01")
    plan = propose_allocation(asked)
    assert plan.meets_cover
    assert plan.lending_after >= asked.required == Decimal("1111.13")
    assert plan.lending_after - asked.required <= Decimal("0.01")

    too_little = {"lot:1": Decimal(333)}
    mended = repaired(asked, too_little)
    assert lending_after(asked, mended) >= asked.required
    assert mended["lot:1"] % copper.step == 0
    held = replace(asked, needs=[Need(item_id=1, quantity=Decimal("667.1"), by=SOON)])
    assert repaired(held, too_little) == too_little  # told as a shortage instead
    assert shortages_of(held, too_little)[0].kind == Kind.COVER


def test_a_pool_of_a_hundred_lots_is_planned_to_the_last_piece() -> None:
    """Proved: no plan is cheaper by more than two hundred-thousandths, and no rule is broken."""
    plan = propose_allocation(make_problem(100, seed=1))
    assert (plan.shortages, plan.meets_cover) == ((), True)
    assert plan.gap < Decimal("2e-5")


def test_a_pool_of_thousands_is_proved_beyond_its_relaxation() -> None:
    """The parts that could still be decided otherwise are decided exactly: see `open_parts`."""
    pool = make_problem(2_000, seed=3)
    plan = propose_allocation(pool)
    assert plan.gap < Decimal("1e-5")
    assert plan.bound > Decimal(relaxed_cost(pool)) + 10


def test_a_repair_adds_to_a_split_part_before_it_touches_another() -> None:
    """A piece more of what is split already costs no act: cheaper than a cheaper part's first."""
    split = part("lot:1", 100, days_to_sell=Decimal(20))
    cheap = part("lot:2", 100, pledged=True, item_id=2, days_to_sell=Decimal(400))
    asked = problem(split, cheap, exposure=2_250, weights=Weights(handling=Decimal(500)))
    mended = repaired(asked, {"lot:1": Decimal(40), "lot:2": Decimal(0)})
    assert mended == {"lot:1": Decimal(50), "lot:2": Decimal(0)}


# Small pools, in which every allocation can be tried.
FIGURES = st.integers(1, 9)


@st.composite
def pools(draw: st.DrawFn) -> Problem:
    parts = [
        part(
            f"lot:{n}",
            draw(st.integers(1, 4)),
            item_id=draw(st.integers(1, 2)),
            site_id=draw(st.integers(1, 2)),
            pledged=draw(st.booleans()),
            market=Decimal(draw(FIGURES)) * 100,
            lending=Decimal(draw(st.integers(0, 6))) * 100 / 7,
            days_to_sell=Decimal(draw(st.integers(5, 90))),
            age_days=draw(st.integers(0, 400)),
            least=Decimal(draw(st.integers(1, 2))),
        )
        for n in range(draw(st.integers(1, 5)))
    ]
    parts = [replace(one, lending=min(one.lending.quantize(Decimal("0.01")), one.market))
             for one in parts]  # fmt: skip
    limits = draw(st.sampled_from([{}, {Kind.ITEM: Decimal("0.7")}, {Kind.SITE: Decimal("0.6")}]))
    return problem(
        *parts,
        exposure=draw(st.integers(0, 1500)),
        needs=[Need(item_id=1, quantity=Decimal(draw(st.integers(0, 6))), by=SOON)],
        limits=limits,
        whole_lots_only=draw(st.booleans()),
        weights=Weights(handling=Decimal(draw(st.integers(0, 9))), split=Decimal(5)),
    )


def every_allocation(asked: Problem) -> list[dict[str, Decimal]]:
    choices = []
    for one in asked.parts:
        middle = range(int(one.least), int(one.quantity - one.least) + 1)
        halves = [] if asked.whole_lots_only else [Decimal(count) for count in middle]
        choices.append(sorted({Decimal(0), one.quantity, *halves}))
    keys = [one.key for one in asked.parts]
    return [dict(zip(keys, chosen, strict=True)) for chosen in product(*choices)]


@settings(max_examples=60, deadline=None)
@given(asked=pools())
def test_no_other_allocation_is_cheaper_and_none_breaks_less(asked: Problem) -> None:
    plan = propose_allocation(asked)
    secured = after(plan)
    assert shortages_of(asked, secured) == plan.shortages
    assert plan == propose_allocation(replace(asked, parts=list(reversed(asked.parts))))
    possible = every_allocation(asked)
    assert secured in possible
    kept = [one for one in possible if not shortages_of(asked, one)]
    if kept:
        assert plan.shortages == ()
        assert plan.cost == min(cost_of(asked, one) for one in kept)
        assert plan.bound <= plan.cost
    else:
        assert plan.shortages
        least = min(_uncovered(asked, one) for one in possible)
        assert _uncovered(asked, secured) == least


def _uncovered(asked: Problem, secured: dict[str, Decimal]) -> Decimal:
    return max(Decimal(0), asked.required - lending_after(asked, secured))
