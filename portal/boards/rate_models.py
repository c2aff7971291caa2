"""Rate models of one commodity beside each other: how they lent, and how often they fell short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.utils.translation import gettext as _

from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.names import name_of
from portal.queries.prices import get_history
from portal.queries.rate_models import (
    get_last_run,
    get_priced,
    get_score,
    list_scores,
    list_switches,
)
from portal.tables import Column, Table
from risk.backtests.codes import PROPOSAL, PROPOSAL_GOVERNED
from risk.models import BacktestRun, BacktestScore, Commodity, RateModelSwitch
from risk.rate_models.codes import RateModelCode
from risk.states import OverrideState

_TONES = {"green": "good", "yellow": "warn", "red": "bad"}


@dataclass(frozen=True, slots=True)
class RateModelsBoard:
    """What the page shows."""

    code: str
    name: str
    chosen: str
    entrants: list[tuple[str, str]]
    facts: list[Fact]
    form: Form | None
    tables: dict[str, Table]


def rate_models_board(
    actor: Actor, code: str, on: date, entrant: str | None, *, form: Form | None
) -> RateModelsBoard:
    """Return one commodity's models as last judged by a day; 404 for an unknown code.

    form: what a risk officer asks for another model with, None for other readers.
    """
    commodity = get_priced(code)
    run = get_last_run(commodity, on=on)
    scores = list_scores(run, commodity)
    known = [score.entrant for score in scores]
    chosen = entrant if entrant in known else _default(commodity, known)
    return RateModelsBoard(
        code=commodity.code,
        name=name_of(commodity),
        chosen=chosen,
        entrants=[(name, entrant_label(name)) for name in known],
        facts=_facts(commodity, run, {score.entrant: score for score in scores}),
        form=form,
        tables={
            "models": _models_table(commodity, scores),
            "switches": _switches_table(list_switches(actor, commodity=commodity)),
        },
    )


def entrant_label(entrant: str) -> str:
    """Return a model's name as people read it; ours enters bare and as published."""
    if entrant == PROPOSAL_GOVERNED:
        return _("%s, as published") % RateModelCode.BFHS.label
    code = RateModelCode.BFHS if entrant == PROPOSAL else entrant
    return str(RateModelCode(code).label)


def _default(commodity: Commodity, known: Sequence[str]) -> str:
    """Return the entrant to draw first: the model in force."""
    return next((name for name in known if _in_force(commodity, name)), known[0] if known else "")


def _in_force(commodity: Commodity, entrant: str) -> bool:
    ours = commodity.rate_model == RateModelCode.BFHS
    return entrant == (PROPOSAL if ours else commodity.rate_model)


def light_label(light: str) -> str:
    """Return a supervisors' zone in words: never by colour alone."""
    return {"green": _("Green"), "yellow": _("Yellow"), "red": _("Red")}[light]


def _facts(
    commodity: Commodity, run: BacktestRun | None, by_entrant: dict[str, BacktestScore]
) -> list[Fact]:
    model = RateModelCode(commodity.rate_model).label
    sold_in = _("sold in %(days)s trading days, %(confidence)s confidence") % {
        "days": commodity.horizon_days,
        "confidence": formats.percent(commodity.confidence, 1),
    }
    facts = [Fact(_("Model in force"), str(model), note=sold_in, tone="lead")]
    score = next((one for name, one in by_entrant.items() if _in_force(commodity, name)), None)
    if run is None or score is None:
        return [*facts, Fact(_("Backtest"), formats.EMPTY, note=_("not judged yet"))]
    allowed = Decimal(1) - commodity.confidence
    return [
        *facts,
        Fact(
            _("Fell short"),
            formats.percent(_share(score.exceedances / score.days), 2),
            note=_("of %(days)s days; %(allowed)s is allowed")
            % {"days": f"{score.days:,}", "allowed": formats.percent(allowed, 1)},
        ),
        Fact(_("Matched rate"), formats.percent(_share(score.matched_rate), 2),
             note=_("mean rate at exactly that allowance")),
        Fact(_("Traffic light"), light_label(score.light), tone=_TONES[score.light],
             note=_("judged on prices until %s") % formats.day(run.until_on)),
    ]  # fmt: skip


