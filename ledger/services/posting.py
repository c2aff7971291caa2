"""Post entries: one or thousands, each with its lines, in one statement.

Balanced by shape (a posting names both accounts), complete by trigger, tied to one tenant and
currency by composite keys: what this module gets wrong, the database refuses.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from ledger.models import Entry
from ledger.rules import Line, NewEntry, require_postable
from ledger.services.accounts import account_ids
from ledger.services.arrays import plain_array, text_array
from parties.actors import Actor

__all__ = ["KeyUsedOtherwise", "Line", "NewEntry", "post", "post_batch"]


class KeyUsedOtherwise(Refusal):
    """The idempotency key belongs to an entry with other content."""

    code = "idempotency_key_reused"


# Numbers are drawn in order of the request. Rows go in by order of key, so that two batches with
# common keys wait for each other in one order. A key in use leaves its row out, lines and all.
_POST = """
    WITH wanted AS MATERIALIZED (
        SELECT nextval('ledger_entry_id_seq') AS id, new.*
          FROM unnest(%(kind)s::text[], %(booked_on)s::date[], %(reference)s::text[],
                      %(narrative)s::text[], %(key)s::text[], %(line_count)s::int[])
               WITH ORDINALITY
               AS new (kind, booked_on, reference, narrative, key, line_count, place)
    ), made AS (
        INSERT INTO ledger_entry (id, tenant_id, kind, booked_on, recorded_at, reference, narrative,
                                  idempotency_key, line_count, actor_label)
        SELECT id, %(tenant)s, kind, booked_on, %(now)s, reference, narrative, key, line_count,
               %(actor)s
          FROM wanted ORDER BY key, id
        ON CONFLICT (tenant_id, idempotency_key) DO NOTHING
        RETURNING id
    ), moved AS (
        INSERT INTO ledger_posting (tenant_id, currency, entry_id, line_no, line_count,
                                    debit_account_id, credit_account_id, amount)
        SELECT %(tenant)s, %(currency)s, wanted.id, line.line_no, wanted.line_count,
               line.debit, line.credit, line.amount
          FROM unnest(%(place)s::int[], %(line_no)s::int[], %(debit)s::bigint[],
                      %(credit)s::bigint[], %(amount)s::numeric[])
               AS line (place, line_no, debit, credit, amount)
          JOIN wanted USING (place)
          JOIN made USING (id)
    )
    SELECT wanted.place, wanted.id FROM wanted JOIN made USING (id)
"""

# The lines of entries under keys in use, to tell a repeated request from another one.
_UNDER_KEYS = """
    SELECT e.idempotency_key, e.id, e.kind, e.booked_on, e.reference, e.narrative,
           p.currency, d.code, c.code, p.amount
      FROM ledger_entry e
      JOIN ledger_posting p ON p.entry_id = e.id
      JOIN ledger_account d ON d.id = p.debit_account_id
      JOIN ledger_account c ON c.id = p.credit_account_id
     WHERE e.tenant_id = %s AND e.idempotency_key = ANY (%s::text[])
     ORDER BY e.id, p.line_no
"""


def post(
    *,
    tenant_id: int,
    currency: str,
    kind: str,
    booked_on: date,
    lines: Sequence[Line],
    actor: Actor,
    now: datetime,
    reference: str = "",
    narrative: str = "",
    idempotency_key: str | None = None,
) -> Entry:
    """Write one entry with its lines and return it; the same key again returns the first one.

    Amounts are in ``currency``, in whole minor units, more than zero. Accounts are opened from
    the chart as needed. Raises EntryInvalid, AmountInvalid, UnknownAccount, KeyUsedOtherwise.
    """
    new = NewEntry(kind, booked_on, lines, reference, narrative, idempotency_key)
    require_postable([new], currency)
    made, repeated = _write(tenant_id, currency, [new], actor, now)
    if repeated:
        return Entry.objects.get(pk=repeated[1])
    return _as_written(made[1], tenant_id, new, actor, now)


def post_batch(
    *,
    tenant_id: int,
    currency: str,
    entries: Sequence[NewEntry],
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Write many entries in a constant number of statements and return their ids, in order.

    All or nothing; an entry whose key is in use with the same content is not written again and
    answers with the first one's id. Raises as :func:`post`. Up to some ten thousand lines a call.
    """
    if not entries:
        return []
    require_postable(entries, currency)
    made, repeated = _write(tenant_id, currency, entries, actor, now)
    ids = made | repeated
    return [ids[place] for place in range(1, len(entries) + 1)]


