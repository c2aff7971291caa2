"""`pledge`, `release` and `substitute`: goods in a warehouse's hands for the lender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from lending.services.acts import require_lender
from logistics.models import Lot, Site
from logistics.services.acts import reported_act
from logistics.services.stock import move_goods
from parties.models import Organisation
from parties.roles import Act, Role
from parties.services.authority import require_authority
from pledges.measure import unit_values, worth
from pledges.models import Position
from pledges.services.claims import require_not_under_others_receipts
from pledges.services.conversion import Evidence, NothingToConvert, Take, convert, take
from pledges.services.cover import CoverAct, Requirement
from pledges.services.goods import lot_of, released_makes, require_borrowers_goods, secured_makes
from pledges.states import ConversionKind, Right


class SameHand(Refusal):
    """Who asks for goods to be given back may not approve it."""

    code = "maker_is_checker"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The warehouse's report that goods came in from where they were mortgaged."""

    site: Site
    lot_number: str
    source: Organisation
    reference: str
    occurred_at: datetime


def pledge_free(
    *,
    act: CoverAct,
    lots: Sequence[tuple[Lot, Decimal]],
    evidence: Evidence,
    serials: Mapping[int, Sequence[str]] | None = None,
) -> list[Position]:
    """Pledge free goods; the evidence is the warehouse's confirmation of the hold.

    A quantity that is already claimed, by whomever, is refused by logistics in neutral words.
    `serials` names, by lot, the pieces of a part of a lot whose pieces have serial numbers.
    """
    require_borrowers_goods(act, [lot for lot, _quantity in lots])
    require_not_under_others_receipts(act, lots)
    _check_quantities(lots)
    named = serials or {}
    makes = [
        replace(make, serials=named.get(make.lot.pk if make.lot else 0))
        for make in secured_makes(lots, Right.PLEDGE)
    ]
    return convert(
        act=act,
        kind=ConversionKind.PLEDGE,
        taken=[],
        makes=makes,
        evidence=evidence,
    )


def pledge_mortgaged(*, act: CoverAct, goods: Take, arrival: Arrival) -> Position:
    """Turn mortgaged goods into pledged ones as they enter the warehouse.

    Moves the quantity from where it was mortgaged to the warehouse's lot and holds it there.
    """
    [taken] = take(act=act, kind=ConversionKind.PLEDGE, takes=[goods])
    lot = move_goods(
        lot=lot_of(taken),
        to_site=arrival.site,
        quantity=taken.quantity,
        lot_number=arrival.lot_number,
        source=arrival.source,
        reference=arrival.reference,
        occurred_at=arrival.occurred_at,
        actor=act.actor,
        now=act.now,
    )
    [position] = convert(
        act=act,
        kind=ConversionKind.PLEDGE,
        taken=[taken],
        makes=secured_makes([(lot, taken.quantity)], Right.PLEDGE, taken.position),
        evidence=Evidence("warehouse_receipt", arrival.reference, {"site": arrival.site.name}),
        moved=[reported_act(source=arrival.source, reference=arrival.reference)],
    )
    return position


def release(
    *, act: CoverAct, goods: Sequence[Take], maker_id: int, reference: str, reason: str
) -> list[Position]:
    """Give goods back to the borrower on a release order.

    The act's actor is the checker: an approver or risk officer of the lender, another person than
    the maker, with authority for the market value given up. Raises SameHand, NotYourFacility,
    NotAllowed, BeyondAuthority; BelowReleaseLevel unless E ≤ release factor × ΣLV afterwards.
    """
    act.require(Requirement.RELEASE)
    _check_hands(act, goods, maker_id)
    taken = take(act=act, kind=ConversionKind.RELEASE, takes=goods)
    return convert(
        act=act,
        kind=ConversionKind.RELEASE,
        taken=taken,
        makes=released_makes(taken),
        evidence=Evidence("release_order", reference),
        maker_id=maker_id,
        reason=reason,
    )


def substitute(
    *,
    act: CoverAct,
    give: Sequence[Take],
    bring: Sequence[tuple[Lot, Decimal]],
    maker_id: int,
    evidence: Evidence,
    reason: str,
) -> list[Position]:
    """Swap goods in one act: the old hold falls only when the new one stands.

    Refused (WouldUncover) if the shortfall after the swap is larger than before it. Returns the
    new pledge positions.
    """
    act.require(Requirement.NOT_WORSE)
    require_borrowers_goods(act, [lot for lot, _quantity in bring])
    _check_quantities(bring)
    _check_hands(act, give, maker_id)
    taken = take(
        act=act,
        kind=ConversionKind.SUBSTITUTE,
        takes=give,
        lots_besides=[lot.pk for lot, _quantity in bring],
    )
    require_not_under_others_receipts(act, bring)  # once the lots are locked, all in one order
    made = convert(
        act=act,
        kind=ConversionKind.SUBSTITUTE,
        taken=taken,
        makes=[*secured_makes(bring, Right.PLEDGE), *released_makes(taken)],
        evidence=evidence,
        maker_id=maker_id,
        reason=reason,
    )
    return made[: len(bring)]


def _check_quantities(lots: Sequence[tuple[Lot, Decimal]]) -> None:
    if not lots or any(quantity <= 0 for _lot, quantity in lots):
        raise NothingToConvert(message=_("name a quantity above zero"), field="quantity")


def _check_hands(act: CoverAct, goods: Sequence[Take], maker_id: int) -> None:
    if act.actor.person_id is None or act.actor.person_id == maker_id:
        raise SameHand(
            message=_("goods are given back by a maker and a different checker"), field="checker"
        )
    require_lender(act.actor, act.facility, Role.APPROVER, Role.RISK_OFFICER)
    values = unit_values(as_of=act.priced_on, position_ids=[one.position_id for one in goods])
    given_up = worth(values, {one.position_id: one.quantity for one in goods})
    require_authority(
        actor=act.actor, act=Act.RELEASE, amount=given_up, currency=act.facility.currency
    )
