"""What the orders room refuses, by name."""

from common.errors import Refusal


class NotYourOrder(Refusal):
    """The actor's organisation has no part in the order that would let it do this."""

    code = "not_your_order"


class OrderNumberTaken(Refusal):
    """The buyer has an order of this number."""

    code = "order_number_taken"


class OrderUnsound(Refusal):
    """An order without lines, with one item twice, to oneself, or due before it is placed."""

    code = "order_unsound"


class PriceNotPossible(Refusal):
    """A unit price that is not positive, or finer than 8 decimals."""

    code = "price_not_possible"


class AmountsDoNotTie(Refusal):
    """The amount that was stated is not the sum of the lines."""

    code = "amounts_do_not_tie"


class NotTheBuyersFacility(Refusal):
    """The facility belongs to another borrower than the order's buyer, or another currency."""

    code = "not_the_buyers_facility"


class FractionsDoNotSum(Refusal):
    """The stages' fractions do not make one whole."""

    code = "fractions_do_not_sum"


class ShareAboveAdvanceRate(Refusal):
    """The lender's share is more than the facility lends on a paid order."""

    code = "share_above_advance_rate"


class EvidenceAwaited(Refusal):
    """The stage is paid on evidence that has not come yet."""

    code = "evidence_awaited"


class OwnShareNotEvidenced(Refusal):
    """The buyer's own payment is not on record, or is one that counted for another stage."""

    code = "own_share_not_evidenced"


class AccountUnclear(Refusal):
    """The supplier has no account in the currency, or several and none was named."""

    code = "account_unclear"


class UnknownItem(Refusal):
    """A delivery brings something that was not ordered."""

    code = "unknown_item"


class OverDelivery(Refusal):
    """A delivery brings more than is still awaited."""

    code = "over_delivery"


class NotAwaitingGoods(Refusal):
    """The order is not placed, or everything on it was received."""

    code = "not_awaiting_goods"


class OrderChanged(Refusal):
    """The order was financed in this very moment: the same request will now be judged anew."""

    code = "order_changed"


class StagesUnpaid(Refusal):
    """The order has stages that are not paid."""

    code = "stages_unpaid"


class GoodsReceived(Refusal):
    """Goods were received on the order: it cannot be called off."""

    code = "goods_received"


class DeliveryNotReversible(Refusal):
    """The delivery was taken back already, or its order is closed."""

    code = "delivery_not_reversible"


class StandsOnDelivery(Refusal):
    """Something later stands on the delivery: that goes back first."""

    code = "stands_on_delivery"
