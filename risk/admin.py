"""The console's view of commodities, prices and rates."""

from django.contrib import admin

from common.console import EVERYBODY, VISIBLE_TO, ReadOnlyAdmin
from risk.models import (
    BacktestRun,
    BacktestScore,
    Commodity,
    PledgeRate,
    Price,
    PriceBatch,
    PriceOverride,
    RateModelSwitch,
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
