"""`reverse`: a mistaken conversion undone by a compensating one, by a maker and a checker.

Nothing is erased. What the conversion produced, which must be there in full, becomes again what
it had consumed: the same quantity of the same goods under the same right and the same terms, each
a part of the position it was taken from. The goods move back with it. A debt or a sum of cash stays
one claim: what comes back of it joins what remained of it.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Refusal
from lending.models import Facility
from lending.services.acts import require_lender
from logistics.services.reversal import reverse_act
from parties.roles import Act, Role
from parties.services.authority import require_authority
from pledges.measure import unit_values, worth
from pledges.models import Conversion, ConversionLeg, Position
from pledges.rules.terms import Term
from pledges.services.claims import claim_again
from pledges.services.conversion import Evidence, Make, Take, convert, take
from pledges.services.cover import CoverAct, Requirement
from pledges.services.warehouse import SameHand
from pledges.states import (
    JOINED,
    TERMINAL_RIGHTS,
    UNCHOSEN_BACK,
    ConversionKind,
    Direction,
    MortgageState,
    Right,
)

REVERSIBLE = frozenset(
    {
        ConversionKind.DELIVER,
        ConversionKind.ATTACH,
        ConversionKind.TRANSFORM,
        ConversionKind.PLEDGE,
        ConversionKind.CRYSTALLISE,
        ConversionKind.SHIP,
        ConversionKind.ARRIVE,
        ConversionKind.SUBSTITUTE,
        ConversionKind.RELEASE,
        ConversionKind.OUTFLOW,
        ConversionKind.COLLECT,
        ConversionKind.APPLY,
    }
)

# What has its own way back, and which act that is; of some, the room whose books go back with it
# is the only one that calls `reverse`.
BY_ITS_ROOM = frozenset({ConversionKind.COLLECT, ConversionKind.APPLY})
INSTEAD: dict[ConversionKind, str | Promise] = {
    ConversionKind.PREPAY: gettext_lazy("have the bank return the payment"),
    ConversionKind.DELIVER: gettext_lazy("reverse the delivery on its order"),
    ConversionKind.REVOKE: gettext_lazy("pay the supplier again"),
    ConversionKind.SELL: gettext_lazy("take the goods back on a credit note"),
    ConversionKind.RETURN: gettext_lazy("sell the goods again"),
    ConversionKind.COLLECT: gettext_lazy("unmatch the bank entry"),
    ConversionKind.APPLY: gettext_lazy("take their use back, or recall the rebate"),
    ConversionKind.LOSE: gettext_lazy("count the goods again and pledge what is found"),
    ConversionKind.ENFORCE: gettext_lazy("settle it in the disposal case"),
    ConversionKind.REVERSE: gettext_lazy("make the first conversion again"),
}


class NoSuchConversion(Refusal):
    """The facility's journal has no such conversion."""

    code = "no_such_conversion"


class AlreadyReversed(Refusal):
    """A conversion is reversed once."""

    code = "already_reversed"


class ReversedOtherwise(Refusal):
    """Another act undoes such a conversion."""

    code = "reversed_otherwise"


class NothingFloats(Refusal):
    """The facility's mortgage has crystallised: no goods come under it to move again."""

    code = "nothing_floats"


class LaterConversionFirst(Refusal):
    """Something was made of what the conversion made: that goes back first."""

    code = "later_conversion_first"


