"""Commodities, their prices and their published pledge rates."""

from risk.models.commodity import Commodity, CommodityKind
from risk.models.override import PriceOverride
from risk.models.pledge_rate import PledgeRate
from risk.models.price import Price, PriceBatch

__all__ = ["Commodity", "CommodityKind", "PledgeRate", "Price", "PriceBatch", "PriceOverride"]
