"""What always holds of goods, as queries that would name whoever breaks it."""

from common.invariants import Invariant

# One millionth: no quantity is counted finer, so a bound is met within it.
_QUANTUM = "0.000001"

INVARIANTS = [
    Invariant(
        name="stock_adds_up",
        sentence="The quantity on hand of every lot is the sum of its stock events.",
        sql="""
            SELECT lot.number, format('on hand %s, events %s', lot.on_hand, coalesce(e.total, 0))
              FROM logistics_lot lot
              LEFT JOIN (SELECT lot_id, sum(quantity) AS total
                           FROM logistics_stockevent GROUP BY lot_id) e ON e.lot_id = lot.id
             WHERE lot.on_hand <> coalesce(e.total, 0)
             ORDER BY lot.id
        """,
    ),
    Invariant(
        name="claims_add_up",
        sentence="What is claimed and held of every lot is the sum of its open holds.",
        sql="""
            SELECT lot.number,
                   format('claimed %s, holds %s; held %s, pledges %s', lot.claimed,
                          coalesce(h.claimed, 0), lot.held, coalesce(h.held, 0))
              FROM logistics_lot lot
              LEFT JOIN (SELECT lot_id, sum(quantity) AS claimed,
                                coalesce(sum(quantity) FILTER (WHERE kind = 'pledge'), 0) AS held
                           FROM logistics_hold GROUP BY lot_id) h ON h.lot_id = lot.id
             WHERE (lot.claimed, lot.held) <> (coalesce(h.claimed, 0), coalesce(h.held, 0))
             ORDER BY lot.id
        """,
    ),
    Invariant(
        name="claims_within_stock",
        sentence="No lot has more claimed than is on hand, across all lenders.",
        sql="""
            SELECT number, format('on hand %s, claimed %s, held %s', on_hand, claimed, held)
              FROM logistics_lot
             WHERE NOT (0 <= held AND held <= claimed AND claimed <= on_hand)
             ORDER BY id
        """,
    ),
    Invariant(
        name="acts_are_whole",
        sentence="Every stock act has the legs of its kind; what is moved leaves and arrives.",
        sql="""
            SELECT act.reference, format('%s has %s legs that add up to %s', act.kind,
                          coalesce(legs.kinds, 'no'), coalesce(legs.total, 0))
              FROM logistics_stockact act
              LEFT JOIN (SELECT act_id, sum(quantity) AS total,
                                string_agg(DISTINCT kind, '+' ORDER BY kind) AS kinds
                           FROM logistics_stockevent GROUP BY act_id) legs ON legs.act_id = act.id
             WHERE NOT CASE act.kind
                   WHEN 'counted' THEN coalesce(legs.kinds, 'adjusted') = 'adjusted'
                   WHEN 'moved' THEN coalesce(legs.kinds = 'moved_in+moved_out'
                                              AND legs.total = 0, false)
                   WHEN 'produced' THEN coalesce(legs.kinds = 'consumed+produced', false)
                   ELSE coalesce(legs.kinds = act.kind, false) END
             ORDER BY act.recorded_at, act.id
        """,
    ),
    Invariant(
        name="production_ties_to_bill",
        sentence="Every production consumed what its bill asks, within the agreed loss.",
        sql=f"""
            WITH made AS (
                SELECT event.act_id, bill.id AS bill_id, lot.item_id AS product_id,
                       bill.loss_tolerance, event.quantity
                  FROM logistics_stockevent event
                  JOIN logistics_lot lot ON lot.id = event.lot_id
                  LEFT JOIN logistics_billofmaterials bill ON bill.product_id = lot.item_id
                 WHERE event.kind = 'produced'
            ), asked AS (
                SELECT made.act_id, line.material_id, made.quantity * line.quantity AS planned,
                       made.loss_tolerance
                  FROM made JOIN logistics_billline line ON line.bill_id = made.bill_id
            ), used AS (
                SELECT event.act_id, lot.item_id AS material_id, -sum(event.quantity) AS quantity
                  FROM logistics_stockevent event
                  JOIN logistics_lot lot ON lot.id = event.lot_id
                 WHERE event.kind = 'consumed' GROUP BY event.act_id, lot.item_id
            )
            SELECT act.reference, format('%s: bill %s, consumed %s', item.code,
                          coalesce(asked.planned, 0), coalesce(used.quantity, 0))
              FROM asked
              FULL JOIN used USING (act_id, material_id)
              JOIN logistics_stockact act ON act.id = act_id
              JOIN logistics_item item ON item.id = material_id
             WHERE NOT coalesce(
                   coalesce(used.quantity, 0) + {_QUANTUM} > asked.planned
                   AND (coalesce(used.quantity, 0) - {_QUANTUM}) * (1 - asked.loss_tolerance)
                       < asked.planned, false)
             ORDER BY act.recorded_at, act.id, item.code
        """,
    ),
    Invariant(
        name="returns_within_shipments",
        sentence="No lot had more returned to it than was shipped from it.",
        sql="""
            SELECT lot.number, format('shipped %s, returned %s', flow.shipped, flow.returned)
              FROM (SELECT lot_id,
                           -coalesce(sum(quantity) FILTER (WHERE kind = 'shipped'), 0) AS shipped,
                           coalesce(sum(quantity) FILTER (WHERE kind = 'returned'), 0) AS returned
                      FROM logistics_stockevent
                     WHERE kind IN ('shipped', 'returned') GROUP BY lot_id) flow
              JOIN logistics_lot lot ON lot.id = flow.lot_id
             WHERE flow.returned > flow.shipped
             ORDER BY lot.id
        """,
    ),
]
