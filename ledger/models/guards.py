"""Checks of new rows against other tables, once per statement and not once per row.

Foreign keys of several columns would say the same, and were measured: three to a posting took more
time than the rows themselves, and each locks the account it looks at, so that everybody who pays
through one clearing account queues for its row. Rows of the books neither vanish nor change their
keys (other triggers hold that), so that a look at the end of the inserting statement is as good.
See docs/decisions/ledger-checks-per-statement.md.
"""

from collections.abc import Mapping

import pgtrigger
from django.db import models

from common.triggers import FirmTrigger, quoted


class CheckNewRows(FirmTrigger):
    """Refuses a statement that inserts a row, called ``n``, of which a condition is not true.

    The refusal is a check violation that names the condition. Conditions look into other tables by
    scalar subqueries on an index: with sequential scans off while the check is planned and run,
    its cached plan stays right however much a table grows after a session's first statement.
    """

    level = pgtrigger.Statement
    when = pgtrigger.After
    operation = pgtrigger.Insert

    def __init__(self, *, name: str, conditions: Mapping[str, str]) -> None:
        super().__init__(
            name=name,
            referencing=pgtrigger.Referencing(new="new_rows"),  # type: ignore[no-untyped-call]
            declare=[
                ("before", "text := current_setting('enable_seqscan')"),
                ("broken", "text"),
                ("row_id", "bigint"),
            ],
        )
        self.conditions = conditions

    def get_func(self, _model: models.Model) -> str:
        """Return the check."""
        cases = " ".join(
            f"WHEN ({condition}) IS NOT TRUE THEN {quoted(name)}"
            for name, condition in self.conditions.items()
        )
        return f"""
            PERFORM set_config('enable_seqscan', 'off', true);
            SELECT checked.id, checked.verdict INTO row_id, broken
              FROM (SELECT n.id, CASE {cases} END AS verdict FROM new_rows n OFFSET 0) AS checked
             WHERE checked.verdict IS NOT NULL LIMIT 1;
            PERFORM set_config('enable_seqscan', before, true);
            IF broken IS NOT NULL THEN
                RAISE EXCEPTION USING
                    MESSAGE = TG_TABLE_NAME || ' ' || row_id || ' breaks ' || broken,
                    ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = broken;
            END IF;
            RETURN NULL;
        """


ENTRY_WHOLE = CheckNewRows(
    name="entry_whole",
    conditions={
        "entry_lines_complete": (
            "n.line_count = (SELECT count(*) FROM ledger_posting p WHERE p.entry_id = n.id)"
        ),
        "entry_reverses_one_of_its_books": (
            "n.reverses_id IS NULL OR (SELECT e.tenant_id = n.tenant_id AND e.reverses_id IS NULL"
            " FROM ledger_entry e WHERE e.id = n.reverses_id)"
        ),
        "entry_mirrors_what_it_reverses": (
            "n.reverses_id IS NULL OR (SELECT count(*) = n.line_count FROM ledger_posting p"
            " JOIN ledger_posting back ON back.entry_id = n.id AND back.line_no = p.line_no"
            " AND back.debit_account_id = p.credit_account_id"
            " AND back.credit_account_id = p.debit_account_id AND back.amount = p.amount"
            " WHERE p.entry_id = n.reverses_id AND p.line_count = n.line_count)"
        ),
    },
)

POSTING_AT_HOME = CheckNewRows(
    name="posting_at_home",
    conditions={
        "posting_belongs_to_its_entry": (
            "SELECT e.tenant_id = n.tenant_id AND e.line_count = n.line_count"
            " FROM ledger_entry e WHERE e.id = n.entry_id"
        ),
        "posting_debits_its_books_and_currency": (
            "SELECT a.tenant_id = n.tenant_id AND a.currency = n.currency"
            " FROM ledger_account a WHERE a.id = n.debit_account_id"
        ),
        "posting_credits_its_books_and_currency": (
            "SELECT a.tenant_id = n.tenant_id AND a.currency = n.currency"
            " FROM ledger_account a WHERE a.id = n.credit_account_id"
        ),
    },
)
