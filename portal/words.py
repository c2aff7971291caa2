"""What happened, in a sentence: conversions, draws, repayments, calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.states import ConversionKind
from portal import formats


@dataclass(frozen=True, slots=True)
class Part:
    """One side's part of a conversion, as a reader sees it."""

    right: str
    thing: str
    place: str
    quantity: Decimal
    unit: str
    is_money: bool


@dataclass(frozen=True, slots=True)
class Act:
    """A conversion ready to be told."""

    kind: str
    taken: Sequence[Part]
    made: Sequence[Part]


def tell(act: Act) -> str:
    """Return the sentence of a conversion; an unknown kind is told by its name."""
    teller = _TELLERS.get(act.kind)
    if teller is None:
        return f"{ConversionKind(act.kind).label}: {_list(act.made)}"
    return teller(act)


def cover_change(*, before: tuple[Decimal, Decimal], after: tuple[Decimal, Decimal]) -> str:
    """Return "cover 1.18 → 1.31" from (exposure, lending value) before and after."""
    if before[0] == after[0] == 0:
        return str(_("nothing owed"))
    return str(_("cover %(before)s → %(after)s")) % {
        "before": formats.ratio(before[1], before[0]),
        "after": formats.ratio(after[1], after[0]),
    }


def _list(parts: Iterable[Part]) -> str:
    """Return quantities summed by thing: "12.4 t copper foil, 3 kg gold wire"."""
    sums: dict[tuple[str, str, bool], Decimal] = {}
    for part in parts:
        key = (part.thing, part.unit, part.is_money)
        sums[key] = sums.get(key, Decimal(0)) + part.quantity
    words = [
        f"{formats.quantity(quantity, unit)} {thing}" if not is_money else thing
        for (thing, unit, is_money), quantity in sums.items()
    ]
    return str(_(", ")).join(words)


def _sum(parts: Iterable[Part]) -> str:
    parts = list(parts)
    total = sum((part.quantity for part in parts), Decimal(0))
    return formats.quantity(total, parts[0].unit) if parts else ""


def _places(parts: Iterable[Part]) -> str:
    return str(_(", ")).join(dict.fromkeys(part.place for part in parts if part.place))


def _prepay(act: Act) -> str:
    return _("%(amount)s paid in advance: a claim on %(claim)s") % {
        "amount": _sum(act.made),
        "claim": _list(act.made),
    }


def _deliver(act: Act) -> str:
    return _("%(place)s received %(goods)s from %(order)s") % {
        "place": _places(act.made),
        "goods": _list(act.made),
        "order": _list(act.taken),
    }


def _transform(act: Act) -> str:
    return _("%(place)s made %(goods)s out of %(materials)s") % {
        "place": _places(act.made),
        "goods": _list(act.made),
        "materials": _list(act.taken),
    }


def _pledge(act: Act) -> str:
    return _("%(place)s took in %(goods)s and holds them for the lender") % {
        "place": _places(act.made),
        "goods": _list(act.made),
    }


def _substitute(act: Act) -> str:
    stays = [part for part in act.made if part.right == "pledge"]
    return _("%(new)s took the place of %(old)s") % {"new": _list(stays), "old": _list(act.taken)}


def _release(act: Act) -> str:
    return _("%(goods)s given back to the borrower from %(place)s") % {
        "goods": _list(act.made),
        "place": _places(act.taken),
    }


def _sell(act: Act) -> str:
    return _("%(goods)s sold: %(amount)s owed on %(invoice)s") % {
        "goods": _list(act.taken),
        "amount": _sum(act.made),
        "invoice": _list(act.made),
    }


def _collect(act: Act) -> str:
    return _("%(amount)s paid in on %(invoice)s") % {
        "amount": _sum(act.made),
        "invoice": _list(act.taken),
    }


def _apply(act: Act) -> str:
    back = [part for part in act.made if part.right == "released"]
    if back:
        return _("%(amount)s of the proceeds went to the borrower") % {"amount": _sum(back)}
    return _("%(amount)s of the proceeds repaid the loans") % {"amount": _sum(act.made)}


def _revoke(act: Act) -> str:
    return _("The payment came back: the claim on %(claim)s ended") % {"claim": _list(act.taken)}


def _attach(act: Act) -> str:
    return _("%(goods)s came under the floating mortgage as %(place)s received them") % {
        "goods": _list(act.made),
        "place": _places(act.made),
    }


def _crystallise(act: Act) -> str:
    return _("The mortgage crystallised: %(place)s holds %(goods)s for the lender") % {
        "place": _places(act.made),
        "goods": _list(act.made),
    }


def _ship(act: Act) -> str:
    return _("%(goods)s left %(place)s; the carrier holds them for the lender") % {
        "goods": _list(act.made),
        "place": _places(act.taken),
    }


def _arrive(act: Act) -> str:
    return _("%(goods)s arrived at %(place)s, which holds them for the lender") % {
        "goods": _list(act.made),
        "place": _places(act.made),
    }


def _outflow(act: Act) -> str:
    return _("%(goods)s left %(place)s in the ordinary course") % {
        "goods": _list(act.made),
        "place": _places(act.taken),
    }


def _lose(act: Act) -> str:
    return _("%(goods)s were lost at %(place)s") % {
        "goods": _list(act.taken),
        "place": _places(act.taken),
    }


def _return(act: Act) -> str:
    return _("%(goods)s came back: %(amount)s less is owed on %(invoice)s") % {
        "goods": _list(act.made),
        "amount": _sum(act.taken),
        "invoice": _list(act.taken),
    }


def _enforce(act: Act) -> str:
    cash = [part for part in act.made if part.right == "proceeds"]
    if not cash:
        return _("%(goods)s written off in enforcement") % {"goods": _list(act.taken)}
    return _("%(goods)s sold in enforcement for %(amount)s") % {
        "goods": _list(act.taken),
        "amount": _sum(cash),
    }


