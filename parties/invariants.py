"""What always holds of organisations and people, each with the query that would name a breach."""

from common.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="lei_check_digits",
        sentence="Every LEI passes ISO/IEC 7064 MOD 97-10.",
        # Letters count as 10 to 35; twenty of them make at most forty digits: numeric holds that.
        sql="""
            SELECT o.code, 'the check digits of the LEI ' || o.lei || ' are wrong'
              FROM parties_organisation o
             WHERE o.lei IS NOT NULL AND 1 <> (
                   SELECT string_agg(CASE WHEN c ~ '[A-Z]' THEN (ascii(c) - 55)::text ELSE c END,
                                     '' ORDER BY place)::numeric % 97
                     FROM unnest(string_to_array(o.lei, NULL)) WITH ORDINALITY AS t (c, place))
        """,
    ),
    Invariant(
        name="uscc_check_character",
        sentence="Every unified social credit code passes GB 32100.",
        # Each place weighs three times the one before, modulo 31; the whole comes to nothing.
        sql="""
            SELECT o.code, 'the check character of the USCC ' || o.uscc || ' is wrong'
              FROM parties_organisation o
             WHERE o.uscc IS NOT NULL AND 0 <> (
                   SELECT sum((strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', c) - 1)
                              * CASE place WHEN 18 THEN 1 ELSE weight END) % 31
                     FROM unnest(string_to_array(o.uscc, NULL)) WITH ORDINALITY AS t (c, place)
                     LEFT JOIN unnest(ARRAY[1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24,
                                            10, 30, 28]) WITH ORDINALITY AS w (weight, place)
                    USING (place))
        """,
    ),
    Invariant(
        name="gln_check_digit",
        sentence="Every GLN passes the GS1 check.",
        sql="""
            SELECT o.code, 'the check digit of the GLN ' || o.gln || ' is wrong'
              FROM parties_organisation o
             WHERE o.gln IS NOT NULL AND 0 <> (
                   SELECT sum(c::int * CASE place % 2 WHEN 0 THEN 3 ELSE 1 END) % 10
                     FROM unnest(string_to_array(o.gln, NULL)) WITH ORDINALITY AS t (c, place))
        """,
    ),
    Invariant(
        name="authority_has_a_house",
        sentence="Only people of an organisation hold roles or authority limits.",
        sql="""
            SELECT p.username, 'holds roles or limits for no organisation'
              FROM parties_person p
             WHERE p.organisation_id IS NULL
               AND (EXISTS (SELECT FROM parties_rolegrant r WHERE r.person_id = p.id)
                    OR EXISTS (SELECT FROM parties_authoritylimit a WHERE a.person_id = p.id))
        """,
    ),
]
