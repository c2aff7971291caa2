"""The case of the phone maker, from the paid order to the collected cash."""

import subprocess
import sys
import time
from decimal import Decimal
from os import environ

import pytest

from config.services import addresses
from tests import storybook

STEPS = 10

LINEAGE = """
WITH RECURSIVE back(id) AS (
    SELECT p.id FROM pledges_position p
    JOIN pledges_conversionleg l ON l.position_id = p.id AND l.direction = 'produced'
    JOIN pledges_conversion c ON c.id = l.conversion_id
    WHERE p."right" = 'repaid' AND c.evidence->>'reference' LIKE %s
    UNION
    SELECT source.position_id FROM back
    JOIN pledges_conversionleg made
         ON made.position_id = back.id AND made.direction = 'produced'
    JOIN pledges_conversionleg source
         ON source.conversion_id = made.conversion_id AND source.direction = 'consumed'
)
SELECT p."right", p.label FROM back JOIN pledges_position p USING (id)
"""


def test_every_step_is_told_and_every_invariant_holds(told):
    assert [line for line in told.splitlines() if line.startswith("Step")] == [
        line for line in told.splitlines() if "Step" in line
    ]
    assert told.count("Step ") == STEPS
    assert told.splitlines()[-1] == "The story is told. Every invariant holds."


def test_a_second_run_changes_nothing(book, rows):
    before = _counts(rows)
    again = storybook.manage("story", "--check", database=book)
    assert again.returncode == 0, again.stderr
    assert _counts(rows) == before


def test_verify_finds_nothing_wrong(book):
    verdict = storybook.manage("verify", database=book)
    assert verdict.returncode == 0, verdict.stdout
    assert "BROKEN" not in verdict.stdout
    assert verdict.stdout.splitlines()[-1] == "All invariants hold."


@pytest.mark.parametrize(
    ("damage", "invariant", "row"),
    [
        (
            (
                "UPDATE pledges_poolline SET lending_weight = lending_weight + 1 WHERE id ="
                " (SELECT min(id) FROM pledges_poolline WHERE market_weight > 1)"
            ),
            "pledges.pool_lines_equal_positions",
            "pool line ",
        ),
        (
            (
                "UPDATE lending_loan SET owed_principal = owed_principal - 0.01"
                " WHERE state = 'drawn'"
            ),
            "lending.loan_components_equal_ledger",
            "AURORA-2011",
        ),
        (
            (
                "UPDATE ledger_posting SET amount = amount + 0.01 WHERE id ="
                " (SELECT max(id) FROM ledger_posting)"
            ),
            "lending.loan_components_equal_ledger",
            "AURORA-2011",
        ),
        (
            "UPDATE logistics_lot SET on_hand = on_hand - 1 WHERE number = 'CF-0714'",
            "logistics.stock_adds_up",
            "CF-0714",
        ),
        (
            "UPDATE pledges_facilitycover SET band = 'called'",
            "pledges.never_uncovered_in_silence",
            "AURORA-2011",
        ),
        (
            (
                "UPDATE pledges_position SET remaining = remaining - 1"
                " WHERE label LIKE 'Copper foil, CF-0720%%' AND remaining > 1"
            ),
            "pledges.parts_sum_to_the_whole",
            "position ",
        ),
    ],
)
def test_verify_names_a_row_that_was_changed_behind_the_guards(book, rows, damage, invariant, row):
    rows.execute("SET session_replication_role = replica")
    rows.execute(damage.replace("%%", "%"))
    assert rows.rowcount >= 1
    verdict = storybook.manage("verify", database=book)
    assert verdict.returncode != 0
    broken = verdict.stdout[verdict.stdout.index(f"BROKEN {invariant}") :]
    assert row in broken.split("BROKEN", 2)[1]


def test_the_repaid_cash_leads_back_to_the_three_orders(rows):
    rows.execute(LINEAGE, ["%INV-2011-1017%"])
    lineage = rows.fetchall()
    orders = {label.split(",")[0] for right, label in lineage if right == "order_claim"}
    assert orders == {"PO-1043", "PO-1044", "PO-1045"}
    assert {right for right, _label in lineage} == {
        "order_claim",
        "floating_mortgage",
        "pledge",
        "receivable",
        "proceeds",
        "repaid",
    }


