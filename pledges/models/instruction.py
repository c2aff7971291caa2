"""Instructions: pledge, release and swap as orders to the one who keeps the goods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Facility
from lending.triggers import CopiesAgree
from logistics.models import Lot
from parties.models import Organisation, Person
from pledges.instruction_states import (
    DECIDED_BY_LENDER,
    DONE,
    INSTRUCTION_STATES,
    PENDING,
    WAITING,
    InstructionKind,
    InstructionState,
    LineDirection,
)
from pledges.models.approval_rule import AutoApprovalRule
from pledges.models.conversion import Conversion
from pledges.models.instruction_triggers import goods_promised_once
from pledges.models.position import Position

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from parties.actors import Actor

_GUARDS = state_guards("instruction", "state", INSTRUCTION_STATES)
_S = InstructionState


class InstructionQuerySet(models.QuerySet["Instruction"]):
    """Reads of instructions."""

    def visible_to(self, actor: Actor) -> InstructionQuerySet:
        """Lender and borrower see all of theirs; the custodian what it was sent."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(
            Q(tenant_id=own)
            | Q(facility__borrower_id=own)
            | Q(custodian_id=own, instructed_at__isnull=False)
        )

    def pending(self) -> InstructionQuerySet:
        """Those that may still move goods: what they name is promised."""
        return self.filter(state__in=PENDING)

    def waiting(self) -> InstructionQuerySet:
        """Those on which somebody must act."""
        return self.filter(state__in=WAITING)


