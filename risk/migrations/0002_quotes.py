"""The function that values everything: price, rate, glided rate and reason for each commodity."""

from django.db import migrations

# Weekdays after the first day up to and including the second; day 1 of year 1 was a Monday.
# The same count as risk.weekdays.weekdays_between. Without RETURN, plain SQL: it is inlined.
WEEKDAYS = """
CREATE FUNCTION risk_weekdays(after_on date, until_on date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN until_on <= after_on THEN 0 ELSE
        5 * ((until_on - date '0001-01-01' + 1) / 7)
        + least((until_on - date '0001-01-01' + 1) % 7, 5)
        - 5 * ((after_on - date '0001-01-01' + 1) / 7)
        - least((after_on - date '0001-01-01' + 1) % 7, 5)
    END
$$;
"""

# The weekday so many weekdays before a day; a weekend counts as its Friday. Counted from Monday,
# 8 January of year 1. Without RETURN, plain SQL: it is inlined.
WEEKDAY_BEFORE = """
CREATE FUNCTION risk_weekday_before(day date, back integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date '0001-01-08'
        + (risk_weekdays(date '0001-01-07', day) - back - 1) / 5 * 7
        + (risk_weekdays(date '0001-01-07', day) - back - 1) % 5
$$;
"""

# Two index look-ups a commodity, each for the last entry on or before the day. Not STRICT and
# without SET, so that PostgreSQL inlines it into the query that joins it.
# The glided rate is the mean of what was live on the last `glide_days` weekdays, where that is
# above the live rate (risk/glide.py computes the same). It stands in the list of results, so that
# PostgreSQL leaves it out of every query that does not ask for it.
QUOTES = """
CREATE FUNCTION risk_quotes(as_of date, ids bigint[] DEFAULT NULL)
RETURNS TABLE (
    commodity_id bigint, currency varchar, unit varchar, unit_price numeric, price_on date,
    rate numeric, rate_on date, fresh boolean, reason text, glided_rate numeric
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT c.id, c.currency, c.unit,
           CASE WHEN c.kind = 'money' THEN 1
                WHEN judged.reason = 'no_price' THEN 0
                ELSE p.unit_price END,
           CASE WHEN c.kind = 'money' THEN $1 ELSE p.observed_on END,
           CASE WHEN c.kind = 'money' THEN 1
                WHEN judged.reason <> '' THEN 0
                ELSE r.rate END,
           CASE WHEN c.kind = 'money' THEN $1 ELSE r.effective_on END,
           judged.reason IN ('', 'no_rate'),
           judged.reason,
           CASE WHEN c.kind = 'money' THEN 1
                WHEN judged.reason <> '' OR r.rate = 0 THEN 0
                ELSE greatest(r.rate, (
                    SELECT round(avg(live.rate), 6)
                    FROM generate_series(0, c.glide_days - 1) back
                    CROSS JOIN LATERAL (
                        SELECT pledge_rate.rate
                        FROM risk_pledgerate pledge_rate
                        WHERE pledge_rate.commodity_id = c.id
                          AND pledge_rate.effective_on <= risk_weekday_before($1, back)
                        ORDER BY pledge_rate.effective_on DESC, pledge_rate.revision DESC
                        LIMIT 1
                    ) live)) END
    FROM risk_commodity c
    LEFT JOIN LATERAL (
        SELECT price.unit_price, price.observed_on
        FROM risk_price price
        WHERE price.commodity_id = c.id AND price.observed_on <= $1
        ORDER BY price.observed_on DESC, price.revision DESC
        LIMIT 1
    ) p ON c.kind <> 'money'
    LEFT JOIN LATERAL (
        SELECT pledge_rate.rate, pledge_rate.effective_on
        FROM risk_pledgerate pledge_rate
        WHERE pledge_rate.commodity_id = c.id AND pledge_rate.effective_on <= $1
        ORDER BY pledge_rate.effective_on DESC, pledge_rate.revision DESC
        LIMIT 1
    ) r ON c.kind <> 'money'
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN c.kind = 'money' THEN ''
            WHEN p.observed_on IS NULL THEN 'no_price'
            WHEN risk_weekdays(p.observed_on, $1) > c.stop_after_days THEN 'no_price'
            WHEN risk_weekdays(p.observed_on, $1) > c.stale_after_days THEN 'stale_price'
            WHEN p.unit_price <= 0 THEN 'non_positive_price'
            WHEN r.effective_on IS NULL OR NOT c.active THEN 'no_rate'
            ELSE ''
        END AS reason
    ) judged
    WHERE $2 IS NULL OR c.id = ANY ($2)
$$;
"""

# A price in another currency than its commodity's would be read as if it were in it.
ONE_CURRENCY = """
ALTER TABLE risk_price ADD CONSTRAINT price_in_the_commodity_currency
    FOREIGN KEY (commodity_id, currency) REFERENCES risk_commodity (id, currency);
"""


class Migration(migrations.Migration):
    """Valuation lives in the database, where the tick and every act can join it."""

    dependencies = [("risk", "0001_initial")]

    operations = [
        migrations.RunSQL(WEEKDAYS, "DROP FUNCTION risk_weekdays(date, date)"),
        migrations.RunSQL(WEEKDAY_BEFORE, "DROP FUNCTION risk_weekday_before(date, integer)"),
        migrations.RunSQL(QUOTES, "DROP FUNCTION risk_quotes(date, bigint[])"),
        migrations.RunSQL(
            ONE_CURRENCY, "ALTER TABLE risk_price DROP CONSTRAINT price_in_the_commodity_currency"
        ),
    ]
