"""Prices that were not believed at once, and what a second source says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from parties.models import Organisation, Person
from risk.models.commodity import Commodity
from risk.models.feed import FeedRun
from risk.models.override import PriceOverride
from risk.states import HOLD_STATES, HoldState

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("heldprice", "state", HOLD_STATES)
_STANDING = Q(state__in=[HoldState.HELD, HoldState.DOUBTED])


class HoldReason(models.TextChoices):
    """Why a price was not believed at once."""

    NON_POSITIVE = "non_positive", _("zero or below")
    FACTOR = "factor", _("five times up or down: a slipped digit?")
    ROSE_FAR = "rose_far", _("rose by more than eight daily scales")
    REVERSED = "reversed", _("a jump that the next day took back")
    CLOSED_DAY = "closed_day", _("a new price on a weekend")


class HeldPriceQuerySet(models.QuerySet["HeldPrice"]):
    """Reads of held prices."""

    def visible_to(self, actor: Actor) -> HeldPriceQuerySet:
        """Show a house what its own feeds brought."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)

    def standing(self) -> HeldPriceQuerySet:
        """Those nobody has decided on."""
        return self.filter(_STANDING)


class HeldPrice(StateModel):
    """One day's price in quarantine: it changes nothing until confirmed.

    confirm_after: when time confirms it, if nothing speaks against it; none where people must.
    `freezes`: the goods may be worth less than the last price says, so nothing new is lent on
    them and none are released until this is decided. Confirmation by people is a price override
    (maker, checker, authority); refusal names its two people here.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(FeedRun, on_delete=models.PROTECT, related_name="held")
    series = models.CharField(max_length=80)
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="held_prices")
    observed_on = models.DateField()
    price = models.DecimalField(max_digits=24, decimal_places=8, help_text="as quoted")
    currency = CurrencyField()
    unit = models.CharField(max_length=60)
    previous = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    move = models.FloatField(null=True, help_text="log return from the previous price")
    scale = models.FloatField(null=True, help_text="daily scale it was measured by")
    reason = models.CharField(max_length=12, choices=HoldReason.choices)
    freezes = models.BooleanField(default=False)
    held_at = models.DateTimeField()
    confirm_after = models.DateTimeField(null=True)
    override = models.OneToOneField(
        PriceOverride, on_delete=models.PROTECT, null=True, related_name="held_price"
    )
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    note = models.CharField(max_length=300, blank=True, help_text="why refused, or what settled it")
    settled_at = models.DateTimeField(null=True)
    state = StateField(HOLD_STATES, max_length=9)

    objects = HeldPriceQuerySet.as_manager()

    class Meta:
        ordering = ["-held_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="held_price_reason_known", condition=Q(reason__in=HoldReason.values)
            ),
            models.UniqueConstraint(
                fields=["commodity", "observed_on", "price", "series"],
                condition=_STANDING,
                name="held_price_stands_once",
            ),
            models.CheckConstraint(
                name="held_price_refused_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="held_price_refused_by_two",
                condition=~Q(state=HoldState.REFUSED)
                | Q(maker__isnull=False, checker__isnull=False),
            ),
            models.CheckConstraint(
                name="held_price_settled_sometime",
                condition=_STANDING ^ Q(settled_at__isnull=False),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [
            models.Index(fields=["commodity"], name="held_price_standing", condition=_STANDING)
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant", "run", "series", "commodity", "observed_on", "price", "reason", "held_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.commodity} {self.observed_on}: {self.price}"

    @transition(field=state, source=HoldState.HELD, target=HoldState.DOUBTED)
    def doubt(self, *, maker_id: int, note: str) -> None:
        """Ask that it be refused."""
        self.maker_id, self.note = maker_id, note

    @transition(field=state, source=HoldState.DOUBTED, target=HoldState.HELD)
    def undoubt(self) -> None:
        """Leave it undecided."""
        self.maker_id, self.note = None, ""

    @transition(field=state, source=HoldState.DOUBTED, target=HoldState.REFUSED)
    def refuse(self, *, checker_id: int, now: datetime) -> None:
        """Hold it for wrong, by the word of a second person."""
        self.checker_id, self.settled_at = checker_id, now

    @transition(field=state, source=HoldState.HELD, target=HoldState.CONFIRMED)
    def confirm(self, *, note: str, now: datetime) -> None:
        """Believe it."""
        self.note, self.settled_at = note, now

    @transition(field=state, source=[HoldState.HELD, HoldState.DOUBTED], target=HoldState.OVERTAKEN)
    def overtake(self, *, note: str, now: datetime) -> None:
        """Let it lie: the source has said something else since."""
        self.note, self.settled_at = note, now


class SecondPrint(models.Model):
    """What a second source said of a day; it confirms, and is never recorded as a price."""

    source = models.CharField(max_length=40, help_text="the feed's code")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="+")
    observed_on = models.DateField()
    price = models.DecimalField(max_digits=24, decimal_places=8)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-observed_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["commodity", "observed_on", "source", "price"],
                name="second_print_noted_once",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.source} {self.observed_on}: {self.price}"
