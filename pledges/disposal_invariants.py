"""What always holds of disposals: prices, quantities, reserves, sealed bids and how cases end."""

from common.invariants import Invariant

PROCEEDS_OF_A_SALE_EQUAL_ITS_PRICE = Invariant(
    name="proceeds_of_a_sale_equal_its_price",
    sentence="A sale's price came in as proceeds, in the books too, and what it repaid, what was "
    "given back and what is held make the price.",
    sql="""
    SELECT 'sale ' || s.id,
           'price ' || s.price || ', proceeds ' || coalesce(p.quantity, 0) || ', booked '
           || booked.amount || ', repaid ' || used.repaid || '/' || coalesce(r.amount, 0)
           || ', released ' || used.released || ', held ' || coalesce(p.remaining, 0)
    FROM pledges_sale s
    LEFT JOIN pledges_position p ON p.id = s.proceeds_id AND p."right" = 'proceeds'
    LEFT JOIN lending_repayment r ON r.id = s.repayment_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.amount), 0) AS amount
        FROM ledger_entry e JOIN ledger_posting l ON l.entry_id = e.id
        WHERE e.tenant_id = s.tenant_id AND e.kind = 'disposal_price'
          AND e.idempotency_key = 'sale:' || s.id || ':disposal_price') booked
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity) FILTER (WHERE "right" = 'repaid'), 0) AS repaid,
               coalesce(sum(quantity) FILTER (WHERE "right" = 'released'), 0) AS released
        FROM pledges_position WHERE parent_id = p.id) used
    WHERE s.state = 'done'
      AND (p.id IS NULL OR p.quantity <> s.price OR booked.amount <> s.price
           OR used.repaid <> coalesce(r.amount, 0)
           OR s.price <> used.repaid + used.released + p.remaining)
    """,
)

SOLD_IS_WHAT_WAS_REALISED = Invariant(
    name="sold_is_what_was_realised",
    sentence="What a lot for sale names is what its sale took and realised, position by position.",
    sql="""
    WITH act AS (
        SELECT s.id AS sale_id, s.lot_id, made.conversion_id
        FROM pledges_sale s
        JOIN pledges_conversionleg made
             ON made.position_id = s.proceeds_id AND made.direction = 'produced'
        WHERE s.state = 'done'
    ), taken AS (
        SELECT act.sale_id, l.position_id, sum(l.quantity) AS quantity
        FROM act JOIN pledges_conversionleg l
             ON l.conversion_id = act.conversion_id AND l.direction = 'consumed'
        GROUP BY 1, 2
    ), realised AS (
        SELECT act.sale_id, p.parent_id AS position_id, sum(l.quantity) AS quantity
        FROM act JOIN pledges_conversionleg l
             ON l.conversion_id = act.conversion_id AND l.direction = 'produced'
        JOIN pledges_position p ON p.id = l.position_id AND p."right" = 'realised'
        GROUP BY 1, 2
    ), named AS (
        SELECT s.id AS sale_id, i.position_id, i.quantity
        FROM pledges_sale s JOIN pledges_disposalitem i ON i.lot_id = s.lot_id
        WHERE s.state = 'done'
    )
    SELECT 'sale ' || coalesce(n.sale_id, t.sale_id, r.sale_id),
           'position ' || coalesce(n.position_id, t.position_id, r.position_id) || ': named '
           || coalesce(n.quantity, 0) || ', taken ' || coalesce(t.quantity, 0) || ', realised '
           || coalesce(r.quantity, 0)
    FROM named n
    FULL JOIN taken t ON t.sale_id = n.sale_id AND t.position_id = n.position_id
    FULL JOIN realised r ON r.sale_id = coalesce(n.sale_id, t.sale_id)
         AND r.position_id = coalesce(n.position_id, t.position_id)
    WHERE coalesce(n.quantity, 0) <> coalesce(t.quantity, 0)
       OR coalesce(n.quantity, 0) <> coalesce(r.quantity, 0)
    """,
)

NO_SALE_BELOW_RESERVE = Invariant(
    name="no_sale_below_reserve",
    sentence="No lot was sold below its reserve, and of sealed bids the highest was taken.",
    sql="""
    SELECT 'sale ' || s.id, 'price ' || s.price || ', reserve ' || l.reserve
           || ', highest bid ' || coalesce(best.amount, s.price)
    FROM pledges_sale s
    JOIN pledges_disposallot l ON l.id = s.lot_id
    LEFT JOIN LATERAL (
        SELECT max(o.amount) AS amount FROM pledges_offer o
        WHERE o.lot_id = l.id AND l.opens_at IS NOT NULL) best ON true
    WHERE s.state = 'done' AND (s.price < l.reserve OR s.price < best.amount)
    """,
)

