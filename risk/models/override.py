"""Prices set by hand: asked for by one person, decided by another, recorded as a correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters
from risk.models.commodity import Commodity
from risk.models.price import PriceBatch
from risk.states import OVERRIDE_STATES, OverrideState

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from parties.actors import Actor

_GUARDS = state_guards("priceoverride", "state", OVERRIDE_STATES)
_OPEN = Q(state=OverrideState.REQUESTED)


class PriceOverrideQuerySet(models.QuerySet["PriceOverride"]):
    """Reads of prices set by hand."""

    def visible_to(self, actor: Actor) -> PriceOverrideQuerySet:
        """Show a house what its own people ask for; the price itself is everybody's."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class PriceOverride(StateModel):
    """One day's price of a commodity, set by hand where feeds are wrong or silent.

    `stake` is what the step is worth in the commodity's currency: the change per unit times the
    weight of all that the platform holds against it (one cent at least, so that nobody without any
    authority sets a price). Whoever applies it is another person of the maker's house with
    authority for the stake: the database looks that up.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="overrides")
    observed_on = models.DateField()
    price = models.DecimalField(max_digits=24, decimal_places=8, help_text="as quoted")
    price_before = models.DecimalField(
        max_digits=24, decimal_places=8, null=True, help_text="of that day; none if it had none"
    )
    stake = MoneyAmountField()
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, help_text="why refused or withdrawn")
    batch = models.OneToOneField(
        PriceBatch, on_delete=models.PROTECT, related_name="override", null=True
    )
    state = StateField(OVERRIDE_STATES, max_length=9)

    objects = PriceOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="price_override_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="price_override_decided_by_somebody",
                condition=_OPEN
                | Q(state=OverrideState.WITHDRAWN, checker__isnull=True)
                | Q(checker__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="price_override_applied_has_batch",
                condition=Q(state=OverrideState.APPLIED) ^ Q(batch__isnull=True),
            ),
            models.CheckConstraint(name="price_override_stake_positive", condition=Q(stake__gt=0)),
            models.CheckConstraint(name="price_override_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="price_override_changes_the_price", condition=~Q(price=F("price_before"))
            ),
            models.UniqueConstraint(
                fields=["commodity", "observed_on"],
                condition=_OPEN,
                name="price_override_open_once",
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "commodity",
                "observed_on",
                "price",
                "price_before",
                "reason",
                "maker",
                "requested_at",
            ),
            WithinAuthority(
                Act.OVERRIDE_PRICE,
                amount='NEW."stake"',
                currency='SELECT c.currency FROM risk_commodity c WHERE c.id = NEW."commodity_id"',
                condition=enters(OverrideState.APPLIED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.commodity} {self.observed_on}: {self.price}"

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.APPLIED)
    def apply(self, *, checker_id: int, stake: Decimal, batch: PriceBatch, now: datetime) -> None:
        """Let the price count, by the word of a second person."""
        self.checker_id, self.stake, self.batch, self.decided_at = checker_id, stake, batch, now

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.REFUSED)
    def refuse(self, *, checker_id: int, note: str, now: datetime) -> None:
        """Leave the price as it is."""
        self.checker_id, self.decided_at, self.note = checker_id, now, note

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.WITHDRAWN)
    def withdraw(self, *, note: str, now: datetime) -> None:
        """Take the request back."""
        self.decided_at, self.note = now, note
