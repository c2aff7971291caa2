"""The SQL function by which the database itself knows how much a person may decide."""

# A person of another house, or one who has left, decides on nothing; no stated limit is a limit
# of zero, as in parties.services.authority.
MAY_DECIDE = """
CREATE OR REPLACE FUNCTION parties_may_decide(
    house bigint, person bigint, decided varchar, money varchar, stake numeric
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM parties_person p
        LEFT JOIN parties_authoritylimit l
               ON l.person_id = p.id AND l.act = decided AND l.currency = money
        WHERE p.id = person AND p.is_active AND p.organisation_id = house
          AND stake <= coalesce(l.amount, 0))
$$;
"""

DROP = "DROP FUNCTION IF EXISTS parties_may_decide(bigint, bigint, varchar, varchar, numeric);"
