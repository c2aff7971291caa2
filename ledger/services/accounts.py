"""Find accounts by code, opening those that the books do not have yet."""

from collections.abc import Collection

from django.db import connection

from ledger.chart import describe
from ledger.services.arrays import text_array

_FIND = """
    SELECT code, id FROM ledger_account
     WHERE tenant_id = %s AND currency = %s AND code = ANY (%s::text[])
"""

# In order of code: two batches that open the same accounts wait for each other, never crosswise.
_OPEN = """
    INSERT INTO ledger_account (tenant_id, currency, code, kind, name)
    SELECT %s, %s, new.code, new.kind, new.name
      FROM unnest(%s::text[], %s::text[], %s::text[]) AS new (code, kind, name)
    ON CONFLICT (tenant_id, code, currency) DO NOTHING
    RETURNING code, id
"""


def account_ids(*, tenant_id: int, currency: str, codes: Collection[str]) -> dict[str, int]:
    """Return the ids of the accounts by code, opened from the chart where they are missing.

    At most three statements whatever the number of codes. Raises UnknownAccount.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [tenant_id, currency, text_array(codes)])
        found: dict[str, int] = dict(cursor.fetchall())
        missing = sorted(set(codes) - found.keys())
        if not missing:
            return found
        kinds, names = zip(*(describe(code) for code in missing), strict=True)
        columns = [text_array(missing), text_array(kinds), text_array(names)]
        cursor.execute(_OPEN, [tenant_id, currency, *columns])
        found.update(cursor.fetchall())
        # What another transaction opened meanwhile is committed by now, and seen.
        if others := [code for code in missing if code not in found]:
            cursor.execute(_FIND, [tenant_id, currency, text_array(others)])
            found.update(cursor.fetchall())
    return found
