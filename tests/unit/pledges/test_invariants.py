"""Each invariant finds and names the breach it is for, on rows that came in with guards off."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from pledges.invariants import INVARIANTS
from pledges.models import Conversion, MarginCall, PoolLine, Position
from pledges.services.conversion import Take
from pledges.services.margin_calls import escalate_expired
from pledges.services.transit import Unloaded
from tests.factories.lending import make_drawn_loan
from tests.factories.parties import SYSTEM
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick
from tests.factories.transit import (
    count,
    give_phones_back,
    last,
    load,
    sold_phones,
    undo,
    unload,
)

pytestmark = [pytest.mark.django_db, pytest.mark.tampers]


@contextmanager
def guards_off() -> Iterator[None]:
    """Switch every trigger off, foreign keys included, as a restore does."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def tamper(sql, *values):
    with guards_off(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        assert cursor.rowcount


def breaches():
    found = {invariant.name: invariant.breaches() for invariant in INVARIANTS}
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture
def busy():
    """Mortgaged, pledged, swapped and released goods, money owed, a margin call open."""
    vault = make_vault()
    vault.bring_in(Take(vault.mortgage(20).pk, Decimal(15)))
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(5)))
    vault.swap([Take(position.pk, Decimal(5))], [(vault.lot(10, vault.goods.beta), Decimal(10))])
    make_drawn_loan(vault.desk, principal=Decimal(28_700))
    make_tick({"alpha": 365}, on=date(2016, 3, 2))
    assert vault.band() == "called"
    return vault


def pledged():
    return Position.objects.filter(right="pledge", remaining=90).get()


def test_an_untouched_room_breaches_nothing(busy):
    assert breaches() == {}


def test_tampered_pool_line_is_found(busy):
    line = PoolLine.objects.get(right="pledge", basis__code="beta")
    tamper("UPDATE pledges_poolline SET market_weight = 11 WHERE id = %s", line.pk)
    found = breaches()
    [(name, told)] = found.pop("pool_lines_equal_positions")
    assert name == f"pool line {line.pk}"
    assert told.startswith("line weighs 11.0")
    assert found == {}


def test_tampered_pool_line_that_vanished_is_found(busy):
    tamper("DELETE FROM pledges_poolline WHERE \"right\" = 'floating_mortgage'")
    [(name, told)] = breaches()["pool_lines_equal_positions"]
    assert name == f"facility {busy.facility_id} floating_mortgage"
    assert told.startswith("line weighs 0/0, positions 5")


def test_tampered_remaining_is_found(busy):
    """Something was taken of which the journal knows nothing."""
    position = pledged()
    tamper("UPDATE pledges_position SET remaining = 89 WHERE id = %s", position.pk)
    found = breaches()
    [(name, told)] = found["parts_sum_to_the_whole"]
    assert name == f"position {position.pk}"
    assert told.startswith("quantity 100")
    assert set(found) == {
        "parts_sum_to_the_whole",
        "pool_lines_equal_positions",
        "goods_are_held_for_positions",
    }


def test_tampered_origin_is_found(busy):
    position = pledged()
    tamper(
        "DELETE FROM pledges_conversionleg WHERE position_id = %s AND direction = 'produced'",
        position.pk,
    )
    found = breaches()
    assert found.pop("every_position_has_an_origin") == [
        (f"position {position.pk}", "has no producing conversion of its quantity and facility")
    ]
    assert found == {}


def test_tampered_origin_in_another_facility_is_found(busy):
    other = make_vault(goods=busy.goods)
    claim = Position.objects.get(right="order_claim")
    tamper(
        "UPDATE pledges_conversion SET facility_id = %s WHERE kind = 'prepay'", other.facility_id
    )
    [(name, _told)] = breaches()["every_position_has_an_origin"]
    assert name == f"position {claim.pk}"


def test_tampered_value_given_up_is_found(busy):
    tamper("UPDATE pledges_conversion SET value_given_up = 1 WHERE kind = 'release'")
    release = Conversion.objects.get(kind="release")
    assert breaches() == {
        "given_up_is_what_was_taken": [
            (f"conversion {release.pk}", "release gave up 1.0000, took 2500.0000")
        ]
    }


@pytest.mark.parametrize("kind", ["release", "substitute", "pledge"])
def test_tampered_sides_of_a_conversion_are_found(busy, kind):
    """Of two pledges one consumed mortgaged goods: only that one has two sides."""
    conversion = Conversion.objects.filter(kind=kind, legs__direction="consumed").get()
    tamper(
        "UPDATE pledges_conversionleg SET quantity = quantity + 1"
        " WHERE conversion_id = %s AND direction = 'consumed'",
        conversion.pk,
    )
    [(name, told)] = breaches()["same_quantity_on_both_sides"]
    assert name == f"conversion {conversion.pk}"
    assert told.startswith(f"{kind} took ")