NO_BID_OPENED_EARLY = Invariant(
    name="no_bid_opened_early",
    sentence="A bid was handed in before the opening, opened after it, and is what was committed.",
    sql="""
    SELECT 'offer ' || o.id,
           'received ' || o.received_at || ', opening ' || coalesce(l.opens_at::text, 'none')
           || ', opened ' || coalesce(o.revealed_at::text, 'never')
    FROM pledges_offer o
    JOIN pledges_disposallot l ON l.id = o.lot_id
    JOIN parties_organisation b ON b.id = o.bidder_id
    WHERE (l.opens_at IS NULL) <> (o.commitment = '')
       OR o.received_at >= l.opens_at
       OR (o.commitment <> '' AND (o.amount IS NULL) <> (o.revealed_at IS NULL))
       OR o.revealed_at < l.opens_at
       OR o.revealed_at >= l.closes_at
       OR (o.revealed_at IS NOT NULL AND o.commitment <> encode(sha256(convert_to(
               o.amount::numeric(24,4)::text || '|' || o.nonce || '|' || b.code, 'UTF8')), 'hex'))
    """,
)

LOTS_FOLLOW_THEIR_SALES = Invariant(
    name="lots_follow_their_sales",
    sentence="A lot is sold when, and only when, one sale of it is done; a case that has ended "
    "sells nothing.",
    sql="""
    SELECT 'lot ' || l.id, l.state || ' in a case that is ' || c.state || ', sales done '
           || count(s.id)
    FROM pledges_disposallot l
    JOIN pledges_disposalcase c ON c.id = l.case_id
    LEFT JOIN pledges_sale s ON s.lot_id = l.id AND s.state = 'done'
    GROUP BY l.id, c.id
    HAVING (l.state = 'sold') <> (count(s.id) = 1)
        OR (l.state = 'offered' AND c.state <> 'selling')
    """,
)

CASES_RUN_IN_DEFAULT = Invariant(
    name="cases_run_in_default",
    sentence="A case runs while its facility is in default; settled, it owed nothing or its "
    "deficit is what was owed.",
    sql="""
    SELECT 'case ' || c.id, c.state || ', facility ' || f.state || ', deficit '
           || coalesce(c.deficit::text, 'not recorded') || ', owed ' || f.exposure
    FROM pledges_disposalcase c
    JOIN lending_facility f ON f.id = c.facility_id
    WHERE (c.state IN ('opened', 'selling') AND f.state <> 'defaulted')
       OR (c.state = 'settled' AND (c.deficit IS NULL
           OR (c.deficit = 0 AND f.exposure > 0 AND NOT EXISTS (
                   SELECT FROM lending_loan n
                   WHERE n.facility_id = f.id AND n.agreed_on >= c.ended_at::date))))
    """,
)

SURPLUS_IS_WHAT_WAS_GIVEN_BACK = Invariant(
    name="surplus_is_what_was_given_back",
    sentence="A paid surplus is what was released of its case's proceeds; another is none.",
    sql="""
    SELECT 'case ' || c.id,
           'released ' || coalesce(sum(g.quantity), 0) || ', surplus ' || coalesce(max(b.amount), 0)
    FROM pledges_disposalcase c
    LEFT JOIN pledges_surplus b ON b.case_id = c.id AND b.state = 'paid'
    LEFT JOIN pledges_disposallot l ON l.case_id = c.id
    LEFT JOIN pledges_sale s ON s.lot_id = l.id AND s.state = 'done'
    LEFT JOIN pledges_position g ON g.parent_id = s.proceeds_id AND g."right" = 'released'
    GROUP BY c.id HAVING coalesce(sum(g.quantity), 0) <> coalesce(max(b.amount), 0)
    """,
)

DISPOSAL_INVARIANTS = [
    PROCEEDS_OF_A_SALE_EQUAL_ITS_PRICE,
    SOLD_IS_WHAT_WAS_REALISED,
    NO_SALE_BELOW_RESERVE,
    NO_BID_OPENED_EARLY,
    LOTS_FOLLOW_THEIR_SALES,
    CASES_RUN_IN_DEFAULT,
    SURPLUS_IS_WHAT_WAS_GIVEN_BACK,
]
