"""States as data: one table that decorators, database triggers and the drawn diagram must equal.

An app declares the table beside its states and hands it to the field and to the model's Meta::

    LOAN_STATES = StateTable(states=LoanState, initial={LoanState.DRAFT}, transitions={...})
    guards = state_guards("loan", "state", LOAN_STATES)

    class Loan(StateModel):
        state = StateField(LOAN_STATES)

        class Meta:
            constraints = [*guards.constraints]
            triggers = [*guards.triggers]

        @transition(field=state, source=LoanState.DRAFT, target=LoanState.APPROVED)
        def approve(self) -> None: ...

The field alone is no guard (``QuerySet.update`` and ``bulk_create`` go past it): the CHECK on
values and the triggers on pairs and on first states are. tests/architecture holds all three equal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

import django_fsm
import pgtrigger
from django.apps import apps
from django.core import checks
from django.db import models
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.triggers import RefusingTrigger, quoted

Pair = tuple[str, str]
_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


class StateTable:
    """What a state column may hold, what it may start with, and which changes are allowed."""

    def __init__(
        self,
        *,
        states: type[models.TextChoices],
        initial: Iterable[str],
        transitions: Iterable[Pair],
    ) -> None:
        self.states = states
        self.initial = frozenset(states(value).value for value in initial)
        self.transitions: frozenset[Pair] = frozenset(
            (states(old).value, states(new).value) for old, new in transitions
        )
        if not self.initial:
            raise ValueError(f"{states.__name__} has no initial state")

    @property
    def terminal(self) -> frozenset[str]:
        """The states that nothing leaves."""
        left = {old for old, _new in self.transitions}
        return frozenset(value for value in self.states.values if value not in left)


class TransitionRefused(Refusal, django_fsm.TransitionNotAllowed):
    """The thing is not in a state (or not in a condition) that allows this act."""

    code = "transition_not_allowed"


class _ProtectedState(django_fsm.FSMFieldDescriptor):
    """Refuses a change by assignment, not the same value again: an INSERT hands back defaults."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        if instance.__dict__.get(self.field.name) != value:
            super().__set__(instance, value)


class StateField(django_fsm.FSMField):
    """A state column that only transitions change; starts in the only initial state, if one."""

    descriptor_class = _ProtectedState

    if TYPE_CHECKING:  # django-fsm's mix-in would make every state Any

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type[models.Model]) -> Self: ...
        @overload
        def __get__(self, instance: models.Model, owner: type[models.Model]) -> str: ...
        def __get__(self, instance: Any, owner: Any) -> Any:
            """Return the state's value."""

    def __init__(self, table: StateTable | None = None, **kwargs: Any) -> None:
        self.table = table
        if table is not None:
            kwargs["choices"] = table.states.choices
            if len(table.initial) == 1:
                kwargs.setdefault("default", next(iter(table.initial)))
        kwargs["protected"] = True
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        """Appear in migrations as a plain text column: the guards migrate by themselves."""
        name, _path, args, kwargs = super().deconstruct()
        for key in ("choices", "protected"):
            kwargs.pop(key, None)
        return name, "django.db.models.CharField", args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a model that would fail at its first ``refresh_from_db``."""
        found: list[checks.CheckMessage] = list(super().check(**kwargs))
        if not issubclass(self.model, StateModel):
            found.append(
                checks.Error("a model with a StateField derives from StateModel", obj=self)
            )
        return found


class StateModel(models.Model):
    """A model with state columns: lets ``refresh_from_db`` through their write protection."""

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: "models.QuerySet[Any] | None" = None,
    ) -> None:
        """Reload; a protected field accepts a value only while it holds none."""
        wanted = None if fields is None else set(fields)
        for field in self._meta.concrete_fields:
            if isinstance(field, StateField) and (wanted is None or field.name in wanted):
                self.__dict__.pop(field.name, None)
        super().refresh_from_db(using=using, fields=wanted, from_queryset=from_queryset)


def transition(
    *,
    field: StateField | str,
    source: str | Sequence[str],
    target: str,
    conditions: Sequence[Callable[[Any], bool]] = (),
) -> Callable[[Callable[_Params, _Result]], Callable[_Params, _Result]]:
    """Declare a method as the act that moves ``field`` from a source state to ``target``.

    Called in another state, or while a condition fails, it raises TransitionRefused and changes
    nothing. Sources are named one by one: a wildcard would hide a change of the table.
    """
    sources = [source] if isinstance(source, str) else list(source)

    def decorate(method: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
        moved = django_fsm.transition(
            field=field, source=sources, target=target, conditions=list(conditions)
        )(method)

        @wraps(moved)
        def act(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
            try:
                result: _Result = moved(*args, **kwargs)
            except TransitionRefused:
                raise
            except django_fsm.TransitionNotAllowed as error:
                raise _refusal(error, act.__name__) from error
            return result

        return act

    return decorate


def _refusal(error: django_fsm.TransitionNotAllowed, name: str) -> TransitionRefused:
    thing = error.object
    field = error.method._django_fsm.field
    state = field.get_state(thing)
    label = table_of(field).states(state).label
    return TransitionRefused(
        message=_("%(thing)s is %(state)s: “%(act)s” is not possible now")
        % {"thing": thing, "state": label, "act": name.replace("_", " ")},
        field=field.name,
        numbers={"state": str(state), "act": name},
    )


class _TransitionTrigger(RefusingTrigger):
    """Refuses an UPDATE whose (old, new) pair is not in the table."""

    def __init__(self, *, field: str, table: StateTable) -> None:
        self.field, self.table = field, table
        super().__init__(
            constraint=f"{field}_transition_allowed",
            message=f"this change of {field} is not in the table of transitions",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition; without any pair every change is refused."""
        column = f'"{model._meta.get_field(self.field).column}"'  # type: ignore[union-attr]
        changed = f"OLD.{column} IS DISTINCT FROM NEW.{column}"
        pairs = ", ".join(f"({quoted(a)}, {quoted(b)})" for a, b in sorted(self.table.transitions))
        allowed = f" AND (OLD.{column}, NEW.{column}) NOT IN ({pairs})" if pairs else ""
        return f"WHEN ({changed}{allowed})"


