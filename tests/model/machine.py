"""The rule machine: any act, in any order, on the platform and on the plain model of it."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.model import standing
from tests.model.enforcement_rules import EnforcementRules
from tests.model.frame import CODES, FACILITIES, prices
from tests.model.goods_rules import GoodsRules
from tests.model.money_rules import MoneyRules
from tests.model.mortgage_rules import MortgageRules
from tests.model.order_rules import OrderRules
from tests.model.plain import accounts, orders
from tests.model.plain.figures import exact


class PlatformMachine(GoodsRules, MoneyRules, MortgageRules, OrderRules, EnforcementRules):
    """Two lenders, one borrower, and whatever may happen between them."""

    @initialize(
        quantity=st.sampled_from([100, 1000, 4000]), owed=st.sampled_from(["none", "half", "whole"])
    )
    def begin(self, quantity: int, owed: str) -> None:
        """Start with one lot that secures both lenders, and with something owed to each."""
        self.receive("alpha", "warehouse", Decimal(2 * quantity))
        for name, part in zip(FACILITIES, ("half", "whole"), strict=True):
            self.pledge(name, 0, part)
            if owed != "none":
                self.agree(name, Decimal(quantity * 250), 60)
                self.draw(name, 0, owed)

    # --- the market and the clock ---------------------------------------------------------------

    @rule(alpha=st.one_of(st.none(), prices), beta=st.one_of(st.none(), prices))
    def tick(self, alpha: str | None, beta: str | None) -> None:
        given_prices = {"alpha": alpha, "beta": beta}
        told = {code: Decimal(one) for code, one in given_prices.items() if one is not None}
        if not told:
            return
        self.both(
            f"tick {told}",
            lambda: self.hand.tick(told),
            lambda _new: accounts.tick(
                self.plain,
                prices={code: exact(one) for code, one in told.items()},
                day=self.hand.today,
            ),
        )

    @rule(code=st.sampled_from(CODES), price=prices)
    def override(self, code: str, price: str) -> None:
        if self.plain.market.prices[code].get(self.hand.today) == exact(price):
            return
        self.both(
            f"override {code} {price}",
            lambda: self.hand.override(code, Decimal(price)),
            lambda _new: accounts.tick(
                self.plain, prices={code: exact(price)}, day=self.hand.today
            ),
        )

    @rule(code=st.sampled_from(CODES), rate=st.sampled_from(["0", "0.2", "0.45", "0.5", "0.8"]))
    def publish(self, code: str, rate: str) -> None:
        self.both(
            f"rate {code} {rate}",
            lambda: self.hand.publish(code, Decimal(rate)),
            lambda _new: accounts.rate(
                self.plain, code=code, rate=exact(rate), day=self.hand.today
            ),
        )

    @rule(days=st.sampled_from([1, 1, 1, 2, 3, 8]))
    def pass_days(self, days: int) -> None:
        """Let nights go by: interest, silent prices, gliding rates, the cure clock."""
        self.hand.pass_days(days)
        day = self.hand.today
        for name in FACILITIES:
            self.both(
                f"accrue {name} to {day}",
                lambda name=name: self.hand.accrue(name),
                lambda _new, name=name: accounts.accrue(self.plain, facility=name, day=day),
            )
        silent = [code for code in CODES if self.plain.market.is_silent(code, day)]
        self.both(
            "night",
            lambda: self.hand.silence(silent),
            lambda _new: accounts.silence(self.plain, day=day),
        )
        expired = standing.expired(self.world, self.hand.now)
        self.both(
            "cure clock",
            self.hand.strike,
            lambda _new: accounts.expire(self.plain, expired),
        )
        self.both(
            "orders struck off",
            self.hand.strike_off,
            lambda _new: orders.strike_off(self.plain, self.hand.now),
        )
