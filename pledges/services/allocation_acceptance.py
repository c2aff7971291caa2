"""Accepting a proposal: the plan is tried against the live figures, then carried out in one act."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from common.exact import EXACT
from common.locks import lock_one
from common.states import TransitionRefused
from lending.services.acts import act_once, person_of, require_lender
from logistics.models import Lot
from parties.actors import Actor
from parties.roles import Role
from pledges.allocation_reads import list_goods
from pledges.allocation_refusals import ProposalOvertaken
from pledges.allocation_states import OPEN, ProposalState
from pledges.measure import judging_days, measure
from pledges.models import AllocationLine, AllocationProposal
from pledges.rules.allocation_problem import ZERO, Part
from pledges.rules.cover import Cover
from pledges.services.allocation import tell
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.warehouse import SameHand, pledge_free, release, substitute
from pledges.states import ConversionKind

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a plan no longer fits: what moved, with the figures before words."""

    what: str
    numbers: dict[str, Decimal]

    def as_dict(self) -> dict[str, str]:
        """Return it as a proposal keeps it."""
        return {"what": self.what} | {name: f"{value:f}" for name, value in self.numbers.items()}

    def refusal(self, currency: str) -> ProposalOvertaken:
        """Return the refusal with the figures."""
        shown = {name: f"{value:,.2f}" for name, value in self.numbers.items()}
        return ProposalOvertaken(
            message=_words(self.what) % (shown | {"currency": currency}), numbers=self.numbers
        )


def _words(what: str) -> str:
    if what == "cover":
        return _(
            "The plan no longer fits: exposure %(exposure)s needs lending value %(required)s, "
            "with it there would be %(lending)s: short %(short)s %(currency)s"
        )
    if what == "controlled":
        return _(
            "The plan no longer fits: %(floor)s must stay under control, with it there would be "
            "%(market)s: short %(short)s %(currency)s"
        )
    return _("The plan no longer fits: of a lot %(asked)s are needed, %(left)s are left")


def accept_proposal(
    *,
    proposal: AllocationProposal,
    actor: Actor,
    on: date,
    now: datetime,
    idempotency_key: str | None = None,
) -> AllocationProposal:
    """Carry a proposal out: pledge, release or swap its lots in one act, and note it.

    The actor is the checker: an approver or risk officer of the lender, another person than the
    maker, with authority for what is given up. Raises NotYourFacility, NotAllowed, SameHand,
    BeyondAuthority, TransitionRefused, ProposalOvertaken, and what the act itself refuses.
    """
    checker_id = person_of(actor, _("Accepting a proposal"))
    require_lender(actor, proposal.facility, Role.APPROVER, Role.RISK_OFFICER)
    with act_once(
        service="accept_proposal",
        tenant_id=proposal.tenant_id,
        key=idempotency_key,
        payload={"proposal": proposal.pk},
        now=now,
    ) as once:
        if once.replayed:
            return AllocationProposal.objects.get(pk=proposal.pk)
        with covering(
            facility_id=proposal.facility_id,
            cause=str(_kind_of(proposal)),
            actor=actor,
            on=on,
            now=now,
        ) as act:
            locked = lock_one(AllocationProposal.objects.all(), proposal.pk)
            conversion_id = _carry_out(act, locked, checker_id)
        locked.accept(checker_id=checker_id, conversion_id=conversion_id, now=now)
        locked.save(update_fields=["state", "checker", "conversion", "decided_at"])
        tell(locked, "accepted", actor=actor, now=now, on=on)
        once.store({"proposal": locked.pk})
        return locked


def _kind_of(proposal: AllocationProposal) -> ConversionKind:
    """Return the one act that the plan's lines make together."""
    lines = proposal.lines.values_list("before", "after")
    gives = any(after < before for before, after in lines)
    if not gives:
        return ConversionKind.PLEDGE
    brings = any(after > before for before, after in lines)
    return ConversionKind.SUBSTITUTE if brings else ConversionKind.RELEASE


def _carry_out(act: CoverAct, proposal: AllocationProposal, checker_id: int) -> UUID:
    if checker_id == proposal.maker_id:
        raise SameHand(message=_("a proposal is accepted by another person than its maker"))
    if proposal.state != ProposalState.PROPOSED:
        raise TransitionRefused(
            message=_("%(number)s is %(state)s; it cannot be accepted.")
            % {"number": proposal.number, "state": proposal.get_state_display().lower()}
        )
    lines = list(proposal.lines.select_related("lot__item", "lot__site"))
    misfit = misfit_of(proposal, lines, cover=act.before, priced_on=act.priced_on, on=act.on)
    if misfit is not None:
        raise misfit.refusal(act.facility.currency)
    _convert(act, proposal, lines)
    return act.conversions[-1].id


