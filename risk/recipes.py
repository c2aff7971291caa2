"""What a published rate was made from, complete: the same recipe on the same prices gives it again.

A recipe is kept with every rate as JSON. Numbers stand as the text that gives back exactly the
same number; the prices by their fingerprint and the identity of the last one that counted.
"""

import math
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from risk.governance import publish
from risk.models import Commodity
from risk.pledge_rates import COLD_START_ROW, START_ROWS, FloatArray, RateParameters, RatePath
from risk.rate_models.codes import RateModelCode
from risk.rate_models.registry import rate_model
from risk.weekdays import weekdays_between

MODEL_RATE_STEP = Decimal("0.00000000000000001")
APPRAISED_CAP = Decimal("0.50")  # of goods valued by hand, the market having fallen silent


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRecipe:
    """The series that stands in for goods without one: s^2 = beta^2 s_proxy^2 + s_basis^2.

    drift: log price change per trading day of the horizon, zero or negative (ageing technology).
    age: weekdays since the proxy's last price.
    """

    commodity_id: int
    beta: float
    basis_scale: float
    drift: float
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A model and all that it is told besides prices."""

    model: str
    horizon: int
    confidence: str
    disposal_cost: str
    age: int
    peer_scale: float | None = None
    proxy: ProxyRecipe | None = None

    @property
    def parameters(self) -> RateParameters:
        """The parameters; the cap is left to governance, so that the model's own word is seen."""
        return RateParameters(
            horizon=self.horizon,
            confidence=float(self.confidence),
            disposal_cost=float(self.disposal_cost),
            peer_scale=self.peer_scale,
        )

    def path(self, prices: FloatArray, first_row: int) -> RatePath:
        """Return the rates from a row on, by the model alone."""
        return rate_model(self.model).path(
            prices, self.parameters, ages=self.age, first_row=first_row
        )

    def last_rate(self, prices: FloatArray, proxy_prices: FloatArray | None = None) -> "Modelled":
        """Return what the model says on the last of these prices."""
        if self.proxy and proxy_prices is not None:
            found = _by_proxy(self, self.proxy, proxy_prices)
            return found if prices[-1] > 0 else replace(found, rate=0.0)
        last = len(prices) - 1
        return Modelled.of(self.path(prices, last), last)


@dataclass(frozen=True, slots=True)
class Modelled:
    """What a model says of one day: its rate, not a number without one, and what is behind it."""

    rate: float
    scale: float
    tail: float
    observations: int

    @classmethod
    def of(cls, path: RatePath, row: int) -> "Modelled":
        """Return one row of a path; a rate is at most the whole value."""
        return cls(
            rate=min(float(path.rate[row]), 1.0),
            scale=float(path.scale[row]),
            tail=float(path.tail[row]),
            observations=int(path.observations[row]),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the figures behind the rate; those that the model does not have are None."""
        return {
            "scale": self.scale if math.isfinite(self.scale) else None,
            "tail": self.tail if math.isfinite(self.tail) else None,
            "observations": self.observations,
        }


def _by_proxy(recipe: Recipe, proxy: ProxyRecipe, proxy_prices: FloatArray) -> Modelled:
    """Return the rate of goods without a series: design page "risk", section 2.3.

    The proxy's pooled tail in units of the widened scale, over the horizon and the older of the
    two prices, plus the drift.
    """
    last = len(proxy_prices) - 1
    path = recipe.path(proxy_prices, last)
    scale = math.hypot(proxy.beta * float(path.scale[last]), proxy.basis_scale)
    days = recipe.horizon + max(recipe.age, proxy.age, 0)
    quantile = float(path.tail[last]) * scale * math.sqrt(days) + proxy.drift * days
    rate = (1 - float(recipe.disposal_cost)) * math.exp(quantile)
    return Modelled(rate, scale, float(path.tail[last]), int(path.observations[last]))


def recipe_of(commodity: Commodity, *, age: int) -> Recipe:
    """Return a commodity's recipe on a day whose price is so many weekdays old.

    Goods that lean on a proxy are computed by our own model, whatever is chosen: only its scale
    and its tail can be taken apart.
    """
    chosen = RateModelCode.BFHS if commodity.proxy_id else commodity.rate_model
    return Recipe(
        model=rate_model(chosen).identity,
        horizon=commodity.horizon_days,
        confidence=str(commodity.confidence),
        disposal_cost=str(commodity.disposal_cost),
        age=age,
    )


def is_cold(commodity: Commodity, row: int) -> bool:
    """Tell whether a row is too early for its own quantile, so that peers may lend theirs."""
    ours = commodity.rate_model == RateModelCode.BFHS and not commodity.proxy_id
    return ours and COLD_START_ROW <= row < commodity.horizon_days + START_ROWS - 1


def governed(
    model_rate: float, day: date, previous: tuple[date, Decimal] | None, cap: Decimal
) -> Decimal:
    """Return the rate to publish on a day, given the last positive one and its day."""
    capped = min(model_rate, float(cap))
    if previous is None:
        return publish(capped, None, cap=cap)
    return publish(capped, previous[1], days=weekdays_between(previous[0], day), cap=cap)


def exact(rate: float) -> Decimal:
    """Return a float as the column keeps it: all digits that tell it from its neighbours."""
    return Decimal(repr(rate)).quantize(MODEL_RATE_STEP, rounding=ROUND_HALF_EVEN)


def peer_scale(peers: list[FloatArray]) -> float | None:
    """Return the peer class's mean absolute daily log return: the median over its series.

    Each series speaks for its last ten years and needs 250 rows; None without any.
    """
    means = []
    for prices in peers:
        recent = prices[-2501:]
        if len(prices) >= START_ROWS and (recent > 0).all():
            means.append(float(np.abs(np.diff(np.log(recent))).mean()))
    return float(np.median(means)) if means else None


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as it is kept with a rate."""
    kept: dict[str, Any] = {
        "horizon_days": recipe.horizon,
        "confidence": recipe.confidence,
        "disposal_cost": recipe.disposal_cost,
        "age_days": recipe.age,
    }
    if recipe.peer_scale is not None:
        kept["peer_scale"] = repr(recipe.peer_scale)
    if recipe.proxy:
        kept["proxy"] = {
            "commodity_id": recipe.proxy.commodity_id,
            "beta": repr(recipe.proxy.beta),
            "basis_scale": repr(recipe.proxy.basis_scale),
            "drift": repr(recipe.proxy.drift),
            "age_days": recipe.proxy.age,
        }
    return kept


def recipe_from(model: str, kept: dict[str, Any]) -> Recipe:
    """Return the recipe that was kept with a rate of a model."""
    proxy = kept.get("proxy")
    return Recipe(
        model=model,
        horizon=kept["horizon_days"],
        confidence=kept["confidence"],
        disposal_cost=kept["disposal_cost"],
        age=kept["age_days"],
        peer_scale=float(kept["peer_scale"]) if "peer_scale" in kept else None,
        proxy=ProxyRecipe(
            commodity_id=proxy["commodity_id"],
            beta=float(proxy["beta"]),
            basis_scale=float(proxy["basis_scale"]),
            drift=float(proxy["drift"]),
            age=proxy["age_days"],
        )
        if proxy
        else None,
    )
