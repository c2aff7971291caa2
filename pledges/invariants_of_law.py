"""What always holds of the law's guards: claims, registrations, policies, evidence."""

from common.invariants import Invariant
from pledges.states import LIVE_RIGHTS

_LIVE = "({})".format(", ".join(f"'{right}'" for right in sorted(map(str, LIVE_RIGHTS))))

CLAIMS_ARE_OF_LIVE_POSITIONS = Invariant(
    name="claims_are_of_live_positions",
    sentence="A claim on a receipt or a piece stands only for a live position on its lot.",
    sql=f"""
    SELECT what || ' ' || c.key, 'position ' || p.id || ' is ' || p."right" || ', remaining '
           || p.remaining
    FROM (SELECT 'receipt' AS what, claim.key, claim.position_id, receipt.lot_id,
                 receipt.operator_id || ':' || receipt.normal_number AS right_key
          FROM pledges_claimedreceipt claim
          JOIN logistics_warehousereceipt receipt ON receipt.id = claim.receipt_id
          WHERE claim.lifted_at IS NULL
          UNION ALL
          SELECT 'serial', claim.key, claim.position_id, unit.lot_id,
                 coalesce(item.gtin, item.code) || ':' || unit.normal_serial
          FROM pledges_claimedserial claim
          JOIN logistics_serialunit unit ON unit.id = claim.unit_id
          JOIN logistics_lot lot ON lot.id = unit.lot_id
          JOIN logistics_item item ON item.id = lot.item_id
          WHERE claim.lifted_at IS NULL) c
    JOIN pledges_position p ON p.id = c.position_id
    WHERE p.remaining = 0 OR p."right" NOT IN {_LIVE} OR p.lot_id <> c.lot_id
       OR c.key <> c.right_key
    """,
)

INVARIANTS = [CLAIMS_ARE_OF_LIVE_POSITIONS]
