"""Allocation: a quote writes nothing, a kept proposal is a row, accepting it is one act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.canonical import canonical_hash
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import act_once, person_of, require_lender
from outbox.services.audit import record
from outbox.services.events import emit
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_role
from pledges.allocation_reads import Goods, lending_besides, list_goods, list_stock
from pledges.allocation_refusals import FiguresMoved, NothingToChange, ReasonMissing
from pledges.instruction_refusals import NotAParty
from pledges.measure import judging_days, measure
from pledges.models import AllocationLine, AllocationProposal
from pledges.rules.allocation import propose_allocation
from pledges.rules.allocation_problem import Kind, Line, Need, Plan, Problem, Weights
from pledges.rules.cover import Cover
from pledges.rules.turnover import Turnover

MAKERS = (Role.PREPARER, Role.APPROVER, Role.OPERATIONS, Role.RISK_OFFICER)
VALUE_PLACES = Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked of an allocation. Quantities in the items' units, `to_draw` in money."""

    needs: Sequence[Need] = ()
    horizon_days: int = 30
    to_draw: Decimal = Decimal(0)
    limits: Mapping[Kind, Decimal] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    whole_lots_only: bool = False
    least_share: Decimal = Decimal("0.1")

    def as_dict(self) -> dict[str, Any]:
        """Return the wishes as a proposal keeps them: figures as text."""
        weights = self.weights
        return {
            "needs": [
                {"item": one.item_id, "quantity": _text(one.quantity), "by": one.by.isoformat()}
                for one in self.needs
            ],
            "horizon_days": self.horizon_days,
            "to_draw": _text(self.to_draw),
            "limits": {str(kind): _text(share) for kind, share in sorted(self.limits.items())},
            "weights": {name: _text(getattr(weights, name)) for name in weights.__slots__},
            "whole_lots_only": self.whole_lots_only,
            "least_share": _text(self.least_share),
        }


@dataclass(frozen=True, slots=True)
class Quote:
    """An allocation reckoned on live figures; it wrote nothing and holds nothing."""

    plan: Plan
    goods: Mapping[str, Goods]
    cover: Cover
    turnovers: Mapping[int, Turnover]
    priced_on: date

    @property
    def lines(self) -> list[Line]:
        """The lines that a proposal keeps: what is pledged now or will be."""
        return [line for line in self.plan.lines if line.after or line.part.before]

    @property
    def digest(self) -> str:
        """What the plan does, as a hash: equal plans have equal ones."""
        return canonical_hash([[line.part.key, line.after] for line in self.plan.changes])


def quote_allocation(*, facility: Facility, wishes: Wishes, on: date) -> Quote:
    """Return the best allocation for the wishes at the live price; writes nothing.

    Five queries, whatever the number of lots. What cannot be met is told in the plan.
    """
    [priced_on] = judging_days(on=on, facility_ids=[facility.pk])
    cover = measure(as_of=priced_on, facility_ids=[facility.pk])[facility.pk]
    turnovers = {stock.item_id: turnover for stock, turnover in list_stock(facility, on=on)}
    goods = list_goods(
        facility,
        priced_on=priced_on,
        on=on,
        turnovers=turnovers,
        least_share=wishes.least_share,
    )
    problem = Problem(
        parts=[one.part for one in goods],
        exposure=cover.exposure + wishes.to_draw,
        lending_now=cover.lending_value,
        market_now=cover.market_value,
        factor=facility.release_factor,
        minimum_market=facility.minimum_controlled_value,
        needs=wishes.needs,
        horizon_days=wishes.horizon_days,
        fixed=lending_besides(facility, priced_on=priced_on),
        limits=wishes.limits,
        weights=wishes.weights,
        whole_lots_only=wishes.whole_lots_only,
    )
    by_key = {one.part.key: one for one in goods}
    return Quote(propose_allocation(problem), by_key, cover, turnovers, priced_on)


def keep_proposal(
    *,
    facility: Facility,
    wishes: Wishes,
    reason: str,
    actor: Actor,
    on: date,
    now: datetime,
    seen: str | None = None,
    idempotency_key: str | None = None,
) -> AllocationProposal:
    """Keep the allocation of this moment for somebody else to accept; its maker is the actor.

    `seen` is the digest of the quote that was looked at. Raises NotAParty, NotAllowed,
    PersonNeeded, NothingToChange, FiguresMoved.
    """
    maker_id = person_of(actor, _("Keeping a proposal"))
    _require_party(actor, facility)
    with act_once(
        service="keep_proposal",
        tenant_id=facility.tenant_id,
        key=idempotency_key,
        payload={"facility": facility.pk, "wishes": wishes.as_dict(), "reason": reason},
        now=now,
    ) as once:
        if once.replayed:
            return AllocationProposal.objects.get(pk=once.response["proposal"])
        quote = quote_allocation(facility=facility, wishes=wishes, on=on)
        if seen is not None and seen != quote.digest:
            raise FiguresMoved(
                message=_("Prices, exposure or lots moved since you looked: look at it again.")
            )
        proposal = write_proposal(
            facility=facility,
            wishes=wishes,
            quote=quote,
            reason=reason,
            actor=actor,
            on=on,
            now=now,
        )
        proposal.adopt(maker_id=maker_id)
        proposal.save(update_fields=["state", "maker"])
        tell(proposal, "proposed", actor=actor, now=now, on=on)
        once.store({"proposal": proposal.pk})
        return proposal


