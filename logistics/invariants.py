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
                   WHEN 'started' THEN coalesce(legs.kinds = 'moved_in+moved_out'
                                                AND legs.total = 0, false)
                   WHEN 'produced' THEN coalesce(legs.kinds IN (
                       'consumed+produced', 'consumed+produced+scrapped'), false)
                   ELSE coalesce(legs.kinds = act.kind, false) END
             ORDER BY act.recorded_at, act.id
        """,
    ),
    Invariant(
        name="production_ties_to_bill",
        sentence="Every production kept what its bill asks of each material, within the agreed "
        "loss; the rest came back as scrap.",
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
                SELECT act_id, material_id, -sum(quantity) AS quantity FROM (
                    SELECT event.act_id, lot.item_id AS material_id, event.quantity
                      FROM logistics_stockevent event
                      JOIN logistics_lot lot ON lot.id = event.lot_id
                     WHERE event.kind = 'consumed'
                    UNION ALL
                    SELECT event.act_id, line.material_id, event.quantity
                      FROM logistics_stockevent event
                      JOIN logistics_lot lot ON lot.id = event.lot_id
                      JOIN made ON made.act_id = event.act_id
                      LEFT JOIN logistics_billline line ON line.bill_id = made.bill_id
                           AND line.scrap_item_id = lot.item_id
                     WHERE event.kind = 'scrapped') flows
                 GROUP BY act_id, material_id
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
    Invariant(
        name="reversals_are_opposite",
        sentence="A reversed report moved back what it had moved, lot by lot, and nothing else.",
        sql="""
            WITH legs AS (
                SELECT act.reverses_id AS act_id, event.lot_id, event.quantity
                  FROM logistics_stockact act
                  JOIN logistics_stockevent event ON event.act_id = act.id
                 WHERE act.kind = 'reversed'
                 UNION ALL
                SELECT act.reverses_id, event.lot_id, event.quantity
                  FROM logistics_stockact act
                  JOIN logistics_stockevent event ON event.act_id = act.reverses_id
                 WHERE act.kind = 'reversed'
            )
            SELECT act.reference, format('lot %s is left with %s', legs.lot_id, sum(legs.quantity))
              FROM legs JOIN logistics_stockact act ON act.id = legs.act_id
             GROUP BY act.id, legs.lot_id HAVING sum(legs.quantity) <> 0
             ORDER BY act.reference
        """,
    ),
    Invariant(
        name="loaded_is_what_left",
        sentence="A line of a shipment is what its loading moved from a lot into the vehicle's.",
        sql="""
            SELECT shipment.bill_number, format('line %s of %s: left %s, came in %s',
                          line.sequence, line.quantity, coalesce(-off.quantity, 0),
                          coalesce(onto.quantity, 0))
              FROM logistics_shipmentline line
              JOIN logistics_shipment shipment ON shipment.id = line.shipment_id
              JOIN logistics_lot lot ON lot.id = line.lot_id
              LEFT JOIN logistics_stockevent off ON off.act_id = line.loading_id
                   AND off.lot_id = line.source_id AND off.kind = 'moved_out'
              LEFT JOIN logistics_stockevent onto ON onto.act_id = line.loading_id
                   AND onto.lot_id = line.lot_id AND onto.kind = 'moved_in'
             WHERE coalesce(-off.quantity, 0) <> line.quantity
                OR coalesce(onto.quantity, 0) <> line.quantity
                OR lot.site_id <> shipment.vehicle_id OR lot.owner_id <> shipment.owner_id
             ORDER BY shipment.id, line.sequence
        """,
    ),
    Invariant(
        name="shipments_say_what_is_under_way",
        sentence="A shipment has ended when, and only when, none of its goods is under way.",
        sql="""
            SELECT bill_number, format('is %s: loaded %s, under way %s', state, loaded, left_over)
              FROM (SELECT shipment.bill_number, shipment.state, shipment.id,
                           sum(line.quantity) AS loaded, sum(lot.on_hand) AS left_over,
                           bool_and(undone.id IS NOT NULL) AS undone
                      FROM logistics_shipment shipment
                      LEFT JOIN logistics_shipmentline line ON line.shipment_id = shipment.id
                      LEFT JOIN logistics_lot lot ON lot.id = line.lot_id
                      LEFT JOIN logistics_stockact undone ON undone.reverses_id = line.loading_id
                     GROUP BY shipment.id) sums
             WHERE loaded IS NULL OR state <> CASE WHEN undone THEN 'cancelled'
                   WHEN left_over = 0 THEN 'ended' WHEN left_over = loaded THEN 'loaded'
                   ELSE 'partly_arrived' END
             ORDER BY id
        """,
    ),
    Invariant(
        name="receipts_within_goods",
        sentence="The receipts that stand for goods of a lot are within what lies there.",
        sql="""
            SELECT lot.number, format('on hand %s, receipts %s', lot.on_hand, sum(receipt.quantity))
              FROM logistics_warehousereceipt receipt
              JOIN logistics_lot lot ON lot.id = receipt.lot_id
             WHERE receipt.state = 'issued'
             GROUP BY lot.id HAVING sum(receipt.quantity) > lot.on_hand
             ORDER BY lot.id
        """,
    ),
    Invariant(
        name="receipt_parts_sum_to_the_whole",
        sentence="What a receipt was divided into, or joined from, sums to its quantity.",
        sql="""
            SELECT receipt.number, format('stands for %s, went over %s, came over %s',
                          receipt.quantity, coalesce(gone.total, 0), coalesce(came.total, 0))
              FROM logistics_warehousereceipt receipt
              LEFT JOIN (SELECT receipt_id AS id, sum(quantity) AS total
                           FROM logistics_receiptentry WHERE act IN ('split', 'merged')
                          GROUP BY receipt_id) gone USING (id)
              LEFT JOIN (SELECT other_id AS id, sum(quantity) AS total
                           FROM logistics_receiptentry WHERE other_id IS NOT NULL
                          GROUP BY other_id) came USING (id)
             WHERE coalesce(gone.total, 0) <> CASE WHEN receipt.state IN ('split', 'merged')
                                                   THEN receipt.quantity ELSE 0 END
                OR came.total <> receipt.quantity
             ORDER BY receipt.id
        """,
    ),
    Invariant(
        name="receipts_are_as_their_entries_say",
        sentence="A receipt's state and holder are those of the last lines of its journal.",
        sql="""
            SELECT receipt.number, format('is %s, its journal ends with %s', receipt.state,
                          coalesce(ended.act, 'nothing'))
              FROM logistics_warehousereceipt receipt
              LEFT JOIN LATERAL (SELECT act FROM logistics_receiptentry
                                  WHERE receipt_id = receipt.id ORDER BY id DESC LIMIT 1) ended
                     ON true
              LEFT JOIN LATERAL (SELECT to_holder_id FROM logistics_receiptentry
                                  WHERE receipt_id = receipt.id AND to_holder_id IS NOT NULL
                                  ORDER BY id DESC LIMIT 1) held ON true
             WHERE receipt.holder_id IS DISTINCT FROM held.to_holder_id
                OR receipt.state IS DISTINCT FROM
                   CASE ended.act WHEN 'transferred' THEN 'issued' ELSE ended.act END
             ORDER BY receipt.id
        """,
    ),
]
