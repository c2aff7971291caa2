"""Rules on default and disposal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.frame import FACILITIES, Frame, facilities, part_of, parts, which
from tests.model.plain import enforcing
from tests.model.plain.figures import exact
from tests.model.plain.things import Parcel

CENT = Decimal("0.01")


class EnforcementRules(Frame):
    """Default, a case, lots put up and sold, goods given up, deficits, write-offs, healing."""

    def _defaulted(self, *, selling: bool = False) -> list[str]:
        owners = self.plain.facilities
        found = [name for name in FACILITIES if owners[name].defaulted]
        return [name for name in found if owners[name].case is not None or not selling]

    def _against(
        self, name: str, facility: str, real: Callable[[str], Any], plain: Callable[..., None]
    ) -> None:
        self.both(
            name,
            lambda: real(facility),
            lambda _new: plain(self.plain, facility=facility, day=self.hand.today),
        )

    @precondition(lambda self: any(one.call for one in self.plain.facilities.values()))
    @rule(facility=facilities)
    def default(self, facility: str) -> None:
        self.both(
            "default",
            lambda: self.hand.default(facility),
            lambda new: enforcing.default(self.plain, new, facility=facility, day=self.hand.today),
        )

    @precondition(lambda self: self._defaulted())
    @rule(number=which, restores=st.sampled_from([True, True, False]))
    def open_case(self, number: int, restores: bool) -> None:
        found = self._defaulted()
        facility = found[number % len(found)]
        self.both(
            f"open case, restores: {restores}",
            lambda: self.hand.open_case(facility, restores),
            lambda _new: enforcing.open_case(
                self.plain, facility=facility, restores=restores, day=self.hand.today
            ),
        )

    @precondition(
        lambda self: any(
            self.plain.live(name, *enforcing.SALEABLE) for name in self._defaulted(selling=True)
        )
    )
    @rule(number=which, part=parts, reserve=st.sampled_from(["0.5", "0.9", "1"]).map(Decimal))
    def put_up(self, number: int, part: str, reserve: Decimal) -> None:
        found = [
            key
            for name in self._defaulted(selling=True)
            for key in self.plain.live(name, *enforcing.SALEABLE)
        ]
        key = found[number % len(found)]
        one = self.plain.claims[key]
        amount = part_of(one.left, part, CENT if one.lot is None else self.step_of(one.lot))
        worth = float(self.plain.worth(one, exact(amount), self.hand.today))
        least = max(CENT, round(Decimal(worth) * reserve, 2))
        self.both(
            f"put up {amount} at {least}",
            lambda: self.hand.put_up(one.facility, key, amount, least),
            lambda new: enforcing.put_up(
                self.plain,
                new[0],
                facility=one.facility,
                parcel=Parcel(key, exact(amount), exact(least)),
                day=self.hand.today,
            ),
        )

    def _parcels(self) -> list[tuple[str, Any, Parcel]]:
        cases = [(name, self.plain.facilities[name].case) for name in FACILITIES]
        return [
            (name, number, parcel)
            for name, case in cases
            if case is not None
            for number, parcel in case.parcels.items()
        ]

    @precondition(lambda self: self._parcels())
    @rule(number=which, factor=st.sampled_from(["0.8", "1", "1", "1.2"]).map(Decimal))
    def sell_parcel(self, number: int, factor: Decimal) -> None:
        found = self._parcels()
        facility, key, parcel = found[number % len(found)]
        reserve = Decimal(parcel.reserve.numerator) / Decimal(parcel.reserve.denominator)
        price = max(CENT, round(reserve * factor, 2))
        self.both(
            f"auction for {price}",
            lambda: self.hand.sell_parcel(facility, key, price),
            lambda new: enforcing.sell(
                self.plain,
                new,
                facility=facility,
                number=key,
                price=exact(price),
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: self._parcels())
    @rule(number=which)
    def withdraw_parcel(self, number: int) -> None:
        found = self._parcels()
        facility, key, _parcel = found[number % len(found)]
        self._against(
            "withdraw parcel",
            facility,
            lambda name: self.hand.withdraw_parcel(name, key),
            lambda plain, **told: enforcing.withdraw(plain, number=key, **told),
        )

    @precondition(lambda self: self._defaulted(selling=True) and self.has(*enforcing.SALEABLE))
    @rule(number=which, part=parts)
    def give_up(self, number: int, part: str) -> None:
        key, facility, left = self.pick(number, *enforcing.SALEABLE)
        if facility not in self._defaulted(selling=True):
            return
        lot = self.plain.claims[key].lot
        amount = part_of(left, part, CENT if lot is None else self.step_of(lot))
        self.both(
            f"give up {amount}",
            lambda: self.hand.give_up(facility, key, amount),
            lambda new: enforcing.give_up(
                self.plain, new, claim=key, part=exact(amount), day=self.hand.today
            ),
        )

    @precondition(lambda self: self._defaulted(selling=True))
    @rule(number=which)
    def settle(self, number: int) -> None:
        found = self._defaulted(selling=True)
        self._against("settle", found[number % len(found)], self.hand.settle, enforcing.settle)

    @precondition(lambda self: self._defaulted())
    @rule(number=which)
    def heal(self, number: int) -> None:
        found = self._defaulted()
        self._against("heal", found[number % len(found)], self.hand.heal, enforcing.heal)

    @precondition(lambda self: any(self.loans[name] for name in self._defaulted()))
    @rule(number=which)
    def write_off(self, number: int) -> None:
        loans = [(name, n) for name in self._defaulted() for n in range(len(self.loans[name]))]
        facility, index = loans[number % len(loans)]
        self._against(
            "write off",
            facility,
            lambda name: self.hand.write_off(name, self.loans[name][index]),
            lambda plain, **told: enforcing.write_off(plain, loan=index, **told),
        )
