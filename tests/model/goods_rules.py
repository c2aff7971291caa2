"""Rules on goods and the claims on them."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from logistics.models import Lot
from tests.model import standing
from tests.model.frame import (
    FACILITIES,
    Frame,
    amounts,
    facilities,
    part_of,
    parts,
    quantities,
    which,
)
from tests.model.plain import mortgages, verbs
from tests.model.plain.figures import exact
from tests.model.plain.things import GOODS
from tests.model.world import BILL


def fair(
    lost: dict[Any, Fraction], before: dict[Any, Fraction], short: Fraction, step: Fraction
) -> list[tuple[Any, Fraction]]:
    """Return who lost how much, after checking that nobody lost a step more than his share."""
    assert sum(lost.values(), Fraction(0)) == short
    whole = sum(before.values(), Fraction(0))
    for key, left in before.items():
        assert abs(lost.get(key, Fraction(0)) - short * left / (whole or 1)) < step
    return list(lost.items())


class GoodsRules(Frame):
    """Receive, pledge, prepay, deliver, transform, move, release, swap, reverse, count."""

    @rule(
        item=st.sampled_from(["alpha", "beta", "widget"]),
        site=st.sampled_from(["warehouse", "factory"]),
        quantity=quantities,
    )
    def receive(self, item: str, site: str, quantity: Decimal) -> None:
        amount = quantity.to_integral_value(ROUND_DOWN) + 1 if item == "widget" else quantity
        self.both(
            f"receive {amount} {item}",
            lambda: self.hand.receive(item, site, amount),
            lambda new: mortgages.receive(
                self.plain,
                new,
                lot=new[0],
                item=item,
                site=site,
                quantity=exact(amount),
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: self.at("warehouse"))
    @rule(facility=facilities, number=which, part=parts)
    def pledge(self, facility: str, number: int, part: str) -> None:
        lot = self.lot_of(number, "warehouse")
        amount = part_of(self.plain.free(lot.pk), part, self.step_of(lot.pk))
        self.both(
            f"pledge {amount} to {facility}",
            lambda: self.hand.pledge(facility, lot, amount),
            lambda new: verbs.pledge(
                self.plain,
                new[0],
                facility=facility,
                lot=lot.pk,
                quantity=exact(amount),
                day=self.hand.today,
            ),
        )

    @rule(facility=facilities, amount=amounts)
    def prepay(self, facility: str, amount: Decimal) -> None:
        self.both(
            f"prepay {amount}",
            lambda: self.hand.prepay(facility, amount),
            lambda new: verbs.prepay(
                self.plain, new[0], facility=facility, amount=exact(amount), day=self.hand.today
            ),
        )

    @precondition(lambda self: self.has("order_claim"))
    @rule(
        number=which,
        part=parts,
        item=st.sampled_from(["alpha", "alpha", "beta"]),
        quantity=quantities,
    )
    def deliver(self, number: int, part: str, item: str, quantity: Decimal) -> None:
        key, facility, left = self.pick(number, "order_claim")
        amount = part_of(left, part, Decimal("0.01"))
        self.receive(item, "factory", quantity)
        lot = Lot.objects.latest("pk")
        self.both(
            f"deliver {quantity} {item} for {amount}",
            lambda: self.hand.deliver(facility, key, amount, lot, quantity),
            lambda new: verbs.deliver(
                self.plain,
                new[0],
                claim=key,
                part=exact(amount),
                lot=lot.pk,
                quantity=exact(quantity),
                day=self.hand.today,
            ),
        )

    def _mortgaged(self, item: str) -> list[Any]:
        return [
            key
            for name in FACILITIES
            for key in self.plain.live(name, "floating_mortgage")
            if self.plain.lots[self.plain.claims[key].lot].item == item
        ]

    @precondition(lambda self: self._mortgaged("alpha"))
    @rule(
        number=which,
        part=parts,
        loss=st.sampled_from(["0", "0.05", "0.1", "0.11", "-0.01"]).map(Decimal),
        right=st.sampled_from(["floating_mortgage", "pledge"]),
    )
    def transform(self, number: int, part: str, loss: Decimal, right: str) -> None:
        found = self._mortgaged("alpha")
        key = found[number % len(found)]
        one = self.plain.claims[key]
        used = part_of(one.left, part)
        made = (used * (1 - loss) / BILL[0]).to_integral_value(ROUND_DOWN)
        if made <= 0:
            return
        self.both(
            f"transform {used} into {made} as {right}",
            lambda: self.hand.transform(one.facility, key, used, made, right),
            lambda new: verbs.transform(
                self.plain,
                new[0],
                claim=key,
                used=exact(used),
                lot=standing.lot_of(new[0]),
                product="widget",
                made=exact(made),
                bill=(exact(BILL[0]), exact(BILL[1])),
                right=right,
                day=self.hand.today,
            ),
        )

    def _moves(self, name: str, number: int, part: str, right: str, site: str) -> None:
        key, facility, left = self.pick(number, right)
        step = self.step_of(self.plain.claims[key].lot)
        amount = part_of(left, part, step)
        self.both(
            f"{name} {amount}",
            lambda: getattr(self.hand, name)(facility, key, amount),
            lambda new: getattr(verbs, name)(
                self.plain,
                new[0],
                claim=key,
                part=exact(amount),
                lot=standing.lot_of(new[0]),
                site=site,
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: self.has("floating_mortgage"))
    @rule(number=which, part=parts)
    def bring_in(self, number: int, part: str) -> None:
        self._moves("bring_in", number, part, "floating_mortgage", "warehouse")

    @precondition(lambda self: self.has("pledge"))
    @rule(number=which, part=parts)
    def ship(self, number: int, part: str) -> None:
        self._moves("ship", number, part, "pledge", "vehicle")

    @precondition(lambda self: self.has("in_transit"))
    @rule(number=which, part=parts)
    def arrive(self, number: int, part: str) -> None:
        self._moves("arrive", number, part, "in_transit", "warehouse")

    @precondition(lambda self: self.has("pledge", "floating_mortgage", "in_transit"))
    @rule(number=which, part=parts)
    def release(self, number: int, part: str) -> None:
        key, facility, left = self.pick(number, "pledge", "floating_mortgage", "in_transit")
        amount = part_of(left, part, self.step_of(self.plain.claims[key].lot))
        self.both(
            f"release {amount}",
            lambda: self.hand.release(facility, key, amount),
            lambda new: verbs.release(
                self.plain, new[0], claim=key, part=exact(amount), day=self.hand.today
            ),
        )

    @precondition(lambda self: self.has("pledge", "floating_mortgage") and self.at("warehouse"))
    @rule(number=which, part=parts, other=which, other_part=parts)
    def substitute(self, number: int, part: str, other: int, other_part: str) -> None:
        key, facility, left = self.pick(number, "pledge", "floating_mortgage")
        amount = part_of(left, part, self.step_of(self.plain.claims[key].lot))
        lot = self.lot_of(other, "warehouse")
        brought = part_of(self.plain.free(lot.pk), other_part, self.step_of(lot.pk))
        self.both(
            f"substitute {amount} by {brought}",
            lambda: self.hand.substitute(facility, key, amount, lot, brought),
            lambda new: verbs.substitute(
                self.plain,
                new,
                claim=key,
                part=exact(amount),
                lot=lot.pk,
                quantity=exact(brought),
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: self.plain.journal)
    @rule(number=which)
    def reverse(self, number: int) -> None:
        entries = list(self.plain.journal)
        entry = entries[-1 - number % len(entries)]
        one = self.plain.journal[entry]
        self.both(
            f"reverse {one.kind}",
            lambda: self.hand.reverse(one.facility, entry),
            lambda new: verbs.reverse(
                self.plain,
                standing.in_order(new, one.took or one.made),
                entry=entry,
                day=self.hand.today,
            ),
        )

    @precondition(lambda self: any(lot.on_hand for lot in self.plain.lots.values()))
    @rule(number=which, part=st.sampled_from(["third", "half", "most", "none", "whole"]))
    def count(self, number: int, part: str) -> None:
        """Count a lot and find no more than is there; who claims it loses his share."""
        lots = [pk for pk, lot in self.plain.lots.items() if lot.on_hand]
        pk = lots[number % len(lots)]
        found = part_of(self.plain.lots[pk].on_hand, part, self.step_of(pk))
        before = {
            key: self.plain.claims[key].left
            for name in FACILITIES
            for key in self.plain.live(name, *GOODS)
            if self.plain.claims[key].lot == pk
        }
        short = max(Fraction(0), sum(before.values(), Fraction(0)) - exact(found))
        lost: dict[Any, Fraction] = {}

        def real() -> Lot:
            lot = self.hand.count(Lot.objects.get(pk=pk), found)
            lost.update(standing.lost(before))
            return lot

        self.both(
            f"count {found}",
            real,
            lambda _new: verbs.lose(
                self.plain,
                lot=pk,
                found=exact(found),
                shares=fair(lost, before, short, exact(self.step_of(pk))),
                day=self.hand.today,
            ),
        )
