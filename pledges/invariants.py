"""What always holds of positions, pool lines, holds, cover and calls (domain.md, invariants)."""

from collections.abc import Iterable

from common.invariants import Invariant
from pledges import mortgage_invariants as mortgages
from pledges.disposal_invariants import DISPOSAL_INVARIANTS
from pledges.invariants_of_law import INVARIANTS as LAW_INVARIANTS
from pledges.states import LIVE_RIGHTS, TWO_PERSONS, UNCHOSEN, UNCHOSEN_BACK


def _listed(values: Iterable[str]) -> str:
    return "({})".format(", ".join(f"'{value}'" for value in sorted(map(str, values))))


_LIVE = _listed(LIVE_RIGHTS)
_UNCHOSEN = _listed(UNCHOSEN)
_UNCHOSEN_BACK = _listed(UNCHOSEN_BACK)
_TWO_PERSONS = _listed(TWO_PERSONS)

POOL_LINES_EQUAL_POSITIONS = Invariant(
    name="pool_lines_equal_positions",
    sentence="A pool line is the sum of the weights of the positions that count behind it.",
    sql=f"""
    WITH sums AS (
        SELECT p.facility_id, t.basis_id, p."right",
               sum(p.remaining * t.market_per_unit) AS market,
               sum(p.remaining * t.lending_per_unit) AS lending
        FROM pledges_position p JOIN pledges_positionterm t ON t.position_id = p.id
        WHERE p."right" IN {_LIVE} AND NOT p.suspended GROUP BY 1, 2, 3
    )
    SELECT coalesce('pool line ' || l.id, 'facility ' || s.facility_id || ' ' || s."right"),
           'line weighs ' || coalesce(l.market_weight, 0) || '/' || coalesce(l.lending_weight, 0)
           || ', positions ' || coalesce(s.market, 0) || '/' || coalesce(s.lending, 0)
    FROM pledges_poolline l
    FULL JOIN sums s ON s.facility_id = l.facility_id AND s.basis_id = l.basis_id
         AND s."right" = l."right"
    WHERE coalesce(l.market_weight, 0) <> coalesce(s.market, 0)
       OR coalesce(l.lending_weight, 0) <> coalesce(s.lending, 0)
    """,
)

PARTS_SUM_TO_THE_WHOLE = Invariant(
    name="parts_sum_to_the_whole",
    sentence="What conversions took from a position and what remains make its quantity.",
    sql="""
    SELECT 'position ' || p.id,
           'quantity ' || p.quantity || ', remaining ' || p.remaining || ', taken '
           || coalesce(sum(l.quantity), 0)
    FROM pledges_position p
    LEFT JOIN pledges_conversionleg l ON l.position_id = p.id AND l.direction = 'consumed'
    GROUP BY p.id HAVING p.quantity <> p.remaining + coalesce(sum(l.quantity), 0)
    """,
)

EVERY_POSITION_HAS_AN_ORIGIN = Invariant(
    name="every_position_has_an_origin",
    sentence="Every position was produced by one conversion of its own facility, in full.",
    sql="""
    SELECT 'position ' || p.id, 'has no producing conversion of its quantity and facility'
    FROM pledges_position p
    WHERE NOT EXISTS (
        SELECT FROM pledges_conversionleg l JOIN pledges_conversion c ON c.id = l.conversion_id
        WHERE l.position_id = p.id AND l.direction = 'produced' AND l.quantity = p.quantity
          AND c.facility_id = p.facility_id AND c.tenant_id = p.tenant_id)
    """,
)

SAME_QUANTITY_ON_BOTH_SIDES = Invariant(
    name="same_quantity_on_both_sides",
    sentence="Moving, pledging, releasing, losing, revoking, collecting and applying change no "
    "quantity.",
    sql="""
    SELECT 'conversion ' || c.id,
           c.kind || ' took ' || sides.consumed || ', made ' || sides.produced
    FROM pledges_conversion c
    JOIN LATERAL (
        SELECT coalesce(sum(l.quantity) FILTER (WHERE l.direction = 'consumed'), 0) AS consumed,
               coalesce(sum(l.quantity) FILTER (
                   WHERE l.direction = 'produced'
                     AND (c.kind <> 'substitute' OR p."right" = 'released')), 0) AS produced
        FROM pledges_conversionleg l JOIN pledges_position p ON p.id = l.position_id
        WHERE l.conversion_id = c.id) sides ON true
    WHERE c.kind IN ('pledge', 'crystallise', 'ship', 'arrive', 'release', 'outflow', 'lose',
                     'substitute', 'collect', 'apply', 'revoke')
      AND NOT (c.kind = 'pledge' AND sides.consumed = 0)
      AND sides.consumed <> sides.produced
    """,
)

