"""What always holds of orders, their stages, claims and deliveries."""

from common.invariants import Invariant

LINES_MAKE_THE_ORDER = Invariant(
    name="lines_make_the_order",
    sentence="An order's amount is the sum of its lines.",
    sql="""
    SELECT 'order ' || o.number, 'amount ' || o.amount || ', lines ' || coalesce(sum(l.amount), 0)
    FROM orders_purchaseorder o LEFT JOIN orders_orderline l ON l.order_id = o.id
    GROUP BY o.id HAVING o.amount <> coalesce(sum(l.amount), 0)
    """,
)

STAGES_MAKE_THE_ORDER = Invariant(
    name="stages_make_the_order",
    sentence="The stages of a financed order sum to its amount, their fractions to one.",
    sql="""
    SELECT 'order ' || o.number,
           'amount ' || o.amount || ', stages ' || coalesce(sum(s.amount), 0)
           || ', fractions ' || coalesce(sum(s.fraction), 0)
    FROM orders_orderfinancing f
    JOIN orders_purchaseorder o ON o.id = f.order_id
    LEFT JOIN orders_paymentstage s ON s.financing_id = f.id
    GROUP BY o.id
    HAVING o.amount <> coalesce(sum(s.amount), 0) OR coalesce(sum(s.fraction), 0) <> 1
    """,
)

STAGES_DREW_THE_LOAN = Invariant(
    name="stages_drew_the_loan",
    sentence="What an order's loan has drawn is the lender's part of the stages instructed.",
    sql="""
    SELECT 'loan ' || l.number,
           'drawn ' || l.drawn || ', stages ' || coalesce(sum(s.lender_amount), 0)
    FROM orders_orderfinancing f
    JOIN lending_loan l ON l.id = f.loan_id
    LEFT JOIN orders_paymentstage s ON s.financing_id = f.id AND s.state IN ('approved', 'paid')
    GROUP BY l.id HAVING l.drawn <> coalesce(sum(s.lender_amount), 0)
    """,
)

STAGES_PAY_THE_SUPPLIER = Invariant(
    name="stages_pay_the_supplier",
    sentence="A stage pays the order's supplier the lender's part, as far as its state says.",
    sql="""
    SELECT 'order ' || o.number || ' stage ' || s.sequence,
           s.state || ': payment ' || d.state || ' of ' || d.amount || ' to ' || d.payee_id
    FROM orders_paymentstage s
    JOIN orders_orderfinancing f ON f.id = s.financing_id
    JOIN orders_purchaseorder o ON o.id = f.order_id
    JOIN lending_disbursement d ON d.id = s.disbursement_id
    WHERE d.payee_id <> o.supplier_id OR d.amount <> s.lender_amount OR d.loan_id <> f.loan_id
       OR (s.state = 'approved' AND d.state NOT IN ('instructed', 'paid'))
       OR (s.state = 'paid' AND d.state <> 'paid')
       OR (s.state = 'requested' AND d.state NOT IN ('requested', 'refused'))
    """,
)

RECEIVED_IS_THE_SUM_OF_DELIVERIES = Invariant(
    name="received_is_the_sum_of_deliveries",
    sentence="What a line received is the sum of its deliveries that stand; a full line's values "
    "sum to it.",
    sql="""
    SELECT 'order line ' || l.id,
           'received ' || l.received || ', deliveries ' || coalesce(sum(d.quantity), 0)
           || ' worth ' || coalesce(sum(d.value), 0) || ' of ' || l.amount
    FROM orders_orderline l
    LEFT JOIN orders_deliveryline d ON d.line_id = l.id AND d.delivery_id NOT IN (
         SELECT delivery_id FROM orders_deliveryreversal)
    GROUP BY l.id
    HAVING l.received <> coalesce(sum(d.quantity), 0)
        OR (l.received = l.quantity AND coalesce(sum(d.value), 0) <> l.amount)
        OR coalesce(sum(d.value), 0) > l.amount
    """,
)

DELIVERED_MEANS_ALL_RECEIVED = Invariant(
    name="delivered_means_all_received",
    sentence="An order is delivered when, and only when, every line is received in full.",
    sql="""
    SELECT 'order ' || o.number, o.state || ', lines open ' || count(l.id)
        FILTER (WHERE l.received < l.quantity)
    FROM orders_purchaseorder o JOIN orders_orderline l ON l.order_id = o.id
    GROUP BY o.id
    HAVING (o.state IN ('delivered', 'closed')) <> bool_and(l.received = l.quantity)
    """,
)

CLAIMS_END_WITH_THE_DELIVERY = Invariant(
    name="claims_end_with_the_delivery",
    sentence="A claim on a supplier is no more than its stage, and nothing once all is delivered.",
    sql="""
    SELECT 'order ' || o.number || ' stage ' || s.sequence,
           o.state || ': claim of ' || p.quantity || ', remaining ' || p.remaining
    FROM orders_orderclaim c
    JOIN orders_paymentstage s ON s.id = c.stage_id
    JOIN orders_orderfinancing f ON f.id = s.financing_id
    JOIN orders_purchaseorder o ON o.id = f.order_id
    JOIN pledges_position p ON p.id = c.position_id
    WHERE p.quantity > s.amount
       OR (p.remaining > 0 AND s.state NOT IN ('approved', 'paid'))
       OR (p.remaining > 0 AND o.state IN ('delivered', 'closed'))
    """,
)

TAKEN_BACK_WITH_ITS_GOODS = Invariant(
    name="taken_back_with_its_goods",
    sentence="A delivery is taken back where, and only where, its goods' report and the conversion "
    "of its claims were reversed.",
    sql="""
    SELECT 'delivery ' || d.reference || ' of ' || o.number,
           CASE WHEN r.id IS NULL THEN 'stands' ELSE 'was taken back' END || ': goods moved back '
           || count(back.id) || ', conversions ' || count(c.id) || ', reversed ' || count(undone.id)
    FROM orders_delivery d
    JOIN orders_purchaseorder o ON o.id = d.order_id
    JOIN logistics_site s ON s.id = o.deliver_to_id
    LEFT JOIN orders_deliveryreversal r ON r.delivery_id = d.id
    LEFT JOIN logistics_stockact act ON act.source_id = s.operator_id
         AND act.reference = d.reference
    LEFT JOIN logistics_stockact back ON back.reverses_id = act.id
    LEFT JOIN orders_orderfinancing f ON f.order_id = o.id
    LEFT JOIN pledges_conversion c ON c.facility_id = f.facility_id AND c.kind = 'deliver'
         AND c.evidence->>'order' = o.number AND c.evidence->>'reference' = d.reference
    LEFT JOIN pledges_conversion undone ON undone.reverses_id = c.id
    GROUP BY d.id, o.id, r.id
    HAVING (r.id IS NOT NULL) <> (count(back.id) > 0)
        OR count(undone.id) <> CASE WHEN r.id IS NULL THEN 0 ELSE count(c.id) END
    """,
)

INVARIANTS = [
    LINES_MAKE_THE_ORDER,
    STAGES_MAKE_THE_ORDER,
    STAGES_DREW_THE_LOAN,
    STAGES_PAY_THE_SUPPLIER,
    RECEIVED_IS_THE_SUM_OF_DELIVERIES,
    DELIVERED_MEANS_ALL_RECEIVED,
    CLAIMS_END_WITH_THE_DELIVERY,
    TAKEN_BACK_WITH_ITS_GOODS,
]
