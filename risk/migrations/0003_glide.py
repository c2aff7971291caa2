"""Days of the glide, and the glided rate beside the published one in every quote."""

import importlib

from django.db import migrations, models
from django.db.models import Q

DROP = "DROP FUNCTION risk_quotes(date, bigint[])"
BEFORE: str = importlib.import_module("risk.migrations.0002_quotes").QUOTES

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


class Migration(migrations.Migration):
    dependencies = [("risk", "0002_quotes")]

    operations = [
        migrations.AddField(
            model_name="commodity",
            name="glide_days",
            field=models.PositiveSmallIntegerField(
                default=5,
                help_text="business days over which a cut of the rate reaches outstanding loans; "
                "0: at once",
            ),
        ),
        migrations.AddConstraint(
            model_name="commodity",
            constraint=models.CheckConstraint(
                condition=Q(glide_days__lte=60), name="commodity_glides_within_a_quarter"
            ),
        ),
        migrations.RunSQL(WEEKDAY_BEFORE, "DROP FUNCTION risk_weekday_before(date, integer)"),
        migrations.RunSQL(f"{DROP}; {QUOTES}", f"{DROP}; {BEFORE}"),
    ]