GIVEN_UP_IS_WHAT_WAS_TAKEN = Invariant(
    name="given_up_is_what_was_taken",
    sentence="What two people decided to give up is valued at what its conversion consumed.",
    sql=f"""
    SELECT 'conversion ' || c.id,
           c.kind || ' gave up ' || c.value_given_up || ', took '
           || coalesce(sum(l.market_value), 0)
    FROM pledges_conversion c
    LEFT JOIN pledges_conversionleg l ON l.conversion_id = c.id AND l.direction = 'consumed'
    WHERE c.kind IN {_TWO_PERSONS}
    GROUP BY c.id HAVING c.value_given_up <> coalesce(sum(l.market_value), 0)
    """,
)

SAME_GOODS_ON_BOTH_SIDES = Invariant(
    name="same_goods_on_both_sides",
    sentence="Goods that are moved, pledged, released or lost stay the goods they were.",
    sql="""
    WITH sides AS (
        SELECT c.id, c.kind, t.item_id,
               coalesce(sum(l.quantity) FILTER (WHERE l.direction = 'consumed'), 0) AS consumed,
               coalesce(sum(l.quantity) FILTER (WHERE l.direction = 'produced'), 0) AS produced
        FROM pledges_conversion c
        JOIN pledges_conversionleg l ON l.conversion_id = c.id
        JOIN pledges_position p ON p.id = l.position_id
        JOIN logistics_lot t ON t.id = p.lot_id
        WHERE c.kind IN ('pledge', 'crystallise', 'ship', 'arrive', 'release', 'outflow', 'lose')
        GROUP BY c.id, t.item_id
    )
    SELECT 'conversion ' || id,
           kind || ' of item ' || item_id || ' took ' || consumed || ', made ' || produced
    FROM sides
    WHERE consumed <> produced
      AND NOT (kind = 'pledge' AND NOT EXISTS (
          SELECT FROM pledges_conversionleg l
          WHERE l.conversion_id = sides.id AND l.direction = 'consumed'))
    """,
)

MOVED_AS_CONVERTED = Invariant(
    name="moved_as_converted",
    sentence="What is loaded and unloaded is what the journal says went into and out of transit.",
    sql="""
    WITH legs AS (
        SELECT c.id, c.kind, p.lot_id,
               CASE l.direction WHEN 'produced' THEN l.quantity ELSE -l.quantity END AS quantity
        FROM pledges_conversion c
        JOIN pledges_conversionleg l ON l.conversion_id = c.id
        JOIN pledges_position p ON p.id = l.position_id
        WHERE c.kind IN ('ship', 'arrive')
        UNION ALL
        SELECT c.id, c.kind, e.lot_id, -e.quantity
        FROM pledges_conversion c
        JOIN pledges_conversionstock s ON s.conversion_id = c.id
        JOIN logistics_stockevent e ON e.act_id = s.act_id
        WHERE c.kind IN ('ship', 'arrive')
    )
    SELECT 'conversion ' || id, kind || ' and stock of lot ' || lot_id || ' differ by '
           || sum(quantity)
    FROM legs GROUP BY id, kind, lot_id HAVING sum(quantity) <> 0
    """,
)

IN_TRANSIT_UNDER_A_DOCUMENT = Invariant(
    name="in_transit_under_a_document",
    sentence="Goods in transit are under way on a document of title that their lender holds.",
    sql="""
    SELECT 'position ' || p.id, p.remaining || ' in transit without a document of the lender'
    FROM pledges_position p
    WHERE p."right" = 'in_transit' AND p.remaining > 0 AND NOT EXISTS (
        SELECT FROM logistics_shipmentline l JOIN logistics_shipment s ON s.id = l.shipment_id
        WHERE l.lot_id = p.lot_id AND s.holder_id = p.tenant_id AND s.state <> 'cancelled')
    """,
)

