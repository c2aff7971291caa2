import uuid
from datetime import UTC, datetime
from decimal import Decimal

from lending.models import Facility
from portal.boards.waterfall import borrowing_base
from portal.queries.positions import PositionValue

D = Decimal


def position(*, market, lending, left_out=0, deduction="0"):
    return PositionValue(
        id=uuid.uuid4(),
        right="pledge",
        place="warehouse",
        node="site-1",
        node_name="Warehouse A",
        label="",
        item="",
        lot_id=1,
        lot_number="",
        quality_deduction=D(deduction),
        unit="KGM",
        quantity=D(1),
        remaining=D(1),
        opened_at=datetime(2011, 1, 1, tzinfo=UTC),
        market=D(market),
        lending=D(lending),
        left_out=D(left_out),
        terms=(),
    )


def amounts(facility, positions):
    return [step.amount for step in borrowing_base(facility, positions)]


def test_each_step_takes_off_what_the_next_does_not_see():
    facility = Facility(limit=D(1000), exposure=D(300))
    pool = [
        position(market=900, lending=700, deduction="0.1"),
        position(market=0, lending=0, left_out=200),
    ]
    assert amounts(facility, pool) == [1200, -100, -200, -200, 700, 0, -300, 400]


def test_the_limit_cuts_what_the_goods_would_lend():
    facility = Facility(limit=D(500), exposure=D(450))
    pool = [position(market=900, lending=700)]
    assert amounts(facility, pool)[-4:] == [700, -200, -450, 50]


def test_a_shortfall_is_called_missing():
    facility = Facility(limit=D(1000), exposure=D(800))
    last = borrowing_base(facility, [position(market=900, lending=700)])[-1]
    assert (last.label, last.amount) == ("Missing", -100)


def test_levels_and_steps_add_up():
    facility = Facility(limit=D(600), exposure=D(123))
    steps = borrowing_base(facility, [position(market=900, lending=700, deduction="0.25")])
    level = D(0)
    for step in steps:
        level = level + step.amount if not step.is_total else level
        if step.is_total and level:
            assert step.amount == level
        level = step.amount if step.is_total else level
