"""What the pages say, on the told story."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.models import Facility, Loan
from parties.actors import system_actor
from pledges.models import ConversionLeg, CoverRecord, MarginCall, Position
from portal.boards.chain_map import moment_of, scene_data
from portal.boards.coverage import coverage_data
from portal.boards.facility import facility_board
from portal.boards.lineage import lineage_board
from portal.queries.chain import list_nodes, list_ribbons
from portal.queries.dates import business_date, end_of
from portal.queries.positions import list_positions
from tests.unit.portal.routes import ROUTES

D = Decimal
ACTOR = system_actor("test")
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
# Rounding: each position's lending value is cut to the cent, the facility's once.
CENT_EACH = D("0.01")
# Readings taken by an act are by nature before or after its other positions; days' ends are not.
DAYS = [date(2011, 6, 30), date(2011, 7, 29), date(2011, 8, 31), date(2011, 9, 23)]
DAYS += [date(2011, 10, 31), date(2011, 12, 30)]

# Statements per page whatever the story's length; a rise is a decision to be defended.
STATEMENTS = {
    "legal": 22,
    "control": 15,
    "shipments": 12,
    "shipment_new": 13,
    "shipment": 12,
    "rules": 13,
    "channels": 12,
    "receipts": 11,
    "receipt_new": 11,
    "receipt": 16,
    "home": 24,
    "search": 18,
    "facility": 20,
    "coverage": 18,
    "waterfall": 11,
    "map": 13,
    "map_scene": 14,
    "map_node": 11,
    "timeline": 16,
    "lineage": 17,
    "conversion": 13,
    "prices": 12,
    "stress": 16,
    "price": 16,
    "price_history": 15,
    "rate_models": 15,
    "backtest_path": 15,
    "what_if": 13,
    "orders": 17,
    "order": 17,
    "materials": 12,
    "mortgage": 23,
    "inventory": 14,
    "lot": 15,
    "receivables": 17,
    "receivable": 17,
    "loans": 11,
    "loan": 15,
    "allocation": 22,
    "proposal": 16,
    "sell_out": 12,
    "alerts": 12,
    "four_eyes": 14,
    "feeds": 12,
    "feed": 18,
    "feed_progress": 12,
    "warnings": 12,
    "held_prices": 11,
    "calls": 13,
    "call": 20,
    "disposals": 15,
    "disposal": 32,
    "instructions": 19,
    "instruction": 19,
    "instruction_new": 14,
    "instruction_preview": 12,
    "instruction_statistics": 11,
}


def shape(sql: str) -> str:
    """Return a statement without its values."""
    return re.sub(r"'[^']*'|\b\d+\b", "?", sql)


def test_pages_ask_a_constant_number_of_questions(sign_in):
    client = sign_in("lin")
    client.get("/")  # content types and such are read once
    found, repeated = {}, {}
    for route in ROUTES:
        address = route.address
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        statements = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEP", "RELEA"))]
        found[route.name] = len(statements)
        most = Counter(map(shape, statements)).most_common(1)
        if most and most[0][1] > 3:
            repeated[route.name] = most[0]
    assert repeated == {}
    assert {name: found[name] for name in found if found[name] != STATEMENTS[name]} == {}


def test_every_table_is_a_file_too(sign_in):
    client = sign_in("lin")
    seen = 0
    for route in ROUTES:
        page = client.get(route.address)
        for link in re.findall(r'href="(\?[^"]*csv=[^"]+)"', page.content.decode()):
            answer = client.get(route.address.split("?")[0] + link.replace("&amp;", "&"))
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert answer["Content-Type"] == "text/csv; charset=utf-8"
            assert len(rows) > 1
            assert len({len(row) for row in rows}) == 1
            seen += 1
    assert seen >= 20


def test_every_chart_has_its_data(sign_in):
    client = sign_in("lin")
    seen = 0
    for route in ROUTES:
        page = client.get(route.address).content.decode()
        for link in re.findall(r'data-chart="\w+" data-url="([^"]+)"', page):
            address = link if link.startswith("/") else route.address.split("?")[0] + link
            assert client.get(address.replace("&amp;", "&"))["Content-Type"] == "application/json"
            seen += 1
    assert seen >= 14


def test_unknown_tables_and_charts_are_not_found(sign_in):
    client = sign_in("lin")
    assert client.get("/loans/?csv=nothing").status_code == 404
    assert client.get("/loans/?chart=nothing").status_code == 404


@pytest.mark.parametrize("day", DAYS)
def test_the_positions_of_any_past_day_sum_to_the_cover_read_that_day(story, day):
    facility = Facility.objects.get(code="AURORA-2011")
    reading = CoverRecord.objects.get(facility=facility, business_date=day, cause="day")
    positions = list_positions(ACTOR, facility, at=end_of(day), on=day)

    assert abs(sum(p.market for p in positions) - reading.market_value) <= CENT_EACH * 20
    lending = sum(p.lending for p in positions)
    assert 0 <= reading.lending_value - lending <= CENT_EACH * len(positions)


@pytest.mark.parametrize("day", DAYS)
def test_blocks_are_the_sums_of_their_positions(story, day):
    facility = Facility.objects.get(code="AURORA-2011")
    nodes = list_nodes(ACTOR, facility, at=end_of(day), on=day)
    for node in nodes:
        inside = list_positions(
            ACTOR, facility, at=end_of(day), on=day, place=node.place, node=node.key
        )
        assert len(inside) == node.positions
        assert abs(sum(p.market for p in inside) - node.market) <= CENT_EACH * len(inside)
    assert sum(node.positions for node in nodes) == len(
        list_positions(ACTOR, facility, at=end_of(day), on=day)
    )


def test_ribbons_carry_what_the_conversions_did(story):
    facility = Facility.objects.get(code="AURORA-2011")
    on = business_date(ACTOR, facility)
    ribbons, names = list_ribbons(ACTOR, facility, since=BEGINNING, at=end_of(on), on=on)

    taken = {
        kind: sum(
            leg.market_value
            for leg in ConversionLeg.objects.filter(
                conversion__facility=facility, conversion__kind=kind, direction="consumed"
            )
        )
        for kind in ("deliver", "transform", "sell", "collect", "apply")
    }
    for kind, value in taken.items():
        given = sum(r.given for r in ribbons if r.kind == kind)
        assert given.quantize(CENT_EACH) == value, kind
    assert {name for name in names.values() if name} >= {"Yantian bonded warehouse"}
    assert {r.target for r in ribbons if r.target[0] == "end"} == {
        ("end", "released"),
        ("end", "repaid"),
    }


def test_the_scene_names_every_end_of_its_ribbons(story):
    facility = Facility.objects.get(code="AURORA-2011")
    scene = scene_data(ACTOR, facility, moment_of(None, "0", as_of=date(2012, 1, 31)))
    blocks = {(node["place"], node["key"]) for node in scene["nodes"]}
    for ribbon in scene["ribbons"]:
        assert tuple(ribbon["target"]) in blocks
        assert ribbon["source"] is None or tuple(ribbon["source"]) in blocks


def test_money_on_its_way_to_the_bank_is_dashed(story):
    facility = Facility.objects.get(code="AURORA-2011")
    before = datetime(2011, 6, 22, 23, tzinfo=UTC)
    ribbons, _names = list_ribbons(
        ACTOR, facility, since=BEGINNING, at=before, on=date(2011, 6, 21)
    )
    assert sum(r.made for r in ribbons if r.in_progress) == D("474854.40")
    later, _names = list_ribbons(ACTOR, facility, since=BEGINNING, at=before, on=date(2011, 6, 22))
    assert not [r for r in later if r.in_progress]


def test_a_repayment_leads_back_to_three_paid_orders(story):
    facility = Facility.objects.get(code="AURORA-2011")
    repaid = facility.positions.filter(right="repaid").order_by("opened_at").first()
    board = lineage_board(ACTOR, repaid.pk)
    rights = Counter(box.right for box in board.drawing.boxes)

    assert rights["order_claim"] == 3
    assert rights["repaid"] == 1
    assert [fact.value for fact in board.facts][4] == "3 paid orders"
    kinds = [pair[0].kind for pair in board.tables["steps"].rows]
    assert kinds[0] == "prepay"
    assert kinds[-1] == "apply"
    assert {"deliver", "transform", "pledge", "sell", "collect"} <= set(kinds)


def test_every_change_of_cover_is_explained_and_they_add_up(story):
    facility = Facility.objects.get(code="AURORA-2011")
    changes = facility_board(ACTOR, facility, date(2012, 1, 31)).tables["changes"].rows[::-1]

    assert all(change.text for change in changes)
    for before, after in pairwise(changes):
        assert after.lending == before.lending + after.drift + after.lending_by
    told = " ".join(change.text for change in changes)
    assert "Pearl River plant received 70,000 kg Copper foil from PO-1043" in told
    assert "Copper (COMEX) −3.8 %" in told


def test_home_says_what_may_be_drawn(sign_in):
    facility = Facility.objects.get(code="AURORA-2011")
    reading = facility.cover_records.latest("recorded_at", "id")
    room = min(facility.limit, reading.lending_value) - facility.exposure
    page = sign_in("mei", django_language="en").get("/").content.decode()

    assert f"{room:,.0f}" in page
    assert "2,000 pcs Aurora Two phone sold: 336,000.00 USD owed on INV-2012-0124" in page


def test_a_cured_call_needs_nothing_and_tells_what_cured_it(sign_in):
    call = MarginCall.objects.get(facility__code="AURORA-2011")
    page = sign_in("lin").get(f"/margin-calls/{call.pk}/").content.decode()

    assert "253,913.76 when it opened" in page
    assert "9,000 pcs Aurora One phone took the place of 24,000 kg Copper foil" in page


def test_the_statement_ends_with_what_is_owed(sign_in):
    loan = Loan.objects.filter(owed_principal__gt=0).first()
    answer = sign_in("lin").get(f"/loans/{loan.pk}/?csv=daily")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert D(rows[-1]["Owed in all (USD)"]) == loan.owed_principal + loan.owed_interest
    assert {row["What"] for row in rows} >= {"Drawn", "Interest of the day"}


def test_coverage_is_cut_to_the_days_asked_for(story):
    facility = Facility.objects.get(code="AURORA-2011")
    data = coverage_data(ACTOR, facility, date(2012, 1, 31), days=90)
    assert data["readings"][0]["at"] >= "2011-11-02"
    assert len(coverage_data(ACTOR, facility, date(2012, 1, 31))["readings"]) > 150


def test_the_price_preview_writes_nothing_and_names_the_band(sign_in):
    client = sign_in("lin")
    before = CoverRecord.objects.count()
    fallen = client.get("/prices/copper_comex/what-if/?change=-95").content.decode()
    same = client.get("/prices/copper_comex/what-if/?change=0").content.decode()

    assert CoverRecord.objects.count() == before
    assert "(-95 %)" in fallen
    assert "Covered" in same


def test_search_finds_by_number_name_and_full_id(sign_in):
    client = sign_in("lin")
    position = Position.objects.order_by("opened_at").first()
    for text, hit in [
        ("po-1043", "PO-1043"),
        ("INV-2011-1017", "Metro Digital Retail"),
        ("铜箔", "CF-0714"),
        ("yantian", "Yantian bonded warehouse"),
        (str(position.pk), f"/positions/{position.pk}/"),
    ]:
        assert hit in client.get("/search/", {"q": text}).content.decode(), text
    assert "search-hit" not in client.get("/search/", {"q": "x"}).content.decode()
    dialog = client.get("/search/", {"q": "po-1043"}, headers={"HX-Request": "true"})
    assert "<html" not in dialog.content.decode()
    assert "PO-1043" in dialog.content.decode()


def test_pages_read_chinese_and_keep_the_names(sign_in):
    page = sign_in("mei", django_language="zh-hans").get("/inventory/").content.decode()
    assert 'lang="zh-hans"' in page
    for text in ("库存", "曙光一代手机", "盐田保税仓", "截至2012年1月31日"):
        assert text in page
