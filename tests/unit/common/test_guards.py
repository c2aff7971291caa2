"""What the database refuses: wrong states, changed rows, amounts without a proper currency."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.migrations.state import ModelState

from common.errors import Refusal, constraint_name, constraint_refusals
from common.states import TransitionRefused, decorated_events
from tests.unit.common.models import (
    DOOR_STATES,
    Door,
    DoorState,
    Holding,
    Parcel,
    Reading,
    tables_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tables(db):
    with tables_of([Door, Reading, Parcel, Holding]):
        yield


def refused_by(act):
    """Run an act that the database refuses; return the constraint that it names."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        act()
    return constraint_name(caught.value)


def a_door(*acts, name="front"):
    door = Door.objects.create(name=name)
    for act in acts:
        getattr(door, act)()
        door.save()
    return door


# By which acts a door gets into each state.
WAYS = {
    "open": (),
    "shut": ("shut",),
    "locked": ("shut", "lock"),
    "bricked": ("shut", "brick_up"),
}


# --- states ------------------------------------------------------------------------------------


def test_a_thing_starts_in_its_initial_state_and_moves_by_transitions():
    door = a_door("shut")
    assert door.lock() == "click"
    door.save()
    assert Door.objects.get(pk=door.pk).state == DoorState.LOCKED


def test_a_transition_from_another_state_is_a_refusal_and_changes_nothing():
    door = a_door()
    with pytest.raises(TransitionRefused) as caught:
        door.brick_up()
    assert caught.value.as_dict() == {
        "code": "transition_not_allowed",
        "message": "Door front is Open: “brick up” is not possible now",
        "field": "state",
        "numbers": {"state": "open", "act": "brick_up"},
    }
    assert door.state == DoorState.OPEN


def test_a_condition_that_fails_is_a_refusal():
    door = a_door("shut", name="keyless")
    with pytest.raises(TransitionRefused):
        door.lock()
    assert door.state == DoorState.SHUT


def test_a_state_is_not_assigned_but_is_reloaded():
    door = a_door()
    with pytest.raises(AttributeError):
        door.state = DoorState.SHUT
    Door.objects.update(state=DoorState.SHUT)
    door.refresh_from_db()
    assert door.state == DoorState.SHUT
    Door.objects.update(state=DoorState.LOCKED)
    door.refresh_from_db(fields=["name"])
    assert door.state == DoorState.SHUT
    door.refresh_from_db(fields=["state"])
    assert door.state == DoorState.LOCKED
    assert Door.objects.defer("state").get().state == DoorState.LOCKED


@pytest.mark.parametrize("old", DoorState.values)
@pytest.mark.parametrize("new", DoorState.values)
def test_the_database_allows_exactly_the_pairs_of_the_table(old, new):
    acts = {
        "open": (),
        "shut": ("shut",),
        "locked": ("shut", "lock"),
        "bricked": ("shut", "brick_up"),
    }
    a_door(*acts[old])

    def change():
        Door.objects.update(state=new)

    if old == new or (old, new) in DOOR_STATES.transitions:
        change()
    else:
        assert refused_by(change) == "door_state_transition_allowed"


def test_the_database_refuses_a_row_born_in_a_later_state():
    def bear():
        Door.objects.bulk_create([Door(name="b", state=DoorState.LOCKED)])

    assert refused_by(bear) == "door_state_initial_allowed"


def test_the_database_refuses_a_value_that_is_no_state():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE common_door DISABLE TRIGGER USER")
    assert refused_by(lambda: Door.objects.create(name="x", state="ajar")) == "door_state_known"


def test_a_session_cannot_wave_the_guard_away():
    a_door()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pgtrigger.ignore', '{' || string_agg(tgname, ',') || '}', true)"
            " FROM pg_trigger WHERE tgrelid = 'common_door'::regclass"
        )
    assert (
        refused_by(lambda: Door.objects.update(state="bricked")) == "door_state_transition_allowed"
    )


def test_the_table_knows_its_ends_and_the_model_its_events():
    field = Door._meta.get_field("state")
    assert DOOR_STATES.terminal == {"bricked"}
    assert decorated_events(Door, field) == {
        ("open", "shut"): ["shut"],
        ("shut", "open"): ["open"],
        ("shut", "locked"): ["lock"],
        ("shut", "bricked"): ["brick_up"],
        ("locked", "bricked"): ["brick_up"],
    }


def test_migrations_see_a_plain_text_column():
    field = ModelState.from_model(Door).fields["state"]
    _name, path, args, kwargs = field.deconstruct()
    assert (path, args) == ("django.db.models.CharField", [])
    assert kwargs == {"default": "open", "max_length": 50}


