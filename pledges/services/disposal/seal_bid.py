"""Sealed bids: the envelope is handed in before the opening and opened after it."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from lending.refusals import require_payable
from lending.services.acts import require_lender
from parties.actors import Actor
from parties.models import Organisation
from pledges.models import DisposalChannel, DisposalLot, Offer
from pledges.rules.sealed_bids import is_opened_by
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import enforcing
from pledges.services.disposal.place_offer import (
    CLERKS,
    open_lot,
    require_binding,
    require_channel,
    trace_offer,
)
from pledges.services.disposal.refusals import (
    BidDoesNotMatch,
    BidTaken,
    BidTooEarly,
    BidTooLate,
    NotThisChannel,
)
from pledges.states import ChannelKind

_HASH_LENGTH = 64


def place_bid(
    *,
    lot: DisposalLot,
    channel: DisposalChannel,
    bidder: Organisation,
    commitment: str,
    binding_until: datetime,
    on: date,
    actor: Actor,
    now: datetime,
) -> Offer:
    """Take a bidder's commitment (see pledges.rules.sealed_bids) before the lot's opening.

    Nothing else is kept: nobody can read the amount. Raises BidTooLate, BidTaken (one envelope a
    bidder), NotThisChannel, ChannelNotAgreed, BidDoesNotMatch (no hash), CaseNotSelling.
    """
    with enforcing(lot.case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CLERKS)
        locked = open_lot(lot)
        require_channel(channel, locked, bidder, on=on)
        if channel.kind != ChannelKind.AUCTION or locked.opens_at is None:
            raise NotThisChannel(message=_("Sealed bids are for an auction."), field="channel")
        if now >= locked.opens_at:
            raise BidTooLate(
                message=_("Bids were to be handed in before %s.") % locked.opens_at.isoformat(),
                field="commitment",
            )
        require_binding(binding_until, now)
        envelope = commitment.strip().lower()
        if len(envelope) != _HASH_LENGTH or set(envelope) - set("0123456789abcdef"):
            raise BidDoesNotMatch(
                message=_("A commitment is a SHA-256 in 64 hexadecimal digits."),
                field="commitment",
            )
        taken = BidTaken(
            message=_("%s has handed in its bid already.") % bidder.name, field="bidder"
        )
        with constraint_refusals({"offer_sealed_once_per_bidder": taken}):
            offer = Offer.objects.create(
                lot=locked,
                channel=channel,
                bidder=bidder,
                received_at=now,
                binding_until=binding_until,
                commitment=envelope,
            )
        trace_offer(offer, "place_bid", "disposal_bid_sealed", act, amount=None)
        return offer


def reveal_bid(
    *, offer: Offer, amount: Decimal, nonce: str, on: date, actor: Actor, now: datetime
) -> Offer:
    """Open a sealed bid with the amount and nonce that its bidder committed to.

    From the opening instant on, until before the closing. Opened again with the same content it
    is the first opening. Raises BidTooEarly, BidTooLate, BidDoesNotMatch, NotYourFacility.
    """
    facility_id = offer.lot.case.facility_id
    with enforcing(facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CLERKS)
        locked_lot = open_lot(offer.lot)
        locked = lock_one(Offer.objects.select_related("bidder", "lot"), offer.pk)
        _require_time(locked_lot, now)
        require_payable(amount, act.facility.currency)
        opens = is_opened_by(
            locked.commitment, amount=amount, nonce=nonce, bidder=locked.bidder.code
        )
        if not (opens and nonce):  # without a nonce the amount could have been guessed
            raise BidDoesNotMatch(
                message=_("This is not what %s committed to.") % locked.bidder.name,
                field="amount",
            )
        if locked.is_sealed:
            locked.amount, locked.nonce, locked.revealed_at = amount, nonce, now
            locked.save(update_fields=["amount", "nonce", "revealed_at"])
            _tell(locked, act)
        return locked


def _require_time(lot: DisposalLot, now: datetime) -> None:
    opens_at, closes_at = lot.opens_at, lot.closes_at
    if opens_at is None or closes_at is None:
        raise NotThisChannel(message=_("The lot has no sealed bids."), field="offer")
    if now < opens_at:
        raise BidTooEarly(
            message=_("Bids are opened at %s, not before.") % opens_at.isoformat(), field="offer"
        )
    if now >= closes_at:
        raise BidTooLate(
            message=_("Bids were to be opened before %s.") % closes_at.isoformat(), field="offer"
        )


def _tell(offer: Offer, act: CoverAct) -> None:
    trace_offer(offer, "reveal_bid", "disposal_bid_opened", act, amount=offer.amount)
