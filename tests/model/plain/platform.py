"""The platform in plain words: what stands, what an act may leave behind, and what it refuses.

A verb either changes the state or raises No with the code that the platform must refuse with; the
caller restores the state then (see `Platform.trying`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.plain.figures import cents_down, cents_even, cents_up_at_half
from tests.model.plain.market import MONEY, ZERO, Market
from tests.model.plain.things import (
    CALLING,
    GOODS,
    TERMINAL,
    Claim,
    Cover,
    Entry,
    Facility,
    Lot,
    No,
    Order,
)


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
        self.orders: dict[Any, Order] = {}
        # What the act that goes on has moved between lots.
        self.moves: list[tuple[Any, Fraction]] = []

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

    def values(self, claim: Claim, quantity: Fraction, day: date) -> tuple[Fraction, Fraction]:
        """Return market and lending value of a quantity of a claim, whether it counts or not."""
        lending = ZERO
        for basis, weight in claim.lending.items():
            price = self.market.fresh_price(basis, day)
            lending += weight * price * self.market.rate(basis, day)
        return self.worth(claim, quantity, day), quantity * lending

    def cover(self, facility: str, day: date) -> Cover:
        """Return a facility's cover at the prices of a day."""
        market = lending = ZERO
        for one in self.claims.values():
            if one.facility == facility and one.is_live and not one.suspended:
                market_of_it, lending_of_it = self.values(one, one.left, day)
                market, lending = market + market_of_it, lending + lending_of_it
        return self.covered(facility, cents_up_at_half(market), cents_down(lending), day)

    def covered(self, facility: str, market: Fraction, lending: Fraction, day: date) -> Cover:
        """Return the cover with these values; its lines go by the rates that still glide."""
        owner = self.facilities[facility]
        glided = ZERO
        for one in self.claims.values():
            if one.facility == facility and one.is_live and not one.suspended:
                for basis, weight in one.lending.items():
                    lent = one.left * weight * self.market.fresh_price(basis, day)
                    glided += lent * self.market.glided(basis, day)
        band = _band(owner, owner.exposure, market, lending, cents_down(glided))
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
        self.judge(facility, before, self.cover(facility, day), day, requires)

    @contextmanager
    def standing_by(self, facility: str, day: date, requires: str) -> Iterator[None]:
        """Judge as `act` does if the block changes any claim; else nothing is noted."""
        before, claims = self.cover(facility, day), self._told(facility)
        yield
        if self._told(facility) != claims:
            self.judge(facility, before, self.cover(facility, day), day, requires)

    def _told(self, facility: str) -> dict[Any, tuple[Fraction, frozenset[str]]]:
        return {
            key: (one.left, frozenset(one.doubts))
            for key, one in self.claims.items()
            if one.facility == facility
        }

    def judge(self, facility: str, before: Cover, after: Cover, day: date, requires: str) -> None:
        """Refuse what may not be left behind; note what is.

        `requires` is nothing, not_worse, covered (money out), release (goods given back by order)
        or outflow (goods that left in the ordinary course).
        """
        owner = self.facilities[facility]
        if owner.defaulted and after.exposure and requires in ("release", "outflow"):
            raise No("no_release_in_default")
        if after.short and requires in ("covered", "release") and owner.call:
            raise No("margin_call_open")
        if requires == "release":
            self.require_release(facility, after, self.controlled(facility, day))
        if requires == "outflow":
            self._require_floor(facility, after, day)
        if after.short and (
            requires in ("covered", "release")
            or (requires in ("not_worse", "outflow") and after.short > before.short)
        ):
            raise No("would_uncover")
        self.note(facility, after)

    def controlled(self, facility: str, day: date) -> Fraction:
        """Return the market value of the goods that secure a facility."""
        goods = [self.claims[key] for key in self.live(facility, *GOODS)]
        worths = (self.worth(one, one.left, day) for one in goods if not one.suspended)
        return cents_up_at_half(sum(worths, ZERO))

    def require_release(self, facility: str, after: Cover, controlled: Fraction) -> None:
        """Refuse a release that leaves too little cover, or too few goods."""
        owner = self.facilities[facility]
        allowed = cents_even(after.lending * owner.release_factor)
        least = max(owner.floor, owner.mortgage.minimum if owner.mortgage else ZERO)
        if after.exposure > allowed or (after.exposure and controlled < least):
            raise No("below_release_level")

    def _require_floor(self, facility: str, after: Cover, day: date) -> None:
        owner = self.facilities[facility]
        under = owner.mortgage
        least = max(owner.floor, under.minimum, under.floor) if under else owner.floor
        if after.short or (after.exposure and self.controlled(facility, day) < least):
            raise No("below_floor")

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
        """Let a new claim stand; outside what the facility's mortgage names it counts nothing."""
        self.claims[key] = claim
        if claim.right == "floating_mortgage" and not self.is_named(claim):
            claim.doubts.add("place")
        if claim.right not in TERMINAL:
            self.facilities[claim.facility].bases |= set(claim.market)

    def is_named(self, claim: Claim) -> bool:
        """Tell whether the facility's mortgage, if it has one, names the goods and the place."""
        under = self.facilities[claim.facility].mortgage
        if under is None or claim.lot is None:
            return True
        lot = self.lots[claim.lot]
        return lot.item in under.items and lot.site in under.sites

    def move(self, lot: Any, by: Fraction, *, item: str = "", site: str = "") -> None:
        """Let there be more or less in a lot, which is opened if it is new."""
        self.lots.setdefault(lot, Lot(item, site, ZERO)).on_hand += by
        self.moves.append((lot, by))

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
