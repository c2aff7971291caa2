"""Put quantities of positions up for sale as one lot, in the open or by sealed bids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from django.utils.translation import gettext as _

from common.locks import lock_in_order
from common.money import Money
from lending.refusals import require_payable
from lending.services.acts import require_lender
from parties.actors import Actor
from pledges.measure import unit_values
from pledges.models import DisposalCase, DisposalItem, DisposalLot, Position
from pledges.rules.liquidation import CENT, Asset, closes
from pledges.services.conversion import NotInThisFacility, Take
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import (
    MAKERS,
    ZERO,
    enforcing,
    fresh_cover,
    leave_trace,
    lock_case,
    lock_lot,
    require_selling,
)
from pledges.services.disposal.refusals import (
    AlreadyForSale,
    MoreThanRestores,
    NothingToRestore,
    ReserveNotPossible,
)
from pledges.services.disposal.restoring import (
    SALEABLE,
    asset_of,
    expected_from_lots,
    for_sale_already,
    least_step,
    plan_restoring,
)
from pledges.states import DisposalTarget, SaleState


@dataclass(frozen=True, slots=True, kw_only=True)
class LotTerms:
    """How a lot is sold: its reserve, what it is expected to bring net, when bids are opened."""

    reserve: Decimal
    expected_share: Decimal = Decimal(1)
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def put_up_lot(
    *,
    case: DisposalCase,
    goods: Sequence[Take],
    terms: LotTerms,
    on: date,
    actor: Actor,
    now: datetime,
) -> DisposalLot:
    """Put goods or claims up for sale.

    A case that is to restore the cover sells no more than does so at the expected price, unless
    selling cannot restore it. Raises CaseNotSelling, MoreThanRestores with the numbers,
    AlreadyForSale, NothingToRestore, ReserveNotPossible, NotInThisFacility, NotYourFacility.
    """
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *MAKERS)
        locked = lock_case(case.pk)
        require_selling(locked)
        _require_terms(terms, act)
        assets = _assets(act, goods, terms.expected_share)
        _require_need(act, locked, assets, terms.expected_share)
        lot = _insert(act, locked, assets, terms)
        _trace(lot, "put_up_lot", "disposal_lot_offered", act)
        return lot


def _require_terms(terms: LotTerms, act: CoverAct) -> None:
    require_payable(terms.reserve, act.facility.currency, field="reserve")
    if terms.expected_share <= 0:
        raise ReserveNotPossible(
            message=_("A sale is expected to bring something."), field="expected_share"
        )
    opens, closes_at = terms.opens_at, terms.closes_at
    if opens is None and closes_at is None:
        return
    if opens is None or closes_at is None or not act.now < opens < closes_at:
        raise ReserveNotPossible(
            message=_("Sealed bids are opened at a later instant, and shown until one after it."),
            field="opens_at",
        )


def _assets(act: CoverAct, goods: Sequence[Take], share: Decimal) -> list[tuple[Position, Asset]]:
    wanted = {one.position_id: one.quantity for one in goods}
    rows = act.facility.positions.live().filter(pk__in=list(wanted), right__in=SALEABLE)
    positions = lock_in_order(rows)
    if not wanted or len(positions) != len(wanted) or len(goods) != len(wanted):
        raise NotInThisFacility(
            message=_("name each position of the facility once"), field="position"
        )
    taken = for_sale_already(positions)
    values = unit_values(as_of=act.priced_on, position_ids=list(wanted))
    for position in positions:
        _require_free(position, wanted[position.pk], taken.get(position.pk, ZERO))
    return [
        (one, asset_of(one, values[one.pk], quantity=wanted[one.pk], net_share=share))
        for one in positions
    ]


def _require_free(position: Position, asked: Decimal, taken: Decimal) -> None:
    free = position.remaining - taken
    if 0 < asked <= free:
        return
    raise AlreadyForSale(
        message=_("%(label)s: %(free)s %(unit)s can still be put up, asked %(asked)s")
        % {
            "label": position.label,
            "free": f"{free.normalize():f}",
            "asked": f"{asked.normalize():f}",
            "unit": position.unit,
        },
        field="quantity",
        numbers={"free": free, "asked": asked},
    )


def _require_need(
    act: CoverAct,
    case: DisposalCase,
    assets: Sequence[tuple[Position, Asset]],
    share: Decimal,
) -> None:
    cover = fresh_cover(act)
    if case.target == DisposalTarget.EVERYTHING and cover.exposure:
        return
    if not cover.shortfall:
        raise NothingToRestore(
            message=_("%s is covered, or owes nothing: nothing may be sold.") % act.facility,
            field="goods",
        )
    plan = plan_restoring(
        facility=act.facility, shortfall=cover.shortfall, net_share=share, as_of=act.priced_on
    )
    if not plan.restores:
        return  # selling cannot restore the cover: everything is for sale
    parts = [(asset, asset.quantity) for _position, asset in assets]
    need = cover.shortfall - expected_from_lots(act.facility, as_of=act.priced_on)
    gain = sum((closes(q, price=a.price, lending=a.lending) for a, q in parts), ZERO)
    if gain - least_step(parts) >= need:
        raise MoreThanRestores(
            message=_(
                "the cover is short by %(need)s; this lot is expected to close %(gain)s: sell less"
            )
            % {
                "need": Money(max(need, ZERO), act.facility.currency),
                "gain": Money(gain, act.facility.currency),
            },
            field="quantity",
            numbers={"need": need, "gain": gain},
        )


def _insert(
    act: CoverAct,
    case: DisposalCase,
    assets: Sequence[tuple[Position, Asset]],
    terms: LotTerms,
) -> DisposalLot:
    market = sum((asset.market * asset.quantity for _one, asset in assets), ZERO)
    lending = sum((asset.lending * asset.quantity for _one, asset in assets), ZERO)
    lot = DisposalLot.objects.create(
        case=case,
        number=case.lots.count() + 1,
        reserve=terms.reserve,
        expected_share=terms.expected_share,
        market_value=market.quantize(CENT, rounding=ROUND_HALF_EVEN),
        lending_value=lending.quantize(CENT, rounding=ROUND_DOWN),
        offered_at=act.now,
        opens_at=terms.opens_at,
        closes_at=terms.closes_at,
    )
    DisposalItem.objects.bulk_create(
        DisposalItem(lot=lot, position=position, quantity=asset.quantity)
        for position, asset in assets
    )
    return lot


def withdraw_lot(*, lot: DisposalLot, on: date, actor: Actor, now: datetime) -> DisposalLot:
    """Take a lot off the market; TransitionRefused once it is sold."""
    with enforcing(lot.case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *MAKERS)
        lock_case(lot.case_id)
        locked = lock_lot(lot.pk)
        locked.withdraw()
        locked.save(update_fields=["state"])
        for sale in locked.sales.filter(state=SaleState.PROPOSED):
            sale.refuse(checker_id=None)
            sale.save(update_fields=["state", "checker"])
        _trace(locked, "withdraw_lot", "disposal_lot_withdrawn", act)
        return locked


def _trace(lot: DisposalLot, action: str, topic: str, act: CoverAct) -> None:
    leave_trace(
        lot,
        action=action,
        topic=topic,
        facility=act.facility,
        detail={
            "case": lot.case_id,
            "lot": lot.number,
            "reserve": lot.reserve,
            "market_value": lot.market_value,
        },
        actor=act.actor,
        now=act.now,
        on=act.on,
    )