def _convert(act: CoverAct, proposal: AllocationProposal, lines: list[AllocationLine]) -> None:
    give = [
        Take(line.position_id, line.before - line.after)
        for line in lines
        if line.position_id and line.after < line.before
    ]
    bring: list[tuple[Lot, Decimal]] = [
        (line.lot, line.after) for line in lines if line.position_id is None
    ]
    maker_id = proposal.maker_id or 0
    evidence = Evidence("allocation_proposal", proposal.number)
    if give and proposal.meets_cover:
        act.require(Requirement.RELEASE)  # what was promised holds after the act, too
    if not give:
        pledge_free(act=act, lots=bring, evidence=evidence)
    elif not bring:
        release(
            act=act,
            goods=give,
            maker_id=maker_id,
            reference=proposal.number,
            reason=proposal.reason,
        )
    else:
        substitute(
            act=act,
            give=give,
            bring=bring,
            maker_id=maker_id,
            evidence=evidence,
            reason=proposal.reason,
        )


def misfit_of(
    proposal: AllocationProposal,
    lines: list[AllocationLine],
    *,
    cover: Cover,
    priced_on: date,
    on: date,
) -> Misfit | None:
    """Return why the plan no longer fits the live figures; None while it does (one query)."""
    goods = list_goods(
        proposal.facility, priced_on=priced_on, on=on, turnovers={}, least_share=ZERO
    )
    parts = {(one.part.lot_id, one.position_id): one.part for one in goods}
    changed = [line for line in lines if line.after != line.before]
    for line in changed:
        part = parts.get((line.lot_id, line.position_id))
        asked, left = abs(line.after - line.before), part.quantity if part else ZERO
        if asked > left:
            return Misfit("lots", {"asked": asked, "left": left})
    if not proposal.meets_cover:
        return None
    return _uncovered(proposal, changed, parts, cover)


def _uncovered(
    proposal: AllocationProposal,
    changed: list[AllocationLine],
    parts: dict[tuple[int, Any], Part],
    cover: Cover,
) -> Misfit | None:
    facility = proposal.facility
    with localcontext(EXACT):
        moved = [
            (parts[line.lot_id, line.position_id], line.after - line.before) for line in changed
        ]
        lending = cover.lending_value + sum((p.lending * change for p, change in moved), ZERO)
        market = cover.market_value + sum((p.market * change for p, change in moved), ZERO)
        lending = lending.quantize(CENT, rounding=ROUND_FLOOR)
        market = market.quantize(CENT, rounding=ROUND_FLOOR)
        exposure = cover.exposure + proposal.to_draw
        required = (exposure / facility.release_factor).quantize(CENT, rounding="ROUND_CEILING")
    floor = facility.minimum_controlled_value if exposure else ZERO
    if lending < required:
        numbers = {"exposure": exposure, "required": required, "lending": lending}
        return Misfit("cover", numbers | {"short": required - lending})
    if market < floor:
        return Misfit("controlled", {"floor": floor, "market": market, "short": floor - market})
    return None


def why_overtaken(proposal: AllocationProposal, *, on: date) -> str:
    """Return in words why the plan no longer fits the live figures; empty while it does."""
    [priced_on] = judging_days(on=on, facility_ids=[proposal.facility_id])
    cover = measure(as_of=priced_on, facility_ids=[proposal.facility_id])[proposal.facility_id]
    lines = list(proposal.lines.all())
    misfit = misfit_of(proposal, lines, cover=cover, priced_on=priced_on, on=on)
    return str(misfit.refusal(proposal.facility.currency)) if misfit else ""


def retire_overtaken(
    *, actor: Actor, on: date, now: datetime, facility_ids: list[int] | None = None
) -> int:
    """Close every open proposal whose plan no longer fits; return how many.

    Each in a transaction of its own. Acceptance looks again: a mark that comes late does no harm.
    """
    found = AllocationProposal.objects.filter(state__in=sorted(OPEN))
    if facility_ids is not None:
        found = found.filter(facility_id__in=facility_ids)
    return sum(
        _retire(pk, actor=actor, on=on, now=now)
        for pk in found.order_by("pk").values_list("pk", flat=True)
    )


def _retire(pk: int, *, actor: Actor, on: date, now: datetime) -> bool:
    proposal = AllocationProposal.objects.select_related("facility").get(pk=pk)
    [priced_on] = judging_days(on=on, facility_ids=[proposal.facility_id])
    cover = measure(as_of=priced_on, facility_ids=[proposal.facility_id])[proposal.facility_id]
    misfit = misfit_of(
        proposal, list(proposal.lines.all()), cover=cover, priced_on=priced_on, on=on
    )
    if misfit is None:
        return False
    with transaction.atomic():
        locked = lock_one(AllocationProposal.objects.all(), pk)
        if locked.state not in OPEN:
            return False
        locked.be_overtaken(misfit=misfit.as_dict(), now=now)
        locked.save(update_fields=["state", "decided_at", "closing"])
        tell(locked, "overtaken", actor=actor, now=now, on=on)
    return True