class Instruction(StateModel):
    """An order to hold, give back or swap goods, from the request to its evidence.

    Nothing is pledged or released before the custodian executes it; cover is judged then, on
    the price and the exposure of that moment. `market_value` is that of the goods given (of
    those brought, where none are given) when it was asked for, in the facility's currency.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="instructions")
    custodian = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=InstructionKind.choices)
    reason = models.CharField(max_length=300, help_text="what it is for")
    state = StateField(INSTRUCTION_STATES, max_length=12)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    maker_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    rule = models.ForeignKey(
        AutoApprovalRule, on_delete=models.PROTECT, related_name="instructions", null=True
    )
    market_value = MoneyAmountField()
    contents_hash = models.CharField(max_length=64, help_text="SHA-256 of what is ordered")
    requested_at = models.DateTimeField()
    requested_on = models.DateField()
    instructed_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    stamped_at = models.DateTimeField(help_text="the last stamp: what waits, waits since then")
    due_at = models.DateTimeField(help_text="when goods shall have moved")
    step_due_at = models.DateTimeField(null=True, help_text="when the next stamp shall be there")
    expires_at = models.DateTimeField(help_text="from then on it moves nothing any more")
    chased_state = models.CharField(max_length=12, blank=True, help_text="state it was late in")
    broken_at = models.DateTimeField(null=True, help_text="when the whole was found to be late")
    conversion = models.OneToOneField(
        Conversion, on_delete=models.PROTECT, related_name="instruction", null=True
    )
    refusal = models.JSONField(default=dict, help_text="why not: code, message, numbers")

    objects = InstructionQuerySet.as_manager()

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="instruction_kind_known", condition=Q(kind__in=InstructionKind.values)
            ),
            models.CheckConstraint(
                name="instruction_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="instruction_sent_has_checker",
                condition=~Q(state__in=sorted(DECIDED_BY_LENDER))
                | Q(checker__isnull=False, instructed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="instruction_executed_has_conversion",
                condition=Q(
                    state__in=sorted(DONE), conversion__isnull=False, executed_at__isnull=False
                )
                | (
                    ~Q(state__in=sorted(DONE))
                    & Q(conversion__isnull=True, executed_at__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="instruction_clock_runs_while_it_waits",
                condition=Q(state__in=sorted(WAITING), step_due_at__isnull=False)
                | (~Q(state__in=sorted(WAITING)) & Q(step_due_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="instruction_times_in_order",
                condition=Q(due_at__gt=F("requested_at"), expires_at__gt=F("requested_at")),
            ),
            models.CheckConstraint(
                name="instruction_refusal_says_why",
                condition=~Q(state__in=[_S.REFUSED, _S.DECLINED, _S.FAILED]) | ~Q(refusal={}),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [
            models.Index(
                fields=["step_due_at"],
                name="instruction_clock",
                condition=Q(step_due_at__isnull=False),
            ),
            models.Index(fields=["tenant", "state"], name="instruction_worklist"),
            models.Index(fields=["custodian", "requested_at"], name="instruction_by_custodian"),
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "custodian",
                "kind",
                "reason",
                "maker",
                "maker_organisation",
                "market_value",
                "contents_hash",
                "requested_at",
                "requested_on",
                "due_at",
                "expires_at",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """Return what people call it."""
        return f"WI-{self.pk:06d}"

    @transition(field=state, source=_S.REQUESTED, target=_S.INSTRUCTED)
    def instruct(self, *, checker_id: int, rule: AutoApprovalRule | None, now: datetime) -> None:
        """Send it to the custodian, by the word of a second person or of their rule."""
        self.checker_id, self.rule, self.instructed_at = checker_id, rule, now

    @transition(field=state, source=_S.REQUESTED, target=_S.REFUSED)
    def refuse(self, *, checker_id: int, refusal: dict[str, Any]) -> None:
        """Turn the request down."""
        self.checker_id, self.refusal = checker_id, refusal

    @transition(
        field=state, source=[_S.REQUESTED, _S.INSTRUCTED, _S.ACKNOWLEDGED], target=_S.WITHDRAWN
    )
    def withdraw(self) -> None:
        """Take it back before goods moved."""

    @transition(field=state, source=_S.INSTRUCTED, target=_S.ACKNOWLEDGED)
    def acknowledge(self) -> None:
        """Note that the custodian has it."""

    @transition(field=state, source=[_S.INSTRUCTED, _S.ACKNOWLEDGED], target=_S.DECLINED)
    def decline(self, *, refusal: dict[str, Any]) -> None:
        """Note that the custodian cannot do it."""
        self.refusal = refusal

    @transition(field=state, source=_S.ACKNOWLEDGED, target=_S.EXECUTED)
    def execute(self, *, conversion_id: UUID, now: datetime) -> None:
        """Note that it was done, and by which conversion."""
        self.conversion_id, self.executed_at = conversion_id, now

    @transition(field=state, source=_S.ACKNOWLEDGED, target=_S.FAILED)
    def fail(self, *, refusal: dict[str, Any]) -> None:
        """Note that it may no longer be done: nothing was moved."""
        self.refusal = refusal

    @transition(field=state, source=_S.EXECUTED, target=_S.EVIDENCED)
    def be_evidenced(self) -> None:
        """Note that the papers are there."""

    @transition(
        field=state, source=[_S.REQUESTED, _S.INSTRUCTED, _S.ACKNOWLEDGED], target=_S.EXPIRED
    )
    def expire(self) -> None:
        """Note that it was not done in time: its goods are free for another one."""


class InstructionLine(models.Model):
    """Goods of an instruction: (part of) a position that is given, or of a lot that is brought."""

    instruction = models.ForeignKey(Instruction, on_delete=models.PROTECT, related_name="lines")
    direction = models.CharField(max_length=5, choices=LineDirection.choices)
    position = models.ForeignKey(
        Position, on_delete=models.PROTECT, related_name="instruction_lines", null=True
    )
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="instruction_lines")
    quantity = QuantityField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instruction", "position"], name="instruction_line_position_once"
            ),
            models.UniqueConstraint(
                fields=["instruction", "lot"],
                condition=Q(direction=LineDirection.BRING),
                name="instruction_line_lot_once",
            ),
            models.CheckConstraint(
                name="instruction_line_quantity_positive", condition=Q(quantity__gt=0)
            ),
            models.CheckConstraint(
                name="instruction_line_gives_a_position_or_brings_a_lot",
                condition=Q(direction=LineDirection.GIVE, position__isnull=False)
                | Q(direction=LineDirection.BRING, position__isnull=True),
            ),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="agrees_with_its_instruction",
                message="goods of the facility, in the custodian's hands, in an order not yet sent",
                source="SELECT 1 FROM pledges_instruction i "
                "JOIN lending_facility f ON f.id = i.facility_id "
                "JOIN logistics_lot l ON l.id = NEW.lot_id AND l.owner_id = f.borrower_id "
                "JOIN logistics_site s ON s.id = l.site_id AND s.operator_id = i.custodian_id "
                "LEFT JOIN pledges_position p ON p.id = NEW.position_id "
                "WHERE i.id = NEW.instruction_id AND i.state = 'requested' "
                "AND (NEW.position_id IS NULL "
                "OR (p.facility_id = i.facility_id AND p.lot_id = NEW.lot_id))",
            ),
            goods_promised_once(),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.quantity} {self.lot}"


class InstructionStep(models.Model):
    """One stamp: who, for whom, when, on what, and how long it had waited. Never changed."""

    instruction = models.ForeignKey(Instruction, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=12, choices=InstructionState.choices)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", null=True
    )
    actor_label = models.CharField(max_length=160)
    at = models.DateTimeField()
    waited_seconds = models.PositiveIntegerField(help_text="since the stamp before")
    was_due_at = models.DateTimeField(null=True, help_text="when it should have been there")
    reference = models.CharField(max_length=120, blank=True, help_text="the document it rests on")
    sha256 = models.CharField(max_length=64, blank=True, help_text="the document's hash")
    reason = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instruction", "step"], name="instruction_step_stamped_once"
            ),
            models.CheckConstraint(
                name="instruction_step_known", condition=Q(step__in=InstructionState.values)
            ),
            models.CheckConstraint(
                name="instruction_step_hash_well_formed",
                condition=Q(sha256="") | Q(sha256__regex=r"^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(
                name="instruction_step_evidence_names_its_document",
                condition=~Q(step=InstructionState.EVIDENCED) | (~Q(reference="") & ~Q(sha256="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["sha256"], name="instruction_step_by_hash", condition=~Q(sha256="")
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.instruction_id} {self.step}"


class EvidencePhoto(models.Model):
    """A photo that was handed in with the evidence, by its hash alone. Never changed."""

    step = models.ForeignKey(InstructionStep, on_delete=models.PROTECT, related_name="photos")
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["step", "sha256"], name="evidence_photo_named_once"),
            models.CheckConstraint(
                name="evidence_photo_hash_well_formed",
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
            ),
        ]
        indexes = [models.Index(fields=["sha256"], name="evidence_photo_by_hash")]
        triggers = append_only()

    def __str__(self) -> str:
        return self.sha256[:12]
