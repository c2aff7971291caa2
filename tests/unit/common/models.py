"""Tables of the tests' own, made and dropped inside a test's transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models
from django.db.models import TextChoices
from django.test.utils import isolate_apps

from common.fields import CurrencyField, MoneyAmountField, QuantityField, RateField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, StateTable, state_guards, transition


class DoorState(TextChoices):
    """What a door may be."""

    OPEN = "open", "Open"
    SHUT = "shut", "Shut"
    LOCKED = "locked", "Locked"
    BRICKED = "bricked", "Bricked up"


DOOR_STATES = StateTable(
    states=DoorState,
    initial={DoorState.OPEN},
    transitions={
        ("open", "shut"),
        ("shut", "open"),
        ("shut", "locked"),
        ("locked", "bricked"),
        ("shut", "bricked"),
    },
)
DOOR_GUARDS = state_guards("door", "state", DOOR_STATES)

with isolate_apps("common"):

    class Door(StateModel):
        """A thing with states."""

        name = models.CharField(max_length=20, unique=True)
        state = StateField(DOOR_STATES)

        class Meta:
            app_label = "common"
            constraints = [*DOOR_GUARDS.constraints]
            triggers = [*DOOR_GUARDS.triggers]

        def __str__(self) -> str:
            return f"Door {self.name}"

        @transition(field=state, source=DoorState.OPEN, target=DoorState.SHUT)
        def shut(self) -> None:
            """Shut it."""

        @transition(field=state, source=DoorState.SHUT, target=DoorState.OPEN)
        def open(self) -> None:
            """Open it."""

        @transition(
            field=state,
            source=DoorState.SHUT,
            target=DoorState.LOCKED,
            conditions=[lambda door: door.name != "keyless"],
        )
        def lock(self) -> str:
            """Lock it and say so."""
            return "click"

        @transition(
            field=state, source=[DoorState.SHUT, DoorState.LOCKED], target=DoorState.BRICKED
        )
        def brick_up(self) -> None:
            """Close it for ever."""

    class Reading(models.Model):
        """A row that is written once."""

        value = models.IntegerField()

        class Meta:
            app_label = "common"
            triggers = [*append_only()]

    class Parcel(models.Model):
        """A row of which a part is frozen."""

        label = models.CharField(max_length=20, null=True)  # noqa: DJ001
        owner = models.ForeignKey(Door, on_delete=models.PROTECT, null=True)
        place = models.CharField(max_length=20)

        class Meta:
            app_label = "common"
            triggers = [frozen_columns("label", "owner")]

    class Holding(models.Model):
        """One column of each kind."""

        amount = MoneyAmountField()
        currency = CurrencyField()
        quantity = QuantityField(null=True)
        rate = RateField(default=0)

        class Meta:
            app_label = "common"
            constraints = [
                models.CheckConstraint(
                    condition=models.Q(amount__gt=0), name="holding_amount_positive"
                )
            ]


@contextmanager
def tables_of(models_: Sequence[type[models.Model]]) -> Iterator[None]:
    """Make the models' tables with their guards, inside the test's transaction."""
    for model in models_:
        with connection.schema_editor() as editor:
            editor.create_model(model)
        for trigger in getattr(model._meta, "triggers", []):
            trigger.install(model)
    yield
