"""Decorators, database guards and drawn diagrams of every state column say the same."""

import re
from itertools import product

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from common.diagrams import draw_all
from common.errors import constraint_name
from common.states import decorated_events, state_fields, table_of

OWN_APPS = {
    config.label for config in apps.get_app_configs() if not config.name.startswith("django.")
}
COLUMNS = [pytest.param(m, f, id=f"{m._meta.label}.{f.name}") for m, f in state_fields()]
every_state_column = pytest.mark.parametrize(("model", "field"), COLUMNS)


def trigger_of(model, field, suffix):
    """Return the definition of the installed guard, moved to a table with the state column only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid, true), tgenabled FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgname ~ %s",
            [model._meta.db_table, f"^pgtrigger_{field.name}_{suffix}_[0-9a-f]{{5}}$"],
        )
        [(definition, enabled)] = cursor.fetchall()
    assert enabled == "O"
    return re.sub(r" ON \S+ FOR EACH", " ON probe FOR EACH", definition)


def accepted(statement, values):
    """Run a statement in a savepoint and tell whether the guard let it pass."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except IntegrityError as error:
        return False, constraint_name(error)
    return True, None


def probe_table(field):
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TEMP TABLE probe ("{field.column}" varchar) ON COMMIT DROP')


def run(sql, values=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_there_are_state_columns():
    assert COLUMNS


def test_every_column_named_state_is_guarded():
    guarded = {(model, field.name) for model, field in state_fields()}
    loose = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in OWN_APPS
        for field in model._meta.local_concrete_fields
        if field.name == "state" and (model, "state") not in guarded
    ]
    assert loose == []


@every_state_column
def test_the_decorated_methods_are_the_table(model, field):
    assert set(decorated_events(model, field)) == table_of(field).transitions


@every_state_column
@pytest.mark.django_db
def test_the_database_accepts_exactly_the_tables_pairs(model, field):
    table = table_of(field)
    probe_table(field)
    trigger = trigger_of(model, field, "transition_allowed")
    name = re.search(r"CREATE TRIGGER (\S+)", trigger)[1]
    passed = set()
    for old, new in product(table.states.values, repeat=2):
        run("TRUNCATE probe")
        run("INSERT INTO probe VALUES (%s)", [old])
        run(trigger)
        ok, named = accepted(f'UPDATE probe SET "{field.column}" = %s', [new])
        run(f"DROP TRIGGER {name} ON probe")
        if ok:
            passed.add((old, new))
        else:
            assert named == f"{model._meta.model_name}_{field.name}_transition_allowed"
    assert passed == table.transitions | {(value, value) for value in table.states.values}


@every_state_column
@pytest.mark.django_db
def test_the_database_accepts_exactly_the_tables_first_states(model, field):
    table = table_of(field)
    probe_table(field)
    run(trigger_of(model, field, "initial_allowed"))
    for value in table.states.values:
        ok, named = accepted("INSERT INTO probe VALUES (%s)", [value])
        assert ok == (value in table.initial)
        assert ok or named == f"{model._meta.model_name}_{field.name}_initial_allowed"


@every_state_column
@pytest.mark.django_db
def test_the_database_knows_exactly_the_tables_values(model, field):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND conname = %s",
            [model._meta.db_table, f"{model._meta.model_name}_{field.name}_known"],
        )
        [(definition,)] = cursor.fetchall()
    assert set(re.findall(r"'([^']*)'::", definition)) == set(table_of(field).states.values)


def test_the_drawn_diagrams_are_those_of_the_code():
    call_command("draw_states", "--check")


def test_drift_is_reported_and_mended(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match=r"outbox\.event\.md"):
        call_command("draw_states", "--check")
    call_command("draw_states")
    call_command("draw_states", "--check")
    stale = tmp_path / "docs" / "states" / "gone.model.md"
    stale.write_text("old")
    with pytest.raises(CommandError, match=r"gone\.model\.md"):
        call_command("draw_states", "--check")
    call_command("draw_states")
    assert not stale.exists()


def test_a_diagram_shows_beginnings_events_and_ends():
    page = draw_all()["outbox.event.md"]
    assert page.startswith("# outbox.Event\n")
    assert "    pending : Pending\n" in page
    assert "    [*] --> pending\n" in page
    assert "    running --> dead: bury\n" in page
    assert "    done --> [*]\n" in page