@pytest.mark.parametrize(
    "change",
    ["quantity = quantity - 1", "kind = 'mortgage'", "lot_id = lot_id + 1000000"],
)
def test_tampered_hold_is_found(busy, change):
    position = pledged()
    tamper(f"UPDATE logistics_hold SET {change} WHERE reference = %s", position.pk)
    [(name, told)] = breaches()["goods_are_held_for_positions"]
    assert name == f"position {position.pk}"
    assert told.startswith("claims 90")


def test_tampered_hold_that_vanished_or_is_idle_is_found(busy):
    position = pledged()
    tamper(
        "UPDATE logistics_hold SET reference = gen_random_uuid() WHERE reference = %s", position.pk
    )
    names = sorted(name.split()[0] for name, _told in breaches()["goods_are_held_for_positions"])
    assert names == ["hold", "position"]


def test_tampered_band_is_found(busy):
    """Uncovered in silence: the recorded band is calmer than the cover."""
    tamper("UPDATE pledges_facilitycover SET band = 'watch'")
    found = breaches()
    [(name, told)] = found.pop("never_uncovered_in_silence")
    assert name == f"facility {busy.desk.facility.code}"
    assert told.startswith("recorded watch, is called: exposure 28700")
    assert set(found) == {"history_ends_in_the_present"}


def test_tampered_price_without_its_tick_is_found(busy):
    """A price that came in past the service: nobody was judged by it."""
    tamper(
        "INSERT INTO risk_price (commodity_id, observed_on, price, unit_price, currency, unit,"
        " revision, batch_id) SELECT commodity_id, observed_on + 1, 1, 1, p.currency, p.unit,"
        " 1, batch_id FROM risk_price p JOIN risk_commodity c ON c.id = p.commodity_id"
        " WHERE c.code = 'alpha' ORDER BY observed_on DESC LIMIT 1"
    )
    [(_name, told)] = breaches()["never_uncovered_in_silence"]
    assert told.startswith("recorded called, is close_out")


def test_tampered_exposure_without_its_judgement_is_found(busy):
    tamper("UPDATE lending_facility SET exposure = 40000 WHERE id = %s", busy.facility_id)
    [(_name, told)] = breaches()["never_uncovered_in_silence"]
    assert told.startswith("recorded called, is close_out: exposure 40000")


def test_tampered_facility_that_was_never_judged_is_found(busy):
    other = make_vault(goods=busy.goods)
    tamper("UPDATE lending_facility SET exposure = 1 WHERE id = %s", other.facility_id)
    [(name, told)] = breaches()["never_uncovered_in_silence"]
    assert name == f"facility {other.desk.facility.code}"
    assert told.startswith("recorded nothing, is close_out")


def test_tampered_call_that_vanished_is_found(busy):
    tamper("DELETE FROM pledges_margincallentry")
    tamper("DELETE FROM pledges_margincall")
    assert breaches() == {
        "called_means_call_open": [(f"facility {busy.facility_id}", "band called, calls open 0")]
    }


def test_tampered_call_that_stayed_open_is_found(busy):
    make_tick({"alpha": 500}, on=date(2016, 3, 3))
    assert breaches() == {}
    tamper("UPDATE pledges_margincall SET state = 'open', cured_at = NULL")
    assert breaches()["called_means_call_open"] == [
        (f"facility {busy.facility_id}", "band covered, calls open 1")
    ]


def test_tampered_call_history_with_a_gap_is_found(busy):
    busy.pledge(1, on=date(2016, 3, 2))
    assert breaches() == {}
    tamper(
        "UPDATE pledges_margincallentry SET need_before = need_before + 1, by_goods = by_goods + 1"
        " WHERE kind <> 'opened'"
    )
    [(name, told)] = breaches()["call_history_is_unbroken"]
    assert name == f"margin call {MarginCall.objects.get().pk}"
    assert told == "line 2: partly_cured from 7376.0000 after 7375.0000"
    tamper("DELETE FROM pledges_margincallentry")
    assert breaches() == {"call_history_is_unbroken": [(name, "line missing: none")]}


def test_tampered_escalation_that_no_line_tells_is_found(busy):
    call = MarginCall.objects.get()
    escalate_expired(actor=SYSTEM, now=call.due_at + timedelta(days=1))
    assert breaches() == {}
    tamper("DELETE FROM pledges_margincallentry WHERE kind <> 'opened'")
    [(name, told)] = breaches()["call_moved_by_its_history"]
    assert name == f"margin call {call.pk}"
    assert told.startswith("escalated, escalations told 0, clock ran out at 2016-03-")


