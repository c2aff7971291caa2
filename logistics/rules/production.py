"""Whether what production consumed ties to the bill of materials."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from common.exact import EXACT
from logistics.rules.quantities import ceiling, floor, show


@dataclass(frozen=True, slots=True)
class MaterialUse:
    """What the bill asks of one material for a run, what losses may add, and what was consumed.

    All in the material's unit. Nothing is planned or allowed of what the bill does not name.
    """

    code: str
    unit: str
    planned: Decimal
    allowed: Decimal
    consumed: Decimal
    in_bill: bool
    scrapped: Decimal = Decimal(0)
    scrap_share: Decimal = Decimal(0)

    @property
    def kept(self) -> Decimal:
        """What was consumed and did not come back as scrap: it is in the product, or lost."""
        return self.consumed - self.scrapped

    @property
    def over(self) -> Decimal:
        """How much more was consumed than bill and losses allow; zero or less if it was not."""
        return self.kept - self.allowed

    @property
    def short(self) -> Decimal:
        """How much less was consumed than the product contains; zero or less if it was not."""
        return self.planned - self.kept

    @property
    def scrap_expected(self) -> Decimal:
        """The most that may come back as scrap."""
        return ceiling(EXACT.multiply(self.scrap_share, self.consumed))

    def complaint(self) -> str:
        """Return what is wrong, with the numbers; empty where the use ties to the bill."""
        if not self.in_bill:
            return _("%(code)s: not in the bill, consumed %(consumed)s") % self._figures(self.over)
        if self.scrapped > self.scrap_expected:
            return _(
                "%(code)s: scrap %(scrapped)s, expected at most %(expected)s, over by %(by)s"
            ) % self._figures(self.scrapped - self.scrap_expected)
        by = self.over if self.over > 0 else self.short
        return self._words() % self._figures(by) if by > 0 else ""

    def _words(self) -> str:
        if self.over > 0 and self.scrapped:
            return _(
                "%(code)s: bill %(planned)s, allowed up to %(allowed)s, consumed %(consumed)s, "
                "scrap %(scrapped)s, over by %(by)s"
            )
        if self.over > 0:
            return _(
                "%(code)s: bill %(planned)s, allowed up to %(allowed)s, "
                "consumed %(consumed)s, over by %(by)s"
            )
        if self.scrapped:
            return _(
                "%(code)s: bill %(planned)s, consumed %(consumed)s, scrap %(scrapped)s, "
                "short %(by)s"
            )
        return _("%(code)s: bill %(planned)s, consumed %(consumed)s, short %(by)s")

    def _figures(self, by: Decimal) -> dict[str, str]:
        # Three decimals read well; six are all there are, where three would hide the difference.
        places = 3 if by >= Decimal("0.001") else 6
        figures = {
            "planned": self.planned,
            "allowed": self.allowed,
            "consumed": self.consumed,
            "scrapped": self.scrapped,
            "expected": self.scrap_expected,
            "by": by,
        }
        shown = {name: show(value, self.unit, places=places) for name, value in figures.items()}
        return {"code": self.code, **shown}


def material_uses(
    *,
    produced: Decimal,
    loss_tolerance: Decimal,
    materials: Mapping[int, tuple[str, str]],
    bill: Mapping[int, Decimal],
    consumed: Mapping[int, Decimal],
    scrap: Mapping[int, tuple[Decimal, Decimal]] | None = None,
) -> list[MaterialUse]:
    """Return the use of every material that is billed or consumed, by code.

    `materials` gives code and unit by id, `bill` the quantity per unit of product, `consumed` the
    whole quantity, `scrap` what came back as scrap and the share of the consumed that may. The
    bounds are bill × produced ≤ consumed − scrap ≤ bill × produced ÷ (1 − loss), each widened to
    the next millionth: no quantity is counted finer.
    """
    nothing = (Decimal(0), Decimal(0))
    uses = []
    for key, (code, unit) in materials.items():
        exact = EXACT.multiply(bill.get(key, Decimal(0)), produced)
        most = EXACT.divide(exact, 1 - loss_tolerance)
        scrapped, share = (scrap or {}).get(key, nothing)
        use = MaterialUse(
            code,
            unit,
            floor(exact),
            ceiling(most),
            consumed.get(key, Decimal(0)),
            key in bill,
            scrapped,
            share,
        )
        uses.append(use)
    return sorted(uses, key=lambda use: use.code)
