"""Computing published rates again from what was kept with them: to the last digit, or why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from risk.histories import PriceHistory, price_histories
from risk.models import PledgeRate
from risk.recipes import exact, governed, recipe_from


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A published rate beside what its recipe gives today; problem: why the two differ, if so."""

    rate: PledgeRate
    problem: str = ""


def reproduce_rates(
    *,
    codes: list[str] | None = None,
    from_on: date | None = None,
    until_on: date | None = None,
) -> Iterator[Reproduced]:
    """Yield every published rate of a range with whether it comes out again, oldest first.

    Prices are read as they stood when the rate was made: later corrections change nothing. One
    query for prices a rate: this is an audit, and no page waits for it.
    """
    rows = PledgeRate.objects.select_related("commodity", "price")
    if codes:
        rows = rows.filter(commodity__code__in=codes)
    if from_on:
        rows = rows.filter(effective_on__gte=from_on)
    if until_on:
        rows = rows.filter(effective_on__lte=until_on)
    for rate in rows.order_by("commodity__code", "effective_on", "revision").iterator():
        yield Reproduced(rate, _difference(rate))


def _difference(rate: PledgeRate) -> str:
    """Return how a rate differs from what its recipe gives; nothing if it does not."""
    kept: dict[str, Any] = rate.parameters
    if "inputs" not in kept:
        return "published before inputs were kept"
    history = _as_it_was(rate.commodity_id, rate.price.observed_on, kept["inputs"])
    if problem := _altered(history, kept["inputs"]):
        return problem
    proxy = PriceHistory()
    if "proxy_inputs" in kept:
        proxy = _as_it_was(kept["proxy"]["commodity_id"], rate.effective_on, kept["proxy_inputs"])
        if problem := _altered(proxy, kept["proxy_inputs"]):
            return f"proxy: {problem}"
    try:
        recipe = recipe_from(rate.model, kept)
        found = recipe.last_rate(history.prices, proxy.prices).rate
    except KeyError:
        return f"no model {rate.model} here"
    return _compared(rate, exact(found), _published(rate, found))


def _as_it_was(commodity_id: int, until_on: date, inputs: dict[str, Any]) -> PriceHistory:
    found = price_histories([commodity_id], until_on=until_on, newest=inputs["newest_price"])
    return found.get(commodity_id, PriceHistory())


def _altered(history: PriceHistory, inputs: dict[str, Any]) -> str:
    """Return what is wrong with prices that should be those of a fingerprint."""
    rows = len(history.days)
    if rows != inputs["rows"]:
        return f"{rows} prices where there were {inputs['rows']}"
    return "" if history.digest(rows) == inputs["sha256"] else "the prices are not those it names"


def _published(rate: PledgeRate, model_rate: float) -> Decimal:
    """Return what governance makes of a model rate, after the rate that was in force then."""
    kept = rate.parameters
    before = None
    if "previous_on" in kept:
        before = (date.fromisoformat(kept["previous_on"]), Decimal(kept["previous_rate"]))
    return governed(model_rate, rate.effective_on, before, Decimal(kept["cap"]))


def _compared(rate: PledgeRate, model_rate: Decimal, published: Decimal) -> str:
    if model_rate != rate.model_rate:
        return f"the model says {model_rate}, not {rate.model_rate}"
    return "" if published == rate.rate else f"{published} would be published, not {rate.rate}"
