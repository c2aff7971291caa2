"""Each invariant of the law's guards finds the breach it is for, on rows put in with guards off."""

from decimal import Decimal

import pytest

from logistics.services.serials import record_serials
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
