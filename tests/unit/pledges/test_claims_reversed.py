"""Receipts and pieces follow a reversal: what was given up is claimed again, or freed again."""

from decimal import Decimal

import pytest

from logistics.refusals import AlreadyClaimed
from logistics.services.receipts import cancel_receipt, transfer_receipt
from logistics.services.serials import record_serials
from outbox.models import Alert
from pledges.models import ClaimedReceipt, ClaimedSerial
from pledges.services.claims import OfferedTwice
from pledges.services.conversion import Take
from pledges.services.double_pledge import claim_or_alarm
from portal.proofs import prove_all
from tests.factories.logistics import make_receipt
from tests.factories.parties import NOW, SYSTEM, make_lender
from tests.factories.transit import last, undo
from tests.unit.pledges.conftest import refusal
from tests.unit.pledges.test_double_pledge import rival_of
from tests.unit.pledges.test_receipts import offer

pytestmark = pytest.mark.django_db
D = Decimal
ACT = {"actor": SYSTEM, "now": NOW}


def claimed():
    rows = ClaimedReceipt.objects.filter(lifted_at__isnull=True)
    return [(one.receipt.number, one.position_id) for one in rows.order_by("pk")]


def pieces():
    rows = ClaimedSerial.objects.filter(lifted_at__isnull=True)
    return [(one.unit.serial, one.position_id) for one in rows.order_by("key")]


def proven():
    return all(proof.holds for proof in prove_all())


def test_a_reversed_release_holds_its_receipt_again(vault):
    rival, receipt = rival_of(vault), make_receipt(lot=vault.lot(100))
    vault.release(Take(offer(vault, receipt).pk, D(100)))
    assert claimed() == []
    [again] = undo(vault, last("release"))
    assert claimed() == [(receipt.number, again.pk)]
    with refusal(OfferedTwice):
        offer(rival, receipt)
    vault.release(Take(again.pk, D(100)))
    assert claimed() == []
    assert proven()


def test_a_reversed_pledge_frees_its_receipt(vault):
    receipt = make_receipt(lot=vault.lot(100))
    offer(vault, receipt)
    undo(vault, last("pledge"))
    assert claimed() == []
    assert offer(rival_of(vault), receipt).quantity == 100
    assert proven()


def test_a_release_of_what_another_lender_holds_by_now_is_not_reversed(vault):
    receipt = make_receipt(lot=vault.lot(100))
    vault.release(Take(offer(vault, receipt).pk, D(100)))
    theirs = offer(rival_of(vault), receipt)
    with refusal(AlreadyClaimed):
        undo(vault, last("release"))
    assert claimed() == [(receipt.number, theirs.pk)]


def test_a_receipt_that_is_void_by_now_stays_away(vault):
    receipt = make_receipt(lot=vault.lot(100))
    vault.release(Take(offer(vault, receipt).pk, D(100)))
    cancel_receipt(receipt=receipt, reason="misprint", **ACT)
    [again] = undo(vault, last("release"))
    assert (claimed(), again.right) == ([], "pledge")
    assert proven()


def test_the_last_part_takes_the_receipt_back_the_first_did_not_have_it(vault):
    receipt = make_receipt(lot=vault.lot(100))
    position = offer(vault, receipt)
    vault.release(Take(position.pk, D(60)))
    first = last("release")
    vault.release(Take(position.pk, D(40)))
    second = next(row for row in position.legs.all() if row.quantity == 40).conversion
    [rest] = undo(vault, second)
    assert claimed() == [(receipt.number, rest.pk)]
    undo(vault, first)
    assert claimed() == [(receipt.number, rest.pk)]
    assert proven()


def test_pieces_are_claimed_again_and_freed_again(vault):
    lot = vault.lot(3)
    record_serials(lot=lot, serials=["SN-1", "SN-2", "SN-3"], **ACT)
    position = vault.pledge_lot(lot)
    vault.release(Take(position.pk, D(3)))
    assert pieces() == []
    [again] = undo(vault, last("release"))
    assert pieces() == [(f"SN-{number}", again.pk) for number in (1, 2, 3)]
    assert proven()


def test_goods_under_an_outsiders_receipt_are_not_pledged_without_it(vault):
    lot = vault.lot(100)
    receipt = make_receipt(lot=lot, quantity=D(60))
    transfer_receipt(receipt=receipt, to=make_lender(), reason="sold", **ACT)
    with refusal(OfferedTwice) as caught:
        vault.pledge_lot(lot, 41)
    assert caught[0].as_dict()["message"] == "These goods are claimed already."
    with refusal(OfferedTwice):
        offer(vault, receipt)
    vault.pledge_lot(lot, 40)
    with refusal(OfferedTwice):
        vault.pledge_lot(lot, 1)
    assert proven()


def test_an_outsiders_receipt_rings_at_the_asking_desk(vault):
    lot = vault.lot(100)
    transfer_receipt(receipt=make_receipt(lot=lot), to=make_lender(), reason="sold", **ACT)
    with pytest.raises(OfferedTwice):
        claim_or_alarm(
            lambda: vault.pledge_lot(lot),
            facility=vault.desk.facility,
            actor=vault.desk.team.approver,
            now=NOW,
        )
    assert [alert.topic for alert in Alert.objects.all()] == ["pledges.double_claim_refused"]


def test_the_borrowers_and_the_lenders_own_receipts_do_not_stand_in_the_way(vault):
    lot = vault.lot(100)
    make_receipt(lot=lot, quantity=D(60))
    own = make_receipt(lot=lot, quantity=D(40))
    transfer_receipt(receipt=own, to=vault.desk.team.lender, reason="sold", **ACT)
    assert vault.pledge_lot(lot).quantity == 100
    assert proven()
