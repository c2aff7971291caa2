"""Importing price files into the database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outbox.models import AuditEntry, Event
from risk.models import Commodity, Price, PriceBatch
from risk.price_files import PriceFile, PriceRow
from risk.queries import price_history
from risk.services.commodities import load_catalogue
from risk.services.prices import FileImport, import_price_file, import_prices
from tests.factories.risk import ACTOR, make_commodity

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
HEADER = "date,price,currency,unit\n"


def _import(folder: Path, name: str, rows: str, *, source: str = "file") -> FileImport:
    path = folder / name
    path.write_text(HEADER + rows)
    (outcome,) = import_prices(paths=[path], source=source, actor=ACTOR, now=NOW)
    return outcome


def _counts(outcome: FileImport) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.duplicate, outcome.corrected, outcome.refused


def test_the_committed_files(committed_prices: Path) -> None:
    load_catalogue(actor=ACTOR, now=NOW)
    files = sorted(committed_prices.glob("*.csv"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        outcomes = import_prices(paths=files, source="file", actor=ACTOR, now=NOW)
    assert [(o.commodity, _counts(o)) for o in outcomes] == [
        ("copper_comex", (9152, 0, 0, 0)),
        ("gold_comex", (9154, 0, 0, 0)),
        ("silver_comex", (9153, 0, 0, 0)),
    ]
    assert len(queries) <= 14 * len(files)
    last = price_history("silver_comex", from_on=date(2021, 12, 23))[0]
    assert (last.price, last.unit_price) == (Decimal("2294.0"), Decimal("22.94"))
    again = import_prices(paths=files, source="file", actor=ACTOR, now=NOW)
    assert [_counts(o) for o in again] == [(0, 9152, 0, 0), (0, 9154, 0, 0), (0, 9153, 0, 0)]
    assert [o.status for o in again] == ["duplicate"] * 3
    assert PriceBatch.objects.count() == 3
    assert Price.objects.count() == 27459


def test_all_shared_files_with_their_traps(shared_data: Path) -> None:
    load_catalogue(actor=ACTOR, now=NOW)
    files = sorted((shared_data / "prices").glob("*.csv"))
    outcomes = import_prices(paths=files, source="file", actor=ACTOR, now=NOW)
    assert sum(o.accepted for o in outcomes) == 93758
    assert [o.problems for o in outcomes if o.problems] == []
    (negative,) = price_history("wti", from_on=date(2020, 4, 20), until_on=date(2020, 4, 20))
    assert negative.unit_price == Decimal("-36.98")


def test_unit_prices_are_derived_from_the_quotation(tmp_path: Path) -> None:
    make_commodity(code="copper", quoted_unit="100 lb")
    _import(tmp_path, "copper.csv", "2024-05-31,437.05,USD,100 lb\n")
    price = Price.objects.get()
    assert (price.price, price.unit_price, price.currency, price.unit, price.revision) == (
        Decimal("437.05"),
        Decimal("4.3705"),
        "USD",
        "100 lb",
        1,
    )
    assert (price.batch.source, price.batch.as_of) == ("file", date(2024, 5, 31))


def test_another_price_for_a_day_is_a_correction(tmp_path: Path) -> None:
    make_commodity()
    _import(tmp_path, "copper.csv", "2024-05-30,1,USD,tonne\n2024-05-31,2,USD,tonne\n")
    outcome = _import(
        tmp_path, "copper.csv", "2024-05-30,1.0,USD,t\n2024-05-31,3,USD,t\n2024-06-03,4,USD,t\n"
    )
    assert _counts(outcome) == (1, 1, 1, 0)
    old, new = Price.objects.filter(observed_on=date(2024, 5, 31)).order_by("revision")
    assert (old.price, old.revision, old.supersedes_id) == (Decimal(2), 1, None)
    assert (new.price, new.revision, new.supersedes_id) == (Decimal(3), 2, old.pk)
    assert [p.price for p in price_history("copper")] == [1, 3, 4]


def test_the_first_file_again_does_not_undo_a_correction(tmp_path: Path) -> None:
    make_commodity()
    first = "2024-05-31,2,USD,tonne\n"
    _import(tmp_path, "copper.csv", first)
    _import(tmp_path, "copper.csv", "2024-05-31,3,USD,tonne\n")
    outcome = _import(tmp_path, "copper.csv", first)
    assert (_counts(outcome), outcome.status) == ((0, 1, 0, 0), "duplicate")
    assert [p.price for p in price_history("copper")] == [3]


def test_good_rows_go_in_and_bad_rows_are_reported(tmp_path: Path) -> None:
    make_commodity(code="copper", quoted_unit="100 lb")
    outcome = _import(
        tmp_path,
        "copper.csv",
        "2024-05-27,1,USD,100 lb\n"
        "2024-05-28,x,USD,100 lb\n"
        "2024-05-29,2,EUR,100 lb\n"
        "2024-05-30,3,USD,tonne\n"
        "2024-05-31,4,USD,100 lb\n"
        "2024-06-04,5,USD,100 lb\n"
        "2024-06-03,9999999999999999,USD,100 lb\n",
    )
    assert _counts(outcome) == (2, 0, 0, 5)
    assert outcome.status == "accepted"
    assert sorted((p.line, p.field, p.code) for p in outcome.problems) == [
        (3, "price", "bad_price"),
        (4, "currency", "wrong_currency"),
        (5, "unit", "wrong_unit"),
        (7, "date", "future_date"),
        (8, "price", "price_refused"),
    ]
    texts = {p.line: p.message for p in outcome.problems}
    assert texts[4] == "'EUR'; this series is in USD"
    assert texts[5] == "'tonne'; this series is priced per '100 lb'"
    assert [p.price for p in price_history("copper")] == [1, 4]


def test_an_unknown_commodity_is_refused_with_advice(tmp_path: Path) -> None:
    make_commodity(code="copper_comex")
    outcome = _import(tmp_path, "coper_comex.csv", "2024-05-31,1,USD,tonne\n")
    assert (_counts(outcome), outcome.status) == ((0, 0, 0, 1), "refused")
    assert str(outcome.problems[0]) == (
        "coper_comex.csv:1: file: no commodity has the code 'coper_comex' (the file's name without "
        ".csv); did you mean copper_comex? rename the file or define the commodity first"
    )
    assert not Price.objects.exists()
    assert not PriceBatch.objects.exists()


def test_money_takes_no_prices(tmp_path: Path) -> None:
    load_catalogue(actor=ACTOR, now=NOW, codes=["USD"])
    outcome = _import(tmp_path, "USD.csv", "2024-05-31,1,USD,USD\n")
    assert outcome.problems[0].code == "unknown_commodity"


def test_an_import_is_in_the_journal_and_the_outbox(tmp_path: Path) -> None:
    copper = make_commodity()
    outcome = _import(tmp_path, "copper.csv", "2024-05-31,1,USD,tonne\n")
    assert outcome.batch is not None
    entry = AuditEntry.objects.get(action="risk.record_prices")
    event = Event.objects.get(topic="risk.prices_recorded")
    expected = {
        "source": "file",
        "as_of": "2024-05-31",
        "commodities": [copper.pk],
        "new": 1,
        "corrected": 0,
    }
    assert entry.detail == expected
    assert event.payload == expected
    assert event.aggregate_id == str(outcome.batch.pk)


_PRICES = st.dictionaries(
    st.dates(date(2024, 1, 1), date(2024, 3, 1)),
    st.decimals("-100", "100", places=2, allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_PRICES, min_size=1, max_size=4))
def test_any_files_twice_leave_what_they_left_once(files: list[dict[date, Decimal]]) -> None:
    """The last word on a day counts, revisions are unbroken, and replays change nothing."""
    code = f"c{Commodity.objects.count()}"
    commodity = make_commodity(code=code)
    expected: dict[date, Decimal] = {}
    seen: list[dict[date, Decimal]] = []
    for prices in files + files:
        rows = [PriceRow(2, day, price, "USD", "tonne") for day, price in sorted(prices.items())]
        outcome = import_price_file(
            file=PriceFile(f"{code}.csv", code, rows), source="s", actor=ACTOR, now=NOW
        )
        if prices in seen:
            assert _counts(outcome) == (0, len(rows), 0, 0)
        else:
            seen.append(prices)
            expected |= prices
    assert {p.observed_on: p.price for p in price_history(code)} == expected
    current = commodity.prices.filter(superseded_by__isnull=True)
    assert {p.observed_on: p.price for p in current} == expected
