"""What always holds of the books, each with the query that would name a breach.

Most of it the database refuses already; these prove it on rows that came in with the guards off,
by a restore or by somebody with the server's keys.
"""

from common.currencies import MINOR_UNITS
from common.invariants import Invariant

_MINOR_UNITS = ", ".join(f"('{code}', {digits})" for code, digits in sorted(MINOR_UNITS.items()))

# The guards against TRUNCATE are left out: test databases have them off.
_GUARDS = (
    ("ledger_account", "columns_frozen"),
    ("ledger_account", "never_deleted"),
    ("ledger_balancesnapshot", "rows_never_change"),
    ("ledger_entry", "entry_whole"),
    ("ledger_entry", "rows_never_change"),
    ("ledger_posting", "posting_at_home"),
    ("ledger_posting", "rows_never_change"),
)
_GUARD_ROWS = ", ".join(f"('{table}', '{guard}')" for table, guard in _GUARDS)

INVARIANTS = [
    Invariant(
        name="entries_complete",
        sentence="Every entry has exactly the lines it states.",
        sql="""
            SELECT e.id, 'states ' || e.line_count || ' lines, has ' || coalesce(p.count, 0)
              FROM ledger_entry e
              LEFT JOIN (SELECT entry_id, count(*) FROM ledger_posting GROUP BY entry_id) AS p
                ON p.entry_id = e.id
             WHERE p.count IS DISTINCT FROM e.line_count
        """,
    ),
    Invariant(
        name="postings_at_home",
        sentence="A posting, its entry and both its accounts share lender and currency.",
        sql="""
            SELECT p.id, 'lender ' || p.tenant_id || ' ' || p.currency || ', but entry of '
                   || coalesce(e.tenant_id::text, 'nobody') || ', debit '
                   || coalesce(d.tenant_id || ' ' || d.currency, 'nowhere') || ', credit '
                   || coalesce(c.tenant_id || ' ' || c.currency, 'nowhere')
              FROM ledger_posting p
              LEFT JOIN ledger_entry e ON e.id = p.entry_id
              LEFT JOIN ledger_account d ON d.id = p.debit_account_id
              LEFT JOIN ledger_account c ON c.id = p.credit_account_id
             WHERE (e.tenant_id, d.tenant_id, c.tenant_id, d.currency, c.currency)
                   IS DISTINCT FROM
                   (p.tenant_id, p.tenant_id, p.tenant_id, p.currency, p.currency)
        """,
    ),
    Invariant(
        name="amounts_payable",
        sentence="Every amount is more than zero and in whole minor units of its currency.",
        sql=f"""
            SELECT p.id, p.amount || ' ' || p.currency
              FROM ledger_posting p
              LEFT JOIN (VALUES {_MINOR_UNITS}) AS unit (currency, digits) USING (currency)
             WHERE p.amount <= 0 OR unit.digits IS NULL
                OR p.amount <> round(p.amount, unit.digits)
        """,
    ),
    Invariant(
        name="books_balance",
        sentence="In each lender's books, debits equal credits in each currency.",
        sql="""
            SELECT a.tenant_id || ' ' || a.currency, 'off by ' || sum(leg.amount)
              FROM (SELECT debit_account_id AS account_id, amount FROM ledger_posting
                     UNION ALL
                    SELECT credit_account_id, -amount FROM ledger_posting) AS leg
              JOIN ledger_account a ON a.id = leg.account_id
             GROUP BY a.tenant_id, a.currency HAVING sum(leg.amount) <> 0
        """,
    ),
    Invariant(
        name="snapshots_true",
        sentence="Each account's latest snapshot is the sum of its postings up to it.",
        sql="""
            WITH latest AS (
                SELECT DISTINCT ON (account_id) account_id, through_posting_id, debit, credit
                  FROM ledger_balancesnapshot ORDER BY account_id, through_posting_id DESC
            ), full_sum AS (
                SELECT latest.account_id, sum(leg.debit) AS debit, sum(leg.credit) AS credit
                  FROM latest
                  JOIN (SELECT id, debit_account_id AS account_id, amount AS debit, 0 AS credit
                          FROM ledger_posting
                         UNION ALL
                        SELECT id, credit_account_id, 0, amount FROM ledger_posting) AS leg
                    ON leg.account_id = latest.account_id AND leg.id <= latest.through_posting_id
                 GROUP BY latest.account_id
            )
            SELECT account_id, 'kept ' || latest.debit || ' / ' || latest.credit || ', summed '
                   || coalesce(full_sum.debit, 0) || ' / ' || coalesce(full_sum.credit, 0)
              FROM latest LEFT JOIN full_sum USING (account_id)
             WHERE (latest.debit, latest.credit)
                   IS DISTINCT FROM (coalesce(full_sum.debit, 0), coalesce(full_sum.credit, 0))
        """,
    ),
    Invariant(
        name="snapshots_reach",
        sentence="No account moved before the last snapshot run without being in it.",
        sql="""
            WITH latest AS (
                SELECT account_id, max(through_posting_id) AS through
                  FROM ledger_balancesnapshot GROUP BY account_id
            ), last_run AS (SELECT max(through) AS through FROM latest)
            SELECT leg.account_id, 'posting ' || min(leg.id) || ' is in no snapshot'
              FROM last_run
              JOIN (SELECT id, debit_account_id AS account_id FROM ledger_posting
                     UNION ALL
                    SELECT id, credit_account_id FROM ledger_posting) AS leg
                ON leg.id <= last_run.through
              LEFT JOIN latest ON latest.account_id = leg.account_id
             WHERE leg.id > coalesce(latest.through, 0)
             GROUP BY leg.account_id
        """,
    ),
    Invariant(
        name="reversals_mirror",
        sentence="A reversal moves back, line by line, what its entry moved, and is itself final.",
        sql="""
            SELECT r.id, 'is not the mirror of ' || r.reverses_id
              FROM ledger_entry r
              JOIN ledger_entry e ON e.id = r.reverses_id
              JOIN ledger_posting back ON back.entry_id = r.id
              LEFT JOIN ledger_posting p
                ON p.entry_id = e.id AND p.line_no = back.line_no
               AND p.debit_account_id = back.credit_account_id
               AND p.credit_account_id = back.debit_account_id AND p.amount = back.amount
             WHERE p.id IS NULL OR e.reverses_id IS NOT NULL
             GROUP BY r.id, r.reverses_id
        """,
    ),
    Invariant(
        name="guards_stand",
        sentence="The triggers that keep the books unchanged are in place and switched on.",
        sql=f"""
            SELECT guard.relation || '.' || guard.name, 'is missing or switched off'
              FROM (VALUES {_GUARD_ROWS}) AS guard (relation, name)
             WHERE NOT EXISTS (
                   SELECT FROM pg_trigger t
                    WHERE t.tgrelid = to_regclass(guard.relation) AND t.tgenabled IN ('O', 'A')
                      AND starts_with(t.tgname, 'pgtrigger_' || guard.name || '_'))
             ORDER BY 1
        """,
    ),
]
