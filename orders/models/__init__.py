"""Purchase orders, how they are paid, and what was delivered on them."""

from orders.models.delivery import Delivery, DeliveryLine, DeliveryReversal
from orders.models.financing import OrderClaim, OrderFinancing, PaymentStage
from orders.models.purchase_order import OrderLine, PurchaseOrder

__all__ = [
    "Delivery",
    "DeliveryLine",
    "DeliveryReversal",
    "OrderClaim",
    "OrderFinancing",
    "OrderLine",
    "PaymentStage",
    "PurchaseOrder",
]
