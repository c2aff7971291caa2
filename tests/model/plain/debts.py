"""What loans owe, from first principles: the whole life of each principal, summed anew each time.

Interest is simple, actual/360 on the principal of each day; penalty the same from the due date.
What is owed is what has accrued, rounded to the cent with halves up, less what was paid.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.model.plain.figures import cents_up_at_half

ZERO = Fraction(0)
ORDER = ("penalty", "interest", "principal")


@dataclass
class Loan:
    """One loan: its drawings and repayments of principal by day, and what was paid on interest."""

    agreed: Fraction
    due_on: date
    annual: Fraction
    penalty: Fraction
    moves: list[tuple[date, Fraction]] = field(default_factory=list)
    paid: dict[str, Fraction] = field(default_factory=lambda: {"penalty": ZERO, "interest": ZERO})
    counted: date | None = None
    state: str = "agreed"

    @property
    def principal(self) -> Fraction:
        """Return what is owed of the principal."""
        return sum((by for _day, by in self.moves), ZERO)

    @property
    def drawn(self) -> Fraction:
        """Return what was drawn in all."""
        return sum((by for _day, by in self.moves if by > 0), ZERO)

    @property
    def undrawn(self) -> Fraction:
        """Return what may still be drawn of what was agreed."""
        return self.agreed - self.drawn

    def _accrued(self, rate: Fraction, start: date | None) -> Fraction:
        """Return the interest of all principal from its day, or a later start, until counted."""
        if self.counted is None:
            return ZERO
        until = self.counted
        days = ((by, (until - max(day, start or day)).days) for day, by in self.moves)
        whole = sum((by * rate * max(0, count) for by, count in days), ZERO) / 360
        return cents_up_at_half(whole)

    def owed(self) -> dict[str, Fraction]:
        """Return what is owed by component."""
        return {
            "penalty": self._accrued(self.penalty, self.due_on) - self.paid["penalty"],
            "interest": self._accrued(self.annual, None) - self.paid["interest"],
            "principal": self.principal,
        }

    def total(self) -> Fraction:
        """Return all that is owed."""
        return sum(self.owed().values(), ZERO)

    def count(self, day: date) -> None:
        """Count interest up to a day; past its due date the loan is overdue, or repaid."""
        if self.state not in ("drawn", "overdue") or self.counted is None:
            return
        while self.counted < day:
            owed_before = self.total()
            self.counted = date.fromordinal(self.counted.toordinal() + 1)
            if self.state == "drawn" and self.counted > self.due_on:
                self.state = "overdue" if owed_before else "repaid"
                if self.state == "repaid":
                    return

    def draw(self, amount: Fraction, day: date) -> None:
        """Owe more."""
        self.moves.append((day, amount))
        self.counted = self.counted or day
        self.state = "drawn"

    def take_off(self, component: str, amount: Fraction, day: date) -> None:
        """Owe less of one component."""
        if component == "principal":
            self.moves.append((day, -amount))
        else:
            self.paid[component] += amount

    def finish(self, day: date) -> None:
        """End once nothing is owed and nothing more may be drawn."""
        if self.total() == 0 and (self.undrawn == 0 or day >= self.due_on):
            self.state = "repaid"


def pay(loans: Iterable[Loan], amount: Fraction, day: date) -> None:
    """Share an amount out: component by component, within one the earlier loan first."""
    open_loans = [loan for loan in loans if loan.state in ("agreed", "drawn", "overdue")]
    left = amount
    for component in ORDER:
        for loan in open_loans:
            part = min(left, loan.owed()[component])
            if part > 0:
                loan.take_off(component, part, day)
                left -= part
    assert left == 0
    for loan in open_loans:
        if loan.state != "agreed":
            loan.finish(day)
