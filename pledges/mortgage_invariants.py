"""What always holds of floating mortgages; part of the rights engine's invariants."""

from common.invariants import Invariant

MORTGAGED_GOODS_ARE_NAMED = Invariant(
    name="mortgaged_goods_are_named",
    sentence="Goods that float under a mortgage are of a chosen item at a named site, or count for "
    "nothing.",
    sql="""
    SELECT 'position ' || p.id, 'not named by mortgage ' || m.number || ': '
           || CASE WHEN named_site THEN 'item' ELSE 'site' END
    FROM pledges_position p
    JOIN pledges_floatingmortgage m ON m.facility_id = p.facility_id
         AND m.state IN ('active', 'crystallised')
    JOIN logistics_lot lot ON lot.id = p.lot_id
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM pledges_mortgagedsite s WHERE s.mortgage_id = m.id
                       AND s.site_id = lot.site_id AND s.until_on IS NULL) AS named_site,
               EXISTS (SELECT FROM pledges_mortgageditem i WHERE i.mortgage_id = m.id
                       AND i.item_id = lot.item_id
                       AND (i.until_on IS NULL OR i.until_on >= p.opened_on)) AS named_item
    ) named
    WHERE p."right" = 'floating_mortgage' AND p.remaining > 0 AND NOT (named_site AND named_item)
      AND NOT EXISTS (SELECT FROM pledges_suspension s WHERE s.position_id = p.id
                      AND s.reason = 'place' AND s.lifted_at IS NULL)
    """,
)

OUTFLOW_KEPT_THE_FLOOR = Invariant(
    name="outflow_kept_the_floor",
    sentence="Goods left in the ordinary course only while enough of them stayed and the lender "
    "stayed covered.",
    sql="""
    SELECT 'conversion ' || c.id, 'left ' || coalesce(r.detail->>'controlled', 'no record')
           || ' of ' || coalesce(r.detail->>'required', '?') || ', exposure ' || c.exposure_after
           || ', lending value ' || c.lending_value_after
    FROM pledges_conversion c
    LEFT JOIN LATERAL (
        SELECT detail FROM pledges_coverrecord r
        WHERE r.facility_id = c.facility_id AND r.recorded_at = c.occurred_at
          AND r.detail ? 'controlled' ORDER BY r.id DESC LIMIT 1) r ON true
    WHERE c.kind = 'outflow' AND NOT (c.evidence->>'follows')::boolean
      AND NOT coalesce(c.exposure_after <= c.lending_value_after AND (c.exposure_after = 0
              OR (r.detail->>'controlled')::numeric >= (r.detail->>'required')::numeric), false)
    """,
)

FLOWS_TIE_TO_STOCK = Invariant(
    name="flows_tie_to_stock",
    sentence="What came under a mortgage or left it by a report of stock came in or went out.",
    sql="""
    SELECT 'conversion ' || c.id, c.kind || ' of ' || sum(l.quantity) || ' for '
           || coalesce(e.quantity, 0) || ' in ' || (c.evidence->>'reference')
    FROM pledges_conversion c
    JOIN pledges_conversionleg l ON l.conversion_id = c.id
         AND l.direction = CASE c.kind WHEN 'attach' THEN 'produced' ELSE 'consumed' END
    JOIN pledges_position p ON p.id = l.position_id
    LEFT JOIN LATERAL (
        SELECT sum(event.quantity) AS quantity
        FROM logistics_stockact act JOIN logistics_stockevent event ON event.act_id = act.id
        WHERE act.reference = c.evidence->>'reference'
          AND 'goods_' || act.kind = c.evidence->>'kind' AND event.lot_id = p.lot_id
          AND (event.quantity > 0) = (c.kind = 'attach')) e ON true
    WHERE c.kind IN ('attach', 'outflow') AND c.evidence->>'kind' LIKE 'goods_%'
    GROUP BY c.id, p.lot_id, e.quantity HAVING sum(l.quantity) > abs(coalesce(e.quantity, 0))
    """,
)

CRYSTALLISED_MEANS_FIXED = Invariant(
    name="crystallised_means_fixed",
    sentence="Nothing floats under a crystallised mortgage.",
    sql="""
    SELECT 'position ' || p.id, 'floats under crystallised ' || m.number
    FROM pledges_position p
    JOIN pledges_floatingmortgage m ON m.facility_id = p.facility_id AND m.state = 'crystallised'
    WHERE p."right" = 'floating_mortgage' AND p.remaining > 0
    """,
)

INVARIANTS = [
    MORTGAGED_GOODS_ARE_NAMED,
    OUTFLOW_KEPT_THE_FLOOR,
    FLOWS_TIE_TO_STOCK,
    CRYSTALLISED_MEANS_FIXED,
]