def _reverse(act: Act) -> str:
    return _("A mistake put right: %(old)s became %(new)s again") % {
        "old": _list(act.taken),
        "new": _list(act.made),
    }


_TELLERS: dict[str, Callable[[Act], str]] = {
    "prepay": _prepay,
    "revoke": _revoke,
    "deliver": _deliver,
    "transform": _transform,
    "pledge": _pledge,
    "substitute": _substitute,
    "release": _release,
    "sell": _sell,
    "collect": _collect,
    "apply": _apply,
    "attach": _attach,
    "crystallise": _crystallise,
    "ship": _ship,
    "arrive": _arrive,
    "outflow": _outflow,
    "lose": _lose,
    "return": _return,
    "enforce": _enforce,
    "reverse": _reverse,
}

CAUSES: dict[str, str | Promise] = {
    "draw": gettext_lazy("Money drawn"),
    "repay": gettext_lazy("Money paid back"),
    "unapply": gettext_lazy("Use of proceeds taken back"),
    "unmatch": gettext_lazy("Match of a bank entry taken back"),
    "unpay": gettext_lazy("Repayment taken back"),
    "accrue": gettext_lazy("Interest accrued"),
    "fee": gettext_lazy("Fee charged"),
    "refinance": gettext_lazy("Loan refinanced"),
    "write_off": gettext_lazy("Loan written off"),
    "terms": gettext_lazy("Terms changed"),
    "default": gettext_lazy("Default declared"),
    "heal": gettext_lazy("Default healed"),
    "clock": gettext_lazy("The clock ran out"),
    "tick": gettext_lazy("Prices or rates moved"),
    "glide": gettext_lazy("A cut of the pledge rate reached the lines"),
    "day": gettext_lazy("End of day"),
}


def cause_in_words(cause: str) -> str:
    """Return what a cover record's cause means."""
    if cause in ConversionKind.values:
        return str(ConversionKind(cause).label)
    return str(CAUSES.get(cause, cause))


def moves_in_words(detail: dict[str, Any], names: dict[str, str]) -> str:
    """Return which prices and rates moved, from a tick's detail: "copper −3.8 %, 86.8 % lent".

    Only commodities that `names` names are told: a tick moves more than one facility holds.
    """
    moves = detail.get("moves")
    if not isinstance(moves, dict):
        return _glides_in_words(detail, names)
    told = [_move(names[code], move) for code, move in moves.items() if code in names]
    return str(_(", ")).join(one for one in told if one)


def _glides_in_words(detail: dict[str, Any], names: dict[str, str]) -> str:
    """Return which rates glide and how far they have come: "copper 74.00 % on the way to 70 %"."""
    glides = detail.get("glides")
    if not isinstance(glides, dict):
        return ""
    return str(_(", ")).join(
        _("%(name)s %(glided)s on the way to %(rate)s")
        % {
            "name": names[code],
            "glided": formats.percent(Decimal(glide["glided"]), 2),
            "rate": formats.percent(Decimal(glide["rate"]), 2),
        }
        for code, glide in glides.items()
        if code in names
    )


def _move(name: str, move: dict[str, str]) -> str:
    price, before = _decimal(move, "price"), _decimal(move, "price_before")
    rate, rate_before = _decimal(move, "rate"), _decimal(move, "rate_before")
    words = []
    if price is not None and before and price != before:
        words.append(formats.signed_percent(price / before - 1))
    if rate is not None and rate_before is not None and rate != rate_before:
        words.append(
            _("pledge rate %(change)s") % {"change": formats.basis_points(rate - rate_before)}
        )
    return f"{name} {' · '.join(words)}" if words else ""


def _decimal(move: dict[str, str], key: str) -> Decimal | None:
    value = move.get(key)
    return None if value is None else Decimal(value)


REASONS = {
    "no_price": gettext_lazy("it has no price"),
    "stale_price": gettext_lazy("its price is stale"),
    "non_positive_price": gettext_lazy("its price is zero or below"),
    "no_rate": gettext_lazy("no pledge rate is published"),
}


def reason_in_words(code: str) -> str:
    """Say why a quote lends nothing (codes of the function risk_quotes)."""
    return str(REASONS.get(code, code))


def evidence_in_words(evidence: dict[str, Any]) -> str:
    """Return the kind and reference of a conversion's evidence."""
    kind = str(evidence.get("kind", ""))
    reference = str(evidence.get("reference", ""))
    known = EVIDENCE.get(kind)
    return " ".join(part for part in (str(known or kind.replace("_", " ")), reference) if part)


EVIDENCE = {
    "entrusted_payment": gettext_lazy("Payment to the supplier"),
    "payment": gettext_lazy("Payment"),
    "disbursement": gettext_lazy("Payment order"),
    "goods_received": gettext_lazy("Goods received note"),
    "delivery": gettext_lazy("Goods received note"),
    "production": gettext_lazy("Production record"),
    "warehouse_receipt": gettext_lazy("Warehouse receipt"),
    "release_order": gettext_lazy("Release order"),
    "warehouse_confirmation": gettext_lazy("Warehouse’s confirmation"),
    "invoice": gettext_lazy("Assigned invoice"),
    "assigned_invoice": gettext_lazy("Assigned invoice"),
    "bank_entry": gettext_lazy("Bank entry"),
    "repayment": gettext_lazy("Repayment"),
    "rebate": gettext_lazy("Rebate"),
    "bill_of_lading": gettext_lazy("Bill of lading"),
    "count": gettext_lazy("Stock count"),
    "credit_note": gettext_lazy("Credit note"),
    "reversal": gettext_lazy("Reversal of"),
}
