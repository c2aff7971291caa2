"""What is always true of credit; `manage.py verify` proves it on the live database."""

from common.invariants import Invariant
from lending.states import Component

_BOOKS = """
    SELECT l.id, l.number, '{component}' AS component, l.owed_{component} AS owed,
           COALESCE((SELECT SUM(p.amount) FROM ledger_posting p
                      WHERE p.debit_account_id = a.id), 0)
           - COALESCE((SELECT SUM(p.amount) FROM ledger_posting p
                        WHERE p.credit_account_id = a.id), 0) AS booked
      FROM lending_loan l
      JOIN lending_facility f ON f.id = l.facility_id
      LEFT JOIN ledger_account a ON a.tenant_id = l.tenant_id AND a.currency = f.currency
       AND a.code = '{component}:' || l.number
"""

_ALL_BOOKS = " UNION ALL ".join(_BOOKS.format(component=c.value) for c in Component)

_PAID = """
    SELECT l.id, l.number, '{component}' AS component, l.{component}_posted AS posted,
           l.owed_{component} AS owed,
           COALESCE((SELECT SUM(amount) FROM lending_repaymentallocation
                      WHERE loan_id = l.id AND component = '{component}'), 0)
           + COALESCE((SELECT SUM(amount) FROM lending_waiver
                        WHERE loan_id = l.id AND component = '{component}'), 0) AS paid
      FROM lending_loan l
"""

_COUNTED = " UNION ALL ".join(
    _PAID.format(component=c.value) for c in (Component.INTEREST, Component.PENALTY)
)

INVARIANTS: list[Invariant] = [
    Invariant(
        name="loan_components_equal_ledger",
        sentence="What a loan owes, component by component, is the balance of its ledger account.",
        sql=f"""
            SELECT number || ' ' || component, 'owed ' || owed || ', booked ' || booked
              FROM ({_ALL_BOOKS}) AS books WHERE owed <> booked ORDER BY id
        """,
    ),
    Invariant(
        name="interest_counted_less_paid",
        sentence="Interest and penalty owed are what was counted, less what was paid and waived.",
        sql=f"""
            SELECT number || ' ' || component,
                   'counted ' || posted || ', paid ' || paid || ', owed ' || owed
              FROM ({_COUNTED}) AS counted WHERE owed <> posted - paid ORDER BY id
        """,
    ),
    Invariant(
        name="facility_exposure_equals_loans",
        sentence="A facility's exposure is the sum of what its loans owe.",
        sql="""
            SELECT f.code, 'exposure ' || f.exposure || ', loans owe ' || COALESCE(owed.total, 0)
              FROM lending_facility f
              LEFT JOIN (SELECT facility_id,
                                SUM(owed_principal + owed_interest + owed_penalty + owed_fees
                                    + owed_costs) AS total
                           FROM lending_loan GROUP BY facility_id) AS owed
                ON owed.facility_id = f.id
             WHERE f.exposure <> COALESCE(owed.total, 0)
        """,
    ),
    Invariant(
        name="repayment_allocated_in_full",
        sentence="The parts of a repayment sum to it.",
        sql="""
            SELECT r.reference, 'amount ' || r.amount || ', allocated '
                   || COALESCE(SUM(a.amount), 0)
              FROM lending_repayment r
              LEFT JOIN lending_repaymentallocation a ON a.repayment_id = r.id
             GROUP BY r.id HAVING r.amount <> COALESCE(SUM(a.amount), 0)
        """,
    ),
    Invariant(
        name="principal_within_limit",
        sentence="Drawn principal stays within the limit; only interest may pass it.",
        sql="""
            SELECT f.code, 'limit ' || f."limit" || ', principal ' || SUM(l.owed_principal)
              FROM lending_facility f
              JOIN lending_loan l ON l.facility_id = f.id
             GROUP BY f.id HAVING SUM(l.owed_principal) > f."limit"
        """,
    ),
    Invariant(
        name="drawn_equals_payments",
        sentence="What a loan has drawn was paid out, or repaid older loans.",
        sql="""
            SELECT l.number, 'drawn ' || l.drawn || ', paid out ' || COALESCE(d.total, 0)
                   || ', refinanced ' || COALESCE(r.total, 0)
              FROM lending_loan l
              LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM lending_disbursement
                          WHERE state IN ('instructed', 'paid') GROUP BY loan_id) d
                ON d.loan_id = l.id
              LEFT JOIN (SELECT refinanced_by_id, SUM(amount) AS total FROM lending_repayment
                          GROUP BY refinanced_by_id) r
                ON r.refinanced_by_id = l.id
             WHERE l.drawn <> COALESCE(d.total, 0) + COALESCE(r.total, 0)
        """,
    ),
    Invariant(
        name="principal_drawn_less_repaid",
        sentence="The principal owed is what was drawn, less what was repaid and waived.",
        sql="""
            SELECT l.number, 'drawn ' || l.drawn || ', repaid ' || COALESCE(a.total, 0)
                   || ', waived ' || COALESCE(w.total, 0) || ', owed ' || l.owed_principal
              FROM lending_loan l
              LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM lending_repaymentallocation
                          WHERE component = 'principal' GROUP BY loan_id) a ON a.loan_id = l.id
              LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM lending_waiver
                          WHERE component = 'principal' GROUP BY loan_id) w ON w.loan_id = l.id
             WHERE l.owed_principal
                   <> l.drawn - COALESCE(a.total, 0) - COALESCE(w.total, 0)
        """,
    ),
]