def test_tampered_conversion_that_uncovered_is_found(busy):
    conversion = Conversion.objects.filter(kind="release").get()
    tamper(
        "UPDATE pledges_conversion SET exposure_after = lending_value_after + 7 WHERE id = %s",
        conversion.pk,
    )
    [(name, told)] = breaches()["no_act_left_a_larger_shortfall"]
    assert name == f"conversion {conversion.pk}"
    assert Decimal(told.split("left short ")[1].split(",")[0]) == 7


def test_tampered_history_is_found(busy):
    tamper("DELETE FROM pledges_coverrecord WHERE id = (SELECT max(id) FROM pledges_coverrecord)")
    assert breaches() == {
        "history_ends_in_the_present": [
            (f"facility {busy.facility_id}", "is called, last reading says covered")
        ]
    }


def test_tampered_suspension_without_a_reason_is_found(busy):
    position = busy.mortgage(3)
    tamper("UPDATE pledges_position SET suspended = true WHERE id = %s", position.pk)
    assert breaches()["suspended_means_why"] == [
        (f"position {position.pk}", "suspended: true, reasons 0")
    ]


@pytest.fixture
def under_way():
    """Goods shipped, part of them arrived; a release that was reversed; a lot counted short."""
    vault = make_vault()
    position = vault.pledge(100)
    [moving] = load(vault, Take(position.pk, Decimal(60)))[1]
    unload(vault, Unloaded(moving.pk, Decimal(20)))
    vault.release(Take(position.pk, Decimal(5)))
    undo(vault, last("release"))
    count(vault.pledge(10).lot, 7)
    assert breaches() == {}
    return vault


def test_tampered_kind_of_goods_is_found(under_way):
    """Loaded as alpha, unloaded as beta."""
    other = under_way.lot(1, under_way.goods.beta)
    tamper(
        "UPDATE pledges_position SET lot_id = %s FROM pledges_conversionleg l"
        " JOIN pledges_conversion c ON c.id = l.conversion_id WHERE c.kind = 'arrive'"
        " AND l.direction = 'produced' AND l.position_id = pledges_position.id",
        other.pk,
    )
    rows = breaches()["same_goods_on_both_sides"]
    assert {name for name, _told in rows} == {f"conversion {last('arrive').pk}"}
    assert len(rows) == 2


def test_tampered_loading_is_found(under_way):
    conversion = last("ship")
    tamper(
        "UPDATE logistics_stockevent SET quantity = quantity + 1 FROM pledges_conversionstock s"
        " WHERE s.act_id = logistics_stockevent.act_id AND s.conversion_id = %s"
        " AND quantity > 0",
        conversion.pk,
    )
    [(name, told)] = breaches()["moved_as_converted"]
    assert name == f"conversion {conversion.pk}"
    assert told.startswith("ship and stock of lot ")


def test_tampered_holder_of_the_document_is_found(under_way):
    moving = Position.objects.get(right="in_transit", remaining__gt=0)
    tamper("UPDATE logistics_shipment SET holder_id = holder_id + 1000000")
    [(name, _told)] = breaches()["in_transit_under_a_document"]
    assert name == f"position {moving.pk}"


def test_tampered_loss_is_found(under_way):
    tamper(
        "UPDATE logistics_stockevent SET quantity = -2 WHERE kind = 'adjusted' AND quantity = -3"
    )
    [(_name, told)] = breaches()["lost_within_the_count"]
    assert told.split(" lost ")[1] == "3.000000, missing 2.000000"


def test_tampered_return_is_found():
    """More came back than was sold."""
    vault = make_vault()
    receivable, lot = sold_phones(vault, 40)
    give_phones_back(vault, receivable, lot, 10)
    assert breaches() == {}
    tamper(
        "UPDATE pledges_conversionleg SET quantity = 41 WHERE direction = 'produced'"
        " AND conversion_id = %s",
        last("return").pk,
    )
    [(name, told)] = breaches()["returned_within_the_sale"]
    assert name == f"receivable {receivable.pk}"
    assert told.endswith("sold 40.000000, returned 41.000000")


def test_tampered_reversal_is_found(under_way):
    conversion = last("reverse")
    tamper(
        "UPDATE pledges_conversionleg SET quantity = 4 WHERE direction = 'produced'"
        " AND conversion_id = %s",
        conversion.pk,
    )
    [(name, told)] = breaches()["reversed_into_what_it_was"]
    assert name == f"conversion {conversion.pk}"
    assert told.startswith("pledge of lot ")


def test_every_invariant_is_tampered_with_here_or_beside():
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [rule.name for rule in INVARIANTS if f'"{rule.name}"' not in source] == []