def _write(
    tenant_id: int, currency: str, entries: Sequence[NewEntry], actor: Actor, now: datetime
) -> tuple[dict[int, int], dict[int, int]]:
    """Write the entries; return the ids by place (from 1) of those made, of those there before."""
    with transaction.atomic():
        accounts = account_ids(tenant_id=tenant_id, currency=currency, codes=_codes(entries))
        columns = _entry_columns(entries) | _line_columns(entries, accounts)
        values: dict[str, Any] = {"tenant": tenant_id, "currency": currency, "now": now}
        with connection.cursor() as cursor:
            cursor.execute(_POST, columns | values | {"actor": actor.label})
            made: dict[int, int] = dict(cursor.fetchall())
        if len(made) == len(entries):
            return made, {}
        return made, _repeated(tenant_id, currency, entries, made)


def _as_written(entry_id: int, tenant_id: int, new: NewEntry, actor: Actor, now: datetime) -> Entry:
    """Return the row as the database has it, without asking for what was just said."""
    row = {
        "id": entry_id,
        "tenant_id": tenant_id,
        "kind": new.kind,
        "booked_on": new.booked_on,
        "recorded_at": now,
        "reference": new.reference,
        "narrative": new.narrative,
        "idempotency_key": new.idempotency_key,
        "reverses_id": None,
        "line_count": len(new.lines),
        "actor_label": actor.label,
    }
    names = [field.attname for field in Entry._meta.concrete_fields]
    return Entry.from_db(connection.alias, names, [row[name] for name in names])


def _codes(entries: Sequence[NewEntry]) -> set[str]:
    codes = {line.debit for entry in entries for line in entry.lines}
    codes.update(line.credit for entry in entries for line in entry.lines)
    return codes


def _entry_columns(entries: Sequence[NewEntry]) -> dict[str, str]:
    return {
        "kind": text_array(entry.kind for entry in entries),
        "booked_on": plain_array(entry.booked_on for entry in entries),
        "reference": text_array(entry.reference for entry in entries),
        "narrative": text_array(entry.narrative for entry in entries),
        "key": text_array(entry.idempotency_key for entry in entries),
        "line_count": plain_array(len(entry.lines) for entry in entries),
    }


def _line_columns(entries: Sequence[NewEntry], accounts: dict[str, int]) -> dict[str, str]:
    lines = [line for entry in entries for line in entry.lines]
    return {
        "place": plain_array(
            place for place, entry in enumerate(entries, start=1) for _line in entry.lines
        ),
        "line_no": plain_array(
            number for entry in entries for number in range(1, len(entry.lines) + 1)
        ),
        "debit": plain_array(accounts[line.debit] for line in lines),
        "credit": plain_array(accounts[line.credit] for line in lines),
        "amount": plain_array(line.amount for line in lines),
    }


def _repeated(
    tenant_id: int, currency: str, entries: Sequence[NewEntry], made: dict[int, int]
) -> dict[int, int]:
    """Return the ids, by place, of the entries whose keys were in use; refuse other content."""
    places = [place for place in range(1, len(entries) + 1) if place not in made]
    before = _under_keys(tenant_id, (entries[place - 1].idempotency_key for place in places))
    found: dict[int, int] = {}
    for place in places:
        entry = entries[place - 1]
        entry_id, content = before[str(entry.idempotency_key)]
        if content != _content(entry, currency):
            raise KeyUsedOtherwise(
                message=_("The key %(key)s belongs to another entry, %(entry)s.")
                % {"key": entry.idempotency_key, "entry": Entry(pk=entry_id).number},
                field="idempotency_key",
            )
        found[place] = entry_id
    return found


def _under_keys(
    tenant_id: int, keys: Iterable[str | None]
) -> dict[str, tuple[int, tuple[Any, ...]]]:
    """Return entries by key: id and content. One statement."""
    found: dict[str, tuple[int, tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_KEYS, [tenant_id, text_array(keys)])
        for key, entry_id, kind, booked_on, reference, narrative, currency, *line in cursor:
            head = (kind, booked_on, reference, narrative, currency)
            lines = found[key][1][-1] if key in found else ()
            found[key] = entry_id, (*head, (*lines, tuple(line)))
    return found


def _content(entry: NewEntry, currency: str) -> tuple[Any, ...]:
    lines: tuple[tuple[str, str, Decimal], ...] = tuple(
        (line.debit, line.credit, line.amount) for line in entry.lines
    )
    return (entry.kind, entry.booked_on, entry.reference, entry.narrative, currency, lines)