LOST_WITHIN_THE_COUNT = Invariant(
    name="lost_within_the_count",
    sentence="No more was written off on a count than the count found missing.",
    sql="""
    WITH lost AS (
        SELECT s.act_id, p.lot_id, sum(l.quantity) AS quantity
        FROM pledges_conversion c
        JOIN pledges_conversionstock s ON s.conversion_id = c.id
        JOIN pledges_conversionleg l ON l.conversion_id = c.id AND l.direction = 'consumed'
        JOIN pledges_position p ON p.id = l.position_id
        WHERE c.kind = 'lose' GROUP BY 1, 2
    )
    SELECT 'count ' || lost.act_id, 'lot ' || lost.lot_id || ' lost ' || lost.quantity
           || ', missing ' || coalesce(-e.quantity, 0)
    FROM lost
    LEFT JOIN logistics_stockevent e ON e.act_id = lost.act_id AND e.lot_id = lost.lot_id
    WHERE lost.quantity > coalesce(-e.quantity, 0)
    """,
)

RETURNED_WITHIN_THE_SALE = Invariant(
    name="returned_within_the_sale",
    sentence="No more of an item comes back on a receivable than was sold for it.",
    sql="""
    WITH sold AS (
        SELECT made.position_id, t.item_id, sum(gone.quantity) AS quantity
        FROM pledges_conversion c
        JOIN pledges_conversionleg made ON made.conversion_id = c.id
             AND made.direction = 'produced'
        JOIN pledges_conversionleg gone ON gone.conversion_id = c.id
             AND gone.direction = 'consumed'
        JOIN pledges_position p ON p.id = gone.position_id
        JOIN logistics_lot t ON t.id = p.lot_id
        WHERE c.kind = 'sell' GROUP BY 1, 2
    ), back AS (
        -- A debt that was restored continues the first one, on which the goods were sold.
        SELECT coalesce(root.id, debt.position_id) AS position_id, t.item_id,
               sum(came.quantity) AS quantity
        FROM pledges_conversion c
        JOIN pledges_conversionleg debt ON debt.conversion_id = c.id
             AND debt.direction = 'consumed'
        JOIN pledges_position owed ON owed.id = debt.position_id
        LEFT JOIN pledges_position root ON root.id = owed.parent_id
             AND root."right" = owed."right"
        JOIN pledges_conversionleg came ON came.conversion_id = c.id
             AND came.direction = 'produced'
        JOIN pledges_position p ON p.id = came.position_id
        JOIN logistics_lot t ON t.id = p.lot_id
        WHERE c.kind = 'return' GROUP BY 1, 2
    )
    SELECT 'receivable ' || back.position_id, 'item ' || back.item_id || ': sold '
           || coalesce(sold.quantity, 0) || ', returned ' || back.quantity
    FROM back LEFT JOIN sold USING (position_id, item_id)
    WHERE back.quantity > coalesce(sold.quantity, 0)
    """,
)

REVERSED_INTO_WHAT_IT_WAS = Invariant(
    name="reversed_into_what_it_was",
    sentence="A reversal takes what the conversion made and makes what it had taken, all of it.",
    sql="""
    WITH legs AS (
        SELECT c.id, c.reverses_id, p.lot_id, p.unit, p."right", l.direction, l.quantity
        FROM pledges_conversion c
        JOIN pledges_conversionleg l ON l.conversion_id = c.id
        JOIN pledges_position p ON p.id = l.position_id
        WHERE c.kind = 'reverse' OR EXISTS (
            SELECT FROM pledges_conversion r WHERE r.reverses_id = c.id)
    ), sums AS (
        SELECT id, lot_id, unit, "right",
               sum(CASE direction WHEN 'consumed' THEN quantity ELSE -quantity END) AS quantity
        FROM (
            SELECT id, lot_id, unit, "right", direction, quantity FROM legs
            WHERE reverses_id IS NOT NULL
            UNION ALL
            SELECT r.id, o.lot_id, o.unit, o."right", o.direction, o.quantity
            FROM legs o JOIN pledges_conversion r ON r.reverses_id = o.id
            UNION ALL  -- what came from nothing is given back, not kept by anybody
            SELECT r.id, p.lot_id, p.unit, 'released', 'consumed', l.quantity
            FROM pledges_conversion r
            JOIN pledges_conversionleg l ON l.conversion_id = r.reverses_id
                 AND l.direction = 'produced'
            JOIN pledges_position p ON p.id = l.position_id
            WHERE NOT EXISTS (SELECT FROM pledges_conversionleg n
                              WHERE n.conversion_id = r.reverses_id AND n.direction = 'consumed')
        ) both_acts
        GROUP BY 1, 2, 3, 4
    )
    SELECT 'conversion ' || id, "right" || coalesce(' of lot ' || lot_id, ' in ' || unit)
           || ' is off by ' || quantity
    FROM sums WHERE quantity <> 0
    """,
)

