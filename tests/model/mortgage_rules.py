"""Rules on floating mortgages, and on goods that leave in the ordinary course."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from logistics.models import Lot
from tests.model.frame import FACILITIES, Frame, facilities, part_of, parts, which
from tests.model.plain import mortgages
from tests.model.plain.figures import exact
from tests.model.plain.things import Mortgage


class MortgageRules(Frame):
    """Agree, let out, crystallise, discharge; what comes in is attached by itself."""

    @rule(
        facility=facilities,
        items=st.sampled_from([["alpha"], ["alpha", "widget"]]),
        sites=st.sampled_from([["factory"], ["factory"], ["factory", "warehouse"]]),
        floor=st.sampled_from([0, 40_000, 150_000]).map(Decimal),
        minimum=st.sampled_from([0, 0, 30_000]).map(Decimal),
    )
    def agree_mortgage(
        self, facility: str, items: list[str], sites: list[str], floor: Decimal, minimum: Decimal
    ) -> None:
        self.mortgages_agreed += 1
        under = Mortgage(
            frozenset(items), frozenset(sites), exact(floor), exact(minimum), self.mortgages_agreed
        )
        self.both(
            f"mortgage {items} at {sites}, floor {floor}",
            lambda: self.hand.agree_mortgage(facility, items, sites, floor, minimum),
            lambda new: mortgages.agree_mortgage(
                self.plain, new, facility=facility, under=under, day=self.hand.today
            ),
        )

    @precondition(lambda self: any(lot.on_hand for lot in self.plain.lots.values()))
    @rule(number=which, part=parts, of_all=st.booleans())
    def ship_away(self, number: int, part: str, of_all: bool) -> None:
        """Report that goods left: free ones, or more, which a mortgage may let go."""
        lots = [pk for pk, lot in self.plain.lots.items() if lot.on_hand]
        pk = lots[number % len(lots)]
        whole = self.plain.lots[pk].on_hand if of_all else self.plain.free(pk)
        amount = part_of(whole, part, self.step_of(pk))
        if amount <= 0:
            return
        lot = Lot.objects.select_related("site").get(pk=pk)
        self.both(
            f"out {amount}",
            lambda: self.hand.ship_away(lot, amount),
            lambda new: mortgages.ship_away(
                self.plain, new, lot=pk, quantity=exact(amount), day=self.hand.today
            ),
        )

    def _under(self, *, floating: bool) -> list[str]:
        """Return the facilities whose mortgage is in force, or still floats."""
        found = [(name, self.plain.facilities[name].mortgage) for name in FACILITIES]
        return [name for name, one in found if one is not None and (one.floats or not floating)]

    @precondition(lambda self: self._under(floating=True))
    @rule(number=which)
    def crystallise(self, number: int) -> None:
        found = self._under(floating=True)
        facility = found[number % len(found)]
        self.both(
            "crystallise",
            lambda: self.hand.crystallise(facility),
            lambda new: mortgages.crystallise(
                self.plain, new, facility=facility, day=self.hand.today
            ),
        )

    @precondition(lambda self: self._under(floating=False))
    @rule(number=which)
    def discharge(self, number: int) -> None:
        found = self._under(floating=False)
        facility = found[number % len(found)]
        self.both(
            "discharge",
            lambda: self.hand.discharge(facility),
            lambda new: mortgages.discharge(
                self.plain, new, facility=facility, day=self.hand.today
            ),
        )