def write_proposal(
    *,
    facility: Facility,
    wishes: Wishes,
    quote: Quote,
    reason: str,
    actor: Actor,
    on: date,
    now: datetime,
) -> AllocationProposal:
    """Write a quote down as a suggestion of nobody's yet, in the caller's transaction.

    Raises NothingToChange.
    """
    plan = quote.plan
    if not plan.changes:
        raise NothingToChange(
            message=_("The pool already stands as this allocation would have it.")
        )
    proposal = AllocationProposal.objects.create(
        tenant_id=facility.tenant_id,
        facility=facility,
        reason=reason[:300],
        wishes=wishes.as_dict(),
        findings=_findings(plan),
        contents_hash=canonical_hash([wishes.as_dict(), quote.digest]),
        made_at=now,
        made_on=on,
        priced_on=quote.priced_on,
        exposure=plan.problem.exposure,
        to_draw=wishes.to_draw,
        meets_cover=plan.meets_cover,
        lending_before=quote.cover.lending_value,
        lending_after=plan.lending_after,
        market_before=quote.cover.market_value,
        market_after=plan.market_after,
        cost_before=plan.cost_before,
        cost_after=plan.cost,
    )
    AllocationLine.objects.bulk_create(_line(proposal, line, quote) for line in quote.lines)
    tell(proposal, "suggested", actor=actor, now=now, on=on)
    return proposal


def adopt_proposal(
    *, proposal: AllocationProposal, actor: Actor, now: datetime
) -> AllocationProposal:
    """Stand for a suggestion as its maker; another person may then accept it.

    Raises NotAParty, NotAllowed, PersonNeeded, TransitionRefused.
    """
    maker_id = person_of(actor, _("Standing for a proposal"))
    _require_party(actor, proposal.facility)
    with transaction.atomic():
        locked = lock_one(AllocationProposal.objects.all(), proposal.pk)
        locked.adopt(maker_id=maker_id)
        locked.save(update_fields=["state", "maker"])
        tell(locked, "proposed", actor=actor, now=now)
    return locked


def decline_proposal(
    *, proposal: AllocationProposal, reason: str, actor: Actor, now: datetime
) -> AllocationProposal:
    """Turn a proposal down, with a reason. Raises NotYourFacility, NotAllowed, ReasonMissing."""
    checker_id = person_of(actor, _("Turning a proposal down"))
    require_lender(actor, proposal.facility, Role.APPROVER, Role.RISK_OFFICER)
    if not reason.strip():
        raise ReasonMissing(message=_("Say why it is turned down."), field="reason")
    with transaction.atomic():
        locked = lock_one(AllocationProposal.objects.all(), proposal.pk)
        locked.decline(checker_id=checker_id, why=reason.strip()[:300], now=now)
        locked.save(update_fields=["state", "checker", "decided_at", "closing"])
        tell(locked, "declined", actor=actor, now=now, reason=reason)
    return locked


def tell(
    proposal: AllocationProposal,
    what: str,
    *,
    actor: Actor,
    now: datetime,
    on: date | None = None,
    reason: str = "",
) -> None:
    """Leave the event and the audit record of a step in a proposal's life."""
    detail = {
        "facility": proposal.facility_id,
        "number": proposal.number,
        "lending_after": str(proposal.lending_after),
        "conversion": str(proposal.conversion_id or ""),
        "by": actor.label,
    }
    emit(
        topic=f"pledges.allocation_{what}",
        aggregate="allocation_proposal",
        aggregate_id=proposal.pk,
        payload=detail,
        tenant_id=proposal.tenant_id,
        now=now,
    )
    record(
        action=f"pledges.allocation_{what}",
        actor=actor,
        object_type="allocation_proposal",
        object_id=proposal.pk,
        at=now,
        business_date=on,
        tenant_id=proposal.tenant_id,
        detail=detail,
        reason=reason,
    )


def _require_party(actor: Actor, facility: Facility) -> None:
    if actor.organisation_id not in (facility.borrower_id, facility.tenant_id):
        raise NotAParty(message=_("There is no such facility."), field="facility")
    require_role(actor, *MAKERS)


def _line(proposal: AllocationProposal, line: Line, quote: Quote) -> AllocationLine:
    part = line.part
    return AllocationLine(
        proposal=proposal,
        lot_id=part.lot_id,
        position_id=quote.goods[part.key].position_id,
        before=part.before,
        after=line.after,
        market_per_unit=part.market.quantize(VALUE_PLACES),
        lending_per_unit=part.lending.quantize(VALUE_PLACES),
        reasons=[[code, _text(figure)] for code, figure in line.reasons],
    )


def _findings(plan: Plan) -> dict[str, Any]:
    return {
        "gap": _text(plan.gap),
        "bound": _text(plan.bound),
        "shortages": [
            {
                "kind": str(one.kind),
                "id": one.id,
                "amount": _text(one.amount),
                "beyond_stock": _text(one.beyond_stock),
                "by": one.by.isoformat() if one.by else None,
            }
            for one in plan.shortages
        ],
        "bindings": [
            {
                "kind": str(one.kind),
                "id": one.id,
                "limit": _text(one.limit),
                "saves": _text(one.saves),
            }
            for one in plan.bindings
        ],
    }


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
