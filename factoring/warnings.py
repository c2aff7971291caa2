"""What factoring adds to the rules of early warning."""

# What each debtor owes of all that is owed on receivables of a facility.
DEBTOR_SHARE = """
    SELECT r.facility_id, r.debtor_id::text, debtor.name,
           sum(p.remaining) / sum(sum(p.remaining)) OVER (PARTITION BY r.facility_id)
    FROM factoring_receivable r
    JOIN pledges_position p ON p.id = r.position_id AND p.closed_at IS NULL AND p.remaining > 0
    JOIN parties_organisation debtor ON debtor.id = r.debtor_id
    GROUP BY r.facility_id, r.debtor_id, debtor.name
"""
