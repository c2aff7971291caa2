"""The console's view of the story's progress."""

from django.contrib import admin

from common.console import EVERYBODY, ReadOnlyAdmin
from portal.models import StoryMark


@admin.register(StoryMark)
class StoryMarkAdmin(ReadOnlyAdmin):
    """Scenes that were played."""

    lender_path = EVERYBODY
    list_display = ("business_date", "step", "title")
    list_filter = ("step",)
    search_fields = ("title", "key")
