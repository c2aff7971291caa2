"""What the database itself refuses."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common.errors import constraint_name
from risk.invariants import INVARIANTS
from risk.models import Commodity, PledgeRate, Price, PriceBatch
from tests.factories.risk import make_commodity, make_money, make_quoted, make_tick

pytestmark = pytest.mark.django_db

MONDAY = date(2024, 6, 3)


def _run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _refused(sql: str) -> str | None:
    """Run raw SQL that must fail; return the constraint it broke."""
    with pytest.raises(DatabaseError) as caught:
        _run(sql)
    return constraint_name(caught.value)


@pytest.mark.parametrize(
    ("table", "model", "change"),
    [
        ("risk_price", "price", "price = 1"),
        ("risk_pricebatch", "pricebatch", "source = ''"),
        ("risk_pledgerate", "pledgerate", "rate = 1"),
    ],
)
def test_prices_and_rates_are_only_ever_added(table: str, model: str, change: str) -> None:
    make_quoted(on=MONDAY)
    assert _refused(f"UPDATE {table} SET {change}") == f"{model}_rows_never_change"
    assert _refused(f"DELETE FROM {table}") == f"{model}_rows_never_change"
    assert PledgeRate.objects.get().rate == Decimal("0.80")


def test_a_second_price_of_a_day_must_supersede_the_first() -> None:
    make_commodity()
    make_tick({"copper": 9000}, on=MONDAY)
    copy = """
        INSERT INTO risk_price (commodity_id, observed_on, revision, price, unit_price, currency,
                                unit, batch_id, supersedes_id)
        SELECT commodity_id, {day}, {revision}, 1, 1, {currency}, unit, batch_id, {supersedes}
        FROM risk_price
    """
    same = {"day": "observed_on", "currency": "currency"}
    later = {"day": "observed_on + 1", "currency": "currency"}
    foreign = {"day": "observed_on + 1", "currency": "'CNY'"}
    broken = [
        _refused(copy.format(revision=revision, supersedes=old, **row))
        for row, revision, old in (
            (same, 1, "NULL"),
            (same, 2, "NULL"),
            (same, 3, "id"),
            (later, 2, "id"),
            (foreign, 1, "NULL"),
        )
    ]
    assert broken == [
        "price_revision_unique",
        "price_correction_supersedes",
        "price_supersedes_predecessor",
        "price_supersedes_predecessor",
        "price_in_the_commodity_currency",
    ]
    assert Price.objects.count() == 1


def test_two_corrections_of_one_price_are_one_too_many() -> None:
    make_commodity()
    make_tick({"copper": 9000}, on=MONDAY)
    make_tick({"copper": 8000}, on=MONDAY)
    first, second = Price.objects.order_by("revision")
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(
            commodity_id=first.commodity_id,
            observed_on=MONDAY,
            revision=2,
            price=1,
            unit_price=1,
            currency="USD",
            unit="tonne",
            batch=second.batch,
            supersedes=first,
        )


def test_a_quotation_never_changes() -> None:
    make_commodity()
    for change in ("unit = 'KGM'", "currency = 'CNY'", "price_factor = 2", "code = 'x'"):
        assert _refused(f"UPDATE risk_commodity SET {change}") == "commodity_quotation_frozen"
    Commodity.objects.update(name="Cu", cap=Decimal("0.5"))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("cap = 1.1", "commodity_cap_is_a_share"),
        ("cap = 0", "commodity_cap_is_a_share"),
        ("confidence = 1", "commodity_confidence_is_a_probability"),
        ("horizon_days = 0", "commodity_horizon_positive"),
        ("disposal_cost = 1", "commodity_disposal_cost_is_a_share"),
        ("stop_after_days = 4", "commodity_stops_after_it_is_stale"),
        ("asset_class = 'x'", "commodity_asset_class_known"),
    ],
)
def test_a_policy_out_of_range_is_refused(change: str, constraint: str) -> None:
    make_commodity()
    assert _refused(f"UPDATE risk_commodity SET {change}") == constraint


def test_money_is_worth_one() -> None:
    make_money("USD")
    assert _refused("UPDATE risk_commodity SET cap = 0.9") == "commodity_money_has_price_one"


def test_invariants_hold_and_name_who_breaks_them() -> None:
    make_quoted(on=MONDAY)
    usd = make_money("USD")[0]
    assert {i.name: i.breaches() for i in INVARIANTS} == {i.name: [] for i in INVARIANTS}
    batch = PriceBatch.objects.earliest("pk")
    copper = Commodity.objects.get(code="copper")
    common = {"observed_on": date(2024, 7, 1), "currency": "USD", "unit": "t", "batch": batch}
    wrong = Price.objects.create(commodity=copper, price=1, unit_price=2, **common)
    Price.objects.create(commodity=usd, price=1, unit_price=1, **common)
    PledgeRate.objects.create(
        commodity=copper,
        effective_on=MONDAY,
        revision=2,
        rate=1,
        model_rate=1,
        model="m",
        price=wrong,
        recorded_at=batch.recorded_at,
    )
    breaches = {i.name: i.breaches() for i in INVARIANTS}
    assert breaches["price_revisions_unbroken"] == []
    assert [row for row, _why in breaches["unit_price_equals_quote"]] == ["copper 2024-07-01"]
    assert breaches["money_has_no_prices"] == [("USD", "has prices or rates")]
    assert breaches["rates_come_from_known_prices"] == [
        ("copper 2024-06-03", "from a price of 2024-07-01")
    ]