def _share(value: float) -> Decimal:
    return Decimal(repr(value))


def _percent(places: int) -> Any:
    return lambda value: formats.percent(None if value is None else _share(value), places)


def _plain(places: int) -> Any:
    return lambda value: formats.EMPTY if value is None else f"{value:.{places}f}"


def _models_table(commodity: Commodity, scores: Sequence[BacktestScore]) -> Table:
    in_force = _("in force")
    return Table(
        key="models",
        title=_("Models compared"),
        columns=[
            columns.text(
                _("Model"),
                lambda s: entrant_label(s.entrant),
                sub=lambda s: in_force if _in_force(commodity, s.entrant) else "",
            ),
            columns.text(_("Traffic light"), lambda s: light_label(s.light)),
            _figure(_("Fell short"), lambda s: s.exceedances / s.days, _percent(2)),
            _figure(_("Kupiec p"), lambda s: s.kupiec, _plain(2)),
            _figure(_("Cond. coverage p"), lambda s: s.conditional, _plain(2)),
            _figure(_("Mean rate"), lambda s: s.mean_rate, _percent(2)),
            _figure(_("Matched rate"), lambda s: s.matched_rate, _percent(2)),
            _figure(_("Skill"), lambda s: s.skill, _plain(3)),
            _figure(_("Worst shortfall"), lambda s: s.worst, _percent(1)),
            _figure(_("Daily move"), lambda s: s.daily_move, _percent(3)),
            _figure(_("Worst 5-day cut"), lambda s: s.fall_5d, _percent(1)),
            _figure(_("Peak to trough"), lambda s: s.haircut_ratio, _plain(2)),
            _figure(_("Calls a year"), lambda s: s.calls, _plain(1)),
        ],
        rows=scores,
        empty=_("No backtest is on record."),
        first_step=_("Backtests need six years of prices; see the guide for risk officers."),
    )


def _figure(label: str, get: Any, show: Any) -> Column:
    return Column(label, get, show=show, numeric=True)


def _switches_table(switches: Sequence[RateModelSwitch]) -> Table:
    return Table(
        key="switches",
        title=_("Switches of the model"),
        columns=[
            columns.instant(_("Asked"), "requested_at"),
            columns.words(_("Switch"), switch_words, sub=lambda s: s.reason),
            columns.state(_("State"), lambda s: OverrideState(s.state).label),
            columns.text(_("Asked by"), lambda s: s.maker.get_full_name()),
            columns.text(
                _("Decided by"),
                lambda s: s.checker.get_full_name() if s.checker else "",
                sub=lambda s: s.note,
            ),
        ],
        rows=switches,
        empty=_("Nobody has asked for another model."),
    )


def switch_words(switch: RateModelSwitch) -> str:
    """Return the step from one model to another in words."""
    before, after = (
        RateModelCode(code).label for code in (switch.model_before, switch.model_after)
    )
    return f"{before} → {after}"


def path_data(code: str, on: date, entrant: str | None) -> dict[str, Any]:
    """Return weekly prices and rates, and the days whose fall exceeded the rate; 404 for others."""
    commodity = get_priced(code)
    run = get_last_run(commodity, on=on)
    if run is None:
        return {"prices": [], "rates": [], "exceeded": []}
    score = get_score(run, commodity, entrant or "")
    history = get_history(code, on=score.last_on, days=None)
    drawn = {day for day, _rate in score.path}
    quoted = [(point.observed_on.isoformat(), float(point.price)) for point in history.prices]
    return {
        "prices": [[day, price] for day, price in quoted if day in drawn],
        "rates": score.path,
        "exceeded": score.exceeded,
        "texts": {
            "price": _("Price"),
            "rate": _("Rate of the model"),
            "exceeded": _("Fell short after this day"),
        },
    }
