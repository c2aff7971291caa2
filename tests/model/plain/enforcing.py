"""Default and disposal: no more is sold than restores the cover, or pays all that is owed."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any

from tests.model.plain.accounts import count, pay_debt
from tests.model.plain.market import ZERO
from tests.model.plain.mortgages import fix_all
from tests.model.plain.platform import Platform
from tests.model.plain.things import Case, Claim, Cover, No, Parcel

SALEABLE = ("order_claim", "floating_mortgage", "pledge", "in_transit", "receivable")
# The smallest part that is sold: of goods by weight, in pieces, and of money.
STEPS: Mapping[str | None, Fraction] = {
    "alpha": Fraction(1, 1000),
    "beta": Fraction(1, 1000),
    "widget": Fraction(1),
    None: Fraction(1, 100),
}


def default(p: Platform, new: Any, *, facility: str, day: date) -> None:
    """Declare the default: nothing more is drawn, what floats is fixed."""
    owner = p.facilities[facility]
    if owner.defaulted:
        raise No("default_stands")
    with p.act(facility, day, "nothing"):
        count(p, facility, day)
        owner.defaulted = True
        fix_all(p, new, facility)


def open_case(p: Platform, *, facility: str, restores: bool, day: date) -> None:
    """Let selling begin, to restore the cover or to pay everything."""
    owner = p.facilities[facility]
    if not owner.defaulted:
        raise No("not_in_default")
    with p.act(facility, day, "nothing"):
        _require_need(_fresh(p, facility, day), restores=restores)
        if owner.case is not None:
            raise No("case_runs")
        owner.case = Case(restores)


def _fresh(p: Platform, facility: str, day: date) -> Cover:
    count(p, facility, day)
    return p.cover(facility, day)


def _require_need(cover: Cover, *, restores: bool) -> None:
    if not (cover.short if restores else cover.exposure):
        raise No("nothing_to_restore")


def put_up(p: Platform, number: Any, *, facility: str, parcel: Parcel, day: date) -> None:
    """Put part of a claim up for sale, at what it is worth."""
    case = _case(p, facility)
    with p.act(facility, day, "nothing"):
        one = p.claims[parcel.claim]
        if not 0 < parcel.quantity <= one.left - _for_sale(case, parcel.claim):
            raise No("already_for_sale")
        cover = _fresh(p, facility, day)
        if case.restores or not cover.exposure:
            _require_need(cover, restores=True)
            _require_no_more(p, facility, case, parcel, cover.short, day)
        case.parcels[number] = parcel


def _case(p: Platform, facility: str) -> Case:
    case = p.facilities[facility].case
    if case is None:
        raise No("case_not_selling")
    return case


def _for_sale(case: Case, key: Any) -> Fraction:
    return sum((one.quantity for one in case.parcels.values() if one.claim == key), ZERO)


def _require_no_more(
    p: Platform, facility: str, case: Case, parcel: Parcel, short: Fraction, day: date
) -> None:
    """Refuse a lot of which a step less would do; if nothing does, everything is for sale."""
    on_offer = (_closes(p, one.claim, one.quantity, day) for one in case.parcels.values())
    need = short - sum(on_offer, ZERO)
    most = ZERO
    for key in p.live(facility, *SALEABLE):
        left = p.claims[key].left - _for_sale(case, key)
        market, lending = p.values(p.claims[key], Fraction(1), day)
        if market > _lent(p.claims[key], lending) and left > 0:
            most += _closes(p, key, left, day)
    if most < max(need, ZERO):
        return
    step = STEPS[_item(p, p.claims[parcel.claim])]
    if _closes(p, parcel.claim, parcel.quantity - step, day) >= need:
        raise No("more_than_restores")


def _item(p: Platform, one: Claim) -> str | None:
    return None if one.lot is None else p.lots[one.lot].item


def _lent(one: Claim, lending: Fraction) -> Fraction:
    return ZERO if one.suspended else lending


def _closes(p: Platform, key: Any, quantity: Fraction, day: date) -> Fraction:
    """Return by how much a shortfall falls: the price down to the cent, what was lent up."""
    market, lending = p.values(p.claims[key], Fraction(1), day)
    brought = floor(quantity * market * 100)
    lent = ceil(quantity * _lent(p.claims[key], lending) * 100)
    return Fraction(brought - lent, 100)


def withdraw(p: Platform, *, facility: str, number: Any, day: date) -> None:
    """Take something off the market."""
    with p.act(facility, day, "nothing"):
        _case(p, facility).parcels.pop(number)


def sell(p: Platform, new: Any, *, facility: str, number: Any, price: Fraction, day: date) -> None:
    """Sell what is up for sale: the goods go, the price pays the debt, the rest stays in cash."""
    case = _case(p, facility)
    parcel = case.parcels[number]
    if price < parcel.reserve:
        raise No("below_reserve")
    with p.act(facility, day, "nothing"):
        owed = _fresh(p, facility, day)
        _require_need(owed, restores=case.restores)
        one = p.take(parcel.claim, parcel.quantity)
        if one.lot is not None:
            p.lots[one.lot].on_hand -= parcel.quantity
        realised, cash = new.of(facility, "enforce", 2)
        p.make(realised, Claim(facility, "realised", parcel.quantity, one.lot))
        p.make(cash, p.on_money(facility, "proceeds", price, Fraction(1)))
        del case.parcels[number]
        _distribute(p, new, facility, cash, min(price, owed.exposure), day)


def _distribute(
    p: Platform, new: Any, facility: str, cash: Any, amount: Fraction, day: date
) -> None:
    pay_debt(p, facility, amount, day)
    p.take(cash, amount)
    [repaid] = new.of(facility, "apply")
    p.make(repaid, Claim(facility, "repaid", amount))
    if p.facilities[facility].exposure == 0:
        p.facilities[facility].case = None


def give_up(p: Platform, new: Any, *, claim: Any, part: Fraction, day: date) -> None:
    """Write off what cannot be had."""
    facility = p.claims[claim].facility
    _case(p, facility)
    with p.act(facility, day, "nothing"):
        one = p.take(claim, part)
        [gone] = new.of(facility, "enforce")
        p.make(gone, Claim(facility, "written_off", part, one.lot))


def settle(p: Platform, *, facility: str, day: date) -> None:
    """End the case: nothing is owed, or nothing is left to sell and the deficit stays owed."""
    _case(p, facility)
    with p.act(facility, day, "nothing"):
        if _fresh(p, facility, day).exposure and p.live(facility, *SALEABLE):
            raise No("still_for_sale")
        p.facilities[facility].case = None


def heal(p: Platform, *, facility: str, day: date) -> None:
    """End the default: covered again, and nothing overdue."""
    owner = p.facilities[facility]
    with p.act(facility, day, "nothing"):
        if _fresh(p, facility, day).short:
            raise No("still_short")
        if any(loan.due_on < day and loan.total() for loan in owner.loans):
            raise No("still_unpaid")
        owner.defaulted, owner.case = False, None


def write_off(p: Platform, *, facility: str, loan: int, day: date) -> None:
    """Take a loan that cannot be had off the books, with all that it owes."""
    owner = p.facilities[facility]
    if not owner.defaulted:
        raise No("not_in_default")
    count(p, facility, day)
    one = owner.loans[loan]
    if one.state not in ("drawn", "overdue") or not one.total():
        raise No("loan_owes_nothing")
    for component, amount in one.owed().items():
        one.take_off(component, amount, day)
    one.state = "written_off"
    p.judge_all([facility], day)
