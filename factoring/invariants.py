"""What always holds of receivables, collections, rebates and the controlled accounts."""

from common.invariants import Invariant

# The positions that were a receivable one after the other: reversals continue the first one.
_CLAIMS = """claims AS (
        SELECT r.id AS receivable_id, p.id AS position_id
        FROM factoring_receivable r
        JOIN pledges_position latest ON latest.id = r.position_id
        LEFT JOIN pledges_position root ON root.id = latest.parent_id
             AND root."right" = latest."right"
        JOIN pledges_position p ON p.id = coalesce(root.id, latest.id)
             OR (p.parent_id = coalesce(root.id, latest.id) AND p."right" = 'receivable')
    )"""

LINES_MAKE_THE_FACE = Invariant(
    name="lines_make_the_face",
    sentence="A receivable's face is the sum of its invoice's lines.",
    sql="""
    SELECT 'invoice ' || r.invoice_number,
           'face ' || r.face || ', lines ' || coalesce(sum(l.amount), 0)
    FROM factoring_receivable r LEFT JOIN factoring_receivableline l ON l.receivable_id = r.id
    GROUP BY r.id HAVING r.face <> coalesce(sum(l.amount), 0)
    """,
)

INVOICE_TIES_TO_GOODS = Invariant(
    name="invoice_ties_to_goods",
    sentence="What an invoice names is what left for it, item by item.",
    sql=f"""
    WITH {_CLAIMS}, invoiced AS (
        SELECT receivable_id, item_id, sum(quantity) AS quantity
        FROM factoring_receivableline GROUP BY 1, 2
    ), sold AS (
        SELECT r.receivable_id, t.item_id, sum(c.quantity) AS quantity
        FROM claims r
        JOIN pledges_conversionleg made
             ON made.position_id = r.position_id AND made.direction = 'produced'
        JOIN pledges_conversion sale ON sale.id = made.conversion_id AND sale.kind = 'sell'
        JOIN pledges_conversionleg c
             ON c.conversion_id = made.conversion_id AND c.direction = 'consumed'
        JOIN pledges_position p ON p.id = c.position_id
        JOIN logistics_lot t ON t.id = p.lot_id
        GROUP BY 1, 2
    )
    SELECT 'receivable ' || coalesce(i.receivable_id, s.receivable_id),
           'item ' || coalesce(i.item_id, s.item_id) || ': invoiced ' || coalesce(i.quantity, 0)
           || ', left ' || coalesce(s.quantity, 0)
    FROM invoiced i
    FULL JOIN sold s ON s.receivable_id = i.receivable_id AND s.item_id = i.item_id
    WHERE coalesce(i.quantity, 0) <> coalesce(s.quantity, 0)
    """,
)

COLLECTED_WITHIN_THE_FACE = Invariant(
    name="collected_within_the_face",
    sentence="What remains of a receivable's position is its face less what was collected, "
    "credited and enforced.",
    sql=f"""
    WITH {_CLAIMS}
    SELECT 'invoice ' || r.invoice_number,
           'face ' || r.face || ', collected ' || paid.amount || ', credited ' || noted.amount
           || ', enforced ' || enforced.amount || ', remaining ' || p.remaining
    FROM factoring_receivable r
    JOIN pledges_position p ON p.id = r.position_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.quantity), 0) AS amount FROM pledges_conversionleg l
        JOIN pledges_conversion e ON e.id = l.conversion_id AND e.kind = 'enforce'
        WHERE l.direction = 'consumed' AND l.position_id IN (
            SELECT position_id FROM claims WHERE receivable_id = r.id)) enforced
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS amount FROM factoring_collection
                        WHERE receivable_id = r.id AND taken_back_at IS NULL) paid
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS amount FROM factoring_creditnote
                        WHERE receivable_id = r.id) noted
    WHERE p.quantity > r.face
       OR p.remaining <> r.face - paid.amount - noted.amount - enforced.amount
    """,
)

