"""The two statements of a day's interest; see lending.services.accrual."""

# Which stretches of time a year fraction is needed for: a few per day count, because many loans
# share the date their principal last changed. LEAST passes over a stop date that is not set.
PERIODS = """
    SELECT DISTINCT f.day_count, period.starts, period.ends
      FROM lending_loan l
      JOIN lending_facility f ON f.id = l.facility_id
     CROSS JOIN LATERAL (VALUES
           (l.accrues_from, LEAST(%(day)s::date, l.interest_stops_on)),
           (GREATEST(l.accrues_from, l.due_on), LEAST(%(day)s::date, l.interest_stops_on))
           ) AS period (starts, ends)
     WHERE l.facility_id = ANY (%(facilities)s)
       AND l.state IN ('drawn', 'overdue')
       AND l.accrued_through = %(yesterday)s
       AND period.starts < period.ends
"""

# Division comes last and with twenty digits to spare: no rounding before the one to minor units,
# halves up, as lending.rules.payable does it.
COUNT_DAY = """
    WITH fraction AS MATERIALIZED (
        SELECT * FROM unnest(%(conventions)s::text[], %(starts)s::date[], %(ends)s::date[],
                             %(numerators)s::numeric[], %(denominators)s::numeric[])
                      AS fraction (day_count, starts, ends, part, year)
    ), minor AS MATERIALIZED (
        SELECT * FROM unnest(%(currencies)s::text[], %(minor)s::int[]) AS minor (currency, digits)
    ), counted AS MATERIALIZED (
        SELECT l.id, f.tenant_id, f.currency,
               round(l.interest_exact + l.owed_principal * l.annual_rate
                     * COALESCE(i.part, 0) * 1.00000000000000000000 / COALESCE(i.year, 1),
                     minor.digits) AS interest,
               round(l.penalty_exact + l.owed_principal * l.penalty_rate
                     * COALESCE(p.part, 0) * 1.00000000000000000000 / COALESCE(p.year, 1),
                     minor.digits) AS penalty,
               l.interest_posted AS interest_before,
               l.penalty_posted AS penalty_before,
               l.state AS state_before
          FROM lending_loan l
          JOIN lending_facility f ON f.id = l.facility_id
          JOIN minor ON minor.currency = f.currency
          LEFT JOIN fraction i
            ON i.day_count = f.day_count AND i.starts = l.accrues_from
           AND i.ends = LEAST(%(day)s::date, l.interest_stops_on)
          LEFT JOIN fraction p
            ON p.day_count = f.day_count AND p.starts = GREATEST(l.accrues_from, l.due_on)
           AND p.ends = LEAST(%(day)s::date, l.interest_stops_on)
         WHERE l.facility_id = ANY (%(facilities)s)
           AND l.state IN ('drawn', 'overdue')
           AND l.accrued_through = %(yesterday)s
    ), moved AS (
        UPDATE lending_loan l
           SET accrued_through = %(day)s,
               owed_interest = l.owed_interest + c.interest - c.interest_before,
               owed_penalty = l.owed_penalty + c.penalty - c.penalty_before,
               interest_posted = c.interest,
               penalty_posted = c.penalty,
               state = CASE
                   WHEN l.state = 'overdue' OR l.due_on >= %(day)s THEN l.state
                   WHEN l.owed_principal + l.owed_interest + l.owed_penalty + l.owed_fees
                        + l.owed_costs = 0 THEN 'repaid'
                   ELSE 'overdue' END
          FROM counted c
         WHERE l.id = c.id
     RETURNING l.id, l.number, l.facility_id, l.state
    )
    SELECT m.id, m.number, m.facility_id, c.tenant_id, c.currency,
           c.interest - c.interest_before, c.penalty - c.penalty_before,
           m.state = 'overdue' AND c.state_before <> 'overdue'
      FROM moved m
      JOIN counted c USING (id)
     ORDER BY c.tenant_id, c.currency, m.id
"""
