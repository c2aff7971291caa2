"""The names of the models, light enough for the tables to import."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RateModelCode(TextChoices):
    """What a commodity's rates can be computed by."""

    BFHS = "bfhs", _("Blended-scale filtered history")
    STATIC70 = "static70", _("Static 70 %")
    STATIC_CAL = "static_cal", _("Static, calibrated on five years")
    HS1000 = "hs1000", _("Historical simulation, 1000 days")
    HS2500 = "hs2500", _("Historical simulation, 2500 days")
    RISKMETRICS = "riskmetrics", _("RiskMetrics")
    GARCH_T = "garch_t", _("GARCH with Student’s t")
    FHS97 = "fhs97", _("Filtered historical simulation")
    FHS97_FLOOR10Y = "fhs97_floor10y", _("Filtered simulation, ten-year floor")
