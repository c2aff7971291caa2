"""Purchase orders and how they are paid."""

from orders.models.financing import OrderClaim, OrderFinancing, PaymentStage
from orders.models.purchase_order import OrderLine, PurchaseOrder

__all__ = ["OrderClaim", "OrderFinancing", "OrderLine", "PaymentStage", "PurchaseOrder"]
