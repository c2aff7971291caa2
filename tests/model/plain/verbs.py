"""The acts, one function each. `new` is the key that the act's product gets, `day` the date."""

from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.plain.accounts import pay_debt
from tests.model.plain.market import ZERO
from tests.model.plain.platform import Platform
from tests.model.plain.things import Claim, Entry, No

# What is doubted of goods under any right; places are named for mortgages alone.
CARRIED = {"inspection"}
RELEASABLE = ("floating_mortgage", "pledge", "in_transit")


def pledge(
    p: Platform, new: Any, *, facility: str, lot: str, quantity: Fraction, day: date
) -> None:
    """Pledge free goods."""
    with p.act(facility, day):
        p.make(new, p.on_goods(facility, "pledge", lot, quantity))


def prepay(p: Platform, new: Any, *, facility: str, amount: Fraction, day: date) -> None:
    """Claim delivery from a supplier who was paid."""
    with p.act(facility, day):
        rate = p.facilities[facility].order_rate
        p.make(new, p.on_money(facility, "order_claim", amount, rate))


def deliver(
    p: Platform, new: Any, *, claim: Any, part: Fraction, lot: str, quantity: Fraction, day: date
) -> None:
    """Turn an order claim into a mortgage on what came for it."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        take(p, claim, part, "order_claim")
        p.make(new, p.on_goods(facility, "floating_mortgage", lot, quantity))


def transform(
    p: Platform,
    new: Any,
    *,
    claim: Any,
    used: Fraction,
    lot: str,
    product: str,
    made: Fraction,
    bill: tuple[Fraction, Fraction],
    right: str,
    day: date,
) -> None:
    """Turn mortgaged materials into finished goods; the bill is (content, loss tolerance)."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        one = take(p, claim, used, "floating_mortgage")
        if p.lots[one.lot].site != "factory":
            raise No("material_elsewhere", "production_does_not_tie")
        content, loss = bill
        least = made * content
        most = least / (1 - loss)
        steps = 10**6
        if used < _floor(least * steps) / steps or used > -_floor(-most * steps) / steps:
            raise No("production_does_not_tie")
        p.move(one.lot, -used)
        p.move(lot, made, item=product, site=p.lots[one.lot].site)
        p.make(new, p.on_goods(facility, right, lot, made))


def bring_in(
    p: Platform, new: Any, *, claim: Any, part: Fraction, lot: str, site: str, day: date
) -> None:
    """Turn mortgaged goods into pledged ones as they enter the warehouse."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        _move(p, new, claim, part, lot, site, ("floating_mortgage", "pledge"))


def ship(
    p: Platform, new: Any, *, claim: Any, part: Fraction, lot: str, site: str, day: date
) -> None:
    """Turn pledged goods into goods in transit in a vehicle."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        _move(p, new, claim, part, lot, site, ("pledge", "in_transit"))


def arrive(
    p: Platform, new: Any, *, claim: Any, part: Fraction, lot: str, site: str, day: date
) -> None:
    """Turn goods in transit into pledged ones in a warehouse."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        _move(p, new, claim, part, lot, site, ("in_transit", "pledge"))


def _move(
    p: Platform,
    new: Any,
    claim: Any,
    part: Fraction,
    lot: str,
    site: str,
    rights: tuple[str, str],
) -> None:
    one = take(p, claim, part, rights[0])
    p.move(one.lot, -part)
    p.move(lot, part, item=p.lots[one.lot].item, site=site)
    p.make(new, p.on_goods(one.facility, rights[1], lot, part))
    p.claims[new].doubts |= one.doubts & CARRIED


def release(p: Platform, new: Any, *, claim: Any, part: Fraction, day: date) -> None:
    """Give goods back."""
    facility = p.claims[claim].facility
    with p.act(facility, day, "release"):
        one = take(p, claim, part, *RELEASABLE)
        p.make(new, Claim(facility, "released", part, one.lot))


def substitute(
    p: Platform,
    new: list[Any],
    *,
    claim: Any,
    part: Fraction,
    lot: str,
    quantity: Fraction,
    day: date,
) -> None:
    """Swap goods for others."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        if quantity <= 0:
            raise No("nothing_to_convert")
        one = take(p, claim, part, "floating_mortgage", "pledge")
        p.make(new[0], p.on_goods(facility, "pledge", lot, quantity))
        p.make(new[1], Claim(facility, "released", part, one.lot))


