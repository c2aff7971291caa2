"""The console's view of rights, conversions and cover."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from pledges.models import (
    Conversion,
    ConversionLeg,
    CoverRecord,
    FacilityCover,
    MarginCall,
    PoolLine,
    Position,
    PositionTerm,
    Suspension,
)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """The lender's claims, each on one thing."""

    lender_path = VISIBLE_TO
    list_display = ("label", "right", "facility", "quantity", "remaining", "unit", "opened_on")
    list_filter = ("right", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("id", "label", "lot__number")
    list_select_related = ("facility",)
    date_hierarchy = "opened_on"


@admin.register(PositionTerm)
class PositionTermAdmin(ReadOnlyAdmin):
    """What one unit of a position weighs in one price basis."""

    lender_path = "position__tenant"
    list_display = ("position", "basis", "market_per_unit", "lending_per_unit")
    list_filter = ("basis",)
    search_fields = ("position__label",)
    list_select_related = ("position", "basis")


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    """The journal of conversions."""

    lender_path = VISIBLE_TO
    list_display = ("occurred_at", "kind", "facility", "actor_label", "band_before", "band_after")
    list_filter = ("kind", "band_after", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("id", "actor_label", "reason", "evidence__reference")
    list_select_related = ("facility",)
    date_hierarchy = "business_date"


@admin.register(ConversionLeg)
class ConversionLegAdmin(ReadOnlyAdmin):
    """Each position's part in a conversion."""

    lender_path = "conversion__tenant"
    list_display = (
        "conversion",
        "direction",
        "position",
        "quantity",
        "market_value",
        "lending_value",
    )
    list_filter = ("direction", "conversion__kind")
    search_fields = ("position__label",)
    list_select_related = ("conversion", "position")


@admin.register(FacilityCover)
class FacilityCoverAdmin(ReadOnlyAdmin):
    """The band each facility is in."""

    lender_path = "tenant"
    list_display = ("facility", "band", "since", "exposure", "lending_value", "as_of")
    list_filter = ("band",)
    search_fields = ("facility__code",)
    list_select_related = ("facility",)


@admin.register(CoverRecord)
class CoverRecordAdmin(ReadOnlyAdmin):
    """Every reading of cover."""

    lender_path = "tenant"
    list_display = ("recorded_at", "facility", "cause", "exposure", "lending_value", "band")
    list_filter = ("cause", "band", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
    ordering = ("-recorded_at", "-id")
    date_hierarchy = "business_date"


@admin.register(MarginCall)
class MarginCallAdmin(ReadOnlyAdmin):
    """Margin calls and their clocks."""

    lender_path = "tenant"
    list_display = ("opened_at", "facility", "cash_needed", "due_at", "cured_at", "cure", "state")
    list_filter = ("state", "cure")
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
    date_hierarchy = "opened_on"


@admin.register(PoolLine)
class PoolLineAdmin(ReadOnlyAdmin):
    """What a price tick reads."""

    lender_path = "tenant"
    list_display = ("facility", "basis", "right", "market_weight", "lending_weight")
    list_filter = ("right", "basis")
    search_fields = ("facility__code",)
    list_select_related = ("facility", "basis")


@admin.register(Suspension)
class SuspensionAdmin(ReadOnlyAdmin):
    """Times in which a position counts for nothing."""

    lender_path = "position__tenant"
    list_display = ("position", "reason", "since", "lifted_at")
    list_filter = ("reason",)
    search_fields = ("position__label",)
    list_select_related = ("position",)
