"""Goods: what they are, where they lie, who holds them and what happened to them."""

from logistics.models.item import BillLine, BillOfMaterials, Item, ItemContent
from logistics.models.lot import Hold, Lot
from logistics.models.receipt import ReceiptEntry, WarehouseReceipt
from logistics.models.run import ProductionRun, WorkInProcess
from logistics.models.serial import SerialUnit
from logistics.models.shipment import Shipment, ShipmentLine
from logistics.models.site import Site
from logistics.models.stock_event import StockAct, StockEvent

__all__ = [
    "BillLine",
    "BillOfMaterials",
    "Hold",
    "Item",
    "ItemContent",
    "Lot",
    "ProductionRun",
    "ReceiptEntry",
    "SerialUnit",
    "Shipment",
    "ShipmentLine",
    "Site",
    "StockAct",
    "StockEvent",
    "WarehouseReceipt",
    "WorkInProcess",
]
