"""How rate models did on a commodity, as they were last judged, and who asks for another."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404

from parties.actors import Actor
from risk.models import BacktestRun, BacktestScore, Commodity, RateModelSwitch
from risk.models.commodity import CommodityKind

_LONG = ("path", "exceeded")  # what charts alone need


def get_priced(code: str) -> Commodity:
    """Return a commodity with a price of its own; 404 for any other (one query)."""
    rows = Commodity.objects.filter(kind=CommodityKind.COMMODITY)
    if (found := rows.filter(code=code).first()) is None:
        raise Http404
    return found


def get_last_run(commodity: Commodity, *, on: date) -> BacktestRun | None:
    """Return the latest backtest of a commodity that saw nothing after a day (one query)."""
    rows = BacktestRun.objects.filter(until_on__lte=on, scores__commodity=commodity)
    return rows.order_by("-until_on", "-id").first()


def list_scores(run: BacktestRun | None, commodity: Commodity) -> list[BacktestScore]:
    """Return how each model did in a run, without the charts' paths (one query)."""
    if run is None:
        return []
    return list(run.scores.filter(commodity=commodity).defer(*_LONG))


def get_score(run: BacktestRun, commodity: Commodity, entrant: str) -> BacktestScore:
    """Return one model's score with its path; 404 for a model that was not in the run."""
    rows = run.scores.filter(commodity=commodity)
    if (found := rows.filter(entrant=entrant).first()) is None:
        raise Http404
    return found


def list_switches(actor: Actor, **only: Any) -> list[RateModelSwitch]:
    """Return the latest switches of the reader's house, newest first (one query)."""
    rows = RateModelSwitch.objects.visible_to(actor).filter(**only)
    return list(rows.select_related("commodity", "maker", "checker")[:200])


def get_switch(actor: Actor, switch_id: int) -> RateModelSwitch:
    """Return one switch; 404 for another house's."""
    rows = RateModelSwitch.objects.visible_to(actor).select_related("commodity")
    if (found := rows.filter(pk=switch_id).first()) is None:
        raise Http404
    return found
