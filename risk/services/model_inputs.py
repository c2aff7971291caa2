"""What the rates of a day are made from: each commodity's prices, its peers' and its proxy's."""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from risk.histories import PriceHistory, price_histories
from risk.models import Commodity, CommodityKind
from risk.models.commodity import AssetClass
from risk.pledge_rates import START_ROWS
from risk.recipes import (
    APPRAISED_CAP,
    Modelled,
    ProxyRecipe,
    Recipe,
    is_cold,
    peer_scale,
    recipe_json,
    recipe_of,
)
from risk.weekdays import weekdays_between


@dataclass(frozen=True, slots=True)
class RateDay:
    """A day that gets a rate: from the price of a row, so many weekdays old."""

    effective_on: date
    row: int
    age: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Histories by commodity id: those to be rated, and those that they lean on."""

    histories: dict[int, PriceHistory]
    peers: dict[str, list[int]]

    def of(self, commodity_id: int) -> PriceHistory:
        """Return a commodity's prices; empty without any."""
        return self.histories.get(commodity_id, PriceHistory())


def load_inputs(commodities: Sequence[Commodity], *, first_on: date, until_on: date) -> Inputs:
    """Return what the rates of these days are made from (three queries at most)."""
    histories = price_histories([one.pk for one in commodities], until_on=until_on)
    thin = {
        one.asset_class
        for one in commodities
        if histories.get(one.pk, PriceHistory()).first_row(first_on) < one.horizon_days + START_ROWS
    } - {AssetClass.OTHER}  # all sorts of goods are nobody's peers
    peers: dict[str, list[int]] = {}
    if thin:
        classes = Commodity.objects.filter(kind=CommodityKind.COMMODITY, asset_class__in=thin)
        for pk, asset_class in classes.values_list("pk", "asset_class"):
            peers.setdefault(asset_class, []).append(pk)
    lent = {pk for members in peers.values() for pk in members}
    lent |= {one.proxy_id for one in commodities if one.proxy_id}
    if more := sorted(lent - set(histories)):
        histories |= price_histories(more, until_on=until_on)
    return Inputs(histories, peers)


@dataclass(frozen=True, slots=True)
class Opinion:
    """The model's word for a day, with all that it was made from, and the cap by appraisal."""

    day: RateDay
    modelled: Modelled
    kept: dict[str, Any]
    appraised: bool


def opinions(commodity: Commodity, days: Sequence[RateDay], inputs: Inputs) -> list[Opinion]:
    """Return the model's word for each day, oldest first; the model walks the history once.

    One age for all is right: only a single day can have an old price.
    """
    history = inputs.of(commodity.pk)
    common = recipe_of(commodity, age=days[-1].age)
    path = None if commodity.proxy_id else common.path(history.prices, days[0].row)
    found = []
    for day in days:
        recipe, extra = _leaning(commodity, common, day, inputs)
        if path is not None and recipe.peer_scale is None:
            modelled = Modelled.of(path, day.row)
        else:
            proxy = inputs.of(commodity.proxy_id or 0).until(day.effective_on)
            modelled = recipe.last_rate(history.prices[: day.row + 1], proxy.prices)
        appraised = _is_appraised(commodity, history, day)
        kept = recipe_json(recipe) | {"inputs": history.fingerprint(day.row + 1)} | extra
        kept |= {"appraised": True} if appraised else {}
        found.append(Opinion(day, modelled, kept | modelled.as_json(), appraised))
    return found


def rates_by(model: str, commodities: Sequence[Commodity], *, on: date) -> dict[int, float]:
    """Return what another model would lend on a day, by commodity id.

    What it cannot say is left out. The commodities are asked as if the model had been chosen for
    them: capped, but without the rule by which a published rate rises slowly. Nothing is written
    (three queries at most).
    """
    asked = [copy(one) for one in commodities]
    inputs = load_inputs(asked, first_on=on, until_on=on)
    rates: dict[int, float] = {}
    for one in asked:
        one.rate_model = model
        history = inputs.of(one.pk)
        if not history.days:
            continue
        age = weekdays_between(history.days[-1], on)
        [opinion] = opinions(one, [RateDay(on, len(history.days) - 1, age)], inputs)
        if math.isfinite(opinion.modelled.rate):
            rates[one.pk] = min(opinion.modelled.rate, float(effective_cap(one, opinion)))
    return rates


def effective_cap(commodity: Commodity, opinion: Opinion) -> Any:
    """Return the highest rate of the day: half at most of goods valued by hand."""
    return min(commodity.cap, APPRAISED_CAP) if opinion.appraised else commodity.cap


def _leaning(
    commodity: Commodity, recipe: Recipe, day: RateDay, inputs: Inputs
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe with what it leans on that day: a proxy, peers, or nothing."""
    if commodity.proxy_id:
        proxy = inputs.of(commodity.proxy_id).until(day.effective_on)
        if not proxy.days:
            return recipe, {}
        leaning = replace(recipe, proxy=_proxy_recipe(commodity, proxy, day))
        return leaning, {"proxy_inputs": proxy.fingerprint(len(proxy.days))}
    if is_cold(commodity, day.row):
        peers = [
            inputs.of(pk).until(day.effective_on).prices
            for pk in inputs.peers.get(commodity.asset_class, [])
            if pk != commodity.pk
        ]
        return replace(recipe, peer_scale=peer_scale(peers)), {}
    return recipe, {}


def _proxy_recipe(commodity: Commodity, proxy: PriceHistory, day: RateDay) -> ProxyRecipe:
    return ProxyRecipe(
        commodity_id=commodity.proxy_id or 0,
        beta=float(commodity.proxy_beta or 0),
        basis_scale=float(commodity.basis_scale or 0),
        drift=float(commodity.drift_per_day),
        age=weekdays_between(proxy.days[-1], day.effective_on),
    )


def _is_appraised(commodity: Commodity, history: PriceHistory, day: RateDay) -> bool:
    """Tell whether the price was set by hand after the feeds had been silent for too long."""
    if day.row not in history.by_hand:
        return False
    fed = next((row for row in range(day.row - 1, -1, -1) if row not in history.by_hand), None)
    if fed is None:
        return True
    silence = weekdays_between(history.days[fed], day.effective_on)
    return silence > commodity.stop_after_days
