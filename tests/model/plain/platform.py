"""Goods, claims and facilities: what may be done, what it refuses, and what stands afterwards.

A verb either changes the state or raises No with the code that the platform must refuse with; the
caller restores the state then (see `Platform.trying`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.plain.debts import Loan
from tests.model.plain.figures import cents_down, cents_even, cents_up_at_half
from tests.model.plain.market import MONEY, ZERO, Market

GOODS = ("floating_mortgage", "pledge", "in_transit")
TERMINAL = ("released", "repaid", "realised", "written_off")
CALLING = ("called", "close_out")


class No(Exception):  # noqa: N818  (a refusal is an answer, not an error)
    """The platform must refuse, with one of these codes."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = set(codes)


@dataclass
class Lot:
    """Goods in one place; what is claimed of them is the sum over the claims."""

    item: str
    site: str
    on_hand: Fraction


@dataclass
class Claim:
    """A position: so much of one thing under one right, and what a unit of it weighs."""

    facility: str
    right: str
    left: Fraction
    lot: str | None = None
    market: Mapping[str, Fraction] = field(default_factory=dict)
    lending: Mapping[str, Fraction] = field(default_factory=dict)
    suspended: bool = False
    restores: Any = None  # the claim of which a reversal made this again

    @property
    def is_live(self) -> bool:
        """Tell whether it secures something."""
        return self.right not in TERMINAL and self.left > 0


@dataclass
class Entry:
    """A conversion in the journal: what it took of which claims, and what it made."""

    kind: str
    facility: str
    took: list[tuple[Any, Fraction]]
    made: list[tuple[Any, Fraction]]
    is_reversed: bool = False


@dataclass(frozen=True)
class Cover:
    """How a facility stands."""

    exposure: Fraction
    market: Fraction
    lending: Fraction
    band: str

    @property
    def short(self) -> Fraction:
        """Return by how much exposure is above lending value."""
        return max(ZERO, self.exposure - self.lending)


@dataclass
class Facility:
    """One lender's agreement with the borrower, and what is recorded of its cover."""

    limit: Fraction
    annual: Fraction
    penalty: Fraction
    order_rate: Fraction
    release_factor: Fraction
    watch_line: Fraction | None = None
    call_line: Fraction | None = None
    floor: Fraction = ZERO
    loans: list[Loan] = field(default_factory=list)
    bases: set[str] = field(default_factory=set)
    band: str = "covered"
    call: str | None = None

    @property
    def exposure(self) -> Fraction:
        """Return what its loans owe."""
        return sum((loan.total() for loan in self.loans), ZERO)