def test_the_books_tie_out_to_the_cent(rows):
    rows.execute("SELECT sum(amount) FROM ledger_posting")
    assert rows.fetchone()[0] > 0
    rows.execute(
        """
        SELECT coalesce(sum(owed_principal + owed_interest + owed_penalty + owed_fees
                            + owed_costs), 0),
               (SELECT sum(exposure) FROM lending_facility)
        FROM lending_loan
        """
    )
    owed, exposure = rows.fetchone()
    assert owed == exposure > 0
    rows.execute("SELECT number, state FROM lending_loan WHERE number NOT LIKE 'CRASH%'")
    states = dict(rows.fetchall())
    assert states["PL-0829"] == "repaid"
    assert sorted(states.values()).count("repaid") == 6  # three orders, pledge loan, two advances


def test_the_reserve_of_the_first_sale_is_its_face_less_what_the_advance_cost(rows):
    rows.execute(
        """
        SELECT r.face, b.amount,
               (SELECT sum(a.amount) FROM lending_repaymentallocation a WHERE a.loan_id = r.loan_id)
        FROM factoring_receivable r JOIN factoring_rebate b ON b.receivable_id = r.id
        WHERE r.invoice_number = 'INV-2011-1017'
        """
    )
    face, rebate, repaid = rows.fetchone()
    assert face == Decimal("1344000.00")
    assert rebate == face - repaid
    assert repaid > Decimal("1050000.00")


def test_copper_opens_the_call_and_the_swap_cures_it(rows):
    rows.execute(
        """
        SELECT m.opened_on::text, m.state, m.cure, c.kind, m.cause->>'kind', m.cured_at < m.due_at
        FROM pledges_margincall m JOIN pledges_conversion c ON c.id = m.cured_by_id
        WHERE m.facility_id = (SELECT id FROM lending_facility WHERE code = 'AURORA-2011')
        """
    )
    assert rows.fetchall() == [("2011-09-23", "cured", "goods", "substitute", "tick", True)]
    rows.execute(
        """
        SELECT (SELECT price FROM risk_price WHERE observed_on = '2011-09-23'
                AND commodity_id = c.id) /
               (SELECT price FROM risk_price WHERE observed_on = '2011-08-31'
                AND commodity_id = c.id)
        FROM risk_commodity c WHERE code = 'copper_comex'
        """
    )
    assert rows.fetchone()[0] < Decimal("0.80")


def test_a_buyers_return_turns_the_debt_into_goods_again(rows):
    rows.execute(
        """
        SELECT r.face, n.amount, p.remaining, back."right", back.quantity
        FROM factoring_creditnote n JOIN factoring_receivable r ON r.id = n.receivable_id
        JOIN pledges_position p ON p.id = r.position_id
        JOIN factoring_creditnoteline l ON l.credit_note_id = n.id
        JOIN pledges_position back ON back.id = l.position_id AND back.parent_id = p.id
        WHERE r.invoice_number = 'INV-2012-0124'
        """
    )
    assert rows.fetchall() == [(336_000, 84_000, 252_000, "pledge", 500)]


def test_the_returned_goods_went_on_under_a_bill_of_lading(rows):
    rows.execute(
        """
        SELECT c.kind, p."right", s.name, l.quantity
        FROM pledges_conversion c
        JOIN pledges_conversionleg l ON l.conversion_id = c.id AND l.direction = 'produced'
        JOIN pledges_position p ON p.id = l.position_id
        JOIN logistics_lot t ON t.id = p.lot_id JOIN logistics_site s ON s.id = t.site_id
        WHERE c.kind IN ('return', 'ship', 'arrive') ORDER BY c.occurred_at
        """
    )
    assert rows.fetchall() == [
        ("return", "pledge", "Yantian bonded warehouse", 500),
        ("ship", "in_transit", "Blue Strait truck 72", 500),
        ("arrive", "pledge", "Longhua service warehouse", 500),
    ]
    rows.execute("SELECT bill_number, state FROM logistics_shipment")
    assert rows.fetchall() == [("BSF-72-0127", "ended")]


def test_no_conversion_left_the_lender_worse_covered(rows):
    rows.execute(
        """
        SELECT count(*) FROM pledges_conversion
        WHERE greatest(0, exposure_after - lending_value_after)
            > greatest(0, exposure_before - lending_value_before)
        """
    )
    assert rows.fetchone()[0] == 0


