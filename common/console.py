"""The lender's console: every table to look at, none to change. Rooms register in `admin.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, cast

from django.db.models import DecimalField, Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.fields import MoneyAmountField

# For tables that belong to nobody in particular, such as prices: all of the console's readers.
EVERYBODY = ""
# For tables that tell nothing to a lender: only the platform's people and superusers.
PLATFORM_ONLY = "-"
# For tables whose own `visible_to` decides.
VISIBLE_TO = "visible_to"


class ConsoleReader(Protocol):
    """Who looks (parties.actors.Actor is one)."""

    @property
    def organisation_id(self) -> int | None:
        """For which organisation, or None."""
        ...

    @property
    def sees_everything(self) -> bool:
        """Whether no scope applies."""
        ...

    @property
    def may_read_console(self) -> bool:
        """Whether the console is for them at all."""
        ...


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Shows a table, filtered to the reader's organisation; changes go through services alone.

    `lender_path` is the lookup from a row to the lender's organisation id, or EVERYBODY,
    PLATFORM_ONLY or VISIBLE_TO. There is no default: each table decides.
    """

    lender_path: ClassVar[str]
    # Set where the path meets many rows, which would show this one more than once.
    path_meets_many: ClassVar[bool] = False
    # Columns that are neither shown nor searched.
    secret: ClassVar[frozenset[str]] = frozenset()
    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_add_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows the reader may see; all for superusers and the platform's people."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if not _may_look(request):
            return rows.none()
        reader = _reader(request)
        if request.user.is_superuser or reader.sees_everything or self.lender_path == EVERYBODY:
            return rows
        if self.lender_path == VISIBLE_TO:
            return cast("QuerySet[Any]", cast(Any, rows).visible_to(reader))
        if reader.organisation_id is None or self.lender_path == PLATFORM_ONLY:
            return rows.none()
        return self.of_lender(rows, reader.organisation_id)

    def of_lender(self, rows: QuerySet[Any], lender_id: int) -> QuerySet[Any]:
        """Keep the rows of one lender."""
        own = {self.lender_path: lender_id}
        if not self.path_meets_many:
            return rows.filter(**own)
        # Not DISTINCT, which would sort the whole table before the first page.
        keys = self.model.objects.filter(**own).order_by().values("pk")
        return rows.filter(pk__in=keys)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show the list's columns, figures without the zeros that only the column keeps."""
        return [self._shown(name) for name in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Show every column but the secret ones, those that no form would offer included."""
        names = [column.name for column in self.opts.fields if column.name not in self.secret]
        return [self._shown(name) for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        """Make each column text, so that no choice list of a whole table is built."""
        return self.get_fields(request, obj)

    def _shown(self, name: Any) -> Any:
        """Return a decimal column's display, and anything else as it is."""
        columns = {column.name: column for column in self.opts.fields}
        column = columns.get(name) if isinstance(name, str) else None
        return _Figure(column) if isinstance(column, DecimalField) else name

    def lookup_allowed(
        self, lookup: str, value: str | Mapping[str, Any], request: HttpRequest
    ) -> bool:
        """Refuse filters in the address that would guess a secret column, letter by letter."""
        if lookup.partition("__")[0] in self.secret:
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let staff of lenders and of the platform look, if they hold a role."""
        return _may_look(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let the same people see the room in the menu."""
        return _may_look(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: history stays."""
        return False


class _Figure:
    """A decimal column as the console shows it: "1,234.50" money, "0.25" a rate, "3" a count."""

    def __init__(self, column: DecimalField[Any, Any]) -> None:
        self._name = column.name
        self._least = 2 if isinstance(column, MoneyAmountField) else 0
        # What the console reads of a column that is a callable.
        self.__name__ = self._name
        self.short_description = column.verbose_name
        self.admin_order_field = self._name

    def __call__(self, row: Model) -> str | None:
        """Return the row's figure with separators; every digit that says something is kept."""
        value = getattr(row, self._name)
        if value is None:
            return None
        whole, _point, decimals = f"{value:,f}".partition(".")
        decimals = decimals.rstrip("0").ljust(self._least, "0")
        return f"{whole}.{decimals}" if decimals else whole


def _reader(request: HttpRequest) -> ConsoleReader:
    """Return who asks, found out once per request: the index asks for every table."""
    known = vars(request)
    if "console_reader" not in known:
        known["console_reader"] = cast(Any, request.user).as_actor()
    return cast(ConsoleReader, known["console_reader"])


def _may_look(request: HttpRequest) -> bool:
    person = request.user
    if not (person.is_active and person.is_staff):
        return False
    return person.is_superuser or _reader(request).may_read_console
