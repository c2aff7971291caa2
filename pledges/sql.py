"""The SQL functions of the rights engine, installed by migrations."""

# One reading of cover for the tick, the acts and the proofs. `ids` NULL means every facility.
# A quote that is not fresh, or in another currency, values nothing (domain.md invariant 4).
# Lending value is cut to the minor unit, never rounded up. The watch and call lines go by the
# glided value (risk/glide.py); what is covered, by the live one alone. Quotes are read once a
# commodity, not once a line: the glided rate costs some look-ups.
COVER = """
CREATE OR REPLACE FUNCTION pledges_cover(as_of date, ids bigint[] DEFAULT NULL)
RETURNS TABLE (
    facility_id bigint, exposure numeric, credit_limit numeric,
    market_value numeric, lending_value numeric, band varchar, glided_value numeric
) LANGUAGE sql STABLE AS $$
    WITH lines AS (
        SELECT l.facility_id, l.basis_id,
               sum(l.market_weight) AS market_weight, sum(l.lending_weight) AS lending_weight
        FROM pledges_poolline l
        WHERE ids IS NULL OR l.facility_id = ANY (ids)
        GROUP BY l.facility_id, l.basis_id
    ), quotes AS MATERIALIZED (
        SELECT q.commodity_id, q.currency, q.unit_price, q.rate, q.glided_rate
        FROM risk_quotes(as_of) q
        WHERE q.fresh AND q.commodity_id IN (SELECT basis_id FROM lines)
    ), sums AS (
        SELECT l.facility_id,
               round(sum(l.market_weight * q.unit_price), 2) AS market_value,
               trunc(sum(l.lending_weight * q.unit_price * q.rate), 2) AS lending_value,
               trunc(sum(l.lending_weight * q.unit_price * q.glided_rate), 2) AS glided_value
        FROM lines l
        JOIN lending_facility f ON f.id = l.facility_id
        JOIN quotes q ON q.commodity_id = l.basis_id AND q.currency = f.currency
        GROUP BY l.facility_id
    ), valued AS (
        SELECT f.id, f.exposure, f."limit" AS credit_limit, f.watch_line, f.call_line,
               coalesce(s.market_value, 0) AS mv, coalesce(s.lending_value, 0) AS lv,
               coalesce(s.glided_value, 0) AS gv
        FROM lending_facility f LEFT JOIN sums s ON s.facility_id = f.id
        WHERE ids IS NULL OR f.id = ANY (ids)
    ), lined AS (
        SELECT v.*, greatest(v.gv, coalesce(v.mv * v.watch_line, v.gv + (v.mv - v.gv) / 3)) AS w,
               coalesce(v.mv * v.call_line, v.gv + (v.mv - v.gv) * 2 / 3) AS c
        FROM valued v
    )
    SELECT id, exposure, credit_limit, mv, lv,
           (CASE WHEN exposure <= lv THEN 'covered'
                 WHEN exposure <= w THEN 'watch'
                 WHEN exposure <= greatest(c, w) THEN 'called'
                 ELSE 'close_out' END)::varchar, gv
    FROM lined
$$;
"""

# Live values of positions, per unit that remains; the parts behind the sums above. A suspended
# position keeps its market value (who gives it up needs the authority for it) and lends nothing.
POSITION_VALUES = """
CREATE OR REPLACE FUNCTION pledges_position_values(as_of date, ids uuid[])
RETURNS TABLE (position_id uuid, market_per_unit numeric, lending_per_unit numeric)
LANGUAGE sql STABLE AS $$
    SELECT p.id,
           coalesce(sum(t.market_per_unit * q.unit_price), 0),
           CASE WHEN p.suspended THEN 0
                ELSE coalesce(sum(t.lending_per_unit * q.unit_price * q.rate), 0) END
    FROM pledges_position p
    JOIN lending_facility f ON f.id = p.facility_id
    LEFT JOIN pledges_positionterm t ON t.position_id = p.id
    LEFT JOIN risk_quotes(as_of) q ON q.commodity_id = t.basis_id
         AND q.fresh AND q.currency = f.currency
    WHERE p.id = ANY (ids)
    GROUP BY p.id
$$;
"""

DROP = """
DROP FUNCTION IF EXISTS pledges_position_values(date, uuid[]);
DROP FUNCTION IF EXISTS pledges_cover(date, bigint[]);
"""

# The text is today's: a migration that installs it on a new database may come before the one that
# makes a column named in it, so bodies are looked at only when they run. Dropped first, because a
# function's columns cannot be replaced. After a change here: one more migration with INSTALL.
INSTALL = f"SET LOCAL check_function_bodies = off; {DROP} {COVER} {POSITION_VALUES}"
