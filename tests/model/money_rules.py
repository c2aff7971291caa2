"""Rules on money claims and loans."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from logistics.models import Lot
from tests.model.frame import (
    MILLIONTH,
    Frame,
    amounts,
    facilities,
    part_of,
    parts,
    which,
)
from tests.model.plain import accounts, verbs
from tests.model.plain.figures import exact, shown


class MoneyRules(Frame):
    """Sell, take back, collect, apply, revoke, suspend; agree, draw, repay, terms."""

    @precondition(lambda self: self.has("pledge", "in_transit"))
    @rule(number=which, part=parts, face=st.sampled_from(["0.7", "1", "1.4"]).map(Decimal))
    def sell(self, number: int, part: str, face: Decimal) -> None:
        key, facility, left = self.pick(number, "pledge", "in_transit")
        claim = self.plain.claims[key]
        amount = part_of(left, part, self.step_of(claim.lot))
        worth = self.plain.worth(claim, exact(max(amount, MILLIONTH)), self.hand.today)
        owed = max(Decimal("0.01"), round(Decimal(float(worth)) * face, 2))
        self.both(
            f"sell {amount} for {owed}",
            lambda: self.hand.sell(facility, key, amount, owed, Decimal("0.8")),
            lambda new: verbs.sell(
                self.plain,
                new[0],
                claim=key,
                part=exact(amount),
                face=exact(owed),
                rate=exact("0.8"),
                day=self.hand.today,
            ),
        )

    def _returnable(self) -> list[Any]:
        return [
            key
            for key, (lot, left) in self.plain.sold.items()
            if left and self.plain.claims[key].left and self.plain.lots[lot].site == "warehouse"
        ]

    @precondition(lambda self: self._returnable())
    @rule(number=which, part=parts, back=st.sampled_from(["third", "whole"]))
    def give_back(self, number: int, part: str, back: str) -> None:
        found = self._returnable()
        key = found[number % len(found)]
        claim = self.plain.claims[key]
        pk, left = self.plain.sold[key]
        quantity = part_of(left, back, self.step_of(pk))
        if quantity <= 0:
            return
        amount = part_of(claim.left, part, Decimal("0.01"))
        lot = Lot.objects.select_related("site").get(pk=pk)
        self.both(
            f"give back {quantity} for {amount}",
            lambda: self.hand.give_back(claim.facility, key, amount, lot, quantity),
            lambda new: verbs.give_back(
                self.plain,
                new[0],
                claim=key,
                part=exact(amount),
                quantity=exact(quantity),
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: self.has("receivable"))
    @rule(number=which, part=parts)
    def collect(self, number: int, part: str) -> None:
        self._on_money("collect", number, part, "receivable")

    @precondition(lambda self: self.has("order_claim"))
    @rule(number=which, part=parts)
    def revoke(self, number: int, part: str) -> None:
        self._on_money("revoke", number, part, "order_claim")

    def _on_money(self, name: str, number: int, part: str, right: str) -> None:
        key, facility, left = self.pick(number, right)
        amount = part_of(left, part, Decimal("0.01"))
        self.both(
            f"{name} {amount}",
            lambda: getattr(self.hand, name)(facility, key, amount),
            lambda new: getattr(verbs, name)(
                self.plain, new[0], claim=key, part=exact(amount), day=self.hand.today
            ),
        )

    @precondition(lambda self: self.has("proceeds"))
    @rule(number=which, part=parts, pays=st.sampled_from([True, True, False]))
    def apply(self, number: int, part: str, pays: bool) -> None:
        key, facility, left = self.pick(number, "proceeds")
        amount = part_of(left, part, Decimal("0.01"))
        if pays and amount <= 0:
            return
        self.both(
            f"apply {amount} {'to the loan' if pays else 'as surplus'}",
            lambda: self.hand.apply(facility, key, amount, pays),
            lambda new: verbs.apply(
                self.plain, new[0], claim=key, part=exact(amount), pays=pays, day=self.hand.today
            ),
        )

    @precondition(lambda self: self.has("pledge", "in_transit", "receivable", "order_claim"))
    @rule(number=which)
    def suspend_or_restore(self, number: int) -> None:
        key, facility, _left = self.pick(
            number, "pledge", "in_transit", "receivable", "order_claim"
        )
        suspended = "inspection" not in self.plain.claims[key].doubts
        self.both(
            f"suspended: {suspended}",
            lambda: self.hand.suspend(facility, key, suspended),
            lambda _new: verbs.suspend(
                self.plain, claim=key, suspended=suspended, day=self.hand.today
            ),
        )

    # --- loans ----------------------------------------------------------------------------------

    @rule(facility=facilities, principal=amounts, days=st.sampled_from([2, 9, 60, 180]))
    def agree(self, facility: str, principal: Decimal, days: int) -> None:
        due_on = self.hand.today + timedelta(days=days)
        loan = self.both(
            f"agree {principal} due {due_on}",
            lambda: self.hand.agree(facility, principal, due_on),
            lambda _new: accounts.agree(
                self.plain,
                facility=facility,
                principal=exact(principal),
                due_on=due_on,
                day=self.hand.today,
            ),
        )
        if loan is not None:
            self.loans[facility].append(loan)

    @precondition(lambda self: any(self.loans.values()))
    @rule(facility=facilities, number=which, part=parts)
    def draw(self, facility: str, number: int, part: str) -> None:
        if not self.loans[facility]:
            return
        index = number % len(self.loans[facility])
        plain = self.plain.facilities[facility].loans[index]
        amount = part_of(plain.undrawn, part, Decimal("0.01"))
        if amount <= 0:
            return
        self.both(
            f"draw {amount}",
            lambda: self.hand.draw(facility, self.loans[facility][index], amount),
            lambda _new: accounts.draw(
                self.plain,
                facility=facility,
                loan=index,
                amount=exact(amount),
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: any(one.exposure for one in self.plain.facilities.values()))
    @rule(facility=facilities, part=parts)
    def repay(self, facility: str, part: str) -> None:
        owed = self.plain.facilities[facility].exposure
        amount = part_of(owed, part, Decimal("0.01"))
        if amount <= 0:
            return
        self.both(
            f"repay {amount}",
            lambda: self.hand.repay(facility, amount),
            lambda _new: accounts.repay(
                self.plain, facility=facility, amount=exact(amount), day=self.hand.today
            ),
        )

    @rule(
        facility=facilities,
        limit=st.sampled_from([300_000, 2_000_000]),
        watch=st.sampled_from([None, "0.55", "0.7"]),
        factor=st.sampled_from(["0.7", "0.9", "1"]),
    )
    def change_terms(self, facility: str, limit: int, watch: str | None, factor: str) -> None:
        call = None if watch is None else "0.85"
        owner = self.plain.facilities[facility]
        wanted: dict[str, Fraction | None] = {
            "limit": exact(limit),
            "watch_line": None if watch is None else exact(watch),
            "call_line": None if call is None else exact(call),
            "release_factor": exact(factor),
        }
        changes = {name: one for name, one in wanted.items() if getattr(owner, name) != one}
        if not changes:
            return
        told = {name: None if one is None else shown(one) for name, one in changes.items()}
        self.both(
            f"terms {told}",
            lambda: self.hand.change_terms(facility, told),
            lambda _new: accounts.terms(
                self.plain, facility=facility, changes=changes, day=self.hand.today
            ),
        )
