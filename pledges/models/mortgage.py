"""Floating mortgages: a class of goods at named sites that may move, above a floor."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Self, TypeVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, RateField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from common.triggers import RefusingTrigger
from lending.models import Facility
from lending.triggers import FrozenAfterDraft
from logistics.models import Item, Site
from parties.models import Organisation, Person
from pledges.states import (
    MORTGAGE_STATES,
    MORTGAGES_IN_FORCE,
    CrystallisationCause,
    MortgageState,
)

if TYPE_CHECKING:
    from parties.actors import Actor

_GUARDS = state_guards("floatingmortgage", "state", MORTGAGE_STATES)
IN_FORCE = Q(state__in=sorted(map(str, MORTGAGES_IN_FORCE)))


class MortgageQuerySet(models.QuerySet["FloatingMortgage"]):
    """Reads of floating mortgages."""

    def visible_to(self, actor: Actor) -> MortgageQuerySet:
        """Lender and borrower of the facility see its mortgage."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )

    def in_force(self) -> MortgageQuerySet:
        """Mortgages under which goods come, active or crystallised."""
        return self.filter(IN_FORCE)


class FloatingMortgage(StateModel):
    """The agreement by which a facility's goods of a class secure it while they move.

    While anything is owed, goods of `floor_value` at the market stay under the lender's control
    in the ordinary course, and of `minimum_controlled_value` even when the lender releases; both
    in the facility's currency. Outflow of more than `outflow_alert_share` of the controlled value
    within `outflow_window_days` alerts the lender. Material in process is worth
    `work_in_process_deduction` less than in store.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="mortgages")
    number = models.CharField(max_length=40)
    goods_class = models.CharField(max_length=200, help_text="the class of goods, in words")
    jurisdiction = models.CharField(max_length=2, help_text="ISO 3166 code of the law it is under")
    floor_value = MoneyAmountField()
    minimum_controlled_value = MoneyAmountField()
    outflow_alert_share = RateField()
    outflow_window_days = models.PositiveSmallIntegerField()
    work_in_process_deduction = RateField(default=0)
    state = StateField(MORTGAGE_STATES, max_length=12)
    drafted_at = models.DateTimeField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    active_on = models.DateField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=12, choices=CrystallisationCause.choices, blank=True)
    crystallised_on = models.DateField(null=True, blank=True)
    crystallised_at = models.DateTimeField(null=True, blank=True)
    crystallised_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    evidence = models.JSONField(default=dict, help_text="of the crystallisation")
    discharge_maker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    discharge_asked_at = models.DateTimeField(null=True, blank=True)
    discharge_reason = models.CharField(max_length=300, blank=True)
    discharge_checker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    discharged_on = models.DateField(null=True, blank=True)
    discharged_at = models.DateTimeField(null=True, blank=True)

    objects = MortgageQuerySet.as_manager()

    class Meta:
        ordering = ["drafted_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="floatingmortgage_number_unique"
            ),
            models.UniqueConstraint(
                fields=["facility"], condition=IN_FORCE, name="facility_has_one_mortgage_in_force"
            ),
            models.CheckConstraint(
                name="floatingmortgage_values_not_negative",
                condition=Q(floor_value__gte=0, minimum_controlled_value__gte=0),
            ),
            models.CheckConstraint(
                name="floatingmortgage_shares_are_shares",
                condition=Q(
                    outflow_alert_share__gt=0,
                    outflow_alert_share__lte=1,
                    work_in_process_deduction__gte=0,
                    work_in_process_deduction__lt=1,
                ),
            ),
            models.CheckConstraint(
                name="floatingmortgage_window_is_some_days", condition=Q(outflow_window_days__gt=0)
            ),
            models.CheckConstraint(
                name="floatingmortgage_jurisdiction_is_iso_3166",
                condition=Q(jurisdiction__regex=r"^[A-Z]{2}$"),
            ),
            models.CheckConstraint(
                name="floatingmortgage_checked_by_another_person",
                condition=~Q(maker=F("checker"))
                & ~Q(discharge_maker__isnull=False, discharge_maker=F("discharge_checker")),
            ),
            models.CheckConstraint(
                name="floatingmortgage_beyond_draft_has_checker",
                condition=Q(state=MortgageState.DRAFT)
                | Q(checker__isnull=False, active_on__isnull=False, activated_at__isnull=False),
            ),
            models.CheckConstraint(
                name="floatingmortgage_crystallised_by_somebody_for_a_cause",
                condition=Q(cause="", crystallised_at__isnull=True, crystallised_by__isnull=True)
                | (
                    Q(cause__in=CrystallisationCause.values)
                    & Q(crystallised_at__isnull=False, crystallised_by__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="floatingmortgage_discharged_by_two_persons",
                condition=~Q(state=MortgageState.DISCHARGED)
                | Q(
                    discharge_maker__isnull=False,
                    discharge_checker__isnull=False,
                    discharged_at__isnull=False,
                ),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns("tenant", "facility", "number", "drafted_at", "maker"),
            FrozenAfterDraft(
                "goods_class",
                "jurisdiction",
                "floor_value",
                "minimum_controlled_value",
                "outflow_alert_share",
                "outflow_window_days",
                "work_in_process_deduction",
                "checker_id",
                "active_on",
                "activated_at",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=MortgageState.DRAFT, target=MortgageState.ACTIVE)
    def activate(self, *, checker_id: int, on: date, now: datetime) -> None:
        """Let goods come under it; `checker_id` is the second person."""
        self.checker_id, self.active_on, self.activated_at = checker_id, on, now

    @transition(field=state, source=MortgageState.ACTIVE, target=MortgageState.CRYSTALLISED)
    def crystallise(
        self, *, cause: CrystallisationCause, person_id: int, on: date, now: datetime
    ) -> None:
        """Fix it on the goods that are under it: nothing leaves in the ordinary course."""
        self.cause, self.crystallised_by_id = cause, person_id
        self.crystallised_on, self.crystallised_at = on, now

    @transition(
        field=state,
        source=[MortgageState.ACTIVE, MortgageState.CRYSTALLISED],
        target=MortgageState.DISCHARGED,
        conditions=[lambda mortgage: mortgage.discharge_maker_id is not None],
    )
    def discharge(self, *, checker_id: int, on: date, now: datetime) -> None:
        """End it; a first person has asked for it."""
        self.discharge_checker_id = checker_id
        self.discharged_on, self.discharged_at = on, now


class _NeverTwiceADay(RefusingTrigger):
    """Refuses a row whose days overlap those of another row for the same thing.

    Locks the mortgage first: of two rows entered at once the second sees the first.
    """

    def __init__(self, thing: str) -> None:
        self.thing = thing
        super().__init__(
            constraint="days_do_not_overlap",
            message="its days overlap those it is named for already",
            operation=pgtrigger.Insert | pgtrigger.Update,
        )

    def get_func(self, model: models.Model) -> str:
        """Return the lock, the test and the refusal."""
        refusal = super().get_func(model)
        return f"""
            PERFORM 1 FROM pledges_floatingmortgage WHERE id = NEW.mortgage_id FOR NO KEY UPDATE;
            IF EXISTS (
                SELECT FROM {model._meta.db_table} other
                WHERE other.mortgage_id = NEW.mortgage_id
                  AND other.{self.thing}_id = NEW.{self.thing}_id AND other.id <> NEW.id
                  AND daterange(other.from_on, other.until_on)
                      && daterange(NEW.from_on, NEW.until_on)
            ) THEN {refusal} END IF;
            RETURN NEW;
        """


_Row = TypeVar("_Row", bound=models.Model)


class NamedQuerySet(models.QuerySet[_Row]):
    """Reads of what a mortgage names."""

    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the mortgage sees what it names."""
        return self.filter(mortgage__in=FloatingMortgage.objects.visible_to(actor))

    def on(self, day: date) -> Self:
        """Keep what is named on a day."""
        return self.filter(Q(until_on__isnull=True) | Q(until_on__gt=day), from_on__lte=day)