CREDITED_FOR_WHAT_CAME_BACK = Invariant(
    name="credited_for_what_came_back",
    sentence="A credit note is one return of its amount, and its lines are the goods pledged by "
    "it.",
    sql=f"""
    WITH {_CLAIMS}, notes AS (
        SELECT n.id, n.number, n.amount, n.receivable_id,
               array_agg(DISTINCT came.conversion_id) AS conversions,
               bool_and(l.quantity = p.quantity AND t.item_id = l.item_id
                        AND p."right" = 'pledge') AS tied
        FROM factoring_creditnote n
        LEFT JOIN factoring_creditnoteline l ON l.credit_note_id = n.id
        LEFT JOIN pledges_position p ON p.id = l.position_id
        LEFT JOIN logistics_lot t ON t.id = p.lot_id
        LEFT JOIN pledges_conversionleg came ON came.position_id = p.id
             AND came.direction = 'produced'
        GROUP BY n.id
    )
    SELECT 'credit note ' || number, 'of ' || amount || ', returned on the receivable '
           || coalesce(debt.quantity, 0) || ', goods tie: ' || coalesce(tied, false)
    FROM notes
    LEFT JOIN pledges_conversionleg debt ON debt.conversion_id = notes.conversions[1]
         AND debt.direction = 'consumed' AND debt.position_id IN (
             SELECT position_id FROM claims c WHERE c.receivable_id = notes.receivable_id)
    WHERE cardinality(conversions) <> 1 OR debt.quantity IS DISTINCT FROM amount
       OR NOT coalesce(tied, false)
    """,
)

STATES_FOLLOW_THE_MONEY = Invariant(
    name="receivable_states_follow_the_money",
    sentence="A receivable is collected when nothing is outstanding (or it was sold in "
    "enforcement), settled when nothing is owed on it or held for it.",
    sql=f"""
    WITH {_CLAIMS}
    SELECT 'invoice ' || r.invoice_number,
           r.state || ': remaining ' || p.remaining || ', held ' || money.held
           || ', owed ' || coalesce(l.owed, 0)
    FROM factoring_receivable r
    JOIN pledges_position p ON p.id = r.position_id
    LEFT JOIN (SELECT id, owed_principal + owed_interest + owed_penalty + owed_fees + owed_costs
                      AS owed FROM lending_loan) l ON l.id = r.loan_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(h.remaining), 0) AS held FROM factoring_collection c
        JOIN pledges_position h ON h.id = c.proceeds_id WHERE c.receivable_id = r.id) money
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.quantity), 0) AS amount FROM pledges_conversionleg l
        JOIN pledges_conversion e ON e.id = l.conversion_id AND e.kind = 'enforce'
        WHERE l.direction = 'consumed' AND l.position_id IN (
            SELECT position_id FROM claims WHERE receivable_id = r.id)) enforced
    WHERE (r.state IN ('collected', 'settled') AND p.remaining > 0)
       OR (r.state = 'assigned' AND p.remaining = 0 AND enforced.amount = 0)
       OR (r.state = 'settled' AND (money.held > 0 OR coalesce(l.owed, 0) > 0))
    """,
)

