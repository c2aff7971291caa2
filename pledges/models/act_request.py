"""Acts on collateral that one person asks for and another decides on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import QuantityField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Facility
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from pledges.models.conversion import Conversion
from pledges.models.disposal import DisposalCase
from pledges.models.position import Position
from pledges.states import REQUEST_STATES, RequestKind, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("actrequest", "state", REQUEST_STATES)
_S = RequestState


class ActRequestQuerySet(models.QuerySet["ActRequest"]):
    """Reads of requests."""

    def visible_to(self, actor: Actor) -> ActRequestQuerySet:
        """Show them to the lender's people: what they weigh is theirs."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class ActRequest(StateModel):
    """A request to reverse a conversion, or to give up goods of a case; nothing moves by it.

    A second person carries it out, refuses it, or its maker takes it back. The conversion that
    follows keeps both persons itself.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="act_requests")
    kind = models.CharField(max_length=7, choices=RequestKind.choices)
    conversion = models.ForeignKey(
        Conversion, on_delete=models.PROTECT, related_name="requests", null=True, blank=True
    )
    case = models.ForeignKey(
        DisposalCase, on_delete=models.PROTECT, related_name="requests", null=True, blank=True
    )
    position = models.ForeignKey(
        Position, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    quantity = QuantityField(null=True, blank=True, help_text="of the position, to be given up")
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    checker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="why it was refused")
    state = StateField(REQUEST_STATES, max_length=9)

    objects = ActRequestQuerySet.as_manager()

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="act_request_names_what_it_is_about",
                condition=Q(
                    kind=RequestKind.REVERSE,
                    conversion__isnull=False,
                    case__isnull=True,
                    position__isnull=True,
                    quantity__isnull=True,
                )
                | Q(
                    kind=RequestKind.GIVE_UP,
                    conversion__isnull=True,
                    case__isnull=False,
                    position__isnull=False,
                    quantity__gt=0,
                ),
            ),
            models.UniqueConstraint(
                fields=["conversion"], condition=Q(state=_S.ASKED), name="act_request_asked_once"
            ),
            models.UniqueConstraint(
                fields=["case", "position"],
                condition=Q(state=_S.ASKED),
                name="act_request_gives_a_position_up_once",
            ),
            models.CheckConstraint(name="act_request_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="act_request_decided_by_another_person",
                condition=Q(state=_S.ASKED, checker__isnull=True, decided_at__isnull=True)
                | Q(state=_S.WITHDRAWN, decided_at__isnull=False)
                | (
                    Q(state__in=[_S.DONE, _S.REFUSED])
                    & Q(checker__isnull=False, decided_at__isnull=False)
                    & ~Q(maker=F("checker"))
                ),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "kind",
                "conversion",
                "case",
                "position",
                "quantity",
                "reason",
                "maker",
                "asked_at",
            ),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a request is of its facility's lender",
                source="SELECT 1 FROM lending_facility f "
                "WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.asked_at:%Y-%m-%d}"

    @transition(field=state, source=_S.ASKED, target=_S.DONE)
    def carry_out(self, *, checker_id: int, now: datetime) -> None:
        """Note that the act was done, by the word of a second person."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=_S.ASKED, target=_S.REFUSED)
    def refuse(self, *, checker_id: int, note: str, now: datetime) -> None:
        """Leave everything as it is, and say why."""
        self.checker_id, self.note, self.decided_at = checker_id, note, now

    @transition(field=state, source=_S.ASKED, target=_S.WITHDRAWN)
    def withdraw(self, *, now: datetime) -> None:
        """Take it back."""
        self.decided_at = now
