"""The backtest as a page of its own: one folder of local files, nothing fetched from anywhere."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from risk.backtests.codes import PROPOSAL
from risk.backtests.runner import Entry, Series
from risk.backtests.scores import FIRST_ROW, FRONTIER, outcomes
from risk.backtests.table import COLUMNS, summaries, write_csv
from risk.pledge_rates import RateParameters

ECHARTS = "echarts/echarts.min.js"
EVERY = 5  # rows between two points of a chart: a week
MOST_CHARTS = 40  # series with a chart of their own; the table has all


def charts_source() -> Path:
    """Return where ECharts lies.

    Raises:
        FileNotFoundError: `make setup` has not been run.

    """
    found = finders.find(ECHARTS)
    if not found:
        message = f"{ECHARTS} is missing: run make setup"
        raise FileNotFoundError(message)
    return Path(found)


def write_report(
    folder: Path, series: Sequence[Series], entries: Sequence[Entry], parameters: RateParameters
) -> list[Path]:
    """Write results.csv, report.html and the chart library into a folder; return their paths."""
    source = charts_source()
    folder.mkdir(parents=True, exist_ok=True)
    results, page, charts = (folder / name for name in ("results.csv", "report.html", source.name))
    with results.open("w") as out:
        write_csv(entries, out)
    shutil.copyfile(source, charts)
    context = {
        "data": report_data(series, entries, parameters),
        "columns": [column.label for column in COLUMNS],
        "rows": _rows(entries),
        "means": _means(entries),
        "parameters": parameters,
        "per_cent": f"{100 * parameters.confidence:g}",
    }
    page.write_text(render_to_string("risk/backtest.html", context))
    return [results, page, charts]


def report_data(
    series: Sequence[Series], entries: Sequence[Entry], parameters: RateParameters
) -> dict[str, Any]:
    """Return what the page's charts draw: rates, prices and exceedances by series and model."""
    by_name = {one.code: one for one in series}
    codes = list(dict.fromkeys(entry.series for entry in entries))[:MOST_CHARTS]
    return {
        "target": parameters.tail_probability,
        "levels": FRONTIER,
        "frontier": [_frontier(name, entries) for name in _entrants(entries)],
        "series": [
            _drawn(by_name[code], [one for one in entries if one.series == code], parameters)
            for code in codes
        ],
    }


def _entrants(entries: Sequence[Entry]) -> list[str]:
    """Return the entrants, ours first."""
    names = dict.fromkeys(entry.entrant for entry in entries)
    return sorted(names, key=lambda name: (name != PROPOSAL, list(names).index(name)))


def _frontier(name: str, entries: Sequence[Entry]) -> dict[str, Any]:
    mine = [entry.score for entry in entries if entry.entrant == name]
    return {
        "model": name,
        "coverage": float(np.mean([one.exceedance for one in mine])),
        "rate": float(np.mean([one.mean_rate for one in mine])),
        "matched": np.mean([one.frontier for one in mine], axis=0).round(5).tolist(),
    }


def _drawn(one: Series, entries: Sequence[Entry], parameters: RateParameters) -> dict[str, Any]:
    seen = outcomes(
        one.prices,
        horizon=parameters.horizon,
        probability=parameters.tail_probability,
        first_row=FIRST_ROW,
    )
    days = [one.days[row].isoformat() for row in seen.rows.tolist()]
    return {
        "code": one.code,
        "days": days[::EVERY],
        "prices": seen.prices[::EVERY].tolist(),
        "models": {
            entry.entrant: {
                "rates": np.exp(entry.log_quantiles[::EVERY]).round(4).tolist(),
                "hits": [
                    [days[row], float(seen.prices[row])]
                    for row in np.flatnonzero(seen.returns < entry.log_quantiles).tolist()
                ],
            }
            for entry in sorted(entries, key=lambda entry: entry.entrant != PROPOSAL)
        },
    }


def _rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "series": entry.series,
            "model": entry.entrant,
            "cells": [column.show(column.of(entry)) for column in COLUMNS],
            "light": entry.score.light.value,
        }
        for entry in entries
    ]


def _means(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "model": one.entrant,
            "cells": [column.show(one.means[column.name]) for column in COLUMNS],
            "kupiec": f"{one.kupiec_passes}/{one.series}",
            "conditional": f"{one.conditional_passes}/{one.series}",
        }
        for one in summaries(entries)
    ]
