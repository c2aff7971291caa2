"""The console's view of the common room."""

from django.contrib import admin

from common.console import PLATFORM_ONLY, ReadOnlyAdmin
from common.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """Requests that were carried out once."""

    lender_path = PLATFORM_ONLY
    list_display = ("scope", "key", "created_at")
    search_fields = ("scope", "key")
    date_hierarchy = "recorded_at"