GOODS_ARE_HELD_FOR_POSITIONS = Invariant(
    name="goods_are_held_for_positions",
    sentence="Each live claim on goods has a hold of its quantity and kind, and no hold is idle.",
    sql="""
    SELECT coalesce('position ' || p.id, 'hold ' || h.id),
           'claims ' || coalesce(p.remaining, 0) || ', held ' || coalesce(h.quantity, 0)
    FROM (SELECT * FROM pledges_position
          WHERE "right" IN ('floating_mortgage', 'pledge', 'in_transit') AND remaining > 0) p
    FULL JOIN (SELECT * FROM logistics_hold WHERE lifted_at IS NULL) h ON h.reference = p.id
    WHERE p.id IS NULL OR h.id IS NULL OR p.remaining <> h.quantity OR p.lot_id <> h.lot_id
       OR h.kind <> CASE p."right" WHEN 'floating_mortgage' THEN 'mortgage' ELSE 'pledge' END
    """,
)

_NOW = """
    FROM lending_facility f
    CROSS JOIN LATERAL (
        SELECT max(day) AS day FROM (
            SELECT max(observed_on) AS day FROM risk_price
            UNION ALL SELECT as_of FROM pledges_facilitycover WHERE facility_id = f.id) days
    ) latest
    CROSS JOIN LATERAL pledges_cover(latest.day, ARRAY[f.id]) v
"""

NEVER_UNCOVERED_IN_SILENCE = Invariant(
    name="never_uncovered_in_silence",
    sentence="A facility's recorded band is the band of its cover at the latest prices, or a tick "
    "of its lender's book is due.",
    sql=f"""
    SELECT 'facility ' || f.code,
           'recorded ' || coalesce(c.band, 'nothing') || ', is ' || v.band || ': exposure '
           || v.exposure || ', lending value ' || v.lending_value
    {_NOW}
    LEFT JOIN pledges_facilitycover c ON c.facility_id = f.id
    WHERE v.band <> coalesce(c.band, 'covered') AND NOT EXISTS (
        SELECT FROM outbox_event due
        WHERE due.topic = 'pledges.tick_due' AND due.tenant_id = f.tenant_id
          AND due.state IN ('pending', 'running'))
    """,
)

CALLED_MEANS_CALL_OPEN = Invariant(
    name="called_means_call_open",
    sentence="From the watch line on a margin call is open; a cured facility has none.",
    sql="""
    SELECT 'facility ' || c.facility_id, 'band ' || c.band || ', calls open ' || count(m.id)
    FROM pledges_facilitycover c
    LEFT JOIN pledges_margincall m ON m.facility_id = c.facility_id AND m.state <> 'cured'
    GROUP BY c.facility_id, c.band
    HAVING (c.band IN ('called', 'close_out') AND count(m.id) = 0)
        OR (c.band = 'covered' AND count(m.id) > 0)
    """,
)

