"""Sell a lot: one person proposes an offer, another accepts it, goods and money change hands.

The acceptance is one act: positions are realised, the goods leave by release order, the price is
in the controlled account, its costs and the debt are paid from it by the facility's waterfall.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from common.money import Money
from lending.refusals import BankReferenceMissing, require_payable
from lending.services.acts import person_of, require_lender
from logistics.models import Lot
from logistics.services.stock import ship_lots
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person
from pledges.models import DisposalCase, DisposalLot, Offer, Position, Sale
from pledges.models.disposal_sale import price_of
from pledges.rules.cover import Cover
from pledges.rules.sealed_bids import Bid, outcome
from pledges.services.conversion import Evidence, Make, Take, Taken, convert, take
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import (
    CHECKERS,
    MAKERS,
    ZERO,
    enforcing,
    fresh_cover,
    leave_trace,
    lock_case,
    withdraw_lots,
)
from pledges.services.disposal.place_offer import open_lot
from pledges.services.disposal.refusals import (
    BelowReserve,
    BidTooEarly,
    CostsAbovePrice,
    NothingToRestore,
    NotTheBest,
    OfferLapsed,
    PaymentUsed,
    SaleProposed,
)
from pledges.services.disposal.waterfall import distribute
from pledges.services.disposal.worth import worth_of
from pledges.services.goods import lot_of
from pledges.services.valuation import terms_of_claim
from pledges.states import ConversionKind, DisposalTarget, Right


def propose_sale(*, offer: Offer, costs: Decimal, on: date, actor: Actor, now: datetime) -> Sale:
    """Propose to accept an offer, with what selling costs; nothing moves yet.

    Of sealed bids the highest alone, after the closing; an open offer may be passed over for a
    better one at any time. Raises BelowReserve with the numbers, NotTheBest, BidTooEarly,
    OfferLapsed, SaleProposed, CostsAbovePrice, CaseNotSelling, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Proposing a sale"))
    facility_id = offer.lot.case.facility_id
    with enforcing(facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *MAKERS)
        lot = open_lot(offer.lot)
        fresh = lock_one(Offer.objects.select_related("bidder", "channel"), offer.pk)
        second = _require_acceptable(act, lot, fresh)
        _require_costs(act, costs, price_of(fresh))
        proposed = SaleProposed(
            message=_("A sale of lot %s is proposed already.") % lot.number, field="offer"
        )
        with constraint_refusals({"disposal_lot_sold_once": proposed}):
            sale = Sale.objects.create(
                lot=lot,
                offer=fresh,
                tenant_id=act.facility.tenant_id,
                buyer=fresh.bidder,
                price=price_of(fresh),
                reserve=lot.reserve,
                costs=costs,
                second=second,
                maker_id=maker_id,
                proposed_at=now,
            )
        _trace(sale, "propose_sale", "disposal_sale_proposed", act)
        return sale


def _require_acceptable(act: CoverAct, lot: DisposalLot, offer: Offer) -> Decimal | None:
    """Refuse an offer that does not win; return what the next one would have paid."""
    if offer.binding_until <= act.now:
        raise OfferLapsed(
            message=_("The offer was binding until %s.") % offer.binding_until.isoformat(),
            field="offer",
        )
    known = [one for one in lot.offers.all() if not one.is_sealed]
    if lot.is_auction:
        _require_closed(lot, act.now)
        bids = [Bid(one.pk, price_of(one), one.received_at) for one in known]
        result = outcome(bids, reserve=lot.reserve)
        if result is None or result.winner.key != offer.pk:
            _require_reserve(act, lot, offer)
            raise NotTheBest(
                message=_("The highest bid wins; of two alike, the one handed in first."),
                field="offer",
            )
        return result.second
    _require_reserve(act, lot, offer)
    others = [price_of(one) for one in known if one.pk != offer.pk]
    return max(others, default=None)


def _require_closed(lot: DisposalLot, now: datetime) -> None:
    if lot.closes_at is not None and now < lot.closes_at:
        raise BidTooEarly(
            message=_("Bids may be opened until %s; then the highest wins.")
            % lot.closes_at.isoformat(),
            field="offer",
        )


