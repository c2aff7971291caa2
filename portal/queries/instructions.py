"""Instructions: what waits for the reader, how each goes, and which goods may be named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import Http404

from lending.models import Facility
from logistics.models import Lot
from logistics.states import SiteKind
from parties.actors import Actor
from parties.roles import Role
from pledges.instruction_queries import StepStatistics, step_statistics
from pledges.instruction_states import WAITING, InstructionState
from pledges.models import Instruction, Position
from pledges.services.approvals import change_of
from pledges.services.preview import Change, Preview, preview_changes
from pledges.states import Right

_S = InstructionState
MOST_SHOWN = 200
RELEASABLE = (Right.PLEDGE, Right.FLOATING_MORTGAGE)


def waiting_for(actor: Actor) -> QuerySet[Instruction]:
    """Return the instructions on which this very reader can act now."""
    mine = Q(pk__in=[])
    if actor.has_role(Role.APPROVER, Role.RISK_OFFICER):
        own = Q(tenant_id=actor.organisation_id, state=_S.REQUESTED)
        mine |= own & ~Q(maker_id=actor.person_id)
    if actor.has_role(Role.PARTNER, Role.OPERATIONS):
        sent = Q(state__in=[_S.INSTRUCTED, _S.ACKNOWLEDGED, _S.EXECUTED])
        mine |= Q(custodian_id=actor.organisation_id) & sent
    return Instruction.objects.visible_to(actor).filter(mine)


def count_waiting(actor: Actor) -> int:
    """Return how many instructions wait for the reader (one query)."""
    return waiting_for(actor).count()


def _with_goods(rows: QuerySet[Instruction]) -> QuerySet[Instruction]:
    joined = rows.select_related("facility", "custodian", "maker", "maker_organisation", "checker")
    return joined.prefetch_related("lines__lot__item__contents", "lines__lot__site")


def list_instructions(actor: Actor) -> list[Instruction]:
    """Return the newest 200 that the reader may see: what waits first, by its clock."""
    seen = Instruction.objects.visible_to(actor).annotate(
        waits=Case(When(state__in=WAITING, then=Value(0)), default=Value(1))
    )
    ordered = seen.order_by("waits", F("step_due_at").asc(nulls_last=True), "-requested_at", "-pk")
    return list(_with_goods(ordered)[:MOST_SHOWN])


def list_waiting(actor: Actor) -> list[Instruction]:
    """Return what waits for the reader, the shortest clock first."""
    return list(_with_goods(waiting_for(actor)).order_by("step_due_at", "pk"))


def get_instruction(actor: Actor, instruction_id: int) -> Instruction:
    """Return one instruction with its goods and stamps; 404 for strangers."""
    visible = _with_goods(Instruction.objects.visible_to(actor)).prefetch_related(
        "steps__organisation", "steps__photos"
    )
    found = visible.select_related("rule", "tenant").filter(pk=instruction_id).first()
    if found is None:
        raise Http404
    return found


def preview_instructions(
    actor: Actor, instructions: list[Instruction], *, on: date
) -> dict[int, Preview]:
    """Return what each would do to cover now, for those whose facility the reader may see."""
    open_to = set(Facility.objects.visible_to(actor).values_list("pk", flat=True))
    shown = [one for one in instructions if one.facility_id in open_to]
    previews = preview_changes([change_of(one) for one in shown], on=on) if shown else []
    return {one.pk: preview for one, preview in zip(shown, previews, strict=True)}


def preview_wish(actor: Actor, change: Change, *, on: date) -> Preview:
    """Return what a wish that is not asked for yet would do; 404 for strangers."""
    if not Facility.objects.visible_to(actor).filter(pk=change.facility.pk).exists():
        raise Http404
    return preview_changes([change], on=on)[0]


def list_statistics(actor: Actor, *, now: datetime) -> list[StepStatistics]:
    """Return the waits of 90 days by custodian and step."""
    return step_statistics(actor=actor, now=now)


@dataclass(frozen=True, slots=True)
class Goods:
    """What a request may name: positions to be given back, free lots to be brought."""

    positions: list[Position]
    lots: list[Lot]


def list_goods(actor: Actor, facility: Facility, *, lot_id: int | None = None) -> Goods:
    """Return the goods of a facility that may be asked for; of one lot, if it is named.

    Two queries; nothing for strangers.
    """
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    positions = Position.objects.live().filter(facility__in=visible, right__in=RELEASABLE)
    lots = Lot.objects.filter(
        owner_id=facility.borrower_id,
        owner__borrowed_facilities__in=visible,
        site__kind=SiteKind.WAREHOUSE,
        on_hand__gt=F("claimed"),
    )
    if lot_id is not None:
        positions, lots = positions.filter(lot_id=lot_id), lots.filter(pk=lot_id)
    return Goods(
        positions=list(positions.select_related("lot__item", "lot__site").order_by("opened_at")),
        lots=list(lots.distinct().select_related("item", "site").order_by("received_on", "pk")),
    )
