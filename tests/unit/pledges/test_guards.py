"""What the database itself refuses, said to it in raw SQL past every service."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from pledges.models import Conversion, MarginCall, Position, PositionTerm
from pledges.services.conversion import Take
from tests.factories.lending import make_drawn_loan
from tests.factories.risk import make_tick

pytestmark = pytest.mark.django_db


def refused(constraint, sql, *values):
    with pytest.raises(IntegrityError) as info, transaction.atomic():
        run(sql, *values)
    assert constraint_name(info.value) == constraint


def run(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture
def called(vault):
    """A facility with a pledge, a partial release and an open margin call."""
    position = vault.pledge(110)
    vault.release(Take(position.pk, Decimal(10)))
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=date(2016, 3, 2))
    return vault


@pytest.mark.parametrize(
    ("table", "model", "change"),
    [
        ("pledges_conversion", "conversion", "reason = 'nicer'"),
        ("pledges_conversionleg", "conversionleg", "quantity = 1"),
        ("pledges_coverrecord", "coverrecord", "band = 'covered'"),
        ("pledges_positionterm", "positionterm", "market_per_unit = 2"),
    ],
)
def test_the_journal_is_only_ever_added_to(called, table, model, change):
    refused(f"{model}_rows_never_change", f"UPDATE {table} SET {change}")
    refused(f"{model}_rows_never_change", f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "change",
    [
        "\"right\" = 'pledge'",
        "quantity = quantity + 1",
        "unit = 'TNE'",
        "opened_at = opened_at + interval '1 second'",
        "lot_id = NULL",
        "facility_id = facility_id + 1",
        "tenant_id = tenant_id + 1",
        "parent_id = id",
    ],
)
def test_what_a_position_is_never_changes(called, change):
    refused(
        "position_columns_frozen",
        f"UPDATE pledges_position SET {change} WHERE \"right\" = 'released'",
    )


def test_what_was_taken_never_comes_back(called):
    refused(
        "position_only_shrinks",
        "UPDATE pledges_position SET remaining = remaining + 1 WHERE \"right\" = 'pledge'",
    )


def test_a_position_cannot_fall_below_nothing(called):
    refused(
        "position_closed_when_nothing_remains",
        "UPDATE pledges_position SET remaining = -1 WHERE \"right\" = 'pledge'",
    )


def test_a_used_up_position_is_closed_and_an_open_one_is_not(called):
    refused(
        "position_closed_when_nothing_remains",
        "UPDATE pledges_position SET remaining = 0 WHERE \"right\" = 'pledge'",
    )
    refused(
        "position_closed_when_nothing_remains",
        "UPDATE pledges_position SET closed_at = now() WHERE \"right\" = 'pledge'",
    )


def copied(table, **changes):
    """Return the statement that inserts a copy of the table's first row, with changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            " ORDER BY ordinal_position",
            [table],
        )
        names = [name for (name,) in cursor.fetchall()]
    taken = [name for name in names if name != "id" or "id" in changes]
    columns = ", ".join(f'"{name}"' for name in taken)
    values = ", ".join(changes.get(name, f'"{name}"') for name in taken)
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}"


NEW = "gen_random_uuid()"


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("position_right_known", {"right": "'lien'"}),
        ("position_on_goods_names_a_lot", {"lot_id": "NULL"}),
        ("position_remaining_within_quantity", {"remaining": "quantity + 1"}),
        (
            "position_remaining_within_quantity",
            {"quantity": "0", "remaining": "0", "closed_at": "now()"},
        ),
    ],
)
def test_positions_that_cannot_be(called, constraint, changes):
    refused(
        constraint,
        copied("pledges_position", id=NEW, **changes) + " WHERE \"right\" = 'pledge'",
    )


def test_lending_weight_never_exceeds_market_weight(called):
    term = PositionTerm.objects.first()
    freed = Position.objects.get(right="released")
    refused(
        "position_term_lends_at_most_its_value",
        "INSERT INTO pledges_positionterm (position_id, basis_id, market_per_unit,"
        " lending_per_unit) VALUES (%s, %s, 1, 1.000001)",
        freed.pk,
        term.basis_id,
    )


@pytest.mark.parametrize(
    "hands",
    [{"maker_id": "person_id"}, {"maker_id": "NULL"}, {"person_id": "NULL"}],
)
def test_goods_are_given_back_by_two_people(called, hands):
    refused(
        "conversion_by_choice_checked_by_another_person",
        copied("pledges_conversion", id=NEW, **hands) + " WHERE kind = 'release'",
    )


def test_a_conversion_has_a_known_kind(called):
    refused(
        "conversion_kind_known",
        copied("pledges_conversion", id=NEW, kind="'forget'") + " WHERE kind = 'pledge'",
    )


def test_a_position_has_one_origin(called):
    other = Conversion.objects.get(kind="release")
    refused(
        "position_produced_once",
        copied("pledges_conversionleg", conversion_id=f"'{other.pk}'::uuid")
        + f" WHERE direction = 'produced' AND conversion_id <> '{other.pk}' LIMIT 1",
    )


def test_a_leg_moves_something(called):
    other = Conversion.objects.get(kind="pledge")
    refused(
        "conversion_leg_quantity_positive",
        copied("pledges_conversionleg", conversion_id=f"'{other.pk}'::uuid", quantity="0")
        + " WHERE direction = 'consumed'",
    )


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("pool_line_weight_not_negative", "market_weight = -1"),
        ("pool_line_weight_not_negative", "lending_weight = -0.5"),
        ("pool_line_right_is_live", "\"right\" = 'released'"),
    ],
)
def test_pool_lines_that_cannot_be(called, constraint, change):
    refused(constraint, f"UPDATE pledges_poolline SET {change}")


def test_a_facility_has_one_call_open_at_a_time(called):
    refused("margin_call_open_once", copied("pledges_margincall"))


@pytest.mark.parametrize(
    "change",
    ["cash_needed = 1", "opened_on = opened_on + 1", "cause = '{}'", "exposure = 1"],
)
def test_what_opened_a_call_is_never_overwritten(called, change):
    refused("margincall_columns_frozen", f"UPDATE pledges_margincall SET {change}")


def test_a_cured_call_says_when(called):
    refused("margin_call_cured_says_when", "UPDATE pledges_margincall SET state = 'cured'")


@pytest.mark.tampers
def test_a_cured_call_is_not_opened_again(called):
    run("UPDATE pledges_margincall SET state = 'cured', cured_at = now()")
    assert MarginCall.objects.get().state == "cured"
    with pytest.raises(IntegrityError), transaction.atomic():
        run("UPDATE pledges_margincall SET state = 'open', cured_at = NULL")


def test_a_band_has_a_known_name(called):
    refused("cover_band_known", "UPDATE pledges_facilitycover SET band = 'fine'")