PROCEEDS_STAND_IN_THE_BOOKS = Invariant(
    name="proceeds_stand_in_the_books",
    sentence="The books owe, and the controlled account holds, what open proceeds positions say.",
    sql="""
    WITH positions AS (
        SELECT facility_id, sum(remaining) AS amount FROM pledges_position
        WHERE "right" = 'proceeds' GROUP BY 1
    ), booked AS (
        SELECT a.tenant_id, a.code, a.currency, sum(
                   CASE WHEN p.debit_account_id = a.id THEN p.amount ELSE -p.amount END) AS debit
        FROM ledger_account a
        JOIN ledger_posting p ON a.id IN (p.debit_account_id, p.credit_account_id)
        WHERE a.code LIKE 'proceeds:%' OR a.code LIKE 'collection:%' GROUP BY a.id
    )
    SELECT 'facility ' || f.code,
           'positions ' || coalesce(p.amount, 0) || ', owed in the books '
           || -coalesce(owed.debit, 0) || ', in the account ' || coalesce(cash.debit, 0)
    FROM lending_facility f
    LEFT JOIN positions p ON p.facility_id = f.id
    LEFT JOIN booked owed ON owed.tenant_id = f.tenant_id AND owed.currency = f.currency
         AND owed.code = 'proceeds:' || f.code
    LEFT JOIN booked cash ON cash.tenant_id = f.tenant_id AND cash.currency = f.currency
         AND cash.code = 'collection:' || f.code
    WHERE coalesce(p.amount, 0) <> -coalesce(owed.debit, 0)
       OR coalesce(p.amount, 0) <> coalesce(cash.debit, 0)
    """,
)

MATCHED_MEANS_COLLECTED = Invariant(
    name="matched_means_collected",
    sentence="A bank entry is matched when, and only when, it is one collection of its amount.",
    sql="""
    SELECT 'bank entry ' || e.entry_reference, e.state || ' of ' || e.amount || ', collected '
           || coalesce(c.amount, 0)
    FROM factoring_bankentry e
    LEFT JOIN factoring_collection c ON c.entry_id = e.id AND c.taken_back_at IS NULL
    WHERE (e.state = 'matched') <> (c.id IS NOT NULL) OR c.amount <> e.amount
    """,
)

COLLECTIONS_ARE_USED_ONCE = Invariant(
    name="collections_are_used_once",
    sentence="What a collection repaid, what was given back and what is held make its amount; of "
    "one that was taken back nothing is left.",
    sql="""
    SELECT 'collection ' || c.id,
           'amount ' || c.amount || ', repaid ' || used.repaid || ', booked '
           || coalesce(r.amount, 0) || ', released ' || used.released || ', held ' || p.remaining
    FROM factoring_collection c
    JOIN pledges_position p ON p.id = c.proceeds_id
    LEFT JOIN lending_repayment r ON r.id = c.repayment_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity) FILTER (WHERE "right" = 'repaid'), 0) AS repaid,
               coalesce(sum(quantity) FILTER (WHERE "right" = 'released'), 0) AS released
        FROM pledges_position WHERE parent_id = p.id) used
    WHERE c.amount - used.repaid - used.released - p.remaining
          <> CASE WHEN c.taken_back_at IS NULL THEN 0 ELSE c.amount END
       OR used.repaid <> coalesce(r.amount, 0)
    """,
)

REBATES_ARE_WHAT_WAS_GIVEN_BACK = Invariant(
    name="rebates_are_what_was_given_back",
    sentence="A paid rebate is what was released of its receivable's proceeds; another is none.",
    sql="""
    SELECT 'invoice ' || r.invoice_number,
           'released ' || coalesce(sum(g.quantity), 0) || ', rebates ' || coalesce(max(b.amount), 0)
    FROM factoring_receivable r
    LEFT JOIN factoring_rebate b ON b.receivable_id = r.id AND b.state = 'paid'
    LEFT JOIN factoring_collection c ON c.receivable_id = r.id
    LEFT JOIN pledges_position g ON g.parent_id = c.proceeds_id AND g."right" = 'released'
    GROUP BY r.id HAVING coalesce(sum(g.quantity), 0) <> coalesce(max(b.amount), 0)
    """,
)

INVARIANTS = [
    LINES_MAKE_THE_FACE,
    INVOICE_TIES_TO_GOODS,
    COLLECTED_WITHIN_THE_FACE,
    CREDITED_FOR_WHAT_CAME_BACK,
    STATES_FOLLOW_THE_MONEY,
    PROCEEDS_STAND_IN_THE_BOOKS,
    MATCHED_MEANS_COLLECTED,
    COLLECTIONS_ARE_USED_ONCE,
    REBATES_ARE_WHAT_WAS_GIVEN_BACK,
]