def reverse(
    *,
    act: CoverAct,
    conversion_id: uuid.UUID,
    maker_id: int,
    reason: str,
    by_its_room: bool = False,
) -> list[Position]:
    """Undo a conversion of the act's facility; return what it had consumed, made anew.

    Receipts and pieces that had ended with what was consumed are claimed again with it.

    The act's actor is the checker: an approver or risk officer of the lender, another person than
    the maker, with authority for the market value concerned. Where the lender is left with less
    than before (nothing had been consumed) the release rule holds, else the shortfall may not
    grow; money that never came is a fact, recorded and called, never refused. A delivery on a
    purchase order is reversed by the orders room, a collection and the use of its proceeds by the
    factoring room: they pass `by_its_room`, and their books go back with it. Raises
    NoSuchConversion, AlreadyReversed, ReversedOtherwise, NothingFloats,
    LaterConversionFirst (with the conversion to reverse first), SameHand, NotYourFacility,
    NotAllowed, BeyondAuthority, WouldUncover, BelowReleaseLevel, and NotFree when the goods are
    no longer there.
    """
    conversion = find_reversible(act.facility, conversion_id, by_its_room=by_its_room)
    legs = list(
        conversion.legs.select_related(
            "position__lot__item", "position__lot__site", "position__parent"
        )
    )
    consumed = [leg for leg in legs if leg.direction == Direction.CONSUMED]
    produced = [leg for leg in legs if leg.direction == Direction.PRODUCED]
    _require_floating(act, consumed)
    act.require(_requirement(conversion, consumed))
    takes = [one for leg in produced for one in _standing(conversion, leg)]
    rests = {leg.position_id: _rest(leg.position) for leg in consumed}
    takes += [Take(one.pk, one.remaining) for one in rests.values() if one is not None]
    _require_hands(act, [*consumed, *produced], maker_id)
    taken = take(
        act=act,
        kind=ConversionKind.REVERSE,
        takes=takes,
        lots_besides=[leg.position.lot_id for leg in consumed if leg.position.lot_id],
    )
    undone = [
        reverse_act(act=one.act, reason=reason, actor=act.actor, now=act.now)
        for one in conversion.stock.select_related("act__source").order_by("-act__recorded_at")
    ]
    makes = list(_restored(consumed, rests)) or _given_back(produced)
    made = convert(
        act=act,
        kind=ConversionKind.REVERSE,
        taken=taken,
        makes=makes,
        evidence=_evidence(conversion),
        maker_id=maker_id,
        reason=reason,
        moved=undone,
        reverses_id=conversion.pk,
    )
    for position, leg in zip(made, consumed, strict=False):
        if _ended(conversion, leg.position):
            claim_again(restored=position, before=leg.position, now=act.now)
    return made


def _requirement(conversion: Conversion, consumed: Sequence[ConversionLeg]) -> Requirement:
    if conversion.kind in UNCHOSEN_BACK:
        return Requirement.NONE
    return Requirement.NOT_WORSE if consumed else Requirement.RELEASE


def is_reversed_as_such(conversion: Conversion, *, by_its_room: bool = False) -> bool:
    """Tell whether a conversion goes back by itself, not by another act or its room's books."""
    kind = ConversionKind(conversion.kind)
    on_order = kind == ConversionKind.DELIVER and "order" in conversion.evidence
    return kind in REVERSIBLE and (by_its_room or not (kind in BY_ITS_ROOM or on_order))


def find_reversible(
    facility: Facility, conversion_id: uuid.UUID, *, by_its_room: bool = False
) -> Conversion:
    """Return a conversion of a facility if it is reversed as such and was not yet.

    Raises NoSuchConversion, ReversedOtherwise, AlreadyReversed.
    """
    found = Conversion.objects.filter(facility=facility, pk=conversion_id).first()
    if found is None:
        raise NoSuchConversion(message=_("no such conversion in this facility"), field="conversion")
    kind = ConversionKind(found.kind)
    if not is_reversed_as_such(found, by_its_room=by_its_room):
        raise ReversedOtherwise(
            message=_("%(kind)s is not reversed as such: %(instead)s")
            % {"kind": kind.label, "instead": INSTEAD[kind]},
            field="conversion",
        )
    if Conversion.objects.filter(reverses=found).exists():
        raise AlreadyReversed(
            message=_("%(conversion)s is reversed already") % {"conversion": found},
            field="conversion",
        )
    return found


def _require_floating(act: CoverAct, consumed: Sequence[ConversionLeg]) -> None:
    floats = any(leg.position.right == Right.FLOATING_MORTGAGE for leg in consumed)
    if floats and act.facility.mortgages.filter(state=MortgageState.CRYSTALLISED).exists():
        raise NothingFloats(
            message=_("the mortgage has crystallised: its goods do not move again"),
            field="conversion",
        )


