"""Allocation proposals: which lots to pledge, release or swap, kept as they were reckoned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, QuantityField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Facility
from logistics.models import Lot, Site
from parties.models import Organisation, Person
from pledges.allocation_states import PROPOSAL_STATES, ProposalState
from pledges.models.conversion import Conversion
from pledges.models.position import Position

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from parties.actors import Actor

_GUARDS = state_guards("allocationproposal", "state", PROPOSAL_STATES)
_S = ProposalState


class AllocationProposalQuerySet(models.QuerySet["AllocationProposal"]):
    """Reads of proposals."""

    def visible_to(self, actor: Actor) -> AllocationProposalQuerySet:
        """Lender and borrower of the facility see its proposals."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(facility__borrower_id=own))


class AllocationProposal(StateModel):
    """A plan for the pool and the figures it rests on; only its state goes on.

    `wishes` is what was asked, `findings` what binds and what cannot be met. Accepting it is one
    act of conversion by another person than its maker; nothing is held for it until then.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(
        Facility, on_delete=models.PROTECT, related_name="allocation_proposals"
    )
    state = StateField(PROPOSAL_STATES, max_length=9)
    reason = models.CharField(max_length=300, help_text="what it is for")
    wishes = models.JSONField()
    findings = models.JSONField()
    contents_hash = models.CharField(max_length=64, help_text="SHA-256 of wishes and lines")
    made_at = models.DateTimeField()
    made_on = models.DateField()
    priced_on = models.DateField(help_text="business date whose prices were used")
    exposure = MoneyAmountField(help_text="with what is still to be drawn")
    to_draw = MoneyAmountField(default=0)
    meets_cover = models.BooleanField()
    lending_before = MoneyAmountField()
    lending_after = MoneyAmountField()
    market_before = MoneyAmountField()
    market_after = MoneyAmountField()
    cost_before = MoneyAmountField()
    cost_after = MoneyAmountField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    conversion = models.OneToOneField(
        Conversion, on_delete=models.PROTECT, related_name="allocation", null=True
    )
    closing = models.JSONField(default=dict, help_text="why it was declined or overtaken")

    objects = AllocationProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="allocation_proposal_checked_by_another_person",
                condition=~Q(maker=F("checker")),
            ),
            models.CheckConstraint(
                name="allocation_proposal_proposed_by_somebody",
                condition=Q(state__in=[_S.SUGGESTED, _S.STALE]) | Q(maker__isnull=False),
            ),
            models.CheckConstraint(
                name="allocation_proposal_accepted_by_one_conversion",
                condition=Q(state=_S.ACCEPTED, conversion__isnull=False, checker__isnull=False)
                | (~Q(state=_S.ACCEPTED) & Q(conversion__isnull=True)),
            ),
            models.CheckConstraint(
                name="allocation_proposal_closed_says_why",
                condition=~Q(state__in=[_S.DECLINED, _S.STALE]) | ~Q(closing={}),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [
            models.Index(
                fields=["facility"],
                name="allocation_open_by_facility",
                condition=Q(state__in=["suggested", "proposed"]),
            )
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "reason",
                "wishes",
                "findings",
                "contents_hash",
                "made_at",
                "made_on",
                "priced_on",
                "exposure",
                "to_draw",
                "meets_cover",
                "lending_before",
                "lending_after",
                "market_before",
                "market_after",
                "cost_before",
                "cost_after",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """Return what people call it."""
        return f"AP-{self.pk:06d}"

    @transition(field=state, source=_S.SUGGESTED, target=_S.PROPOSED)
    def adopt(self, *, maker_id: int) -> None:
        """Let a person stand for it: the first of two."""
        self.maker_id = maker_id

    @transition(field=state, source=_S.PROPOSED, target=_S.ACCEPTED)
    def accept(self, *, checker_id: int, conversion_id: UUID, now: datetime) -> None:
        """Note that it was carried out, and by which conversion."""
        self.checker_id, self.conversion_id, self.decided_at = checker_id, conversion_id, now

    @transition(field=state, source=_S.PROPOSED, target=_S.DECLINED)
    def decline(self, *, checker_id: int, why: str, now: datetime) -> None:
        """Turn it down."""
        self.checker_id, self.decided_at, self.closing = checker_id, now, {"reason": why}

    @transition(field=state, source=[_S.SUGGESTED, _S.PROPOSED], target=_S.STALE)
    def be_overtaken(self, *, misfit: dict[str, str], now: datetime) -> None:
        """Note that prices, exposure or lots moved and the plan no longer fits."""
        self.decided_at, self.closing = now, misfit


class AllocationLine(models.Model):
    """What becomes of one part of a lot: of a pledge on it, or of what is free of it."""

    proposal = models.ForeignKey(AllocationProposal, on_delete=models.PROTECT, related_name="lines")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="allocation_lines")
    position = models.ForeignKey(
        Position, on_delete=models.PROTECT, related_name="allocation_lines", null=True
    )
    before = QuantityField(help_text="pledged of it when it was reckoned")
    after = QuantityField(help_text="to be pledged of it")
    market_per_unit = models.DecimalField(max_digits=30, decimal_places=12)
    lending_per_unit = models.DecimalField(max_digits=30, decimal_places=12)
    reasons = models.JSONField(default=list, help_text="codes, each with the figure that decided")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "lot", "position"],
                nulls_distinct=False,
                name="allocation_line_part_once",
            ),
            models.CheckConstraint(
                name="allocation_line_pledges_what_is_free_or_releases_what_is_pledged",
                condition=Q(before=0, after__gt=0, position__isnull=True)
                | Q(before__gt=0, after__gte=0, after__lte=F("before"), position__isnull=False),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.before} → {self.after}"


class CustodyFeeQuerySet(models.QuerySet["CustodyFee"]):
    """Reads of custody fees."""

    def visible_to(self, actor: Actor) -> CustodyFeeQuerySet:
        """Show a fee to the lender that agreed it and to the site's operator."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(site__operator_id=own))


class CustodyFee(models.Model):
    """What a site charges a lender's borrowers for a pledged unit a day; the latest counts."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="custody_fees")
    unit = models.CharField(max_length=3, help_text="UN/CEFACT Recommendation 20")
    currency = CurrencyField()
    per_unit_per_day = models.DecimalField(max_digits=18, decimal_places=8)
    valid_from = models.DateField()

    objects = CustodyFeeQuerySet.as_manager()

    class Meta:
        ordering = ["site", "unit", "valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "unit", "currency", "valid_from"],
                name="custody_fee_stated_once",
            ),
            models.CheckConstraint(
                name="custody_fee_not_negative", condition=Q(per_unit_per_day__gte=0)
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.site} {self.unit}: {self.per_unit_per_day}"