def _require_reserve(act: CoverAct, lot: DisposalLot, offer: Offer) -> None:
    offered = ZERO if offer.is_sealed else price_of(offer)
    short = lot.reserve - offered
    if short > 0:
        raise BelowReserve(
            message=_("the reserve is %(reserve)s, offered %(offered)s: short %(short)s")
            % {
                "reserve": Money(lot.reserve, act.facility.currency),
                "offered": Money(offered, act.facility.currency),
                "short": Money(short, act.facility.currency),
            },
            field="offer",
            numbers={"reserve": lot.reserve, "offered": offered, "short": short},
        )


def _require_costs(act: CoverAct, costs: Decimal, price: Decimal) -> None:
    if costs:
        require_payable(costs, act.facility.currency, field="costs")
    if costs > price:
        raise CostsAbovePrice(
            message=_("It brings %(price)s and would cost %(costs)s.")
            % {
                "price": Money(price, act.facility.currency),
                "costs": Money(costs, act.facility.currency),
            },
            field="costs",
            numbers={"price": price, "costs": costs},
        )


def accept_sale(*, sale: Sale, bank_reference: str, on: date, actor: Actor, now: datetime) -> Sale:
    """Accept a proposed sale against its payment: the goods go, the money is shared out.

    The checker is another person than the maker, with authority for the goods' market value;
    `bank_reference` is the buyer's payment into the controlled account. Settles the case when
    nothing is owed any more. Raises SamePerson, BeyondAuthority, NothingToRestore (cured
    meanwhile), OfferLapsed, NotTheBest, PaymentUsed, BankReferenceMissing, TransitionRefused (the
    lot is sold), CaseNotSelling, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Accepting a sale"))
    facility_id = sale.lot.case.facility_id
    with enforcing(facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, Role.APPROVER)
        lot = open_lot(sale.lot)
        locked = lock_one(Sale.objects.select_related("offer", "buyer", "lot__case"), sale.pk)
        require_other_person(actor, maker_id=locked.maker_id)
        _require_payment(bank_reference)
        _require_need(act, lot.case)
        _require_acceptable(act, lot, locked.offer)
        worth = worth_of(lot, as_of=act.priced_on)
        require_authority(actor, Act.RELEASE, worth, act.facility.currency)
        proceeds = _enforce(_Handover(act, lot, locked, bank_reference.strip()))
        _close(act, locked, lot, proceeds, checker_id, bank_reference.strip())
        return locked


def _require_payment(bank_reference: str) -> None:
    if not bank_reference.strip():
        raise BankReferenceMissing(
            message=_("The goods leave against the buyer's payment: name its bank reference."),
            field="bank_reference",
        )


def _require_need(act: CoverAct, case: DisposalCase) -> Cover:
    """Refuse to sell what nobody needs sold any more: the borrower may have cured meanwhile."""
    cover = fresh_cover(act)
    restoring = case.target == DisposalTarget.RESTORE
    if cover.shortfall if restoring else cover.exposure:
        return cover
    raise NothingToRestore(
        message=_("%s is covered, or owes nothing: nothing may be sold.") % act.facility,
        field="sale",
    )


@dataclass(frozen=True, slots=True)
class _Handover:
    """A sale at the moment when goods and money change hands."""

    act: CoverAct
    lot: DisposalLot
    sale: Sale
    bank_reference: str

    @property
    def reference(self) -> str:
        """The number under which the warehouse lets the goods go."""
        return f"RO-DISPOSAL-{self.sale.pk}"


def _enforce(handover: _Handover) -> Position:
    """Turn what is sold into what was realised and the cash that came for it."""
    act, sale = handover.act, handover.sale
    items = [Take(item.position_id, item.quantity) for item in handover.lot.items.all()]
    taken = take(act=act, kind=ConversionKind.ENFORCE, takes=items)
    _let_go(handover, [one for one in taken if one.position.lot is not None])
    cash = Make(
        right=Right.PROCEEDS,
        quantity=sale.price,
        unit=act.facility.currency,
        label=f"{handover.bank_reference}, {sale.buyer.name}",
        terms=terms_of_claim(act.facility.currency, Decimal(1)),
        parent=taken[0].position if len(taken) == 1 else None,
    )
    made = convert(
        act=act,
        kind=ConversionKind.ENFORCE,
        taken=taken,
        makes=[*realised_makes(taken, Right.REALISED), cash],
        evidence=Evidence(
            "disposal_sale",
            f"{sale.lot.case_id}/{sale.lot.number}",
            {
                "buyer": sale.buyer.name,
                "price": str(sale.price),
                "channel": str(sale.offer.channel),
                "payment": handover.bank_reference,
            },
        ),
        maker_id=sale.maker_id,
        reason=act.facility.code,
    )
    return made[-1]


def realised_makes(taken: Sequence[Taken], right: Right) -> list[Make]:
    """Return the terminal positions of what was enforced: sold, or given up as lost."""
    return [
        Make(
            right=right,
            quantity=one.quantity,
            unit=one.position.unit,
            label=one.position.label,
            lot=one.position.lot,
            parent=one.position,
        )
        for one in taken
    ]


def _let_go(handover: _Handover, taken: Sequence[Taken]) -> None:
    """Give the custodians their release order: each lets go what lies at its sites."""
    by_site: dict[int, list[tuple[Lot, Decimal]]] = {}
    for one in taken:
        lot = lot_of(one)
        by_site.setdefault(lot.site_id, []).append((lot, one.quantity))
    act = handover.act
    for number, goods in enumerate(by_site.values(), start=1):
        ship_lots(
            goods=goods,
            source=goods[0][0].site.operator,
            reference=f"{handover.reference}-{number}",
            occurred_at=act.now,
            evidence={"release_order": handover.reference, "buyer": handover.sale.buyer.name},
            actor=act.actor,
            now=act.now,
        )


def _close(
    act: CoverAct,
    sale: Sale,
    lot: DisposalLot,
    proceeds: Position,
    checker_id: int,
    bank_reference: str,
) -> None:
    """Write the sale down, share its money out, and end the case if nothing is owed."""
    lot.sell()
    lot.save(update_fields=["state"])
    sale.accept(checker_id=checker_id, on=act.on, bank_reference=bank_reference, proceeds=proceeds)
    used = PaymentUsed(
        message=_("The payment %s was for another sale.") % bank_reference, field="bank_reference"
    )
    with constraint_refusals({"sale_paid_once": used}):
        sale.save()
    sale.repayment = distribute(act, sale)
    sale.save(update_fields=["repayment"])
    act.facility.refresh_from_db(fields=["exposure"])
    if act.facility.exposure == 0:
        case = lock_case(lot.case_id)
        withdraw_lots(case)
        case.settle(deficit=ZERO, now=act.now)
        case.save(update_fields=["state", "deficit", "ended_at"])
    _trace(sale, "accept_sale", "disposal_sold", act)


def refuse_sale(*, sale: Sale, on: date, actor: Actor, now: datetime) -> Sale:
    """Turn a proposed sale down; the lot stays on the market."""
    checker_id = person_of(actor, _("Refusing a sale"))
    facility_id = sale.lot.case.facility_id
    with enforcing(facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CHECKERS)
        lock_case(sale.lot.case_id)
        locked = lock_one(Sale.objects.select_related("lot", "buyer"), sale.pk)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id)
        locked.save(update_fields=["state", "checker"])
        _trace(locked, "refuse_sale", "disposal_sale_refused", act)
        return locked


def _trace(sale: Sale, action: str, topic: str, act: CoverAct) -> None:
    leave_trace(
        sale,
        action=action,
        topic=topic,
        facility=act.facility,
        detail={
            "case": sale.lot.case_id,
            "lot": sale.lot.number,
            "buyer": sale.buyer.code,
            "price": sale.price,
            "costs": sale.costs,
        },
        actor=act.actor,
        now=act.now,
        on=act.on,
    )
