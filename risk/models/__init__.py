"""Commodities, their prices and their published pledge rates, and how those were judged."""

from risk.models.backtest import BacktestRun, BacktestScore
from risk.models.commodity import Commodity, CommodityKind
from risk.models.feed import Feed, FeedBody, FeedRun, FeedSeries
from risk.models.held_price import HeldPrice, HoldReason, SecondPrint
from risk.models.model_switch import RateModelSwitch
from risk.models.override import PriceOverride
from risk.models.pledge_rate import PledgeRate
from risk.models.price import Price, PriceBatch

__all__ = [
    "BacktestRun",
    "BacktestScore",
    "Commodity",
    "CommodityKind",
    "Feed",
    "FeedBody",
    "FeedRun",
    "FeedSeries",
    "HeldPrice",
    "HoldReason",
    "PledgeRate",
    "Price",
    "PriceBatch",
    "PriceOverride",
    "RateModelSwitch",
    "SecondPrint",
]
