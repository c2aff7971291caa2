"""Items: kinds of goods, the commodities inside them, and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.fields import CurrencyField, MoneyAmountField, RateField
from common.immutability import append_only, frozen_columns
from parties.models import Organisation
from risk.models import Commodity

if TYPE_CHECKING:
    from parties.actors import Actor


class ItemQuerySet(models.QuerySet["Item"]):
    """Reads of items."""

    def visible_to(self, actor: Actor) -> ItemQuerySet:
        """Everybody signed in may look up an article; what lies where is the secret."""
        return self if actor.is_known else self.none()


class Item(models.Model):
    """A SKU or a commodity grade with its price formula.

    Value of one unit = Σ content × commodity price + premium. The premium (design, labour,
    chips) lends at its own rate; commodity content lends at the commodity's pledge rate ×
    `rate_factor` (grade and disposal cost: g (1 − δ) of the rate model).
    """

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    unit = models.CharField(max_length=3, help_text="UN/CEFACT Recommendation 20")
    gtin = models.CharField(max_length=14, null=True, blank=True)  # noqa: DJ001  (unique)
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="items")
    currency = CurrencyField()
    premium = MoneyAmountField(default=0)
    premium_rate = RateField(default=0)
    rate_factor = RateField(default=1)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="item_code_taken_once"),
            models.UniqueConstraint(fields=["gtin"], name="item_gtin_taken_once"),
            models.CheckConstraint(name="item_named", condition=~Q(name="") & ~Q(code="")),
            models.CheckConstraint(
                name="item_gtin_well_formed",
                condition=Q(gtin__isnull=True) | Q(gtin__regex=r"^[0-9]{14}$"),
            ),
            models.CheckConstraint(
                name="item_premium_rate_is_a_share",
                condition=Q(premium_rate__gte=0, premium_rate__lte=1),
            ),
            models.CheckConstraint(
                name="item_rate_factor_is_a_share",
                condition=Q(rate_factor__gt=0, rate_factor__lte=1),
            ),
            models.CheckConstraint(name="item_premium_not_negative", condition=Q(premium__gte=0)),
        ]
        # Lots are counted in the unit and valued in the currency.
        triggers = [frozen_columns("code", "unit", "currency", constraint="identity_frozen")]

    def __str__(self) -> str:
        return self.name


class ItemContent(models.Model):
    """How much of one commodity, in the commodity's own unit, is in one unit of the item."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="contents")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=24, decimal_places=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "commodity"], name="item_content_stated_once"),
            models.CheckConstraint(name="item_content_positive", condition=Q(quantity__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.quantity} {self.commodity}"


class BillQuerySet(models.QuerySet["BillOfMaterials"]):
    """Reads of bills of materials."""

    def visible_to(self, actor: Actor) -> BillQuerySet:
        """Show what a product is made of to its owner and to who keeps lots of that owner."""
        if actor.sees_everything:
            return self
        kept = Q(product__owner__lots__site__operator_id=actor.organisation_id)
        return self.filter(Q(product__owner_id=actor.organisation_id) | kept).distinct()


class BillOfMaterials(models.Model):
    """What one unit of the product takes, and the share of each material that may be lost.

    Written once: past production is judged by it. A changed design is another product.
    """

    product = models.OneToOneField(Item, on_delete=models.PROTECT, related_name="bill")
    loss_tolerance = RateField(default=0)

    objects = BillQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bill_loss_tolerance_is_a_share",
                condition=Q(loss_tolerance__gte=0, loss_tolerance__lt=1),
            )
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return f"bill of {self.product}"


class BillLine(models.Model):
    """Material per unit of product, in the material's unit, before losses and scrap.

    Up to `scrap_share` of what is consumed may come back as `scrap_item`, counted in the same
    unit; it is the goods' owner's, or stays with the maker where that was agreed.
    """

    bill = models.ForeignKey(BillOfMaterials, on_delete=models.PROTECT, related_name="lines")
    material = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=24, decimal_places=12)
    scrap_item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    scrap_share = RateField(default=0)
    scrap_to_maker = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill", "material"], name="bill_line_stated_once"),
            # So that scrap always tells of which material it is.
            models.UniqueConstraint(
                fields=["bill", "scrap_item"], name="bill_scrap_comes_of_one_material"
            ),
            models.CheckConstraint(name="bill_line_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="bill_line_scrap_is_a_share_of_something",
                condition=Q(scrap_item__isnull=True, scrap_share=0, scrap_to_maker=False)
                | Q(scrap_item__isnull=False, scrap_share__gt=0, scrap_share__lt=1),
            ),
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return f"{self.quantity} {self.material}"
