"""Each invariant of the law's guards finds the breach it is for, on rows put in with guards off."""

from decimal import Decimal

import pytest

from logistics.services.serials import record_serials
from pledges.services.control import note_purchase_money
from tests.factories.law import make_control, make_policy, make_registration
from tests.factories.lending import START
from tests.factories.logistics import make_receipt
from tests.factories.parties import NOW, SYSTEM
from tests.factories.pledges import make_mixed
from tests.unit.pledges.test_invariants import breaches, tamper
from tests.unit.pledges.test_receipts import offer

pytestmark = [pytest.mark.django_db, pytest.mark.tampers]


def test_tampered_claim_of_an_ended_position_is_found(vault):
    receipt = make_receipt(lot=vault.lot(10))
    position = offer(vault, receipt)
    tamper("UPDATE pledges_claimedreceipt SET key = 'another' WHERE position_id = %s", position.pk)
    [(name, told)] = breaches()["claims_are_of_live_positions"]
    assert name == "receipt another"
    assert told.startswith(f"position {position.pk} is pledge, remaining 10")


def test_tampered_claim_on_a_piece_of_another_lot_is_found(vault):
    phone = make_mixed({"alpha": Decimal(1)})
    lot = vault.lot(1, phone)
    record_serials(lot=lot, serials=["SN1"], actor=SYSTEM, now=NOW)
    position = vault.pledge_lot(lot)
    other = vault.pledge(1)
    tamper("UPDATE pledges_claimedserial SET position_id = %s", other.pk)
    [(name, told)] = breaches()["claims_are_of_live_positions"]
    assert name == f"serial {phone.code}:SN1"
    assert f"position {other.pk}" in told
    assert position.pk != other.pk


def test_tampered_term_of_a_registration_is_found(vault):
    registration = make_registration(vault.desk)
    tamper("UPDATE pledges_registration SET expires_on = expires_on + 1")
    [(name, told)] = breaches()["registrations_are_as_their_entries_say"]
    assert name == f"registration {registration.number}"
    assert told.startswith("runs to 2020-12-31, last entry says filed 2020-12-30")


def test_tampered_lender_of_what_is_on_file_is_found(vault):
    policy = make_policy(vault.desk, vault.warehouse)
    tamper("UPDATE pledges_insurancepolicy SET tenant_id = %s", vault.desk.borrower.pk)
    [(name, _told)] = breaches()["on_file_for_its_lender"]
    assert name == f"policy {policy.pk}"


def test_tampered_policy_without_places_is_found(vault):
    policy = make_policy(vault.desk, vault.warehouse)
    tamper("DELETE FROM pledges_insuredsite")
    assert breaches()["policies_name_places"] == [
        (f"policy {policy.number}", "names 0 places, in USD")
    ]


def test_tampered_notice_on_anothers_goods_is_found(vault):
    lot = vault.pledge(1).lot
    notice = note_purchase_money(
        facility=vault.desk.facility,
        supplier=vault.desk.supplier,
        lot=lot,
        number="S1",
        delivered_on=START,
        registered_on=START,
        actor=vault.desk.team.preparer,
        now=NOW,
    )
    tamper("UPDATE pledges_purchasemoneynotice SET last_day = delivered_on")
    [(name, _told)] = breaches()["notices_count_from_delivery"]
    assert name == f"notice {notice.pk}"


def test_tampered_evidence_is_found(vault):
    evidence = make_control(vault.desk, vault.warehouse)
    tamper("UPDATE pledges_controlevidence SET valid_until = taken_at::date")
    [(name, _told)] = breaches()["evidence_runs_forward"]
    assert name == f"evidence {evidence.reference}"