NO_ACT_UNCOVERED = Invariant(
    name="no_act_left_a_larger_shortfall",
    sentence="No conversion that somebody chose left a larger shortfall than it found, unless "
    "it came with one that nobody chose.",
    sql=f"""
    WITH act AS (
        SELECT c.*, coalesce(CASE WHEN c.kind = 'reverse' THEN undone.kind IN {_UNCHOSEN_BACK}
                                  ELSE c.kind IN {_UNCHOSEN} END, false) AS unchosen
        FROM pledges_conversion c LEFT JOIN pledges_conversion undone ON undone.id = c.reverses_id
    )
    SELECT 'conversion ' || c.id, c.kind || ' left short '
           || greatest(0, c.exposure_after - c.lending_value_after) || ', found '
           || greatest(0, c.exposure_before - c.lending_value_before)
    FROM act c
    WHERE NOT c.unchosen AND greatest(0, c.exposure_after - c.lending_value_after)
        > greatest(0, c.exposure_before - c.lending_value_before)
      AND NOT EXISTS (
        SELECT FROM act forced
        WHERE forced.facility_id = c.facility_id AND forced.occurred_at = c.occurred_at
          AND forced.unchosen
          AND (forced.exposure_before, forced.lending_value_before,
               forced.exposure_after, forced.lending_value_after)
            = (c.exposure_before, c.lending_value_before,
               c.exposure_after, c.lending_value_after))
    """,
)

HISTORY_ENDS_IN_THE_PRESENT = Invariant(
    name="history_ends_in_the_present",
    sentence="The last reading that judged a facility gives the band it is in.",
    sql="""
    SELECT 'facility ' || c.facility_id, 'is ' || c.band || ', last reading says ' || r.band
    FROM pledges_facilitycover c
    JOIN LATERAL (SELECT band FROM pledges_coverrecord
                  WHERE facility_id = c.facility_id AND cause <> 'day'
                  ORDER BY id DESC LIMIT 1) r ON true
    WHERE r.band <> c.band
    """,
)

SUSPENDED_MEANS_WHY = Invariant(
    name="suspended_means_why",
    sentence="A position is suspended while, and only while, a suspension of it stands.",
    sql="""
    SELECT 'position ' || p.id, 'suspended: ' || p.suspended || ', reasons ' || count(s.id)
    FROM pledges_position p
    LEFT JOIN pledges_suspension s ON s.position_id = p.id AND s.lifted_at IS NULL
    GROUP BY p.id HAVING p.suspended <> (count(s.id) > 0)
    """,
)

INSTRUCTIONS_ARE_STAMPED = Invariant(
    name="instructions_are_stamped",
    sentence="An instruction has the stamps of its way, the last of them that of its state.",
    sql="""
    SELECT 'instruction ' || i.id, i.state || ' after '
           || coalesce(string_agg(s.step, ', ' ORDER BY s.id), 'no stamp')
    FROM pledges_instruction i LEFT JOIN pledges_instructionstep s ON s.instruction_id = i.id
    GROUP BY i.id
    HAVING coalesce((array_agg(s.step ORDER BY s.id DESC))[1], '') <> i.state
        OR bool_or(s.at <> i.stamped_at) FILTER (WHERE s.step = i.state)
        OR coalesce((array_agg(s.step ORDER BY s.id))[1], '') <> 'requested'
        OR (i.state IN ('acknowledged', 'executed', 'evidenced', 'failed') AND NOT
            array_agg(s.step::text) @> ARRAY['instructed', 'acknowledged'])
        OR (i.state = 'evidenced' AND NOT array_agg(s.step::text) @> ARRAY['executed'])
    """,
)

EXECUTED_AS_INSTRUCTED = Invariant(
    name="executed_as_instructed",
    sentence="The conversion of an executed instruction moved the goods that its lines name.",
    sql="""
    WITH ordered AS (
        SELECT i.conversion_id, l.quantity,
               coalesce('give ' || l.position_id, 'bring lot ' || l.lot_id) AS goods
        FROM pledges_instruction i JOIN pledges_instructionline l ON l.instruction_id = i.id
        WHERE i.conversion_id IS NOT NULL
    ), moved AS (
        SELECT g.conversion_id, g.quantity,
               CASE g.direction WHEN 'consumed' THEN 'give ' || p.id
                                ELSE 'bring lot ' || p.lot_id END AS goods
        FROM pledges_conversionleg g JOIN pledges_position p ON p.id = g.position_id
        WHERE g.conversion_id IN (SELECT conversion_id FROM ordered)
          AND NOT (g.direction = 'produced' AND p."right" = 'released')
    )
    SELECT 'conversion ' || coalesce(o.conversion_id, m.conversion_id),
           coalesce(o.goods, m.goods) || ': ordered ' || coalesce(o.quantity, 0)
           || ', moved ' || coalesce(m.quantity, 0)
    FROM ordered o
    FULL JOIN moved m ON m.conversion_id = o.conversion_id AND m.goods = o.goods
    WHERE o.quantity IS DISTINCT FROM m.quantity
    """,
)

