"""The console's view of events and the audit journal."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from outbox.models import Alert, AuditEntry, Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Business events on their way out."""

    lender_path = "tenant_id"
    list_display = ("occurred_at", "topic", "aggregate", "aggregate_id", "state", "attempts")
    list_filter = ("state", "topic")
    search_fields = ("topic", "aggregate", "aggregate_id")
    date_hierarchy = "occurred_at"


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What desks must look at, and who has."""

    lender_path = VISIBLE_TO
    list_display = ("raised_at", "severity", "topic", "aggregate_id", "acknowledged_by")
    list_filter = ("severity", "topic")
    search_fields = ("topic", "key", "aggregate_id")
    date_hierarchy = "raised_at"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to what, and why."""

    lender_path = VISIBLE_TO
    list_display = ("at", "action", "actor_label", "object_type", "object_id", "reason")
    list_filter = ("action", "object_type")
    search_fields = ("action", "actor_label", "object_id", "reason")
    date_hierarchy = "at"