class Platform:
    """Everything, as it ought to stand."""

    def __init__(self) -> None:
        self.market = Market()
        self.items: dict[str, dict[str, Fraction]] = {}
        self.lots: dict[str, Lot] = {}
        self.claims: dict[Any, Claim] = {}
        self.facilities: dict[str, Facility] = {}
        self.journal: dict[Any, Entry] = {}
        # What was sold for a debt and has not come back: the lot, and how much.
        self.sold: dict[Any, tuple[Any, Fraction]] = {}

    # --- reading ------------------------------------------------------------------------------

    def claimed(self, lot: str) -> Fraction:
        """Return how much of a lot is claimed by whomever."""
        return sum(
            (one.left for one in self.claims.values() if one.lot == lot and one.right in GOODS),
            ZERO,
        )

    def free(self, lot: str) -> Fraction:
        """Return how much of a lot nobody claims."""
        return self.lots[lot].on_hand - self.claimed(lot)

    def live(self, facility: str, *rights: str) -> list[Any]:
        """Return the keys of a facility's live claims under some rights, oldest first."""
        return [
            key
            for key, one in self.claims.items()
            if one.facility == facility and one.is_live and one.right in rights
        ]

    def worth(self, claim: Claim, quantity: Fraction, day: date) -> Fraction:
        """Return the market value of a quantity of a claim."""
        prices = ((weight, self.market.fresh_price(b, day)) for b, weight in claim.market.items())
        return quantity * sum((weight * price for weight, price in prices), ZERO)

    def cover(self, facility: str, day: date) -> Cover:
        """Return a facility's cover at the prices of a day."""
        owner = self.facilities[facility]
        market = lending = glided = ZERO
        for one in self.claims.values():
            if one.facility != facility or not one.is_live or one.suspended:
                continue
            for basis, weight in one.market.items():
                price = self.market.fresh_price(basis, day)
                lent = one.left * one.lending[basis] * price
                market += one.left * weight * price
                lending += lent * self.market.rate(basis, day)
                glided += lent * self.market.glided(basis, day)
        market, lending, glided = cents_up_at_half(market), cents_down(lending), cents_down(glided)
        band = _band(owner, owner.exposure, market, lending, glided)
        return Cover(owner.exposure, market, lending, band)

    # --- judging ------------------------------------------------------------------------------

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Put everything back as it was if the block refuses."""
        before = copy.deepcopy(self.__dict__)
        try:
            yield
        except No:
            self.__dict__ = before
            raise

    @contextmanager
    def act(self, facility: str, day: date, requires: str = "not_worse") -> Iterator[None]:
        """Judge a facility's cover after the block as an act that somebody chose, and note it."""
        before = self.cover(facility, day)
        yield
        after = self.cover(facility, day)
        if after.short and requires in ("covered", "release") and self.facilities[facility].call:
            raise No("margin_call_open")
        if requires == "release":
            self._require_release(facility, after, day)
        if after.short and (
            requires in ("covered", "release")
            or (requires == "not_worse" and after.short > before.short)
        ):
            raise No("would_uncover")
        self.note(facility, after)

    def _require_release(self, facility: str, after: Cover, day: date) -> None:
        owner = self.facilities[facility]
        allowed = cents_even(after.lending * owner.release_factor)
        goods = [self.claims[key] for key in self.live(facility, *GOODS)]
        worths = (self.worth(one, one.left, day) for one in goods if not one.suspended)
        floor = owner.floor if after.exposure else ZERO
        if after.exposure > allowed or cents_up_at_half(sum(worths, ZERO)) < floor:
            raise No("below_release_level")

    def note(self, facility: str, cover: Cover) -> None:
        """Record the band, and open, press or cure the margin call."""
        owner = self.facilities[facility]
        owner.band = cover.band
        if cover.band in CALLING:
            owner.call = owner.call or "open"
        if cover.band == "close_out":
            owner.call = "escalated"
        if cover.short == 0:
            owner.call = None

    def judge_all(self, facilities: list[str], day: date) -> None:
        """Record how facilities stand after something that nobody chose."""
        for facility in facilities:
            self.note(facility, self.cover(facility, day))

    def holding(self, basis: str) -> list[str]:
        """Return the facilities that ever held something priced by a basis."""
        return [name for name, one in self.facilities.items() if basis in one.bases]

    # --- claims -------------------------------------------------------------------------------

    def take(self, key: Any, quantity: Fraction) -> Claim:
        """Take a quantity out of a claim."""
        one = self.claims[key]
        if quantity <= 0:
            raise No("nothing_to_convert")
        if quantity > one.left:
            raise No("not_enough_left")
        one.left -= quantity
        return one

    def make(self, key: Any, claim: Claim) -> None:
        """Let a new claim stand."""
        self.claims[key] = claim
        if claim.right not in TERMINAL:
            self.facilities[claim.facility].bases |= set(claim.market)

    def family(self, key: Any) -> list[Any]:
        """Return a claim and what reversals made again of parts of it, and of parts of those."""
        found = [key]
        for one in found:
            found += [child for child, claim in self.claims.items() if claim.restores == one]
        return found

    def on_goods(self, facility: str, right: str, lot: str, quantity: Fraction) -> Claim:
        """Return a claim on a lot, weighed by its item's formula; the lot must be free for it."""
        if quantity <= 0:
            raise No("nothing_to_convert", "quantity_not_possible")
        if quantity > self.free(lot):
            raise No("not_free", "already_claimed")
        weights = self.items[self.lots[lot].item]
        return Claim(facility, right, quantity, lot, dict(weights), dict(weights))

    def on_money(self, facility: str, right: str, amount: Fraction, rate: Fraction) -> Claim:
        """Return a claim on money that lends at a rate."""
        return Claim(facility, right, amount, None, {MONEY: Fraction(1)}, {MONEY: rate})


def _band(
    owner: Facility, exposure: Fraction, market: Fraction, lending: Fraction, glided: Fraction
) -> str:
    gap = market - glided
    watch = glided + gap / 3 if owner.watch_line is None else market * owner.watch_line
    call = glided + gap * 2 / 3 if owner.call_line is None else market * owner.call_line
    watch = max(watch, glided)
    if exposure <= lending:
        return "covered"
    if exposure <= watch:
        return "watch"
    return "called" if exposure <= max(call, watch) else "close_out"