CALL_HISTORY_IS_UNBROKEN = Invariant(
    name="call_history_is_unbroken",
    sentence="A call's history begins with its opening, each line where the last one ended, and "
    "ends with its cure.",
    sql="""
    SELECT 'margin call ' || m.id, 'line ' || coalesce(h.place::text, 'missing') || ': '
           || coalesce(h.kind || ' from ' || h.need_before || ' after ' || h.left_at, 'none')
    FROM pledges_margincall m
    LEFT JOIN LATERAL (
        SELECT e.*, row_number() OVER (ORDER BY e.id) AS place,
               lag(e.need) OVER (ORDER BY e.id) AS left_at,
               lead(e.id) OVER (ORDER BY e.id) IS NULL AS is_last
        FROM pledges_margincallentry e WHERE e.call_id = m.id) h ON true
    WHERE h.id IS NULL
       OR (h.place = 1) <> (h.kind = 'opened')
       OR h.kind = 'opened' AND (h.need <> m.cash_needed OR h.at <> m.opened_at)
       OR h.kind <> 'opened' AND h.need_before <> h.left_at
       OR h.is_last AND ((h.kind = 'cured') <> (m.state = 'cured') OR h.due_at <> m.due_at)
    """,
)

CALL_MOVED_BY_ITS_HISTORY = Invariant(
    name="call_moved_by_its_history",
    sentence="A call is escalated and its clock run out where, and only where, a line says so.",
    sql="""
    SELECT 'margin call ' || m.id, m.state || ', escalations told ' || lines.escalated
           || ', clock ran out at ' || coalesce(m.ran_out_at::text, 'no time')
    FROM pledges_margincall m
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE e.kind = 'escalated') AS escalated,
               max(e.id) FILTER (WHERE e.kind = 'ran_out') AS ran_out,
               max(e.id) FILTER (WHERE e.kind = 'extended') AS extended
        FROM pledges_margincallentry e WHERE e.call_id = m.id) lines
    WHERE lines.escalated <> (m.escalated_at IS NOT NULL)::int
       OR (m.state = 'escalated') AND m.escalated_at IS NULL
       OR (m.ran_out_at IS NOT NULL)
          <> (lines.ran_out IS NOT NULL AND lines.ran_out > coalesce(lines.extended, 0))
    """,
)

INVARIANTS = [
    INSTRUCTIONS_ARE_STAMPED,
    EXECUTED_AS_INSTRUCTED,
    POOL_LINES_EQUAL_POSITIONS,
    PARTS_SUM_TO_THE_WHOLE,
    EVERY_POSITION_HAS_AN_ORIGIN,
    SAME_QUANTITY_ON_BOTH_SIDES,
    GIVEN_UP_IS_WHAT_WAS_TAKEN,
    SAME_GOODS_ON_BOTH_SIDES,
    MOVED_AS_CONVERTED,
    IN_TRANSIT_UNDER_A_DOCUMENT,
    LOST_WITHIN_THE_COUNT,
    RETURNED_WITHIN_THE_SALE,
    REVERSED_INTO_WHAT_IT_WAS,
    GOODS_ARE_HELD_FOR_POSITIONS,
    NEVER_UNCOVERED_IN_SILENCE,
    CALLED_MEANS_CALL_OPEN,
    CALL_HISTORY_IS_UNBROKEN,
    CALL_MOVED_BY_ITS_HISTORY,
    NO_ACT_UNCOVERED,
    HISTORY_ENDS_IN_THE_PRESENT,
    SUSPENDED_MEANS_WHY,
    *DISPOSAL_INVARIANTS,
    *mortgages.INVARIANTS,
    *LAW_INVARIANTS,
]
