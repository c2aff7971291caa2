"""Commodities: what has a price of its own and, from it, a pledge rate."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField, RateField
from common.immutability import frozen_columns
from risk.rate_models.codes import RateModelCode
from risk.triggers import FrozenFromOutside
from risk.units import Quotation

# A glide longer than a quarter would hide a cut instead of softening it.
MAX_GLIDE_DAYS = 60
# Goods that borrow another's series: the longer sale and the rarer loss are the price of it.
PROXY_HORIZON_DAYS = 20
PROXY_CONFIDENCE = Decimal("0.995")


class CommodityKind(models.TextChoices):
    """Whether the price moves."""

    COMMODITY = "commodity", _("Commodity")
    MONEY = "money", _("Money")


class AssetClass(models.TextChoices):
    """The peer group whose behaviour a new series borrows."""

    BASE_METAL = "base_metal", _("Base metal")
    PRECIOUS_METAL = "precious_metal", _("Precious metal")
    ENERGY = "energy", _("Energy")
    AGRICULTURE = "agriculture", _("Agriculture")
    OTHER = "other", _("Other")
    MONEY = "money", _("Money")


class Commodity(models.Model):
    """A price basis: a commodity grade with a feed, or a currency.

    A quoted price times `price_factor` buys `price_quantity` of `unit`: copper 100 lb, silver one
    troy ounce in US cents. Money has the price 1 and the rate 1 for ever, so that claims on money
    and on goods are valued by one query.
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120, blank=True)
    kind = models.CharField(
        max_length=9, choices=CommodityKind.choices, default=CommodityKind.COMMODITY
    )
    asset_class = models.CharField(
        max_length=14, choices=AssetClass.choices, default=AssetClass.OTHER
    )
    unit = models.CharField(
        max_length=3, help_text=_("UN/CEFACT Recommendation 20; for money its currency")
    )
    currency = CurrencyField()
    price_quantity = models.DecimalField(max_digits=24, decimal_places=6, default=1)
    price_factor = models.DecimalField(max_digits=12, decimal_places=8, default=1)
    horizon_days = models.PositiveSmallIntegerField(
        default=10, help_text=_("trading days to take title and sell")
    )
    confidence = RateField(default=Decimal("0.99"))
    cap = RateField(default=Decimal("0.80"), help_text=_("highest pledge rate"))
    disposal_cost = RateField(default=0, help_text=_("fees, freight and discount of a sale"))
    stale_after_days = models.PositiveSmallIntegerField(
        default=5, help_text=_("business days without a price after which nothing is lent")
    )
    stop_after_days = models.PositiveSmallIntegerField(
        default=20, help_text=_("business days after which the last price is no price")
    )
    glide_days = models.PositiveSmallIntegerField(
        default=5,
        help_text=_(
            "business days over which a cut of the rate reaches outstanding loans; 0: at once"
        ),
    )
    rate_model = models.CharField(
        max_length=20,
        choices=RateModelCode.choices,
        default=RateModelCode.BFHS,
        db_default=RateModelCode.BFHS.value,
        help_text=_("what computes its rates; two people switch it"),
    )
    proxy = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("the series that stands in for goods without one of their own"),
    )
    proxy_beta = models.DecimalField(
        max_digits=8, decimal_places=4, null=True, help_text=_("moves per move of the proxy")
    )
    basis_scale = models.DecimalField(
        max_digits=8,
        decimal_places=6,
        null=True,
        help_text=_("daily scale of the moves that the proxy does not explain"),
    )
    drift_per_day = models.DecimalField(
        max_digits=8,
        decimal_places=6,
        default=0,
        db_default=0,
        help_text=_("decline per trading day, such as -0.001 for ageing technology"),
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "commodities"
        constraints = [
            models.CheckConstraint(
                name="commodity_kind_known", condition=Q(kind__in=CommodityKind.values)
            ),
            models.CheckConstraint(
                name="commodity_asset_class_known", condition=Q(asset_class__in=AssetClass.values)
            ),
            models.CheckConstraint(
                name="commodity_quotation_positive",
                condition=Q(price_quantity__gt=0, price_factor__gt=0),
            ),
            models.CheckConstraint(
                name="commodity_money_has_price_one",
                condition=~Q(kind=CommodityKind.MONEY)
                | Q(
                    unit=F("currency"),
                    code=F("currency"),
                    price_quantity=1,
                    price_factor=1,
                    cap=1,
                ),
            ),
            models.CheckConstraint(
                name="commodity_horizon_positive", condition=Q(horizon_days__gte=1)
            ),
            models.CheckConstraint(
                name="commodity_confidence_is_a_probability",
                condition=Q(confidence__gt=Decimal("0.5"), confidence__lt=1),
            ),
            models.CheckConstraint(
                name="commodity_cap_is_a_share", condition=Q(cap__gt=0, cap__lte=1)
            ),
            models.CheckConstraint(
                name="commodity_disposal_cost_is_a_share",
                condition=Q(disposal_cost__gte=0, disposal_cost__lt=1),
            ),
            models.CheckConstraint(
                name="commodity_stops_after_it_is_stale",
                condition=Q(stop_after_days__gte=F("stale_after_days")),
            ),
            models.CheckConstraint(
                name="commodity_glides_within_a_quarter",
                condition=Q(glide_days__lte=MAX_GLIDE_DAYS),
            ),
            models.CheckConstraint(
                name="commodity_rate_model_known", condition=Q(rate_model__in=RateModelCode.values)
            ),
            models.CheckConstraint(
                name="commodity_proxy_is_explicit_and_careful",
                condition=Q(
                    proxy__isnull=True,
                    proxy_beta__isnull=True,
                    basis_scale__isnull=True,
                    drift_per_day=0,
                )
                | Q(
                    ~Q(proxy=F("id")),
                    proxy__isnull=False,
                    proxy_beta__gt=0,
                    basis_scale__gt=0,
                    drift_per_day__lte=0,
                    horizon_days__gte=PROXY_HORIZON_DAYS,
                    confidence__gte=PROXY_CONFIDENCE,
                ),
            ),
            # Lets a price's currency be tied to its commodity's by a foreign key.
            models.UniqueConstraint(fields=["id", "currency"], name="commodity_has_one_currency"),
        ]
        triggers = [
            # Unit prices are derived from these: another quotation is another commodity.
            frozen_columns(
                "code",
                "kind",
                "unit",
                "currency",
                "price_quantity",
                "price_factor",
                constraint="quotation_frozen",
            ),
            FrozenFromOutside("rate_model", constraint="rate_model_switched_by_two"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def quotation(self) -> Quotation:
        """What a quoted price buys."""
        return Quotation(self.price_quantity, self.unit, self.price_factor)
