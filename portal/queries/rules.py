"""Rules that approve by themselves, and what they would have said of orders that were done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from lending.models import Facility
from parties.actors import Actor
from pledges.instruction_queries import step_statistics
from pledges.instruction_states import DONE, RuleState
from pledges.models import AutoApprovalRule, Instruction
from pledges.rules.approval import Bounds, Rating, objections
from pledges.rules.cover import Cover
from pledges.states import Band

MOST_TRIED = 50


def list_rules(actor: Actor, facility: Facility) -> list[AutoApprovalRule]:
    """Return a facility's rules, those in force and proposed first; nothing but to the lender."""
    rules = AutoApprovalRule.objects.visible_to(actor).filter(facility=facility)
    rows = rules.select_related("maker", "checker").order_by("kind", "-version")
    return sorted(rows, key=lambda one: (one.ended_at is not None, one.state == RuleState.REFUSED))


@dataclass(frozen=True, slots=True)
class Trial:
    """An order that was carried out, and what today's rule for its kind says of its numbers."""

    instruction: Instruction
    after: Cover
    rating: Rating

    def says(self, rule: AutoApprovalRule) -> list[str]:
        """Return what speaks against it under a rule, leaving the rule's days out of account."""
        bounds = Bounds(
            max_amount=rule.max_amount,
            min_coverage=rule.min_coverage,
            min_rating=rule.min_rating,
            min_rated=rule.min_rated,
            valid_from=rule.valid_from,
            valid_until=rule.valid_until,
        )
        return objections(
            bounds,
            amount=self.instruction.market_value,
            after=self.after,
            rating=self.rating,
            on=rule.valid_from,
        )


def list_trials(actor: Actor, facility: Facility, *, now: datetime) -> list[Trial]:
    """Return the last orders of a facility that were carried out, to try rules on (two queries).

    Each with the cover that it left behind; custodians are rated as they are now.
    """
    rows = (
        Instruction.objects.visible_to(actor)
        .filter(facility=facility, state__in=DONE)
        .select_related("conversion", "custodian")
        .order_by(F("executed_at").desc(), "-pk")[:MOST_TRIED]
    )
    ratings = {one.custodian_id: one.rating for one in step_statistics(actor=actor, now=now)}
    return [Trial(one, _after(one), ratings.get(one.custodian_id, Rating())) for one in rows]


def _after(instruction: Instruction) -> Cover:
    done = instruction.conversion
    assert done is not None  # the database: executed has its conversion
    return Cover(
        exposure=done.exposure_after,
        market_value=done.market_value_after,
        lending_value=done.lending_value_after,
        band=Band(done.band_after),
    )
