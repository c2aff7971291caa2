"""What must always hold of prices and rates."""

from common.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="price_revisions_unbroken",
        sentence="The revisions of a day's price follow each other without a gap.",
        sql="""
            SELECT c.code || ' ' || p.observed_on,
                   'highest revision ' || max(p.revision) || ' of ' || count(*) || ' rows'
            FROM risk_price p JOIN risk_commodity c ON c.id = p.commodity_id
            WHERE p.revision > 1 OR p.supersedes_id IS NULL
            GROUP BY c.code, p.observed_on
            HAVING max(p.revision) <> count(*)
        """,
    ),
    Invariant(
        name="unit_price_equals_quote",
        sentence="A price per unit is the quoted price times its factor over its quantity.",
        sql="""
            SELECT c.code || ' ' || p.observed_on,
                   p.price || ' makes ' || p.unit_price || ' per ' || c.unit
            FROM risk_price p JOIN risk_commodity c ON c.id = p.commodity_id
            WHERE abs(p.unit_price - p.price * c.price_factor / c.price_quantity) > 0.000000000001
        """,
    ),
    Invariant(
        name="money_has_no_prices",
        sentence="Money is worth one of itself and has no prices or rates.",
        sql="""
            SELECT c.code, 'has prices or rates'
            FROM risk_commodity c
            WHERE c.kind = 'money'
              AND (EXISTS (SELECT FROM risk_price p WHERE p.commodity_id = c.id)
                   OR EXISTS (SELECT FROM risk_pledgerate r WHERE r.commodity_id = c.id))
        """,
    ),
    Invariant(
        name="rates_come_from_known_prices",
        sentence="A pledge rate comes from a price of its own commodity, not later than itself.",
        sql="""
            SELECT c.code || ' ' || r.effective_on, 'from a price of ' || p.observed_on
            FROM risk_pledgerate r
            JOIN risk_price p ON p.id = r.price_id
            JOIN risk_commodity c ON c.id = r.commodity_id
            WHERE p.commodity_id <> r.commodity_id OR p.observed_on > r.effective_on
        """,
    ),
    Invariant(
        name="confirmed_holds_are_recorded",
        sentence="A price that was confirmed out of quarantine has been recorded for its day.",
        sql="""
            SELECT c.code || ' ' || h.observed_on, 'confirmed at ' || h.price || ', not recorded'
            FROM risk_heldprice h JOIN risk_commodity c ON c.id = h.commodity_id
            WHERE h.state = 'confirmed'
              AND NOT EXISTS (SELECT FROM risk_price p
                              WHERE p.commodity_id = h.commodity_id
                                AND p.observed_on = h.observed_on AND p.price = h.price)
        """,
    ),
    Invariant(
        name="fed_prices_keep_their_parcels",
        sentence="What a feed's run fetched is kept by its hash.",
        sql="""
            SELECT f.code || ' run ' || r.id, 'parcel ' || (named ->> 'digest') || ' is missing'
            FROM risk_feedrun r
            JOIN risk_feed f ON f.id = r.feed_id
            CROSS JOIN LATERAL jsonb_array_elements(r.parcels) AS named
            WHERE NOT EXISTS (SELECT FROM risk_feedbody b WHERE b.digest = named ->> 'digest')
        """,
    ),
]
