"""The journal of conversions: the lineage of the money."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only
from common.triggers import quoted
from lending.models import Facility
from logistics.models import StockAct
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority
from pledges.models.position import Position
from pledges.states import TWO_PERSONS, Band, ConversionKind, Direction

if TYPE_CHECKING:
    from parties.actors import Actor


_GIVING = ", ".join(quoted(str(kind)) for kind in sorted(TWO_PERSONS))
# Goods that a disposal case cannot have or sell are written off, all others given away for value.
_WRITES_OFF = """(NEW."kind" = 'enforce' AND NEW."evidence"->>'kind' = 'disposal_given_up')"""


def _within(act: Act, constraint: str, condition: str) -> WithinAuthority:
    return WithinAuthority(
        act,
        amount='NEW."value_given_up"',
        currency='SELECT f.currency FROM lending_facility f WHERE f.id = NEW."facility_id"',
        checker='NEW."person_id"',
        constraint=constraint,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(f'NEW."kind" IN ({_GIVING}) AND {condition}'),
    )


class ConversionQuerySet(models.QuerySet["Conversion"]):
    """Reads of conversions."""

    def visible_to(self, actor: Actor) -> ConversionQuerySet:
        """Lender and borrower of the facility see its journal."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )


class Conversion(models.Model):
    """One atomic act on a facility's positions, with the cover before and after it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="conversions")
    kind = models.CharField(max_length=12, choices=ConversionKind.choices)
    occurred_at = models.DateTimeField()
    business_date = models.DateField()
    actor_label = models.CharField(max_length=160)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    maker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    evidence = models.JSONField(help_text="what fired it: kind, reference, details")
    reason = models.CharField(max_length=300, blank=True)
    value_given_up = MoneyAmountField(
        default=0, help_text="market value of what was consumed, where two people decided"
    )
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="reversal", null=True, blank=True
    )
    exposure_before = MoneyAmountField()
    market_value_before = MoneyAmountField()
    lending_value_before = MoneyAmountField()
    band_before = models.CharField(max_length=10, choices=Band.choices)
    exposure_after = MoneyAmountField()
    market_value_after = MoneyAmountField()
    lending_value_after = MoneyAmountField()
    band_after = models.CharField(max_length=10, choices=Band.choices)

    objects = ConversionQuerySet.as_manager()

    class Meta:
        ordering = ["occurred_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="conversion_kind_known", condition=Q(kind__in=ConversionKind.values)
            ),
            models.CheckConstraint(
                name="conversion_by_choice_checked_by_another_person",
                condition=~Q(kind__in=sorted(map(str, TWO_PERSONS)))
                | (Q(maker__isnull=False, person__isnull=False) & ~Q(maker=F("person"))),
            ),
            models.CheckConstraint(
                name="conversion_value_given_up_not_negative", condition=Q(value_given_up__gte=0)
            ),
            models.CheckConstraint(
                name="conversion_reversal_names_what_it_reverses",
                condition=Q(kind=ConversionKind.REVERSE) ^ Q(reverses__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["facility", "occurred_at"], name="conversion_by_time")]
        triggers = [
            *append_only(),
            _within(Act.RELEASE, "gives_up_within_authority", f"NOT {_WRITES_OFF}"),
            _within(Act.WRITE_OFF, "writes_off_within_authority", _WRITES_OFF),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.business_date}"


class ConversionLeg(models.Model):
    """One position's part in a conversion, valued at the prices of that moment."""

    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="legs")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="legs")
    direction = models.CharField(max_length=8, choices=Direction.choices)
    quantity = QuantityField()
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversion", "position", "direction"], name="conversion_leg_unique"
            ),
            models.UniqueConstraint(
                fields=["position"],
                condition=Q(direction=Direction.PRODUCED),
                name="position_produced_once",
            ),
            models.CheckConstraint(
                name="conversion_leg_quantity_positive", condition=Q(quantity__gt=0)
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.direction} {self.quantity} {self.position}"


class ConversionStock(models.Model):
    """A happening to goods that a conversion brought about, or that brought it about."""

    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="stock")
    act = models.ForeignKey(StockAct, on_delete=models.PROTECT, related_name="conversions")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversion", "act"], name="conversion_names_a_stock_act_once"
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.conversion}: {self.act}"
