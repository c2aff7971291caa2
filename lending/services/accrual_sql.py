"""The two statements of a day's interest; see lending.services.accrual."""

# Between which dates loans' interest and penalty are to be counted, and the name each stretch goes
# by. A few per day count: many loans share the date since which their principal stands. LEAST
# passes over a stop date that is not set.
PERIODS = """
    SELECT DISTINCT concat_ws(' ', f.day_count, starts, ends), f.day_count, starts, ends
      FROM lending_loan l
      JOIN lending_facility f ON f.id = l.facility_id
     CROSS JOIN LATERAL (VALUES
           (l.accrues_from, LEAST(%(day)s::date, l.interest_stops_on)),
           (GREATEST(l.accrues_from, l.due_on), LEAST(%(day)s::date, l.interest_stops_on))
           ) AS stretch (starts, ends)
     WHERE l.facility_id = ANY (%(facilities)s)
       AND l.state IN ('drawn', 'overdue')
       AND l.accrued_through = %(yesterday)s
       AND starts < ends
"""

# The fractions come as one JSON value, looked up by name: a join would be left to the planner's
# guess of how many loans there are, and it guesses one. Division comes last and with twenty digits
# to spare: no rounding before the one to minor units, halves up, as lending.rules.payable does it.
COUNT_DAY = """
    WITH minor AS MATERIALIZED (
        SELECT * FROM unnest(%(currencies)s::text[], %(minor)s::int[]) AS minor (currency, digits)
    ), named AS (
        SELECT l.*, f.currency,
               %(fractions)s::jsonb -> concat_ws(' ', f.day_count, l.accrues_from,
                   LEAST(%(day)s::date, l.interest_stops_on)) AS ordinary,
               %(fractions)s::jsonb -> concat_ws(' ', f.day_count,
                   GREATEST(l.accrues_from, l.due_on),
                   LEAST(%(day)s::date, l.interest_stops_on)) AS late
          FROM lending_loan l
          JOIN lending_facility f ON f.id = l.facility_id
         WHERE l.facility_id = ANY (%(facilities)s)
           AND l.state IN ('drawn', 'overdue')
           AND l.accrued_through = %(yesterday)s
    ), counted AS MATERIALIZED (
        SELECT l.id, l.tenant_id, l.currency,
               round(l.interest_exact + l.owed_principal * l.annual_rate
                     * COALESCE((l.ordinary ->> 0)::numeric, 0) * 1.00000000000000000000
                     / COALESCE((l.ordinary ->> 1)::numeric, 1), minor.digits) AS interest,
               round(l.penalty_exact + l.owed_principal * l.penalty_rate
                     * COALESCE((l.late ->> 0)::numeric, 0) * 1.00000000000000000000
                     / COALESCE((l.late ->> 1)::numeric, 1), minor.digits) AS penalty,
               l.interest_posted AS interest_before,
               l.penalty_posted AS penalty_before,
               l.state AS state_before
          FROM named l
          JOIN minor ON minor.currency = l.currency
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
     RETURNING l.id, l.number, l.facility_id, c.tenant_id, c.currency,
               c.interest - c.interest_before AS interest, c.penalty - c.penalty_before AS penalty,
               l.state = 'overdue' AND c.state_before <> 'overdue' AS fell_overdue
    )
    SELECT * FROM moved ORDER BY tenant_id, currency, id
"""
