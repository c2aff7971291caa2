"""Floating mortgages: agreed, attached to what comes in, let flow, crystallised, discharged.

`new` gives the keys of what an act made: `new.of(facility, kind)` in their order.
"""

from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.plain.platform import Platform
from tests.model.plain.things import Claim, Mortgage, No


def agree_mortgage(p: Platform, new: Any, *, facility: str, under: Mortgage, day: date) -> None:
    """Let goods come under a mortgage: what lies free is attached, other places count nothing."""
    owner = p.facilities[facility]
    if owner.mortgage is not None:
        raise No("mortgage_in_force")
    with p.standing_by(facility, day, "not_worse"):
        owner.mortgage = under
        free = {pk: p.free(pk) for pk, lot in p.lots.items() if _names(under, lot.item, lot.site)}
        _attach(p, new, facility, [(pk, free[pk]) for pk in sorted(free) if free[pk]])
        for key in p.live(facility, "floating_mortgage"):
            named = p.is_named(p.claims[key])
            (p.claims[key].doubts.discard if named else p.claims[key].doubts.add)("place")


def _names(under: Mortgage, item: str, site: str) -> bool:
    return item in under.items and site in under.sites


def _attach(p: Platform, new: Any, facility: str, goods: list[tuple[Any, Fraction]]) -> None:
    under = p.facilities[facility].mortgage
    assert under is not None
    keys = iter(new.of(facility, "attach", len(goods)))
    for lot, quantity in goods:
        p.make(next(keys), p.on_goods(facility, "floating_mortgage", lot, quantity))
    if not under.floats:
        _fix(p, new, facility)


def receive(
    p: Platform, new: Any, *, lot: Any, item: str, site: str, quantity: Fraction, day: date
) -> None:
    """Let goods come in; the first mortgage that names them has them."""
    p.move(lot, quantity, item=item, site=site)
    naming = [
        (owner.mortgage.number, name)
        for name, owner in p.facilities.items()
        if owner.mortgage is not None and _names(owner.mortgage, item, site)
    ]
    if naming:
        facility = min(naming)[1]
        with p.act(facility, day, "nothing"):
            _attach(p, new, facility, [(lot, quantity)])


def ship_away(p: Platform, new: Any, *, lot: Any, quantity: Fraction, day: date) -> None:
    """Let goods leave as their custodian reports: free ones first, then mortgaged ones by age."""
    short = quantity - p.free(lot)
    lifts: dict[str, list[tuple[Any, Fraction]]] = {}
    for key, one in p.claims.items():
        under = p.facilities[one.facility].mortgage
        flows = one.lot == lot and one.right == "floating_mortgage" and under and under.floats
        if short > 0 and one.left and flows:
            part = min(short, one.left)
            lifts.setdefault(one.facility, []).append((key, part))
            short -= part
    if short > 0:
        raise No("not_free", "already_claimed")
    for facility, takes in lifts.items():
        _let_out(p, new, facility, takes, day)
    p.lots[lot].on_hand -= quantity


def _let_out(
    p: Platform, new: Any, facility: str, takes: list[tuple[Any, Fraction]], day: date
) -> None:
    with p.act(facility, day, "outflow"):
        for fresh, (key, part) in zip(new.of(facility, "outflow", len(takes)), takes, strict=True):
            p.take(key, part)
            p.make(fresh, Claim(facility, "released", part, p.claims[key].lot))


def crystallise(p: Platform, new: Any, *, facility: str, day: date) -> None:
    """Fix the mortgage on all that floats; recorded whatever the cover."""
    with p.act(facility, day, "nothing"):
        fix_all(p, new, facility)


def fix_all(p: Platform, new: Any, facility: str) -> None:
    """Let a facility's mortgage float no more, if one does."""
    under = p.facilities[facility].mortgage
    if under is not None and under.floats:
        under.floats = False
        _fix(p, new, facility)


def _fix(p: Platform, new: Any, facility: str) -> None:
    """Turn all that floats into pledges of the same goods, as doubtful as they were."""
    pairs = new.pairs(facility, "crystallise")
    assert {old for old, _fresh in pairs} == set(p.live(facility, "floating_mortgage"))
    for old, fresh in pairs:
        one = p.claims[old]
        part, one.left = one.left, Fraction(0)
        p.make(fresh, p.on_goods(facility, "pledge", one.lot or "", part))
        p.claims[fresh].doubts |= one.doubts
        p.claims[fresh].fixed = True


def discharge(p: Platform, new: Any, *, facility: str, day: date) -> None:
    """End the mortgage and give back what is still under it, judged like any release."""
    owner = p.facilities[facility]
    with p.act(facility, day, "release"):
        owner.mortgage = None
        fixed = [key for key in p.live(facility, "pledge") if p.claims[key].fixed]
        goods = [*p.live(facility, "floating_mortgage"), *fixed]
        keys = iter(new.of(facility, "release", len(goods)))
        for key in goods:
            one = p.claims[key]
            part, one.left = one.left, Fraction(0)
            p.make(next(keys), Claim(facility, "released", part, one.lot))
