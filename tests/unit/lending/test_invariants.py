"""Each invariant speaks up when its sentence is untrue."""

from decimal import Decimal

import pytest
from django.db import connection

from lending.invariants import INVARIANTS
from tests.factories.lending import START, make_desk, make_drawn_loan, receive

DRAWN_FROM_NOWHERE = """
    INSERT INTO lending_loan (tenant_id, facility_id, number, product, principal, drawn,
        owed_principal, annual_rate, penalty_rate, agreed_on, due_on, owed_interest, owed_penalty,
        owed_fees, owed_costs, interest_exact, interest_posted, penalty_exact, penalty_posted,
        state)
    SELECT tenant_id, id, 'NOWHERE', 'pledge', 5000, 5000, 5000, 0, 0, '2016-03-01', '2016-04-01',
           0, 0, 0, 0, 0, 0, 0, 0, 'agreed'
      FROM lending_facility
"""

BREAKS = {
    "loan_components_equal_ledger": "UPDATE lending_loan SET owed_fees = 5",
    "interest_counted_less_paid": "UPDATE lending_loan SET interest_posted = interest_posted + 1",
    "facility_exposure_equals_loans": "UPDATE lending_facility SET exposure = exposure + 1",
    "repayment_allocated_in_full": """
        INSERT INTO lending_repayment (tenant_id, facility_id, amount, received_on, source,
                                       reference, recorded_at)
        SELECT tenant_id, id, 1, '2016-03-01', 'cash', 'unallocated', now() FROM lending_facility
    """,
    "principal_within_limit": DRAWN_FROM_NOWHERE,
    "drawn_equals_payments": DRAWN_FROM_NOWHERE,
    "write_off_equals_what_was_owed": """
        INSERT INTO lending_writeoff (tenant_id, loan_id, amount, recovered, reason, maker_id,
                                      requested_at, state)
        SELECT l.tenant_id, l.id, 5, 0, 'gone', f.maker_id, now(), 'requested'
          FROM lending_loan l JOIN lending_facility f ON f.id = l.facility_id;
        UPDATE lending_writeoff SET state = 'booked', checker_id = f.checker_id,
               decided_at = now(), booked_on = '2016-03-01'
          FROM lending_loan l JOIN lending_facility f ON f.id = l.facility_id
         WHERE l.id = loan_id
    """,
    "recovered_is_income": """
        INSERT INTO lending_writeoff (tenant_id, loan_id, amount, recovered, reason, maker_id,
                                      requested_at, state)
        SELECT l.tenant_id, l.id, 5, 0, 'gone', f.maker_id, now(), 'requested'
          FROM lending_loan l JOIN lending_facility f ON f.id = l.facility_id;
        UPDATE lending_writeoff SET state = 'booked', checker_id = f.checker_id,
               decided_at = now(), booked_on = '2016-03-01', recovered = 1
          FROM lending_loan l JOIN lending_facility f ON f.id = l.facility_id
         WHERE l.id = loan_id
    """,
    "in_default_means_notice_given": "UPDATE lending_facility SET state = 'defaulted'",
    "repayment_taken_back_by_its_mirror": """
        INSERT INTO lending_repaymentreversal (tenant_id, repayment_id, reversed_on, reason,
                                               maker_id, checker_id, recorded_at)
        SELECT r.tenant_id, r.id, '2016-03-01', 'bounced', f.maker_id, f.checker_id, now()
          FROM lending_repayment r JOIN lending_facility f ON f.id = r.facility_id
    """,
    "principal_drawn_less_repaid": "UPDATE lending_loan SET owed_principal = owed_principal - 1",
}


@pytest.fixture
def invariants_hold():
    """These tests break them on purpose."""


def test_every_invariant_is_tried():
    assert set(BREAKS) == {rule.name for rule in INVARIANTS}


@pytest.mark.django_db
@pytest.mark.parametrize("rule", INVARIANTS, ids=lambda rule: rule.name)
def test_a_breach_is_named(rule):
    desk = make_desk(limit=Decimal(1000))
    make_drawn_loan(desk, principal=Decimal(600))
    make_drawn_loan(desk, principal=Decimal(400))
    receive(desk, Decimal(100), on=START)
    assert rule.breaches() == []
    with connection.cursor() as cursor:
        cursor.execute(BREAKS[rule.name])
    name, message = rule.breaches()[0]
    assert name
    assert message
