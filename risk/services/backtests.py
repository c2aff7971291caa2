"""Backtests over the prices on record, kept for the pages."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import numpy as np
from django.db import transaction

from outbox.services import audit
from parties.actors import Actor
from risk.backtests.runner import Entry, Progress, Series, run
from risk.backtests.scores import outcomes
from risk.histories import PriceHistory, price_histories
from risk.models import BacktestRun, BacktestScore, Commodity, CommodityKind
from risk.pledge_rates import RateParameters

_SCORE_COLUMNS = (
    "days",
    "kupiec",
    "kupiec_share",
    "conditional",
    "conditional_share",
    "mean_rate",
    "matched_rate",
    "worst",
    "daily_move",
    "fall_5d",
    "calls",
)
PATH_EVERY = 5  # rows between two points of a chart: a week


def record_backtest(
    *,
    entrants: Sequence[str],
    until_on: date,
    actor: Actor,
    now: datetime,
    codes: Collection[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[BacktestRun, list[Entry]]:
    """Walk the models over the prices up to a day and keep their scores as one run.

    Each commodity is judged at its own horizon and confidence; those with fewer than 250 scored
    days (1,515 prices at a horizon of ten) are left out. codes: these commodities alone, all
    active ones if empty. Writes nothing else: rates stay as published.
    """
    rated = Commodity.objects.filter(kind=CommodityKind.COMMODITY, active=True)
    commodities = list(rated.filter(code__in=codes) if codes else rated)
    histories = price_histories([one.pk for one in commodities], until_on=until_on)
    scores: list[BacktestScore] = []
    entries: list[Entry] = []
    for parameters, alike in _by_parameters(commodities).items():
        series = {one.code: _series(one, histories[one.pk]) for one in alike if one.pk in histories}
        found = run(list(series.values()), entrants, parameters, workers=workers, progress=progress)
        entries += found
        by_code = {one.code: one for one in alike}
        scores += [
            _row(entry, by_code[entry.series], histories, series[entry.series], parameters)
            for entry in found
        ]
    return _keep(scores, until_on, actor, now), entries


def _by_parameters(commodities: Sequence[Commodity]) -> dict[RateParameters, list[Commodity]]:
    """Return the commodities that are judged alike."""
    found: dict[RateParameters, list[Commodity]] = {}
    for one in commodities:
        parameters = RateParameters(horizon=one.horizon_days, confidence=float(one.confidence))
        found.setdefault(parameters, []).append(one)
    return found


def _series(commodity: Commodity, history: PriceHistory) -> Series:
    return Series(commodity.code, history.days, history.prices)


def _row(
    entry: Entry,
    commodity: Commodity,
    histories: dict[int, PriceHistory],
    series: Series,
    parameters: RateParameters,
) -> BacktestScore:
    """Return an entry as it is kept, with the weekly path and the days that exceeded it."""
    seen = outcomes(
        series.prices, horizon=parameters.horizon, probability=parameters.tail_probability
    )
    rows = seen.rows.tolist()
    days = [series.days[row].isoformat() for row in rows]
    hits = np.flatnonzero(seen.returns < entry.log_quantiles).tolist()
    rates = np.exp(entry.log_quantiles).round(4).tolist()
    score = entry.score
    return BacktestScore(
        commodity=commodity,
        entrant=entry.entrant,
        horizon_days=parameters.horizon,
        confidence=parameters.confidence,
        prices_hash=histories[commodity.pk].digest(len(series.prices)),
        first_on=series.days[rows[0]],
        last_on=series.days[rows[-1]],
        exceedances=len(hits),
        skill=entry.skill,
        haircut_ratio=score.haircut_ratio if np.isfinite(score.haircut_ratio) else None,
        light=score.light.value,
        path=[[days[at], rates[at]] for at in range(0, len(days), PATH_EVERY)],
        exceeded=[[days[at], float(seen.prices[at])] for at in hits],
        **{name: getattr(score, name) for name in _SCORE_COLUMNS},
    )


def _keep(
    scores: Sequence[BacktestScore], until_on: date, actor: Actor, now: datetime
) -> BacktestRun:
    """Write the run and its rows at once, with its journal record."""
    with transaction.atomic():
        stored = BacktestRun.objects.create(
            until_on=until_on, recorded_at=now, actor_label=actor.label
        )
        for score in scores:
            score.run = stored
        BacktestScore.objects.bulk_create(scores, batch_size=200)
        audit.record(
            action="risk.record_backtest",
            actor=actor,
            object_type="risk.backtestrun",
            object_id=stored.pk,
            at=now,
            business_date=until_on,
            detail={"until_on": until_on.isoformat(), "scores": len(scores)},
        )
    return stored
