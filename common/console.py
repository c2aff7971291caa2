"""The lender's console: every table to look at, none to change. Rooms register in `admin.py`."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

# For tables that belong to nobody in particular, such as prices: all staff may read them.
EVERYBODY = ""
# For tables that tell nothing to a lender: only the platform's own superusers read them.
PLATFORM_ONLY = "-"


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Shows a table, filtered to the reader's organisation; changes go through services alone.

    `lender_path` is the lookup from a row to the lender's organisation id, or EVERYBODY, or
    PLATFORM_ONLY. There is no default: each table decides.
    """

    lender_path: ClassVar[str]
    actions = None
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows the reader's organisation may see; all of them for a superuser."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        own = getattr(request.user, "organisation_id", None)
        if own is None or self.lender_path == PLATFORM_ONLY:
            return rows.none()
        return self.of_lender(rows, own) if self.lender_path else rows

    def of_lender(self, rows: QuerySet[Any], lender_id: int) -> QuerySet[Any]:
        """Keep the rows of one lender."""
        return rows.filter(**{self.lender_path: lender_id}).distinct()

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let staff look."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let staff see the room in the menu."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: history stays."""
        return False
