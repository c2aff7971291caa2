"""What is owed, the market and the clock, one function each; `day` is the date."""

from datetime import date
from fractions import Fraction

from tests.model.plain.debts import Loan, pay
from tests.model.plain.market import ZERO
from tests.model.plain.platform import Platform
from tests.model.plain.things import Facility, No


def agree(p: Platform, *, facility: str, principal: Fraction, due_on: date, day: date) -> None:
    """Agree a loan; the limit must hold it beside all that is owed and promised."""
    owner = p.facilities[facility]
    _require_active(owner)
    promised = sum(
        (
            loan.undrawn
            for loan in owner.loans
            if loan.state in ("agreed", "drawn") and loan.due_on >= day
        ),
        ZERO,
    )
    if owner.exposure + promised + principal > owner.limit:
        raise No("above_limit")
    owner.loans.append(Loan(principal, due_on, owner.annual, owner.penalty))


def draw(p: Platform, *, facility: str, loan: int, amount: Fraction, day: date) -> None:
    """Pay out under a loan: never above its amount, the limit or the lending value."""
    owner = p.facilities[facility]
    one = owner.loans[loan]
    _require_active(owner)
    if one.state not in ("agreed", "drawn"):
        raise No("loan_not_drawable")
    if amount > one.undrawn:
        raise No("above_agreed")
    count(p, facility, day)
    if one.state not in ("agreed", "drawn") or day > one.due_on:
        raise No("loan_not_drawable", "above_limit")
    if owner.exposure + amount > owner.limit:
        raise No("above_limit")
    one.draw(amount, day)
    with p.act(facility, day, "covered"):
        pass


def _require_active(owner: Facility) -> None:
    if owner.defaulted:
        raise No("facility_not_active")


def repay(p: Platform, *, facility: str, amount: Fraction, day: date) -> None:
    """Take the borrower's cash."""
    pay_debt(p, facility, amount, day)
    p.judge_all([facility], day)


def pay_debt(p: Platform, facility: str, amount: Fraction, day: date) -> None:
    owner = p.facilities[facility]
    count(p, facility, day)
    if amount > owner.exposure:
        raise No("more_than_owed")
    pay(owner.loans, amount, day)


def count(p: Platform, facility: str, day: date) -> None:
    for loan in p.facilities[facility].loans:
        loan.count(day)


def accrue(p: Platform, *, facility: str, day: date) -> None:
    """Count interest up to a day."""
    count(p, facility, day)
    p.judge_all([facility], day)


def tick(p: Platform, *, prices: dict[str, Fraction], day: date) -> None:
    """Let prices move: whoever holds a moved thing is judged at once."""
    moved = [code for code, price in prices.items() if p.market.prices[code].get(day) != price]
    for code, price in prices.items():
        p.market.prices[code][day] = price
    p.judge_all(sorted({name for code in moved for name in p.holding(code)}), day)


def rate(p: Platform, *, code: str, rate: Fraction, day: date) -> None:
    """Let another share be lent."""
    p.market.rates[code][day] = rate
    p.judge_all(p.holding(code), day)


def silence(p: Platform, *, day: date) -> None:
    """Judge by the age of prices and the glide of rates what time alone has moved."""
    for code in p.market.prices:
        if p.market.is_silent(code, day):
            p.judge_all(p.holding(code), day)
    lined = [name for name, one in p.facilities.items() if one.band in ("watch", "called")]
    p.judge_all(lined, day)


def terms(p: Platform, *, facility: str, changes: dict[str, Fraction], day: date) -> None:
    """Put other terms in force; nobody is refused for what they do to cover."""
    owner = p.facilities[facility]
    _require_active(owner)
    for name, value in changes.items():
        setattr(owner, name, value)
    p.judge_all([facility], day)


def expire(p: Platform, facilities: list[str]) -> None:
    """Press the calls whose clock has run out."""
    for name in facilities:
        p.facilities[name].call = "escalated"
