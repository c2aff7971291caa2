"""Whether a rule approves an instruction by itself, and what speaks against it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pledges.rules.cover import Cover


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rule's numbers; see the model AutoApprovalRule."""

    max_amount: Decimal
    min_coverage: Decimal
    min_rating: Decimal | None
    min_rated: int
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Rating:
    """A custodian's share of orders done in time, with the number of orders it rests on."""

    punctual: int = 0
    counted: int = 0

    @property
    def share(self) -> Decimal | None:
        """Return punctual ÷ counted, or None while nothing was counted."""
        return Decimal(self.punctual) / self.counted if self.counted else None


def objections(
    bounds: Bounds, *, amount: Decimal, after: Cover, rating: Rating, on: date
) -> list[str]:
    """Return what keeps the rule from approving, by name; none means that it approves.

    A bound itself is still within the rule. Nothing owed is covered whatever the coverage asked.
    """
    found = []
    if not bounds.valid_from <= on < bounds.valid_until:
        found.append("not_valid_today")
    if amount > bounds.max_amount:
        found.append("amount")
    # ΣLV ≥ minimum × E, not ΣLV ÷ E ≥ minimum: a quotient would be rounded.
    if after.lending_value < bounds.min_coverage * after.exposure:
        found.append("coverage")
    if bounds.min_rating is not None and not _rated(bounds, rating):
        found.append("rating")
    return found


def _rated(bounds: Bounds, rating: Rating) -> bool:
    if rating.counted < max(1, bounds.min_rated) or bounds.min_rating is None:
        return False
    return rating.punctual >= bounds.min_rating * rating.counted
