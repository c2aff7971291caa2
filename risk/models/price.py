"""Prices: observed, never overwritten; a correction is a new row that supersedes the old one."""

import pgtrigger
from django.db import models
from django.db.models import Q

from common.fields import CurrencyField
from common.immutability import append_only
from common.triggers import FirmTrigger
from risk.models.commodity import Commodity
from risk.models.feed import FeedRun


class PriceBatch(models.Model):
    """What came in at once: one file, or one tick of a feed."""

    source = models.CharField(max_length=80)
    as_of = models.DateField()
    raw_hash = models.CharField(max_length=64, help_text="SHA-256 of what was received")
    recorded_at = models.DateTimeField(help_text="when it was fetched")
    kind = models.CharField(max_length=10, blank=True, help_text="settlement, spot, survey ...")
    run = models.ForeignKey(
        FeedRun,
        on_delete=models.PROTECT,
        related_name="batches",
        null=True,
        help_text="the look at a feed that brought it, with its raw parcels",
    )
    actor_label = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "as_of", "raw_hash"], name="price_batch_recorded_once"
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.source} {self.as_of}"


class _SupersedesPredecessor(FirmTrigger):
    """Refuses a correction that is not of the same commodity and day, one revision later.

    Only corrections pay for the look-up: the condition selects them.
    """

    name = "supersedes_predecessor"
    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: the row is a correction."""
        return "WHEN (NEW.supersedes_id IS NOT NULL)"

    def get_func(self, model: models.Model) -> str:
        """Return the check."""
        return """
            IF NOT EXISTS (
                SELECT FROM risk_price p
                WHERE p.id = NEW.supersedes_id AND p.commodity_id = NEW.commodity_id
                  AND p.observed_on = NEW.observed_on AND p.revision = NEW.revision - 1
            ) THEN
                RAISE EXCEPTION USING
                    MESSAGE = 'risk_price: a correction supersedes the revision before it',
                    ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                    CONSTRAINT = 'price_supersedes_predecessor';
            END IF;
            RETURN NEW;
        """


class Price(models.Model):
    """What one commodity cost on one day, by one observation.

    Valid from `observed_on` until the next observation. Revisions of a day form an unbroken chain,
    so the highest one, which nothing supersedes, is the one that counts.
    """

    commodity = models.ForeignKey(
        Commodity, on_delete=models.PROTECT, related_name="prices", db_index=False
    )
    observed_on = models.DateField()
    revision = models.PositiveSmallIntegerField(default=1)
    price = models.DecimalField(max_digits=24, decimal_places=8, help_text="as quoted")
    unit_price = models.DecimalField(
        max_digits=24,
        decimal_places=12,
        help_text="per one of the commodity's unit, in its currency",
    )
    currency = CurrencyField()
    unit = models.CharField(max_length=60, help_text="what the quoted price buys, as received")
    batch = models.ForeignKey(PriceBatch, on_delete=models.PROTECT, related_name="prices")
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="superseded_by", null=True, blank=True
    )

    class Meta:
        ordering = ["commodity", "observed_on", "revision"]
        constraints = [
            # Also the index of every read: the latest price on a day is its last entry before it.
            models.UniqueConstraint(
                fields=["commodity", "observed_on", "revision"], name="price_revision_unique"
            ),
            models.CheckConstraint(
                name="price_correction_supersedes",
                condition=Q(revision=1, supersedes__isnull=True)
                | Q(revision__gt=1, supersedes__isnull=False),
            ),
        ]
        triggers = [*append_only(), _SupersedesPredecessor()]

    def __str__(self) -> str:
        return f"{self.commodity} {self.observed_on}: {self.price} {self.currency} / {self.unit}"