def _standing(conversion: Conversion, leg: ConversionLeg) -> list[Take]:
    """Return the whole of what was produced: what remains, and what later reversals put back."""
    family = _family(leg.position)
    takes = [Take(one.pk, one.remaining) for one in family if one.remaining]
    short = leg.quantity - sum((one.quantity for one in takes), Decimal(0))
    if short == 0:
        return takes
    later = _latest_on(conversion, family)
    raise LaterConversionFirst(
        message=_("%(label)s: reverse %(later)s of %(on)s first (%(reference)s)")
        % {
            "label": leg.position.label,
            "later": later.get_kind_display(),
            "on": later.business_date.isoformat(),
            "reference": later.evidence.get("reference", ""),
        },
        field="conversion",
        numbers={"conversion": later.pk, "kind": later.kind, "short": short},
    )


def _family(position: Position) -> list[Position]:
    """Return a position and what reversals made of parts of it, and of parts of those."""
    found, fresh = [position], [position]
    while fresh:
        fresh = list(
            Position.objects.filter(
                parent__in=fresh,
                legs__direction=Direction.PRODUCED,
                legs__conversion__kind=ConversionKind.REVERSE,
            )
        )
        found += fresh
    return found


def _latest_on(conversion: Conversion, family: Sequence[Position]) -> Conversion:
    return (
        Conversion.objects.filter(
            legs__position__in=family, legs__direction=Direction.CONSUMED, reversal__isnull=True
        )
        .exclude(pk=conversion.pk)
        .exclude(kind=ConversionKind.REVERSE)
        .order_by("occurred_at", "pk")
        .reverse()[0]
    )


def _rest(position: Position) -> Position | None:
    """Return what remains of a claim in money, under whichever position it continues."""
    if position.right not in JOINED:
        return None
    return Position.objects.continuing(position).filter(remaining__gt=0).first()


def _restored(
    consumed: Sequence[ConversionLeg], rests: Mapping[uuid.UUID, Position | None]
) -> Iterator[Make]:
    """Return what was consumed, to be made again: the old right and terms, part of the old.

    What remained of a claim in money joins it, so that the claim stays one.
    """
    for leg in consumed:
        position, rest = leg.position, rests[leg.position_id]
        yield Make(
            right=Right(position.right),
            quantity=leg.quantity + (rest.remaining if rest else 0),
            unit=position.unit,
            label=position.label,
            terms=[
                Term(term.basis_id, term.market_per_unit, term.lending_per_unit)
                for term in position.terms.order_by("basis_id")
            ],
            lot=position.lot,
            parent=position.root,
        )


def _ended(conversion: Conversion, position: Position) -> bool:
    """Tell whether the conversion took the last of a position, and its claims with it."""
    if position.closed_at != conversion.occurred_at:
        return False
    taken = position.legs.filter(direction=Direction.CONSUMED)
    return taken.latest("pk").conversion_id == conversion.pk


def _given_back(produced: Sequence[ConversionLeg]) -> list[Make]:
    """Return what came from nothing as goods given back: they secure nothing any more."""
    return [
        Make(
            right=Right.RELEASED,
            quantity=leg.quantity,
            unit=leg.position.unit,
            label=leg.position.label,
            lot=leg.position.lot,
            parent=leg.position,
        )
        for leg in produced
    ]


def _evidence(conversion: Conversion) -> Evidence:
    """Return what the journal keeps: the evidence of the mistake, and which act it was."""
    return Evidence(
        "reversal",
        str(conversion.evidence.get("reference", "")),
        {
            "conversion": str(conversion.pk),
            "kind_reversed": str(conversion.kind),
            "date_reversed": conversion.business_date.isoformat(),
        },
    )


def _require_hands(act: CoverAct, legs: Sequence[ConversionLeg], maker_id: int) -> None:
    """Refuse one person for both hands, strangers, and a checker without the authority."""
    if act.actor.person_id is None or act.actor.person_id == maker_id:
        raise SameHand(
            message=_("a conversion is reversed by a maker and a different checker"),
            field="checker",
        )
    require_lender(act.actor, act.facility, Role.APPROVER, Role.RISK_OFFICER)
    values = unit_values(as_of=act.priced_on, position_ids={leg.position_id for leg in legs})
    sides = [
        worth(
            values,
            {
                leg.position_id: leg.quantity
                for leg in legs
                if leg.direction == direction and leg.position.right not in TERMINAL_RIGHTS
            },
        )
        for direction in (Direction.CONSUMED, Direction.PRODUCED)
    ]
    require_authority(
        actor=act.actor, act=Act.RELEASE, amount=max(sides), currency=act.facility.currency
    )