class _InitialTrigger(RefusingTrigger):
    """Refuses an INSERT in a state that nothing may start with."""

    def __init__(self, *, field: str, table: StateTable) -> None:
        self.field, self.table = field, table
        super().__init__(
            constraint=f"{field}_initial_allowed",
            message=f"nothing starts in this {field}",
            operation=pgtrigger.Insert,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition."""
        column = f'"{model._meta.get_field(self.field).column}"'  # type: ignore[union-attr]
        values = ", ".join(quoted(value) for value in sorted(self.table.initial))
        return f"WHEN (NEW.{column} NOT IN ({values}))"


@dataclass(frozen=True)
class StateGuards:
    """What a model's Meta takes over for one state column."""

    constraints: list[models.BaseConstraint]
    triggers: list[pgtrigger.Trigger]


def state_guards(model: str, field: str, table: StateTable) -> StateGuards:
    """Return the database's guards of a state column of the model (by its lower-case name).

    Constraint names to map: ``<model>_<field>_known`` (value), ``<model>_<field>_initial_allowed``
    (INSERT) and ``<model>_<field>_transition_allowed`` (UPDATE).
    """
    known = models.Q(**{f"{field}__in": sorted(table.states.values)})
    return StateGuards(
        constraints=[models.CheckConstraint(condition=known, name=f"{model}_{field}_known")],
        triggers=[
            _TransitionTrigger(field=field, table=table),
            _InitialTrigger(field=field, table=table),
        ],
    )


def state_fields() -> Iterator[tuple[type[models.Model], StateField]]:
    """Yield every state column of the installed models, in a stable order."""
    for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
        for field in model._meta.local_concrete_fields:
            if isinstance(field, StateField):
                yield model, field


def table_of(field: StateField) -> StateTable:
    """Return the field's table; ValueError for a field declared without one."""
    if field.table is None:
        raise ValueError(f"{field} has no table of states")
    return field.table


def decorated_events(model: type[models.Model], field: StateField) -> dict[Pair, list[str]]:
    """Return the pairs that the model's methods declare, each with the methods' names."""
    events: dict[Pair, list[str]] = {}
    for name, method in sorted(field.transitions[model].items()):
        for source, declared in method._django_fsm.transitions.items():
            events.setdefault((str(source), str(declared.target)), []).append(name)
    return events
