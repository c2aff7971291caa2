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

# What a repayment paid and waived counts until it is taken back.
_STANDS = "repayment_id NOT IN (SELECT id FROM lending_repayment WHERE reversed_at IS NOT NULL)"

_PAID = """
    SELECT l.id, l.number, '{component}' AS component, l.{component}_posted AS posted,
           l.owed_{component} AS owed,
           COALESCE((SELECT SUM(amount) FROM lending_repaymentallocation
                      WHERE loan_id = l.id AND component = '{component}' AND {stands}), 0)
           + COALESCE((SELECT SUM(amount) FROM lending_waiver
                        WHERE loan_id = l.id AND component = '{component}' AND {stands}), 0)
           + COALESCE((SELECT SUM(part.amount) FROM lending_writeoffpart part
                         JOIN lending_writeoff w ON w.id = part.write_off_id
                        WHERE w.loan_id = l.id AND part.component = '{component}'), 0) AS paid
      FROM lending_loan l
"""

_COUNTED = " UNION ALL ".join(
    _PAID.format(component=c.value, stands=_STANDS) for c in (Component.INTEREST, Component.PENALTY)
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
        sentence="Interest and penalty owed are what was counted, less what was paid, waived and "
        "written off.",
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
        sentence="Drawn principal stays within the limit, or one that was lowered since; only "
        "interest, and what a repayment taken back makes owed again, may pass it.",
        sql="""
            SELECT f.code, 'limit ' || f."limit" || ', principal ' || SUM(l.owed_principal)
              FROM lending_facility f
              JOIN lending_loan l ON l.facility_id = f.id
             GROUP BY f.id
            HAVING SUM(l.owed_principal) > GREATEST(
                f."limit", (SELECT MAX((c.before->>'limit')::numeric) FROM lending_facilitychange c
                             WHERE c.facility_id = f.id AND c.state = 'applied'))
                + COALESCE((SELECT SUM(r.amount) FROM lending_repayment r
                             WHERE r.facility_id = f.id AND r.reversed_at IS NOT NULL), 0)
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
        sentence="The principal owed is what was drawn, less what was repaid, waived and "
        "written off.",
        sql=f"""
            SELECT l.number, 'drawn ' || l.drawn || ', repaid ' || COALESCE(a.total, 0)
                   || ', waived ' || COALESCE(w.total, 0)
                   || ', written off ' || COALESCE(o.total, 0) || ', owed ' || l.owed_principal
              FROM lending_loan l
              LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM lending_repaymentallocation
                          WHERE component = 'principal' AND {_STANDS}
                          GROUP BY loan_id) a ON a.loan_id = l.id
              LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM lending_waiver
                          WHERE component = 'principal' AND {_STANDS}
                          GROUP BY loan_id) w ON w.loan_id = l.id
              LEFT JOIN (SELECT wo.loan_id, SUM(part.amount) AS total
                           FROM lending_writeoffpart part
                           JOIN lending_writeoff wo ON wo.id = part.write_off_id
                          WHERE part.component = 'principal' GROUP BY wo.loan_id) o
                ON o.loan_id = l.id
             WHERE l.owed_principal
                   <> l.drawn - COALESCE(a.total, 0) - COALESCE(w.total, 0)
                      - COALESCE(o.total, 0)
        """,
    ),
    Invariant(
        name="repayment_taken_back_by_its_mirror",
        sentence="A repayment is reversed when, and only when, two persons took it back; the books "
        "then mirror its entries.",
        sql="""
            SELECT r.reference, 'reversed at ' || COALESCE(r.reversed_at::text, 'never')
                   || ', said ' || COUNT(v.id) || ' times, entries ' || COUNT(e.id)
                   || ', mirrored ' || COUNT(m.id)
              FROM lending_repayment r
              LEFT JOIN lending_repaymentreversal v ON v.repayment_id = r.id
              LEFT JOIN ledger_entry e ON e.tenant_id = r.tenant_id
               AND e.idempotency_key IN ('repayment:' || r.id, 'repayment:' || r.id || ':waiver')
              LEFT JOIN ledger_entry m ON m.reverses_id = e.id
             GROUP BY r.id
            HAVING (r.reversed_at IS NOT NULL) <> (COUNT(v.id) > 0)
                OR COUNT(m.id) <> CASE WHEN r.reversed_at IS NULL THEN 0 ELSE COUNT(e.id) END
        """,
    ),
    Invariant(
        name="write_off_equals_what_was_owed",
        sentence="A booked write-off is the sum of its parts and of what the books expensed for "
        "it; its loan is written off, and no other.",
        sql="""
            SELECT l.number, l.state || ', ' || COALESCE(w.state, 'no write-off') || ' of '
                   || COALESCE(w.amount, 0) || ', parts ' || sums.parts || ', expensed '
                   || sums.expensed
              FROM lending_loan l
              LEFT JOIN lending_writeoff w ON w.loan_id = l.id AND w.state = 'booked'
             CROSS JOIN LATERAL (
                   SELECT COALESCE((SELECT SUM(amount) FROM lending_writeoffpart
                                     WHERE write_off_id = w.id), 0) AS parts,
                          COALESCE((SELECT SUM(p.amount) FROM ledger_posting p
                                      JOIN ledger_entry e ON e.id = p.entry_id
                                      JOIN ledger_account a ON a.id = p.debit_account_id
                                     WHERE e.tenant_id = w.tenant_id AND e.kind = 'write_off'
                                       AND e.idempotency_key = 'write_off:' || w.id
                                       AND a.code = 'write_off_expense'), 0) AS expensed) sums
             WHERE (l.state = 'written_off') <> (w.id IS NOT NULL)
                OR (w.id IS NOT NULL
                    AND (w.amount <> sums.parts OR w.amount <> sums.expensed))
        """,
    ),
    Invariant(
        name="recovered_is_income",
        sentence="What was recovered on a write-off is its recoveries, and income of their days.",
        sql="""
            SELECT 'write-off ' || w.id, 'recovered ' || w.recovered || ', recoveries '
                   || sums.received || ', income ' || sums.income
              FROM lending_writeoff w
             CROSS JOIN LATERAL (
                   SELECT COALESCE(SUM(r.amount), 0) AS received,
                          COALESCE(SUM((SELECT SUM(p.amount) FROM ledger_posting p
                                          JOIN ledger_entry e ON e.id = p.entry_id
                                          JOIN ledger_account a ON a.id = p.credit_account_id
                                         WHERE e.tenant_id = r.tenant_id
                                           AND e.idempotency_key = 'recovery:' || r.id
                                           AND a.code = 'recovery_income')), 0) AS income
                     FROM lending_recovery r WHERE r.write_off_id = w.id) sums
             WHERE w.recovered <> sums.received OR w.recovered <> sums.income
        """,
    ),
    Invariant(
        name="in_default_means_notice_given",
        sentence="A facility in default has a notice that stands, and only such a facility has.",
        sql="""
            SELECT f.code, f.state || ', notices standing ' || COUNT(n.id)
              FROM lending_facility f
              LEFT JOIN lending_defaultnotice n
                ON n.facility_id = f.id AND n.state = 'declared'
             GROUP BY f.id
            HAVING (f.state = 'defaulted') <> (COUNT(n.id) = 1) AND f.state <> 'closed'
        """,
    ),
]
