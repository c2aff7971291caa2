"""Rules on instructions to custodians: asked, and stamped in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.frame import Frame, facilities, part_of, parts, which
from tests.model.plain import orders
from tests.model.plain.figures import exact
from tests.model.plain.things import Order

# The way of an order that is carried out; the machine may take any other.
NEXT = {
    "requested": "approve",
    "instructed": "acknowledge",
    "acknowledged": "execute",
    "executed": "evidence",
}


class OrderRules(Frame):
    """Ask for goods to be held or given back; approve, acknowledge, execute, evidence, stop."""

    @precondition(lambda self: self.at("warehouse"))
    @rule(facility=facilities, number=which, part=parts)
    def ask_pledge(self, facility: str, number: int, part: str) -> None:
        lot = self.lot_of(number, "warehouse")
        quantity = part_of(self.plain.free(lot.pk), part, self.step_of(lot.pk))
        order = Order(facility, "pledge", lot.pk, exact(quantity), self.hand.now)
        self._ask(order, lambda: self.hand.ask(facility, "pledge", lot, quantity))

    @precondition(lambda self: self.has("pledge", "floating_mortgage", "in_transit"))
    @rule(number=which, part=parts)
    def ask_release(self, number: int, part: str) -> None:
        key, facility, left = self.pick(number, "pledge", "floating_mortgage", "in_transit")
        quantity = part_of(left, part, self.step_of(self.plain.claims[key].lot))
        order = Order(facility, "release", key, exact(quantity), self.hand.now)
        self._ask(order, lambda: self.hand.ask(facility, "release", key, quantity))

    def _ask(self, order: Order, real: Callable[[], Any]) -> None:
        def plain(new: Any) -> None:
            order.asked_at = self.hand.now
            orders.ask(self.plain, new[0], order, self.hand.today)

        self.both(f"ask {order.kind} {order.quantity}", real, plain)

    @precondition(lambda self: self.plain.orders)
    @rule(
        number=which,
        what=st.sampled_from([*["next"] * 8, *orders.STAMPS]),
    )
    def stamp(self, number: int, what: str) -> None:
        keys = list(self.plain.orders)
        key = keys[-1 - number % len(keys)]
        order = self.plain.orders[key]
        if what == "next":
            what = NEXT.get(order.state, "execute")
        self.both(
            f"{what}",
            lambda: self.hand.stamp(order.facility, key, what),
            lambda new: orders.stamp(
                self.plain, new, number=key, what=what, now=self.hand.now, day=self.hand.today
            ),
        )
