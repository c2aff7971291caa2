"""Instructions to custodians in four steps: asked, decided, acknowledged, done, evidenced."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.model.plain import verbs
from tests.model.plain.figures import cents_down, cents_even, cents_up
from tests.model.plain.market import ZERO
from tests.model.plain.platform import Platform
from tests.model.plain.things import Claim, Cover, No, Order

GOOD_FOR = timedelta(hours=48)
PENDING = ("requested", "instructed", "acknowledged")
# What each stamp asks for, and what becomes of the order.
STAMPS = {
    "approve": (("requested",), "instructed"),
    "refuse": (("requested",), "refused"),
    "withdraw": (PENDING, "withdrawn"),
    "acknowledge": (("instructed",), "acknowledged"),
    "decline": (("instructed", "acknowledged"), "declined"),
    "execute": (("acknowledged",), "executed"),
    "evidence": (("executed",), "evidenced"),
}
TIMED = ("approve", "acknowledge", "execute")


def ask(p: Platform, number: Any, order: Order, day: date) -> None:
    """Ask; nothing moves, but no other instruction may promise the same goods."""
    if order.quantity <= 0:
        raise No("nothing_to_convert")
    there = _there(p, order)
    if order.quantity > there:
        raise No(*(("not_free", "already_claimed") if order.kind == "pledge" else
                   ("not_enough_left",)))  # fmt: skip
    if order.kind == "release":
        _require_no_call(p, order, day)
    promised = (
        one.quantity
        for one in p.orders.values()
        if one.state in PENDING and (one.kind, one.thing) == (order.kind, order.thing)
    )
    if sum(promised, order.quantity) > there:
        raise No("goods_promised")
    p.orders[number] = order


def _there(p: Platform, order: Order) -> Fraction:
    return p.free(order.thing) if order.kind == "pledge" else p.claims[order.thing].left


def _require_no_call(p: Platform, order: Order, day: date) -> None:
    after = _foreseen(p, order, day)
    owner = p.facilities[order.facility]
    if owner.call and after.exposure > cents_even(after.lending * owner.release_factor):
        raise No("margin_call_open")


def _foreseen(p: Platform, order: Order, day: date) -> Cover:
    """Return the cover as a preview tells it: what leaves to the cent above, what comes below."""
    now = p.cover(order.facility, day)
    if order.kind == "pledge":
        lot = p.lots[order.thing]
        weights = p.items[lot.item]
        coming = Claim(order.facility, "pledge", order.quantity, order.thing, weights, weights)
        market, lending = p.values(coming, order.quantity, day)
        return p.covered(order.facility, now.market + cents_even(market),
                         now.lending + cents_down(lending), day)  # fmt: skip
    going = p.claims[order.thing]
    if going.suspended:
        return now
    market, lending = p.values(going, order.quantity, day)
    return p.covered(order.facility, max(ZERO, now.market - cents_even(market)),
                     max(ZERO, now.lending - cents_up(lending)), day)  # fmt: skip


def stamp(p: Platform, new: Any, *, number: Any, what: str, now: datetime, day: date) -> None:
    """Do the next step, or stop the order; what is too old goes on no more."""
    order = p.orders[number]
    states, then = STAMPS[what]
    if order.state not in states:
        raise No("transition_not_allowed", *_before_it_is_sent(order, what))
    if what in TIMED and now >= order.asked_at + GOOD_FOR:
        raise No("instruction_expired")
    if what == "approve":
        _judge(p, order, day)
    if what == "execute" and not _carried_out(p, new, order, day):
        then = "failed"
    order.state = then


def _before_it_is_sent(order: Order, what: str) -> tuple[str, ...]:
    """A custodian knows nothing of an order that was not sent to him."""
    custodians = what in ("acknowledge", "decline", "execute", "evidence")
    return ("not_your_instruction",) if custodians else ()


def _judge(p: Platform, order: Order, day: date) -> None:
    """Refuse what the act itself would refuse if it were done now."""
    owner = p.facilities[order.facility]
    now, after = p.cover(order.facility, day), _foreseen(p, order, day)
    if order.kind == "pledge":
        if after.short > now.short:
            raise No("would_uncover")
        return
    if owner.defaulted and after.exposure:
        raise No("no_release_in_default")
    if after.short and owner.call:
        raise No("margin_call_open")
    left = p.controlled(order.facility, day) + after.market - now.market
    p.require_release(order.facility, after, left)
    if after.short:
        raise No("would_uncover")


def _carried_out(p: Platform, new: Any, order: Order, day: date) -> bool:
    """Do what was ordered; tell whether it was possible now. If not, nothing moves."""
    try:
        with p.trying():
            if order.kind == "pledge":
                [key] = new.of(order.facility, "pledge")
                verbs.pledge(p, key, facility=order.facility, lot=order.thing,
                             quantity=order.quantity, day=day)  # fmt: skip
            else:
                [key] = new.of(order.facility, "release")
                verbs.release(p, key, claim=order.thing, part=order.quantity, day=day)
    except No:
        return False
    return True


def strike_off(p: Platform, now: datetime) -> None:
    """End what was not done in time."""
    for order in p.orders.values():
        if order.state in PENDING and now >= order.asked_at + GOOD_FOR:
            order.state = "expired"
