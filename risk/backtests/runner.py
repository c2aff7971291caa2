"""Walking models forward over many series: the challengers' fits share the machine's cores."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context

import numpy as np

from risk.backtests.codes import PROPOSAL, PROPOSAL_GOVERNED
from risk.backtests.scores import FIRST_ROW, Outcomes, Score, outcomes, score
from risk.backtests.statistics import FloatArray
from risk.governance import publish_path
from risk.pledge_rates import RateParameters
from risk.rate_models.codes import RateModelCode
from risk.rate_models.registry import rate_model

BASE = str(RateModelCode.STATIC_CAL)
ENTRANTS = (
    *(str(code) for code in RateModelCode if code != RateModelCode.BFHS),
    PROPOSAL,
    PROPOSAL_GOVERNED,
)
LEAST_DAYS = 250  # fewer scored days say nothing of one in a hundred

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Series:
    """One commodity's history, oldest first."""

    code: str
    days: Sequence[date]
    prices: FloatArray


@dataclass(frozen=True, slots=True)
class Entry:
    """One model on one series: the log quantiles of the scored rows, and how they did.

    skill: 1 - tick loss over that of the calibrated static rate on the same rows.
    """

    series: str
    entrant: str
    log_quantiles: FloatArray
    score: Score
    skill: float


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker process is told: plain values."""

    entrant: str
    series: str
    prices: FloatArray
    parameters: RateParameters
    first_row: int


def run(
    series: Sequence[Series],
    entrants: Iterable[str],
    parameters: RateParameters,
    *,
    first_row: int = FIRST_ROW,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Entry]:
    """Return the score of every entrant on every series that is long enough, in that order.

    Series with fewer than 250 scored days are left out. The calibrated static rate is always
    walked: skill is measured against it. workers: processes for the fits, 0 for none.
    """
    scored = [one for one in series if _is_long_enough(one, parameters, first_row)]
    chosen = list(dict.fromkeys(entrants))
    walked = list(dict.fromkeys([BASE, *chosen]))
    jobs = [
        _Job(entrant, one.code, one.prices, parameters, first_row)
        for entrant in walked
        for one in scored
    ]
    paths: dict[tuple[str, str], FloatArray] = {}
    for count, (job, path) in enumerate(_walked(jobs, workers), start=1):
        paths[job.entrant, job.series] = path
        if progress:
            progress(count, len(jobs), f"{job.entrant} {job.series}")
    return list(_scored(scored, chosen, paths, parameters, first_row))


def _is_long_enough(one: Series, parameters: RateParameters, first_row: int) -> bool:
    return len(one.prices) - parameters.horizon - first_row >= LEAST_DAYS


def _walked(jobs: Sequence[_Job], workers: int | None) -> Iterator[tuple[_Job, FloatArray]]:
    """Yield each job's path: fits from worker processes, the rest from here."""
    fits = [job for job in jobs if job.entrant == RateModelCode.GARCH_T]
    processes = min(len(fits), workers if workers is not None else os.cpu_count() or 1)
    for job in jobs:
        if job not in fits or not processes:
            yield job, walk(job)
    if processes and fits:
        # Spawned and not forked: a fork would share this process's database connection.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield from zip(fits, pool.map(walk, fits), strict=True)


def walk(job: _Job) -> FloatArray:
    """Return the log quantiles of every row, without factors or cap; those scored are known."""
    ours = job.entrant in (PROPOSAL, PROPOSAL_GOVERNED)
    model = rate_model(RateModelCode.BFHS if ours else job.entrant)
    governed = job.entrant == PROPOSAL_GOVERNED
    path = model.path(job.prices, job.parameters, first_row=0 if governed else job.first_row)
    quantiles = path.log_quantile
    if governed:
        quantiles = np.log(publish_path(np.exp(quantiles)))
    return quantiles


def _scored(
    series: Sequence[Series],
    entrants: Sequence[str],
    paths: Mapping[tuple[str, str], FloatArray],
    parameters: RateParameters,
    first_row: int,
) -> Iterator[Entry]:
    seen: dict[str, Outcomes] = {
        one.code: outcomes(
            one.prices,
            horizon=parameters.horizon,
            probability=parameters.tail_probability,
            first_row=first_row,
        )
        for one in series
    }
    base = {code: score(one, paths[BASE, code][one.rows]).tick for code, one in seen.items()}
    for entrant in entrants:
        for one in series:
            path = paths[entrant, one.code][seen[one.code].rows]
            found = score(seen[one.code], path)
            skill = 1 - found.tick / base[one.code] if base[one.code] else 0.0
            yield Entry(one.code, entrant, path, found, skill)