def test_a_state_field_outside_a_state_model_is_reported():
    class Loose(models.Model):
        state = Door._meta.get_field("state").__class__(DOOR_STATES)

        class Meta:
            app_label = "common"
            managed = False

    try:
        assert "derives from StateModel" in [c.msg for c in Loose.check()][-1]
    finally:
        Loose._meta.apps.all_models["common"].pop("loose")


# --- rows that stay ------------------------------------------------------------------------------


def test_append_only_rows_are_not_changed_deleted_or_emptied():
    Reading.objects.create(value=1)
    assert refused_by(lambda: Reading.objects.update(value=2)) == "reading_rows_never_change"
    assert refused_by(lambda: Reading.objects.all().delete()) == "reading_rows_never_change"

    def empty():
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE common_reading")

    assert refused_by(empty) == "reading_never_emptied"
    assert list(Reading.objects.values_list("value", flat=True)) == [1]


def test_frozen_columns_keep_their_values_while_others_change():
    door = a_door()
    Parcel.objects.create(label="a", place="here")
    Parcel.objects.update(place="there", label="a")
    assert refused_by(lambda: Parcel.objects.update(label="b")) == "parcel_columns_frozen"
    assert refused_by(lambda: Parcel.objects.update(label=None)) == "parcel_columns_frozen"
    assert refused_by(lambda: Parcel.objects.update(owner=door)) == "parcel_columns_frozen"
    assert Parcel.objects.values_list("label", "owner", "place").get() == ("a", None, "there")


# --- columns -------------------------------------------------------------------------------------


def test_amounts_come_back_as_they_went():
    Holding.objects.create(
        amount=Decimal("99999999999999999999.9999"),
        currency="USD",
        quantity=Decimal("0.000001"),
        rate=Decimal("0.12345678"),
    )
    held = Holding.objects.get()
    assert held.amount == Decimal("99999999999999999999.9999")
    assert held.quantity == Decimal("0.000001")
    assert held.rate == Decimal("0.12345678")


def test_a_float_is_refused_as_an_amount():
    with pytest.raises(TypeError, match="not float"), transaction.atomic():
        Holding.objects.create(amount=1.5, currency="USD")
    assert not Holding.objects.exists()


def test_a_digit_that_the_column_cannot_hold_is_refused_not_rounded():
    with pytest.raises(ValueError, match=r"holds 4 decimals, not 1\.00005"), transaction.atomic():
        Holding.objects.create(amount=Decimal("1.00005"), currency="USD")
    held = Holding.objects.create(amount=Decimal("1.00000"), currency="USD")
    with pytest.raises(ValueError, match="holds 8 decimals"), transaction.atomic():
        Holding.objects.update(rate=Decimal(1) / Decimal(3))
    held.refresh_from_db()
    assert (held.amount, held.rate) == (1, 0)
    assert Holding.objects.filter(amount__gt=Decimal("0.99999")).exists()


@pytest.mark.parametrize("code", ["usd", "US", "U5D", ""])
def test_a_currency_is_three_capital_letters(code):
    assert refused_by(lambda: Holding.objects.create(amount=1, currency=code)) is not None
    with pytest.raises(ValidationError):
        Holding(amount=1, currency=code).full_clean()


# --- refusals from constraints -------------------------------------------------------------------


class TooLittle(Refusal):
    code = "too_little"


def test_a_named_constraint_becomes_its_refusal_and_the_transaction_lives_on():
    refusal = TooLittle(
        message="short 1.00 USD", field="amount", numbers={"short": Decimal("1.00"), "parts": 2}
    )
    with (
        pytest.raises(TooLittle) as caught,
        constraint_refusals({"holding_amount_positive": lambda: refusal}),
    ):
        Holding.objects.create(amount=0, currency="USD")
    assert caught.value.as_dict() == {
        "code": "too_little",
        "message": "short 1.00 USD",
        "field": "amount",
        "numbers": {"short": "1.00", "parts": 2},
    }
    assert not Holding.objects.exists()


def test_a_triggers_refusal_is_mapped_too():
    a_door()
    refusal = TooLittle(message="not now")
    with (
        pytest.raises(TooLittle),
        constraint_refusals({"door_state_transition_allowed": refusal}),
    ):
        Door.objects.update(state=DoorState.LOCKED)
    assert Door.objects.get().state == DoorState.OPEN


def test_a_constraint_that_is_not_mapped_passes_through():
    a_door()
    with pytest.raises(IntegrityError, match="unique"), constraint_refusals({"other": TooLittle}):
        Door.objects.create(name="front")
    assert Door.objects.count() == 1


def test_an_error_without_a_constraint_passes_through():
    with pytest.raises(DatabaseError, match="no_such"), constraint_refusals({"": TooLittle}):
        Door.objects.raw("SELECT no_such FROM common_door")[0]
