"""Triggers that keep a lot's three quantities equal to the rows they are sums of.

One statement may carry many rows: each trigger runs once per statement, locks the lots it
touches in order of their ids, and adds the statement's sums to them. Whoever adds a stock event
or a hold by any path (service, bulk insert, psql) thereby changes the lot, and the lot's CHECK
refuses what would claim more than is on hand, even where the caller forgot to lock.
"""

import pgtrigger

from common.triggers import FirmTrigger, RefusingTrigger

_LOCK = """
    PERFORM 1 FROM logistics_lot WHERE id IN (SELECT lot_id FROM {rows})
      ORDER BY id FOR NO KEY UPDATE;
"""
_ADD_STOCK = (
    _LOCK.format(rows="added")
    + """
    UPDATE logistics_lot AS lot SET on_hand = lot.on_hand + change.quantity
      FROM (SELECT lot_id, sum(quantity) AS quantity FROM added GROUP BY lot_id) AS change
     WHERE lot.id = change.lot_id;
    RETURN NULL;
"""
)
_BIND = """
    UPDATE logistics_lot AS lot
       SET claimed = lot.claimed + change.claimed, held = lot.held + change.held
      FROM (SELECT lot_id, sum(quantity) AS claimed,
                   coalesce(sum(quantity) FILTER (WHERE kind = 'pledge'), 0) AS held
              FROM ({rows}) AS rows GROUP BY lot_id) AS change
     WHERE lot.id = change.lot_id;
    RETURN NULL;
"""
_PLACE = _LOCK.format(rows="added") + _BIND.format(rows="SELECT lot_id, kind, quantity FROM added")
_REDUCE = _LOCK.format(rows="after") + _BIND.format(
    rows="SELECT lot_id, kind, quantity FROM after "
    "UNION ALL SELECT lot_id, kind, -quantity FROM before"
)


def stock_adds_up() -> FirmTrigger:
    """Return the trigger that adds new stock events to their lots' quantity on hand."""
    return FirmTrigger(
        name="added_to_lot",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        level=pgtrigger.Statement,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
        func=_ADD_STOCK,
    )


def holds_bind() -> list[FirmTrigger]:
    """Return the triggers that count holds, placed or reduced, on their lots."""
    return [
        FirmTrigger(
            name="placed_on_lot",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            level=pgtrigger.Statement,
            referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
            func=_PLACE,
        ),
        FirmTrigger(
            name="reduced_on_lot",
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            level=pgtrigger.Statement,
            referencing=pgtrigger.Referencing(old="before", new="after"),  # type: ignore[no-untyped-call]
            func=_REDUCE,
        ),
    ]


def holds_kept() -> list[RefusingTrigger]:
    """Return the triggers that keep every hold and let its quantity only fall."""
    return [
        RefusingTrigger(
            constraint="quantity_only_falls",
            message="a claim is made larger by another hold",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(
                "NEW.quantity > OLD.quantity"
                " OR (OLD.lifted_at IS NOT NULL AND NEW.lifted_at IS DISTINCT FROM OLD.lifted_at)"
            ),
        ),
        RefusingTrigger(
            constraint="rows_kept",
            message="a hold is lifted, not deleted",
            operation=pgtrigger.Delete,
        ),
        RefusingTrigger(
            constraint="never_emptied",
            message="a hold is lifted, not deleted",
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
        ),
    ]


def lots_start_empty() -> RefusingTrigger:
    """Return the trigger that refuses a new lot with goods or claims no event explains."""
    return RefusingTrigger(
        constraint="starts_empty",
        message="goods enter a lot by a stock event, claims by a hold",
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.on_hand <> 0 OR NEW.claimed <> 0 OR NEW.held <> 0"),
    )


def lots_follow() -> RefusingTrigger:
    """Return the trigger that refuses a change of a lot's quantities by hand."""
    return RefusingTrigger(
        constraint="follows_events_and_holds",
        message="the quantities of a lot are sums of its events and holds",
        operation=pgtrigger.Update,
        # Depth 0: the UPDATE comes from a session, not from one of the triggers above.
        condition=pgtrigger.Condition(
            "pg_trigger_depth() = 0 AND (OLD.on_hand, OLD.claimed, OLD.held)"
            " IS DISTINCT FROM (NEW.on_hand, NEW.claimed, NEW.held)"
        ),
    )
