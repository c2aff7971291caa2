"""The trigger that lets goods be promised by one pending instruction only."""

import pgtrigger

from common.triggers import FirmTrigger, quoted
from pledges.instruction_states import PENDING

_STATES = ", ".join(quoted(state) for state in sorted(PENDING))
_REFUSE = (
    "RAISE EXCEPTION USING MESSAGE = 'pledges_instructionline: the goods are promised already', "
    "ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, "
    "CONSTRAINT = 'instructionline_goods_promised_once';"
)
# The rows that set the bound are locked first, in the order of every service (positions, then
# lots, by id), so that two requests for the same goods see each other whoever forgot to lock.
_PROMISED_ONCE = f"""
    PERFORM 1 FROM pledges_position WHERE id IN (SELECT position_id FROM added)
      ORDER BY id FOR NO KEY UPDATE;
    PERFORM 1 FROM logistics_lot WHERE id IN (SELECT lot_id FROM added)
      ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM pledges_position p
        WHERE p.id IN (SELECT position_id FROM added) AND p.remaining < (
            SELECT sum(l.quantity) FROM pledges_instructionline l
            JOIN pledges_instruction i ON i.id = l.instruction_id AND i.state IN ({_STATES})
            WHERE l.position_id = p.id))
    OR EXISTS (
        SELECT FROM logistics_lot g
        WHERE g.id IN (SELECT lot_id FROM added WHERE direction = 'bring')
          AND g.on_hand - g.claimed < (
            SELECT sum(l.quantity) FROM pledges_instructionline l
            JOIN pledges_instruction i ON i.id = l.instruction_id AND i.state IN ({_STATES})
            WHERE l.lot_id = g.id AND l.direction = 'bring'))
    THEN {_REFUSE} END IF;
    RETURN NULL;
"""


def goods_promised_once() -> FirmTrigger:
    """Return the trigger: pending promises on a thing are never more than there is of it."""
    return FirmTrigger(
        name="goods_promised_once",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        level=pgtrigger.Statement,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
        func=_PROMISED_ONCE,
    )
