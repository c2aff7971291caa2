"""The answers "no" of default and disposal, each with its numbers."""

from common.errors import Refusal


class NotEnforceable(Refusal):
    """No margin call of the facility has run past its clock."""

    code = "not_enforceable"


class StillShort(Refusal):
    """A default is not healed while exposure is above lending value."""

    code = "still_short"


class ChannelUnsound(Refusal):
    """The channel's terms do not say who buys, at what price, or for how long."""

    code = "channel_unsound"


class ChannelNotAgreed(Refusal):
    """The channel was not agreed before the default, or is not valid on the day."""

    code = "channel_not_agreed"


class NotThisChannel(Refusal):
    """The offer does not come from the channel's counterparty, or not in its manner."""

    code = "not_this_channel"


class CaseRuns(Refusal):
    """A case of the facility is running already."""

    code = "case_runs"


class CaseNotSelling(Refusal):
    """Nothing may be sold under the case now."""

    code = "case_not_selling"


class NothingToRestore(Refusal):
    """The cover stands, or nothing is owed: nothing may be sold."""

    code = "nothing_to_restore"


class MoreThanRestores(Refusal):
    """More was put up for sale than restores the cover."""

    code = "more_than_restores"


class AlreadyForSale(Refusal):
    """So much of the position is not free to be put up: another lot has it."""

    code = "already_for_sale"


class ReserveNotPossible(Refusal):
    """A reserve price is more than zero, and an opening lies in the future."""

    code = "reserve_not_possible"


class BelowReserve(Refusal):
    """No sale below the reserve price."""

    code = "below_reserve"


class BelowAgreedPrice(Refusal):
    """A buy-back pays at least the agreed share of the live market value."""

    code = "below_agreed_price"


class BidTooLate(Refusal):
    """Bids are handed in before the opening, and opened before the closing."""

    code = "bid_too_late"


class BidTooEarly(Refusal):
    """A sealed bid is not opened before the opening."""

    code = "bid_too_early"


class BidDoesNotMatch(Refusal):
    """Amount and nonce are not those that were committed to."""

    code = "bid_does_not_match"


class BidTaken(Refusal):
    """The bidder has handed in its envelope already."""

    code = "bid_taken"


class OfferLapsed(Refusal):
    """The offer binds its bidder no more."""

    code = "offer_lapsed"


class NotTheBest(Refusal):
    """Somebody else offered more (or as much, earlier)."""

    code = "not_the_best"


class SaleProposed(Refusal):
    """A sale of the lot is proposed already, or done."""

    code = "sale_proposed"


class CostsAbovePrice(Refusal):
    """A sale that costs more than it brings is none."""

    code = "costs_above_price"


class PaymentUsed(Refusal):
    """The bank reference paid for another sale."""

    code = "payment_used"


class StillForSale(Refusal):
    """A case is not settled while something is left that could be sold or collected."""

    code = "still_for_sale"


class NoSurplus(Refusal):
    """Nothing was brought beyond the debt, or it was asked for already."""

    code = "no_surplus"


class SurplusDiffers(Refusal):
    """What is left is not what was asked for."""

    code = "surplus_differs"
