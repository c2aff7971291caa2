"""The commodities that the system knows without being told: those of the price files, and money.

Horizons and caps are business choices of the design page "risk": four trading days to sell gold,
ten for other exchange goods; at most 90 % of metals, 80 % of the rest.
"""

from dataclasses import dataclass
from decimal import Decimal

from risk.models import CommodityKind
from risk.models.commodity import AssetClass
from risk.units import Quotation, parse_quotation

_METAL_CAP = Decimal("0.90")
_OTHER_CAP = Decimal("0.80")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommodityDefinition:
    """What `define_commodity` is told."""

    code: str
    name: str
    name_zh: str
    kind: CommodityKind
    asset_class: AssetClass
    quotation: Quotation
    currency: str
    horizon_days: int = 10
    cap: Decimal = _OTHER_CAP


def _good(
    code: str, name: str, name_zh: str, asset_class: AssetClass, unit: str, horizon: int = 10
) -> CommodityDefinition:
    metal = asset_class in (AssetClass.BASE_METAL, AssetClass.PRECIOUS_METAL)
    return CommodityDefinition(
        code=code,
        name=name,
        name_zh=name_zh,
        kind=CommodityKind.COMMODITY,
        asset_class=asset_class,
        quotation=parse_quotation(unit),
        currency="USD",
        horizon_days=horizon,
        cap=_METAL_CAP if metal else _OTHER_CAP,
    )


def _money(code: str, name: str, name_zh: str) -> CommodityDefinition:
    return CommodityDefinition(
        code=code,
        name=name,
        name_zh=name_zh,
        kind=CommodityKind.MONEY,
        asset_class=AssetClass.MONEY,
        quotation=Quotation(Decimal(1), code, Decimal(1)),
        currency=code,
        cap=Decimal(1),
    )


CATALOGUE: tuple[CommodityDefinition, ...] = (
    _good("copper_comex", "Copper (COMEX)", "铜", AssetClass.BASE_METAL, "100 lb"),
    _good("gold_comex", "Gold (COMEX)", "黄金", AssetClass.PRECIOUS_METAL, "troy ounce", 4),
    _good(
        "silver_comex", "Silver (COMEX)", "白银", AssetClass.PRECIOUS_METAL, "troy ounce (cents)"
    ),
    _good("brent", "Brent crude oil", "布伦特原油", AssetClass.ENERGY, "barrel"),
    _good("wti", "WTI crude oil", "西得克萨斯轻质原油", AssetClass.ENERGY, "barrel"),
    _good("henry_hub_gas", "Natural gas (Henry Hub)", "天然气", AssetClass.ENERGY, "MMBtu"),
    _good("gasoline_nyh", "Gasoline (New York Harbor)", "汽油", AssetClass.ENERGY, "gallon"),
    _good("corn_cbot", "Corn (CBOT)", "玉米", AssetClass.AGRICULTURE, "contract (5000 bushels)"),
    _good(
        "soymeal_cbot",
        "Soybean meal (CBOT)",
        "豆粕",
        AssetClass.AGRICULTURE,
        "contract (100 short tons)",
    ),
    _good(
        "sugar_ice", "Sugar no. 11 (ICE)", "原糖", AssetClass.AGRICULTURE, "contract (112000 lb)"
    ),
    _good(
        "cotton_ice", "Cotton no. 2 (ICE)", "棉花", AssetClass.AGRICULTURE, "contract (50000 lb)"
    ),
    _good(
        "live_cattle_cme",
        "Live cattle (CME)",
        "活牛",
        AssetClass.AGRICULTURE,
        "contract (40000 lb)",
    ),
    _money("USD", "US dollar", "美元"),
    _money("CNY", "Renminbi", "人民币"),
    _money("EUR", "Euro", "欧元"),
)