CASES = """
    SELECT c.target, c.state, c.deficit, s.price, s.costs, round(s.price / l.market_value, 2),
           i.quantity
    FROM pledges_disposalcase c
    JOIN lending_facility f ON f.id = c.facility_id
    JOIN pledges_disposallot l ON l.case_id = c.id
    JOIN pledges_disposalitem i ON i.lot_id = l.id
    JOIN pledges_sale s ON s.lot_id = l.id AND s.state = 'done'
    WHERE f.code = %s ORDER BY c.opened_at
"""


def test_the_crash_of_2008_ends_in_an_auction_and_a_deficit_that_is_still_claimed(rows):
    """100 t of copper that fell from 325 to 231 cents a pound between drawing and auction."""
    rows.execute(CASES, ["CRASH-2008"])
    [(target, state, deficit, price, costs, share, sold)] = rows.fetchall()
    assert (target, state, sold) == ("everything", "settled", 100_000)
    assert (price, costs, share) == (Decimal("504538.91"), 4_200, Decimal("0.95"))
    assert deficit == Decimal("73173.47")
    rows.execute("SELECT amount, recovered, state FROM lending_writeoff")
    assert rows.fetchall() == [(deficit, 25_000, "booked")]
    rows.execute(
        """
        SELECT a.code, sum(p.amount) FROM ledger_posting p
        JOIN ledger_account a ON a.id IN (p.debit_account_id, p.credit_account_id)
        WHERE a.code IN ('write_off_expense', 'recovery_income') GROUP BY 1 ORDER BY 1
        """
    )
    assert rows.fetchall() == [("recovery_income", 25_000), ("write_off_expense", deficit)]


def test_the_bids_of_2008_were_opened_from_the_opening_on(rows):
    rows.execute(
        """
        SELECT count(*), min(o.revealed_at) >= min(l.opens_at),
               max(o.received_at) < min(l.opens_at),
               max(o.amount) = max(s.price), max(s.second)
        FROM pledges_offer o JOIN pledges_disposallot l ON l.id = o.lot_id
        JOIN pledges_sale s ON s.lot_id = l.id WHERE o.commitment <> ''
        """
    )
    assert rows.fetchall() == [(3, True, True, True, Decimal("493917.04"))]


def test_the_crash_of_2020_sells_what_restores_then_heals_then_all_with_a_surplus(rows):
    """1.5 t of silver: 722 kg restore the cover; the rest pays the loan and more."""
    rows.execute(CASES, ["CRASH-2020"])
    first, second = rows.fetchall()
    assert first[:2] == ("restore", "healed")
    assert second[:3] == ("everything", "settled", 0)
    assert first[6] + second[6] == 1_500
    assert (first[3], second[3]) == (Decimal("298731.71"), Decimal("351817.61"))
    rows.execute("SELECT amount, state FROM pledges_surplus")
    assert rows.fetchall() == [(Decimal("102594.12"), "paid")]
    rows.execute("SELECT cause, state FROM lending_defaultnotice ORDER BY id")
    assert rows.fetchall() == [
        ("uncured_call", "declared"),
        ("uncured_call", "healed"),
        ("unpaid", "declared"),
    ]


def test_both_crash_facilities_are_closed_and_owe_nothing(rows):
    rows.execute("SELECT code, state, exposure FROM lending_facility WHERE code LIKE 'CRASH%'")
    assert sorted(rows.fetchall()) == [("CRASH-2008", "closed", 0), ("CRASH-2020", "closed", 0)]


def test_a_story_that_is_killed_goes_on_where_it_stopped(tmp_path):
    name = f"{storybook.PLAYED}_killed"
    storybook.create(name)
    try:
        assert storybook.manage("migrate", "--verbosity=0", database=name).returncode == 0
        process = subprocess.Popen(
            [sys.executable, "manage.py", "story", "--until", "1"],
            cwd=storybook.ROOT,
            env=environ | {addresses.DATABASE: storybook.url_of(name)},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(4)
        process.kill()
        process.wait()
        resumed = storybook.manage("story", "--until", "1", "--check", database=name)
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stdout.splitlines()[-1] == "The story is told. Every invariant holds."
    finally:
        storybook.drop(name)


def _counts(rows):
    rows.execute(
        "SELECT (SELECT count(*) FROM pledges_conversion), (SELECT count(*) FROM ledger_posting),"
        " (SELECT count(*) FROM risk_price), (SELECT count(*) FROM pledges_coverrecord),"
        " (SELECT count(*) FROM logistics_stockevent), (SELECT count(*) FROM outbox_event)"
    )
    return rows.fetchone()