class _Named(models.Model):
    """Something a mortgage names on the days from `from_on` up to, but without, `until_on`."""

    from_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    selected_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    selected_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawal_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True
        ordering = ["from_on", "id"]


def _guards(model: str, thing: str) -> tuple[list[models.BaseConstraint], list[pgtrigger.Trigger]]:
    constraints: list[models.BaseConstraint] = [
        models.CheckConstraint(
            name=f"{model}_days_in_order",
            condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on")),
        ),
        models.CheckConstraint(
            name=f"{model}_withdrawn_by_somebody",
            condition=Q(until_on__isnull=True, withdrawn_by__isnull=True, withdrawn_at__isnull=True)
            | Q(until_on__isnull=False, withdrawn_by__isnull=False, withdrawn_at__isnull=False),
        ),
        models.CheckConstraint(name=f"{model}_has_a_reason", condition=~Q(reason="")),
    ]
    triggers: list[pgtrigger.Trigger] = [
        frozen_columns("mortgage", thing, "from_on", "reason", "selected_by", "selected_at"),
        _NeverTwiceADay(thing),
        RefusingTrigger(
            constraint="withdrawn_once",
            message="what was withdrawn is named anew, in another row",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition("OLD.until_on IS NOT NULL"),
        ),
        RefusingTrigger(
            constraint="rows_kept",
            message="what a mortgage named is withdrawn, not deleted",
            operation=pgtrigger.Delete,
        ),
    ]
    return constraints, triggers


_ITEM_GUARDS = _guards("mortgageditem", "item")
_SITE_GUARDS = _guards("mortgagedsite", "site")


class MortgagedItem(_Named):
    """One item of the class of goods, chosen by a material manager.

    Withdrawn, it draws no more goods under the mortgage; what is attached stays attached.
    """

    mortgage = models.ForeignKey(FloatingMortgage, on_delete=models.PROTECT, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")

    objects = NamedQuerySet["MortgagedItem"].as_manager()

    class Meta(_Named.Meta):
        constraints = _ITEM_GUARDS[0]
        triggers = _ITEM_GUARDS[1]

    def __str__(self) -> str:
        return f"{self.mortgage}: {self.item}"


class MortgagedSite(_Named):
    """A place where goods come under the mortgage; outside them they count for nothing."""

    mortgage = models.ForeignKey(FloatingMortgage, on_delete=models.PROTECT, related_name="sites")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")

    objects = NamedQuerySet["MortgagedSite"].as_manager()

    class Meta(_Named.Meta):
        constraints = _SITE_GUARDS[0]
        triggers = _SITE_GUARDS[1]

    def __str__(self) -> str:
        return f"{self.mortgage}: {self.site}"
