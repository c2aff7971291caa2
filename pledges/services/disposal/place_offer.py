"""Take an open offer for a lot, through a channel agreed before the default."""

from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal

from django.utils.translation import gettext as _

from common.money import Money
from common.states import TransitionRefused
from lending.refusals import require_payable
from lending.services.acts import require_lender
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from pledges.models import DisposalChannel, DisposalLot, Offer
from pledges.rules.liquidation import CENT
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import enforcing, leave_trace, lock_case, lock_lot
from pledges.services.disposal.acts import require_selling as require_case_selling
from pledges.services.disposal.refusals import (
    BelowAgreedPrice,
    ChannelNotAgreed,
    NotThisChannel,
    OfferLapsed,
)
from pledges.services.disposal.worth import worth_of
from pledges.states import ChannelKind, ChannelState, ParcelState

CLERKS = (Role.PREPARER, Role.OPERATIONS, Role.RISK_OFFICER)
_NAMED = (ChannelKind.BUY_BACK, ChannelKind.AGREED_BUYER)


def place_offer(
    *,
    lot: DisposalLot,
    channel: DisposalChannel,
    bidder: Organisation,
    amount: Decimal,
    binding_until: datetime,
    on: date,
    actor: Actor,
    now: datetime,
) -> Offer:
    """Enter what a bidder would pay for the whole lot, binding until an instant.

    Raises ChannelNotAgreed, NotThisChannel (not the agreed buyer; a lot of sealed bids),
    BelowAgreedPrice for a buy-back below its share of the live value, OfferLapsed,
    CaseNotSelling, TransitionRefused (the lot is sold), NotAnAmount, NotYourFacility.
    """
    with enforcing(lot.case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CLERKS)
        locked = open_lot(lot)
        require_payable(amount, act.facility.currency)
        require_channel(channel, locked, bidder, on=on)
        if channel.kind == ChannelKind.AUCTION or locked.is_auction:
            raise NotThisChannel(
                message=_("Sealed bids alone are taken for an auction, and only for it."),
                field="channel",
            )
        _require_price(act, channel, locked, amount)
        require_binding(binding_until, now)
        offer = Offer.objects.create(
            lot=locked,
            channel=channel,
            bidder=bidder,
            amount=amount,
            received_at=now,
            binding_until=binding_until,
        )
        trace_offer(offer, "place_offer", "disposal_offer_received", act, amount=amount)
        return offer


def open_lot(lot: DisposalLot) -> DisposalLot:
    """Lock the case and the lot; refuse a case that does not sell and a lot that is gone."""
    require_case_selling(lock_case(lot.case_id))
    locked = lock_lot(lot.pk)
    if locked.state != ParcelState.OFFERED:
        raise TransitionRefused(
            message=_("Lot %(lot)s is %(state)s.")
            % {"lot": locked.number, "state": locked.get_state_display()},
            field="lot",
        )
    return locked


def require_channel(
    channel: DisposalChannel, lot: DisposalLot, bidder: Organisation, *, on: date
) -> None:
    """Refuse a channel that was not agreed before the default, or somebody it does not name."""
    declared_on = lot.case.notice.declared_on
    agreed = (
        channel.facility_id == lot.case.facility_id
        and channel.state == ChannelState.AGREED
        and channel.agreed_on is not None
        and declared_on is not None
        and channel.agreed_on <= declared_on
        and channel.valid_from <= on
        and (channel.valid_until is None or on < channel.valid_until)
    )
    if not agreed:
        raise ChannelNotAgreed(
            message=_("%s was not agreed before the default, or is not valid now.") % channel,
            field="channel",
        )
    if channel.kind in _NAMED and bidder.pk != channel.counterparty_id:
        raise NotThisChannel(
            message=_("Through this channel only %s buys.") % channel.counterparty, field="bidder"
        )


def _require_price(
    act: CoverAct, channel: DisposalChannel, lot: DisposalLot, amount: Decimal
) -> None:
    if channel.price_share is None:
        return
    worth = worth_of(lot, as_of=act.priced_on)
    least = (worth * channel.price_share).quantize(CENT, rounding=ROUND_CEILING)
    if amount < least:
        raise BelowAgreedPrice(
            message=_("agreed is at least %(least)s, offered %(offered)s: short %(short)s")
            % {
                "least": Money(least, act.facility.currency),
                "offered": Money(amount, act.facility.currency),
                "short": Money(least - amount, act.facility.currency),
            },
            field="amount",
            numbers={"least": least, "offered": amount, "short": least - amount},
        )


def require_binding(binding_until: datetime, now: datetime) -> None:
    """Refuse an offer that binds nobody any more."""
    if binding_until <= now:
        raise OfferLapsed(message=_("An offer binds until a later instant."), field="binding_until")


def trace_offer(
    offer: Offer, action: str, topic: str, act: CoverAct, *, amount: Decimal | None
) -> None:
    """Leave the traces of an offer; of a sealed one its amount is not known."""
    leave_trace(
        offer,
        action=action,
        topic=topic,
        facility=act.facility,
        detail={
            "case": offer.lot.case_id,
            "lot": offer.lot.number,
            "bidder": offer.bidder.code,
            "amount": amount,
        },
        actor=act.actor,
        now=act.now,
        on=act.on,
    )
