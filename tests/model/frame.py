"""The frame of the rule machine: one act on both sides, and the comparison after it.

Each rule does one thing to both. The model says beforehand whether the platform must refuse, and
by which code; after every step both must stand alike, and the platform's own invariants hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any, ClassVar

from django.db import connection, transaction
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from common.errors import Refusal
from logistics.models import Lot
from pledges.models import DisposalLot, Instruction
from tests.factories.lending import START
from tests.model import standing
from tests.model.plain.figures import exact
from tests.model.plain.platform import Platform
from tests.model.plain.things import Entry, Facility, No
from tests.model.whole_hand import Hand
from tests.model.world import BILL, LINES, World

FACILITIES = ("plain", "lined")
CODES = ("alpha", "beta")
MILLIONTH = Decimal("0.000001")

# What is undone by its opposite, and of it what goods move for.
REVERSIBLE = (
    "deliver",
    "attach",
    "transform",
    "pledge",
    "crystallise",
    "ship",
    "arrive",
    "substitute",
    "release",
    "outflow",
)
# What an act returns as what it made, beside claims.
NAMED = (Lot, Instruction, DisposalLot)
MOVING = ("transform", "pledge", "ship", "arrive")

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


class Frame(RuleBasedStateMachine):
    """What every rule stands on: both sides, one step, and the comparison after it."""

    world: ClassVar[World]
    outcomes: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.hand = Hand(self.world, START)
        self.plain = _plain_start()
        self.mortgages_agreed = 0
        self.loans: dict[str, list[Any]] = {name: [] for name in FACILITIES}

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
        self.hand.go_on()
        try:
            made = real()
        except Refusal as refusal:
            code, told = refusal.code, refusal.message
        conversions = [] if code else standing.written(self.world, self.hand.now)
        named = [made.pk] if isinstance(made, NAMED) else []
        keys = standing.Keys(conversions, named)
        must: set[str] = set()
        try:
            with self.plain.trying():
                self.plain.moves = []
                plain(keys)
        except No as no:
            must = no.codes
        note(f"{name}: {code or 'done'}")
        self.outcomes[name.split(maxsplit=1)[0].rstrip(":"), code or "done"] += 1
        assert (code in must) if must else code is None, (
            f"{name}: the platform says {code or 'yes'} ({told}), "
            f"it must say {' or '.join(sorted(must)) or 'yes'}"
        )
        self._enter(conversions)
        return made

    def _enter(self, conversions: list[standing.Written]) -> None:
        """Keep what may be reversed, with what was moved for it."""
        for one in conversions:
            if one.kind in REVERSIBLE:
                moves = self.plain.moves if one.kind in MOVING else []
                self.plain.journal[one.key] = Entry(
                    one.kind, one.facility, one.took, one.made, moves
                )

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

    def step_of(self, lot: Any) -> Decimal:
        """Return the smallest countable quantity of a lot's item."""
        return Decimal(1) if self.plain.lots[lot].item == "widget" else MILLIONTH


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
