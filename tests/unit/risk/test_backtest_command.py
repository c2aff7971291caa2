"""`manage.py backtest`: over files a report, over the prices on record rows that pages read."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from outbox.models import AuditEntry
from risk.backtests import report
from risk.backtests.statistics import Light
from risk.management.progress import ProgressBar
from risk.models import BacktestRun, BacktestScore, PledgeRate
from risk.services.backtests import record_backtest
from tests.factories.risk import ACTOR, make_commodity, make_history, noon

from .test_pledge_rates import _random_walk

FRIDAY = date(2024, 5, 31)


@pytest.fixture
def charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A chart library that is installed, whatever this checkout has."""
    library = tmp_path / "echarts.min.js"
    library.write_text("// charts")
    monkeypatch.setattr(report.finders, "find", lambda name: str(library))
    return "// charts"


def _prices(folder: Path, **series: int) -> Path:
    folder.mkdir()
    for code, rows in series.items():
        days = [date.fromordinal(730_000 + row) for row in range(rows)]
        walk = zip(days, _random_walk(rows, seed=len(code)), strict=True)
        lines = [f"{day},{price:.4f},USD,t" for day, price in walk]
        (folder / f"{code}.csv").write_text("date,price,currency,unit\n" + "\n".join(lines))
    return folder


def _run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("backtest", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_files_make_a_table_and_a_report_of_local_files(tmp_path: Path, charts: str) -> None:
    folder = _prices(tmp_path / "in", zinc=1700, tin=1600, short=900)
    out = tmp_path / "out"
    lines = _run("--prices", str(folder), "--models", "proposal,hs1000", "--out", str(out))
    assert [line.split()[0] for line in lines] == ["model", "proposal", "hs1000"] + ["wrote"] * 3
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert [(row["model"], row["series"]) for row in rows] == [
        ("proposal", "tin"),
        ("proposal", "zinc"),
        ("hs1000", "tin"),
        ("hs1000", "zinc"),
        ("proposal", "mean"),
        ("hs1000", "mean"),
    ]
    assert [row["days"] for row in rows[:2]] == ["335", "435"]
    means = [float(row["matched_rate"]) for row in rows]
    assert means[4] == pytest.approx((means[0] + means[1]) / 2)
    assert (out / "echarts.min.js").read_text() == charts
    page = (out / "report.html").read_text()
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["echarts.min.js"]
    data = json.loads(re.search(r'application/json">(.*?)</script>', page)[1])
    assert [one["code"] for one in data["series"]] == ["tin", "zinc"]
    hits = data["series"][0]["models"]["proposal"]["hits"]
    assert len(hits) == pytest.approx(float(rows[0]["exceedance"]) * 335)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "oracle"], "no such model: oracle"),
        (["--horizon", "0"], "horizon is 0"),
        (["--series", "gold"], "no series is long enough"),
    ],
)
def test_what_cannot_be_judged_is_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    folder = _prices(tmp_path / "in", tin=300)
    with pytest.raises(CommandError, match=words):
        _run("--prices", str(folder), *arguments)
    with pytest.raises(CommandError, match="no such folder"):
        _run("--prices", str(tmp_path / "none"))


def test_a_missing_chart_library_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report.finders, "find", lambda name: None)
    folder = _prices(tmp_path / "in", tin=300)
    with pytest.raises(CommandError, match="run make setup"):
        _run("--prices", str(folder), "--out", str(tmp_path / "out"))


def test_the_bar_is_drawn_on_terminals_alone() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, file = Terminal(), io.StringIO()
    for out in (screen, file):
        bar = ProgressBar(out)
        bar(1, 2, "hs1000 tin")
        bar(2, 2, "hs1000 zinc")
    assert file.getvalue() == ""
    first, last = screen.getvalue().split("\r")[1:]
    assert first.startswith("█" * 15 + "·" * 15 + " 1/2 hs1000 tin")
    assert last.startswith("█" * 30 + " 2/2 hs1000 zinc")


@pytest.fixture
def tin(db: None) -> None:
    step = Decimal("0.0001")
    prices = [Decimal(price).quantize(step) for price in _random_walk(1600)]
    make_history(commodity=make_commodity(code="tin"), prices=prices, until=FRIDAY)
    make_commodity(code="new")


def test_prices_on_record_are_judged_and_kept(tin: None) -> None:
    run, entries = record_backtest(
        entrants=["proposal", "hs2500"], until_on=FRIDAY, actor=ACTOR, now=noon(FRIDAY)
    )
    kept = list(run.scores.order_by("id"))
    assert [(row.commodity.code, row.entrant) for row in kept] == [
        ("tin", "proposal"),
        ("tin", "hs2500"),
    ]
    for row, entry in zip(kept, entries, strict=True):
        assert row.matched_rate == entry.score.matched_rate
        assert row.skill == entry.skill
        assert row.exceedances == len(row.exceeded) == round(entry.score.exceedance * row.days)
        assert (row.days, len(row.path)) == (335, 67)
        assert row.light in set(Light)
    assert kept[0].prices_hash == kept[1].prices_hash
    assert not PledgeRate.objects.exists()
    assert AuditEntry.objects.get(action="risk.record_backtest").detail["scores"] == 2


def test_a_run_is_never_rewritten(tin: None) -> None:
    lines = _run("--models", "hs1000", "--until", FRIDAY.isoformat())
    assert lines[-1].endswith(": 1 rows")
    for change in (
        lambda: BacktestScore.objects.update(skill=1),
        lambda: BacktestRun.objects.update(actor_label="x"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert BacktestScore.objects.get().skill != 1


def test_each_commodity_is_judged_at_its_own_horizon(tin: None) -> None:
    step = Decimal("0.0001")
    prices = [Decimal(price).quantize(step) for price in _random_walk(1600)]
    slow = make_commodity(code="slow")
    type(slow).objects.filter(pk=slow.pk).update(horizon_days=20)
    make_history(commodity=slow, prices=prices, until=FRIDAY)
    run, _entries = record_backtest(
        entrants=["hs1000"], until_on=FRIDAY, actor=ACTOR, now=noon(FRIDAY)
    )
    found = {row.commodity.code: (row.horizon_days, row.days) for row in run.scores.all()}
    assert found == {"tin": (10, 335), "slow": (20, 325)}
