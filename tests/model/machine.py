"""The rule machine: any act, in any order, on the platform and on the plain model of it.

Each rule does one thing to both. The model says beforehand whether the platform must refuse, and
by which code; after every step both must stand alike, and the platform's own invariants hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from itertools import count
from typing import Any, ClassVar

from django.db import connection, transaction
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from common.errors import Refusal
from logistics.models import Lot
from tests.factories.lending import START
from tests.model import standing
from tests.model.plain import verbs
from tests.model.plain.figures import exact, shown
from tests.model.plain.platform import GOODS, Entry, Facility, No, Platform
from tests.model.world import BILL, LINES, Hand, World

FACILITIES = ("plain", "lined")
CODES = ("alpha", "beta")
MILLIONTH = Decimal("0.000001")

which = st.integers(0, 97)
facilities = st.sampled_from(FACILITIES)
amounts = st.sampled_from([1, 999, 20_000, 50_000, 150_000, 400_000]).map(Decimal)
quantities = st.sampled_from(["0.000001", "1", "33.333333", "100", "250", "1000"]).map(Decimal)
# Parts of what there is: nothing, a crumb, some, all, and a crumb too much.
parts = st.sampled_from(["crumb", "third", "half", "most", "whole", "whole", "over", "none"])
prices = st.sampled_from(["0", "-5", "20", "150", "250", "333.33", "400", "480", "500", "620"])


def part_of(whole: Fraction, part: str, step: Decimal = MILLIONTH) -> Decimal:
    """Return a part of a quantity in steps of it."""
    some = Decimal(whole.numerator) / Decimal(whole.denominator)
    share = {"third": Decimal(1) / 3, "half": Decimal("0.5"), "most": Decimal("0.9")}
    if part in share:
        return (some * share[part]).quantize(step, rounding=ROUND_DOWN)
    return {"crumb": step, "whole": some, "over": some + step, "none": Decimal(0)}[part]


def fair(
    lost: dict[Any, Fraction], before: dict[Any, Fraction], short: Fraction, step: Fraction
) -> list[tuple[Any, Fraction]]:
    """Return who lost how much, after checking that nobody lost a step more than his share."""
    assert sum(lost.values(), Fraction(0)) == short
    whole = sum(before.values(), Fraction(0))
    for key, left in before.items():
        assert abs(lost.get(key, Fraction(0)) - short * left / (whole or 1)) < step
    return list(lost.items())


class PlatformMachine(RuleBasedStateMachine):
    """Two lenders, one borrower, and whatever may happen between them."""

    world: ClassVar[World]
    outcomes: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.hand = Hand(self.world, START)
        self.plain = _plain_start()
        self.loans: dict[str, list[Any]] = {name: [] for name in FACILITIES}
        self.unnamed = count(1)

    def teardown(self) -> None:
        """Prove everything once more, deferred constraints too, and undo the example."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            assert standing.breaches() == {}
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    # --- one step ------------------------------------------------------------------------------

    def both(self, name: str, real: Callable[[], Any], plain: Callable[[Any], None]) -> Any:
        """Do one thing to both; return what the platform made of it, None if it refused."""
        made, code, told = None, None, ""
        self.hand.written = []
        try:
            made = real()
        except Refusal as refusal:
            code, told = refusal.code, refusal.message
        must: set[str] = set()
        try:
            with self.plain.trying():
                plain(self._keys(made, code))
        except No as no:
            must = no.codes
        note(f"{name}: {code or 'done'}")
        self.outcomes[name.split(maxsplit=1)[0].rstrip(":"), code or "done"] += 1
        assert (code in must) if must else code is None, (
            f"{name}: the platform says {code or 'yes'} ({told}), "
            f"it must say {' or '.join(sorted(must)) or 'yes'}"
        )
        return made

    def _keys(self, made: Any, code: str | None) -> list[Any]:
        """Return the names of what an act made: the platform's, or any if it made nothing."""
        if code is None and self.hand.written:
            return standing.produced(self.hand.written[-1])
        if isinstance(made, Lot):
            return [made.pk]
        return [f"unnamed {next(self.unnamed)}" for _ in range(2)]

    def enter(self, kind: str, facility: str) -> None:
        """Keep the last conversion, if there was one, so that it may be reversed."""
        for conversion in self.hand.written:
            took, made = standing.legs(conversion)
            self.plain.journal[conversion] = Entry(kind, facility, took, made)

    @invariant()
    def stands_alike(self) -> None:
        """Compare the platform with the model, and prove what it says of itself."""
        day = self.hand.today
        assert standing.of_platform(self.world, day) == standing.of_plain(self.plain, day)
        assert standing.breaches(quick=True) == {}

    def pick(self, number: int, *rights: str) -> tuple[Any, str, Fraction]:
        """Return a live claim under one of the rights: its key, its facility, what is left."""
        found = [key for name in FACILITIES for key in self.plain.live(name, *rights)]
        key = found[number % len(found)]
        one = self.plain.claims[key]
        return key, one.facility, one.left

    def has(self, *rights: str) -> bool:
        """Tell whether there is such a claim."""
        return any(self.plain.live(name, *rights) for name in FACILITIES)

    def lot_of(self, number: int, site: str) -> Lot:
        """Return a lot at a site."""
        found = [pk for pk, lot in self.plain.lots.items() if lot.site == site]
        return Lot.objects.get(pk=found[number % len(found)])

    def at(self, site: str) -> bool:
        """Tell whether there is a lot at a site."""
        return any(lot.site == site for lot in self.plain.lots.values())

    # --- goods ---------------------------------------------------------------------------------

    @initialize(
        quantity=st.sampled_from([100, 1000, 4000]), owed=st.sampled_from(["none", "half", "whole"])
    )
    def begin(self, quantity: int, owed: str) -> None:
        """Start with some collateral of each lender, and with something owed on it."""
        for number, name in enumerate(FACILITIES):
            self.receive("alpha", "warehouse", Decimal(quantity))
            self.pledge(name, number, "whole")
            if owed != "none":
                self.agree(name, Decimal(quantity * 250), 60)
                self.draw(name, 0, owed)

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
            lambda new: verbs.receive(
                self.plain, new[0], item=item, site=site, quantity=exact(amount)
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
        self.enter("pledge", facility)

    def step_of(self, lot: Any) -> Decimal:
        """Return the smallest countable quantity of a lot's item."""
        return Decimal(1) if self.plain.lots[lot].item == "widget" else MILLIONTH

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
        self.enter("deliver", facility)

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
        positions = self.both(
            f"transform {used} into {made} as {right}",
            lambda: self.hand.transform(one.facility, key, used, made, right),
            lambda new: verbs.transform(
                self.plain,
                new[0],
                claim=key,
                used=exact(used),
                lot=f"made for {new[0]}",
                product="widget",
                made=exact(made),
                bill=(exact(BILL[0]), exact(BILL[1])),
                right=right,
                day=self.hand.today,
            ),
        )
        self._name_lot(positions, "made for")

    def _name_lot(self, positions: Any, words: str) -> None:
        """Give a lot that an act made the key that the platform gave it."""
        if not positions:
            return
        [position] = positions
        self.plain.lots[position.lot_id] = self.plain.lots.pop(f"{words} {position.pk}")
        self.plain.claims[position.pk].lot = position.lot_id

    def _moves(self, name: str, number: int, part: str, right: str, site: str) -> None:
        key, facility, left = self.pick(number, right)
        step = self.step_of(self.plain.claims[key].lot)
        amount = part_of(left, part, step)
        positions = self.both(
            f"{name} {amount}",
            lambda: getattr(self.hand, name)(facility, key, amount),
            lambda new: getattr(verbs, name)(
                self.plain,
                new[0],
                claim=key,
                part=exact(amount),
                lot=f"moved for {new[0]}",
                site=site,
                day=self.hand.today,
            ),
        )
        self._name_lot(positions, "moved for")

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
        self.enter("release", facility)

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
        self.enter("substitute", facility)

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

    # --- money claims ---------------------------------------------------------------------------

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
        suspended = not self.plain.claims[key].suspended
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
            lambda _new: verbs.agree(
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
            lambda _new: verbs.draw(
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
            lambda _new: verbs.repay(
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
            lambda _new: verbs.terms(
                self.plain, facility=facility, changes=changes, day=self.hand.today
            ),
        )

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
            lambda _new: verbs.tick(
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
            lambda _new: verbs.tick(self.plain, prices={code: exact(price)}, day=self.hand.today),
        )

    @rule(code=st.sampled_from(CODES), rate=st.sampled_from(["0", "0.2", "0.45", "0.5", "0.8"]))
    def publish(self, code: str, rate: str) -> None:
        self.both(
            f"rate {code} {rate}",
            lambda: self.hand.publish(code, Decimal(rate)),
            lambda _new: verbs.rate(self.plain, code=code, rate=exact(rate), day=self.hand.today),
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
                lambda _new, name=name: verbs.accrue(self.plain, facility=name, day=day),
            )
        silent = [code for code in CODES if self.plain.market.is_silent(code, day)]
        self.both(
            "night",
            lambda: self.hand.silence(silent),
            lambda _new: verbs.silence(self.plain, day=day),
        )
        expired = standing.expired(self.world, self.hand.now)
        self.both(
            "cure clock",
            self.hand.strike,
            lambda _new: verbs.expire(self.plain, expired),
        )


def _plain_start() -> Platform:
    plain = Platform()
    plain.items = {
        "alpha": {"alpha": Fraction(1)},
        "beta": {"beta": Fraction(1)},
        "widget": {"alpha": exact(BILL[0])},
    }
    for code, price in (("alpha", 500), ("beta", 250)):
        plain.market.prices[code][START] = Fraction(price)
        plain.market.rates[code][START] = Fraction(1, 2)
    for name in FACILITIES:
        lines = LINES[name]
        plain.facilities[name] = Facility(
            limit=Fraction(2_000_000),
            annual=exact("0.09"),
            penalty=exact("0.045"),
            order_rate=exact("0.8"),
            release_factor=exact(lines.get("release_factor", "0.9")),
            watch_line=exact(lines["watch_line"]) if lines else None,
            call_line=exact(lines["call_line"]) if lines else None,
            floor=exact(lines.get("minimum_controlled_value", 0)),
        )
    return plain
