"""Lots and the claims on them: the place where "never twice" is enforced."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import QuantityField, RateField
from common.immutability import frozen_columns
from logistics.models.item import Item
from logistics.models.site import Site
from logistics.models.triggers import holds_bind, holds_kept, lots_follow, lots_start_empty
from logistics.states import HoldKind
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class LotQuerySet(models.QuerySet["Lot"]):
    """Reads of lots."""

    def visible_to(self, actor: Actor) -> LotQuerySet:
        """Owner and custodian see a lot; lenders see it through their positions."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(owner_id=actor.organisation_id) | Q(site__operator_id=actor.organisation_id)
        )


class Lot(models.Model):
    """A quantity of one item at one site in one custodian's hands.

    `claimed` is bound to some lender by any right; `held` is the part of it that the
    custodian may not let go. 0 ≤ held ≤ claimed ≤ on hand, across all lenders.

    Nobody writes these three: triggers add up the stock events into `on_hand` and the holds
    into `claimed` and `held`, and refuse every other change. A new lot starts at zero.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="lots")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="lots")
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="lots")
    number = models.CharField(max_length=60, help_text="as the custodian writes it")
    normal_number = models.CharField(
        max_length=60, help_text="NFKC, upper case, without spaces and dashes"
    )
    on_hand = QuantityField(default=0)
    claimed = QuantityField(default=0)
    held = QuantityField(default=0)
    quality_deduction = RateField(default=0)
    received_on = models.DateField()

    objects = LotQuerySet.as_manager()

    class Meta:
        ordering = ["received_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "item", "normal_number"], name="lot_number_unique_at_site"
            ),
            models.CheckConstraint(name="lot_has_a_number", condition=~Q(normal_number="")),
            models.CheckConstraint(
                name="lot_claims_within_quantity_on_hand",
                condition=Q(held__gte=0, held__lte=F("claimed"), claimed__lte=F("on_hand")),
            ),
            models.CheckConstraint(
                name="lot_quality_deduction_is_a_share",
                condition=Q(quality_deduction__gte=0, quality_deduction__lte=1),
            ),
        ]
        triggers = [
            frozen_columns(
                "site",
                "item",
                "owner",
                "number",
                "normal_number",
                "received_on",
                constraint="identity_frozen",
            ),
            lots_start_empty(),
            lots_follow(),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.number}"

    @property
    def free(self) -> Decimal:
        """What no claim binds, in the item's unit; only certain while the lot is locked."""
        return self.on_hand - self.claimed


class Hold(models.Model):
    """A claim of one position on part of a lot; what remains of it is counted on the lot.

    Only `quantity` falls and `lifted_at` is set once: a firmer or larger claim is a new hold.
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=8, choices=HoldKind.choices)
    reference = models.UUIDField(help_text="the position that claims")
    quantity = QuantityField()
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="hold_position_claims_once"),
            models.CheckConstraint(name="hold_kind_known", condition=Q(kind__in=HoldKind.values)),
            models.CheckConstraint(
                name="hold_open_while_it_has_quantity",
                condition=Q(quantity__gt=0, lifted_at__isnull=True)
                | Q(quantity=0, lifted_at__isnull=False),
            ),
        ]
        triggers = [
            frozen_columns("lot", "kind", "reference", "placed_at", constraint="identity_frozen"),
            *holds_kept(),
            *holds_bind(),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.lot}"
