"""Where every position of a facility stands on the map: the SQL that the chain's reads share.

A column of the map is a right, except that mortgaged finished goods stand in "production". A node
is the supplier, site, debtor or account behind the position. What remained at a past instant is
the position's quantity less what conversions had taken by then.
"""

COLUMNS = (
    "order_claim",
    "materials",
    "production",
    "warehouse",
    "in_transit",
    "receivable",
    "cash",
    "end",
)

# Parameters: facility id, instant (twice). Columns: see the outer SELECT.
PLACED = """
placed AS (
    SELECT p.id, p."right", p.label, p.unit, p.quantity, p.lot_id, p.opened_at,
           p.quantity - coalesce(taken.quantity, 0) AS remaining,
           taken.last_at,
           CASE p."right"
               WHEN 'order_claim' THEN 'order_claim'
               WHEN 'floating_mortgage' THEN
                   CASE WHEN bill.id IS NULL THEN 'materials' ELSE 'production' END
               WHEN 'pledge' THEN 'warehouse'
               WHEN 'in_transit' THEN 'in_transit'
               WHEN 'receivable' THEN 'receivable'
               WHEN 'proceeds' THEN 'cash'
               ELSE 'end' END AS place,
           CASE
               WHEN ended.yes THEN p."right"
               WHEN supplier.id IS NOT NULL THEN 'party-' || supplier.id
               WHEN debtor.id IS NOT NULL THEN 'party-' || debtor.id
               WHEN p."right" = 'proceeds' THEN 'account'
               WHEN site.id IS NOT NULL THEN 'site-' || site.id
               ELSE 'other' END AS node,
           -- Whatever left the pool stands in one block by how it left.
           CASE WHEN ended.yes THEN ''
                ELSE coalesce(supplier.name, debtor.name, site.name, '') END AS node_name,
           CASE WHEN ended.yes THEN ''
                ELSE coalesce(supplier.name_zh, debtor.name_zh, site.name_zh, '')
           END AS node_name_zh,
           po.number AS order_number, receivable.invoice_number,
           item.name AS item_name, item.name_zh AS item_name_zh,
           lot.number AS lot_number, lot.quality_deduction
    FROM pledges_position p
    CROSS JOIN LATERAL (
        SELECT p."right" IN ('released', 'repaid', 'realised', 'written_off') AS yes
    ) ended
    LEFT JOIN LATERAL (
        SELECT sum(l.quantity) AS quantity, max(c.occurred_at) AS last_at
        FROM pledges_conversionleg l JOIN pledges_conversion c ON c.id = l.conversion_id
        WHERE l.position_id = p.id AND l.direction = 'consumed' AND c.occurred_at <= %(at)s
    ) taken ON true
    LEFT JOIN logistics_lot lot ON lot.id = p.lot_id
    LEFT JOIN logistics_site site ON site.id = lot.site_id
    LEFT JOIN logistics_item item ON item.id = lot.item_id
    LEFT JOIN logistics_billofmaterials bill ON bill.product_id = lot.item_id
    LEFT JOIN orders_orderclaim claim ON claim.position_id = p.id
    LEFT JOIN orders_paymentstage stage ON stage.id = claim.stage_id
    LEFT JOIN orders_orderfinancing financing ON financing.id = stage.financing_id
    LEFT JOIN orders_purchaseorder po ON po.id = financing.order_id
    LEFT JOIN parties_organisation supplier ON supplier.id = po.supplier_id
    -- A debt that a reversal restored continues the one it was before.
    LEFT JOIN LATERAL (
        SELECT latest.id FROM pledges_position latest
        WHERE p."right" = 'receivable' AND latest."right" = 'receivable'
          AND (latest.id = p.id OR latest.parent_id = p.id OR latest.parent_id = (
               SELECT root.id FROM pledges_position root
               WHERE root.id = p.parent_id AND root."right" = 'receivable'))
          AND EXISTS (SELECT FROM factoring_receivable r WHERE r.position_id = latest.id)
    ) debt ON true
    LEFT JOIN factoring_receivable receivable ON receivable.position_id = debt.id
    LEFT JOIN parties_organisation debtor ON debtor.id = receivable.debtor_id
    WHERE p.facility_id = %(facility)s AND p.opened_at <= %(at)s
)
"""

# What one basis of one position is worth; a quote that is not fresh counts nothing, but the last
# known price still tells how much is left out (hatched on the map).
VALUED = """
valued AS (
    SELECT placed.id, t.basis_id, q.unit_price, q.rate, q.price_on, q.rate_on, q.reason,
           coalesce(q.fresh AND q.currency = f.currency, false) AS counts,
           t.market_per_unit, t.lending_per_unit,
           placed.remaining * t.market_per_unit * coalesce(q.unit_price, 0) AS known_value,
           placed.remaining * t.lending_per_unit * coalesce(q.unit_price, 0)
               * coalesce(q.rate, 0) AS known_lending
    FROM placed
    JOIN lending_facility f ON f.id = %(facility)s
    JOIN pledges_positionterm t ON t.position_id = placed.id
    LEFT JOIN risk_quotes(%(on)s) q ON q.commodity_id = t.basis_id
    WHERE placed.remaining > 0 AND placed.place <> 'end'
)
"""
