"""The console's view of commodities, prices and rates."""

from django.contrib import admin

from common.console import EVERYBODY, PLATFORM_ONLY, VISIBLE_TO, ReadOnlyAdmin
from risk.models import (
    BacktestRun,
    BacktestScore,
    Commodity,
    Feed,
    FeedBody,
    FeedRun,
    FeedSeries,
    HeldPrice,
    PledgeRate,
    Price,
    PriceBatch,
    PriceOverride,
    RateModelSwitch,
    SecondPrint,
)


@admin.register(Commodity)
class CommodityAdmin(ReadOnlyAdmin):
    """Price bases and how their rates are computed."""

    lender_path = EVERYBODY
    list_display = ("code", "name", "kind", "asset_class", "unit", "currency", "cap", "active")
    list_filter = ("kind", "asset_class", "active")
    search_fields = ("code", "name", "name_zh")


@admin.register(PriceBatch)
class PriceBatchAdmin(ReadOnlyAdmin):
    """What came in at once."""

    lender_path = EVERYBODY
    list_display = ("recorded_at", "source", "as_of", "actor_label")
    list_filter = ("source",)
    search_fields = ("source", "raw_hash")
    date_hierarchy = "as_of"


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    """Observed prices with their corrections."""

    lender_path = EVERYBODY
    list_display = ("commodity", "observed_on", "revision", "price", "unit", "unit_price")
    list_filter = ("commodity",)
    search_fields = ("commodity__code",)
    list_select_related = ("commodity",)
    ordering = ("-observed_on", "commodity", "-revision")
    date_hierarchy = "observed_on"


@admin.register(PledgeRate)
class PledgeRateAdmin(ReadOnlyAdmin):
    """Published pledge rates beside the model's own."""

    lender_path = EVERYBODY
    list_display = ("commodity", "effective_on", "revision", "rate", "model_rate", "model")
    list_filter = ("commodity", "model")
    search_fields = ("commodity__code",)
    list_select_related = ("commodity",)
    ordering = ("-effective_on", "commodity", "-revision")
    date_hierarchy = "effective_on"


@admin.register(PriceOverride)
class PriceOverrideAdmin(ReadOnlyAdmin):
    """Prices set by hand with maker and checker."""

    lender_path = VISIBLE_TO
    list_display = (
        "commodity",
        "observed_on",
        "price",
        "price_before",
        "stake",
        "state",
        "maker",
        "checker",
    )
    list_filter = ("state", "commodity")
    search_fields = ("commodity__code", "reason")
    list_select_related = ("commodity", "maker", "checker")
    date_hierarchy = "observed_on"


@admin.register(RateModelSwitch)
class RateModelSwitchAdmin(ReadOnlyAdmin):
    """Switches of rate models with maker and checker."""

    lender_path = VISIBLE_TO
    list_display = ("commodity", "model_before", "model_after", "state", "maker", "checker")
    list_filter = ("state", "model_after")
    search_fields = ("commodity__code", "reason")
    list_select_related = ("commodity", "maker", "checker")
    date_hierarchy = "requested_at"


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyAdmin):
    """Backtests that were run."""

    lender_path = EVERYBODY
    list_display = ("recorded_at", "until_on", "actor_label")
    date_hierarchy = "until_on"


@admin.register(BacktestScore)
class BacktestScoreAdmin(ReadOnlyAdmin):
    """How each model did on each commodity."""

    lender_path = EVERYBODY
    list_display = ("run", "commodity", "entrant", "days", "exceedances", "matched_rate", "light")
    list_filter = ("entrant", "light", "commodity")
    search_fields = ("commodity__code",)
    list_select_related = ("run", "commodity")


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """Where prices come from and when they are asked for."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "adapter", "kind", "expected_at", "next_run_at", "active")
    list_filter = ("adapter", "active")
    search_fields = ("code", "name")


@admin.register(FeedSeries)
class FeedSeriesAdmin(ReadOnlyAdmin):
    """Which series is which commodity's price."""

    lender_path = "feed__tenant"
    list_display = ("feed", "series", "commodity", "currency", "unit", "confirms_only")
    search_fields = ("feed__code", "series", "commodity__code")
    list_select_related = ("feed", "commodity")


@admin.register(FeedRun)
class FeedRunAdmin(ReadOnlyAdmin):
    """What every look at a feed brought, and why some brought nothing."""

    lender_path = "feed__tenant"
    list_display = (
        "requested_at",
        "feed",
        "state",
        "accepted",
        "duplicate",
        "superseded",
        "quarantined",
        "refused",
        "error_code",
    )
    list_filter = ("state", "feed")
    search_fields = ("feed__code", "error")
    list_select_related = ("feed",)
    date_hierarchy = "requested_at"


@admin.register(FeedBody)
class FeedBodyAdmin(ReadOnlyAdmin):
    """What sources sent, by its hash; for the platform, as sources may be licensed to one house."""

    lender_path = PLATFORM_ONLY
    list_display = ("digest", "size", "stored_at")
    search_fields = ("digest",)
    secret = frozenset({"packed"})


@admin.register(HeldPrice)
class HeldPriceAdmin(ReadOnlyAdmin):
    """Prices in quarantine and what became of them."""

    lender_path = VISIBLE_TO
    list_display = ("commodity", "observed_on", "price", "previous", "reason", "freezes", "state")
    list_filter = ("state", "reason", "commodity")
    search_fields = ("commodity__code", "series", "note")
    list_select_related = ("commodity",)
    date_hierarchy = "observed_on"


@admin.register(SecondPrint)
class SecondPrintAdmin(ReadOnlyAdmin):
    """What second sources said; they confirm and are never recorded as prices."""

    lender_path = EVERYBODY
    list_display = ("source", "commodity", "observed_on", "price", "seen_at")
    list_filter = ("source", "commodity")
    search_fields = ("source", "commodity__code")
    list_select_related = ("commodity",)
    date_hierarchy = "observed_on"
