"""Undo an entry by its mirror image: the books are never edited."""

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from ledger.models import Entry
from outbox.services import record
from parties.actors import Actor

REVERSAL = "reversal"


class NotReversible(Refusal):
    """The entry is reversed already, is itself a reversal, or lies after the date; or no reason."""

    code = "not_reversible"


_MIRROR = """
    WITH made AS (
        INSERT INTO ledger_entry (tenant_id, kind, booked_on, recorded_at, reference, narrative,
                                  reverses_id, line_count, actor_label)
        SELECT tenant_id, %(kind)s, %(booked_on)s, %(now)s, reference, %(reason)s,
               id, line_count, %(actor)s
          FROM ledger_entry WHERE id = %(entry)s
        RETURNING id
    ), moved AS (
        INSERT INTO ledger_posting (tenant_id, currency, entry_id, line_no, line_count,
                                    debit_account_id, credit_account_id, amount)
        SELECT tenant_id, currency, made.id, line_no, line_count,
               credit_account_id, debit_account_id, amount
          FROM ledger_posting, made WHERE entry_id = %(entry)s
    )
    SELECT id FROM made
"""


def reverse(*, entry: Entry, reason: str, booked_on: date, actor: Actor, now: datetime) -> Entry:
    """Write the mirror image of an entry, once, and return it.

    Every line goes back; nobody reverses part of an entry, or a reversal (post anew instead).
    ``reason`` becomes the narrative. Raises NotReversible.
    """
    _require_reversible(entry, reason, booked_on)
    again = NotReversible(
        message=_("%(number)s is reversed already.") % {"number": entry.number}, field="entry"
    )
    values: dict[str, Any] = {
        "kind": REVERSAL,
        "booked_on": booked_on,
        "now": now,
        "reason": reason.strip(),
    }
    values |= {"entry": entry.pk, "actor": actor.label}
    with transaction.atomic():
        with constraint_refusals({"entry_reversed_once": again}), connection.cursor() as cursor:
            cursor.execute(_MIRROR, values)
            [mirror_id] = cursor.fetchone()
        mirror = Entry.objects.get(pk=mirror_id)
        record(
            action="reverse",
            actor=actor,
            object_type="ledger.entry",
            object_id=entry.pk,
            at=now,
            business_date=booked_on,
            tenant_id=entry.tenant_id,
            detail={"reversal": mirror.number},
            reason=reason,
        )
    return mirror


def _require_reversible(entry: Entry, reason: str, booked_on: date) -> None:
    if not reason.strip():
        raise NotReversible(message=_("A reversal needs a reason."), field="reason")
    if entry.reverses_id is not None:
        raise NotReversible(
            message=_("%(number)s is a reversal; post the entry anew instead.")
            % {"number": entry.number},
            field="entry",
        )
    if booked_on < entry.booked_on:
        raise NotReversible(
            message=_("%(number)s is booked on %(day)s; its reversal cannot lie before.")
            % {"number": entry.number, "day": entry.booked_on},
            field="booked_on",
            numbers={"booked_on": entry.booked_on},
        )
