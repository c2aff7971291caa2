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

REGISTRATIONS_ARE_AS_THEIR_ENTRIES_SAY = Invariant(
    name="registrations_are_as_their_entries_say",
    sentence="A registration's term, words and discharge are those of its last entry.",
    sql="""
    SELECT 'registration ' || r.number, 'runs to ' || r.expires_on || ', last entry says '
           || coalesce(e.act || ' ' || e.expires_on, 'nothing')
    FROM pledges_registration r
    LEFT JOIN LATERAL (SELECT * FROM pledges_registrationentry
                       WHERE registration_id = r.id ORDER BY id DESC LIMIT 1) e ON true
    WHERE e.id IS NULL OR e.expires_on <> r.expires_on OR e.description <> r.description
       OR (e.act = 'discharged') <> (r.discharged_on IS NOT NULL)
       OR (e.act = 'discharged' AND e."on" <> r.discharged_on)
    """,
)

ON_FILE_FOR_ITS_LENDER = Invariant(
    name="on_file_for_its_lender",
    sentence="Registrations, policies, evidence and notices belong to their facility's lender.",
    sql="""
    SELECT o.what || ' ' || o.id, 'is of lender ' || o.tenant_id || ', facility of ' || f.tenant_id
    FROM (SELECT 'registration' AS what, id, tenant_id, facility_id FROM pledges_registration
          UNION ALL SELECT 'policy', id, tenant_id, facility_id FROM pledges_insurancepolicy
          UNION ALL SELECT 'evidence', id, tenant_id, facility_id FROM pledges_controlevidence
          UNION ALL SELECT 'notice', id, tenant_id, facility_id
                    FROM pledges_purchasemoneynotice) o
    JOIN lending_facility f ON f.id = o.facility_id WHERE f.tenant_id <> o.tenant_id
    """,
)

POLICIES_NAME_PLACES = Invariant(
    name="policies_name_places",
    sentence="A policy names at least one place and is in the currency of its facility.",
    sql="""
    SELECT 'policy ' || p.number, 'names ' || count(s.id) || ' places, in ' || p.currency
    FROM pledges_insurancepolicy p
    JOIN lending_facility f ON f.id = p.facility_id
    LEFT JOIN pledges_insuredsite s ON s.policy_id = p.id
    GROUP BY p.id, f.currency HAVING count(s.id) = 0 OR p.currency <> f.currency
    """,
)

NOTICES_COUNT_FROM_DELIVERY = Invariant(
    name="notices_count_from_delivery",
    sentence="A supplier's notice is for goods that its facility's borrower owns, after delivery.",
    sql="""
    SELECT 'notice ' || n.id, 'delivered ' || n.delivered_on || ', last day ' || n.last_day
    FROM pledges_purchasemoneynotice n
    JOIN lending_facility f ON f.id = n.facility_id
    JOIN logistics_lot l ON l.id = n.lot_id
    WHERE n.last_day <= n.delivered_on OR l.owner_id <> f.borrower_id
    """,
)

EVIDENCE_RUNS_FORWARD = Invariant(
    name="evidence_runs_forward",
    sentence="Evidence of control is good from the day it was taken for at least a day.",
    sql="""
    SELECT 'evidence ' || reference, 'taken ' || taken_at || ', good until ' || valid_until
    FROM pledges_controlevidence WHERE valid_until <= (taken_at AT TIME ZONE 'UTC')::date
    """,
)

INVARIANTS = [
    CLAIMS_ARE_OF_LIVE_POSITIONS,
    REGISTRATIONS_ARE_AS_THEIR_ENTRIES_SAY,
    ON_FILE_FOR_ITS_LENDER,
    POLICIES_NAME_PLACES,
    NOTICES_COUNT_FROM_DELIVERY,
    EVIDENCE_RUNS_FORWARD,
]