def sell(
    p: Platform, new: Any, *, claim: Any, part: Fraction, face: Fraction, rate: Fraction, day: date
) -> None:
    """Turn pledged goods into the debt of their buyer."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        one = take(p, claim, part, "pledge", "in_transit")
        p.lots[one.lot].on_hand -= part
        p.make(new, p.on_money(facility, "receivable", face, rate))
        p.sold[new] = (one.lot, part)


def give_back(
    p: Platform, new: Any, *, claim: Any, part: Fraction, quantity: Fraction, day: date
) -> None:
    """Turn a debt into the goods that its buyer sends back; nobody on our side chose it."""
    facility = p.claims[claim].facility
    with p.act(facility, day, "nothing"):
        take(p, claim, part, "receivable")
        lot, left = p.sold[claim]
        p.sold[claim] = (lot, left - quantity)
        p.lots[lot].on_hand += quantity
        p.make(new, p.on_goods(facility, "pledge", lot, quantity))


def reverse(p: Platform, news: list[Any], *, entry: Any, day: date) -> None:
    """Undo a conversion: what it made, all of it, becomes again what it took."""
    one = p.journal[entry]
    if one.is_reversed:
        raise No("already_reversed")
    _require_floating(p, one)
    families = [(p.family(key), quantity) for key, quantity in one.made]
    if any(sum(p.claims[k].left for k in keys) != quantity for keys, quantity in families):
        raise No("later_conversion_first")
    with p.act(one.facility, day, "not_worse" if one.took else "release"):
        meanwhile = [p.claims[k] for keys, _quantity in families for k in keys]
        doubts = {doubt for claim in meanwhile if claim.left for doubt in claim.doubts}
        for claim in meanwhile:
            claim.left = ZERO
        _move_back(p, one)
        for new, (key, quantity) in zip(news, one.took or one.made, strict=True):
            p.make(new, _again(p, key, quantity, given_back=not one.took))
            p.claims[new].doubts |= (doubts | p.claims[key].doubts) & CARRIED
        one.is_reversed = True


def _require_floating(p: Platform, one: Entry) -> None:
    under = p.facilities[one.facility].mortgage
    rights = {p.claims[key].right for key, _quantity in one.took}
    if "floating_mortgage" in rights and under is not None and not under.floats:
        raise No("nothing_floats")


def _move_back(p: Platform, one: Entry) -> None:
    for lot, by in one.moves:
        if by > p.free(lot):
            raise No("not_free", "already_claimed")
    for lot, by in one.moves:
        p.lots[lot].on_hand -= by


def _again(p: Platform, key: Any, quantity: Fraction, *, given_back: bool) -> Claim:
    """Return a claim as it was before something was taken of it, or what is given back of it."""
    old = p.claims[key]
    if given_back:
        return Claim(old.facility, "released", quantity, old.lot)
    if old.lot is not None and quantity > p.free(old.lot):
        raise No("not_free", "already_claimed")
    return Claim(old.facility, old.right, quantity, old.lot, old.market, old.lending, restores=key)


def collect(p: Platform, new: Any, *, claim: Any, part: Fraction, day: date) -> None:
    """Turn a debt into cash in the controlled account."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        take(p, claim, part, "receivable")
        p.make(new, p.on_money(facility, "proceeds", part, Fraction(1)))


def apply(p: Platform, new: Any, *, claim: Any, part: Fraction, pays: bool, day: date) -> None:
    """Use cash of the controlled account: to repay, or as surplus to the borrower."""
    facility = p.claims[claim].facility
    with p.act(facility, day):
        if pays:
            pay_debt(p, facility, part, day)
        take(p, claim, part, "proceeds")
        p.make(new, Claim(facility, "repaid" if pays else "released", part))


def lose(
    p: Platform, *, lot: str, found: Fraction, shares: list[tuple[Any, Fraction]], day: date
) -> None:
    """Let a count find less than is there; claims shrink by their shares of what is missing."""
    for key, share in shares:
        p.claims[key].left -= share
    p.lots[lot].on_hand = found
    p.judge_all(sorted({p.claims[key].facility for key, _share in shares}), day)


def revoke(p: Platform, new: Any, *, claim: Any, part: Fraction, day: date) -> None:
    """End a claim whose payment the bank did not make; nobody chose it."""
    facility = p.claims[claim].facility
    with p.act(facility, day, "nothing"):
        take(p, claim, part, "order_claim")
        p.make(new, Claim(facility, "released", part))


def suspend(p: Platform, *, claim: Any, suspended: bool, day: date) -> None:
    """Let a claim count for nothing, or count again."""
    one = p.claims[claim]
    with p.act(one.facility, day, "nothing"):
        (one.doubts.add if suspended else one.doubts.discard)("inspection")


def take(p: Platform, claim: Any, part: Fraction, *rights: str) -> Claim:
    if p.claims[claim].right not in rights:
        raise No("wrong_right")
    return p.take(claim, part)


def _floor(value: Fraction) -> Fraction:
    return Fraction(value.numerator // value.denominator)
