"""Positions: the lender's claims, each on one thing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import QuantityField
from common.immutability import append_only, frozen_columns
from common.triggers import FirmTrigger, RefusingTrigger
from lending.models import Facility
from logistics.models import Lot
from parties.models import Organisation
from pledges.states import JOINED, LIVE_RIGHTS, PROPERTY_RIGHTS, Right
from risk.models import Commodity

if TYPE_CHECKING:
    from parties.actors import Actor


class PositionQuerySet(models.QuerySet["Position"]):
    """Reads of positions."""

    def visible_to(self, actor: Actor) -> PositionQuerySet:
        """Lender and borrower see a position; the custodian sees those on lots it holds."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id)
            | Q(facility__borrower_id=actor.organisation_id)
            | Q(lot__site__operator_id=actor.organisation_id)
        )

    def live(self) -> PositionQuerySet:
        """Positions that secure something now."""
        return self.filter(right__in=LIVE_RIGHTS, remaining__gt=0)

    def continuing(self, position: Position) -> PositionQuerySet:
        """Positions that are one claim in money with this: its root and what continues it."""
        root = position.root
        return self.filter(Q(pk=root.pk) | Q(parent=root, right=root.right))


class _OnlyShrinks(RefusingTrigger):
    """Refuses an UPDATE that gives a position back what a conversion took."""

    def __init__(self) -> None:
        super().__init__(
            constraint="only_shrinks",
            message="what a conversion took never comes back",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: more would remain than before."""
        return 'WHEN (NEW."remaining" > OLD."remaining")'


def _lifts_its_claims() -> FirmTrigger:
    """Return the trigger by which a position that ends gives up its receipts and pieces."""
    return FirmTrigger(
        name="lifts_its_claims",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL"),
        func="""
            UPDATE pledges_claimedreceipt SET lifted_at = NEW.closed_at
             WHERE position_id = NEW.id AND lifted_at IS NULL;
            UPDATE pledges_claimedserial SET lifted_at = NEW.closed_at
             WHERE position_id = NEW.id AND lifted_at IS NULL;
            RETURN NULL;
        """,
    )


class Position(models.Model):
    """The lender's claim on one thing under one right.

    A position never changes its right: a conversion consumes some or all of what remains of it
    and produces new positions. Money claims are counted in their currency (`unit` = ISO 4217),
    goods in the item's unit (`unit` = UN/CEFACT). Only `remaining`, `closed_at` and, through its
    suspensions, `suspended` ever change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="positions")
    right = models.CharField(max_length=18, choices=Right.choices)
    lot = models.ForeignKey(
        Lot, on_delete=models.PROTECT, related_name="positions", null=True, blank=True
    )
    label = models.CharField(max_length=140, help_text="the thing, in words")
    quantity = QuantityField()
    remaining = QuantityField()
    unit = models.CharField(max_length=3)
    suspended = models.BooleanField(
        default=False, help_text="counts for nothing while a suspension stands; kept by them"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="parts", null=True, blank=True
    )
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PositionQuerySet.as_manager()

    class Meta:
        ordering = ["opened_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="position_right_known", condition=Q(right__in=Right.values)
            ),
            models.CheckConstraint(
                name="position_remaining_within_quantity",
                condition=Q(quantity__gt=0, remaining__gte=0, remaining__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="position_on_goods_names_a_lot",
                condition=~Q(right__in=[str(r) for r in sorted(PROPERTY_RIGHTS)])
                | Q(lot__isnull=False),
            ),
            models.CheckConstraint(
                name="position_closed_when_nothing_remains",
                condition=Q(remaining__gt=0, closed_at__isnull=True)
                | Q(remaining=0, closed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["facility", "right"],
                name="position_live_by_facility",
                condition=Q(remaining__gt=0),
            ),
            models.Index(fields=["lot"], name="position_by_lot"),
        ]
        triggers = [
            frozen_columns(
                "tenant", "facility", "right", "lot", "quantity", "unit", "parent", "opened_at"
            ),
            _OnlyShrinks(),
            _lifts_its_claims(),
            RefusingTrigger(
                constraint="suspended_by_its_suspensions",
                message="a suspension suspends a position, and its lifting restores it",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "pg_trigger_depth() = 0 AND OLD.suspended IS DISTINCT FROM NEW.suspended"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_right_display()}: {self.label}"

    @property
    def root(self) -> Position:
        """The claim in money that this one continues; itself unless a reversal restored it.

        What is restored of a receivable or of proceeds joins what remained of it in a new
        position, whose parent is the first one, however often that happens.
        """
        parent = self.parent
        return parent if parent is not None and parent.right == self.right in JOINED else self


class PositionTerm(models.Model):
    """What one unit of a position weighs in one price basis, fixed when it was taken.

    Market value = remaining × Σ market_per_unit × price; lending value = remaining ×
    Σ lending_per_unit × price × pledge rate. Money bases have price 1 and rate 1.
    """

    position = models.ForeignKey(Position, on_delete=models.CASCADE, related_name="terms")
    basis = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="+")
    market_per_unit = models.DecimalField(max_digits=30, decimal_places=12)
    lending_per_unit = models.DecimalField(max_digits=30, decimal_places=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["position", "basis"], name="position_term_unique"),
            models.CheckConstraint(
                name="position_term_lends_at_most_its_value",
                condition=Q(lending_per_unit__gte=0, lending_per_unit__lte=F("market_per_unit")),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.basis}: {self.market_per_unit}"
