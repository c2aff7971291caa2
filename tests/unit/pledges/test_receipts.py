"""A receipt backs one claim; its parts follow, its end takes the value away, its goods free it."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from logistics.models import WarehouseReceipt
from logistics.refusals import AlreadyClaimed, ReceiptOutstanding
from logistics.services.receipt_parts import merge_receipts, split_receipt
from logistics.services.receipts import cancel_receipt, surrender_receipt, transfer_receipt
from logistics.services.serials import record_serials
from outbox.models import Alert
from pledges.models import ClaimedReceipt, ClaimedSerial, Position, Suspension
from pledges.services.claims import NameTheSerials, OfferedTwice
from pledges.services.conversion import Take
from pledges.services.double_pledge import claim_or_alarm
from pledges.services.receipt_pledges import (
    ReceiptNotValid,
    UnknownReceipt,
    pledge_receipt,
    present_receipt,
)
from pledges.services.receipts import ReceiptSecures
from pledges.services.sale import sell
from pledges.services.warehouse import pledge_free
from portal.proofs import prove_all
from tests.factories.logistics import make_receipt, make_site, unique
from tests.factories.parties import NOW, SYSTEM, make_carrier
from tests.factories.pledges import EVIDENCE, Vault, make_mixed
from tests.unit.pledges.conftest import refusal
from tests.unit.pledges.test_double_pledge import rival_of

pytestmark = pytest.mark.django_db

D = Decimal
ACT = {"actor": SYSTEM, "now": NOW}
TODAY = {**ACT, "on": NOW.date()}


def offer(vault: Vault, receipt: WarehouseReceipt, number: str | None = None) -> Position:
    with vault.act(cause="pledge") as act:
        return pledge_receipt(
            act=act, operator=receipt.operator, number=number or receipt.number, evidence=EVIDENCE
        )


def sale(vault: Vault, position: Position, quantity: int) -> None:
    with vault.act(cause="sell") as act:
        sell(
            act=act,
            goods=[Take(position.pk, D(quantity))],
            face=D(quantity) * 400,
            advance_rate=D("0.8"),
            label="invoice",
            carrier=make_carrier(),
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=EVIDENCE,
        )


def test_a_receipt_is_pledged_by_its_number_in_any_spelling(vault):
    receipt = make_receipt(lot=vault.lot(4_000), number="WR 2016-001")
    position = offer(vault, receipt, "ｗｒ２０１６００１")
    assert (position.quantity, vault.cover().lending_value) == (4_000, 1_000_000)
    assert ClaimedReceipt.objects.get().position == position
    assert all(proof.holds for proof in prove_all())


@pytest.mark.parametrize("spelling", ["WR 1", "wr-1", "ＷＲ１", " W-R 1 "])
def test_a_second_offer_is_refused_in_the_same_words_whoever_holds(vault, spelling):
    rival = rival_of(vault)
    receipt = make_receipt(lot=vault.lot(100), number="WR1")
    offer(vault, receipt)
    said = []
    for asker in (vault, rival):
        with refusal(OfferedTwice) as caught:
            offer(asker, receipt, spelling)
        said.append(caught[0].as_dict())
    assert said[0] == said[1]
    assert said[0]["message"] == "These goods are claimed already."
    assert set(said[0]["numbers"]) == {"lot"}


def test_a_receipt_and_its_lot_are_the_same_goods(vault):
    lot = vault.lot(100)
    receipt = make_receipt(lot=lot)
    rival_of(vault).pledge_lot(lot)
    with refusal(AlreadyClaimed):
        offer(vault, receipt)


def test_both_desks_hear_of_a_receipt_offered_twice(vault):
    rival, receipt = rival_of(vault), make_receipt(lot=vault.lot(100))
    offer(vault, receipt)
    with pytest.raises(OfferedTwice):
        claim_or_alarm(
            lambda: offer(rival, receipt),
            facility=rival.desk.facility,
            actor=rival.desk.team.approver,
            now=NOW,
        )
    assert set(Alert.objects.values_list("organisation_id", "topic")) == {
        (vault.desk.team.lender.pk, "pledges.double_claim_met"),
        (rival.desk.team.lender.pk, "pledges.double_claim_refused"),
    }


def test_a_released_receipt_may_be_pledged_again(vault):
    receipt = make_receipt(lot=vault.lot(100))
    position = offer(vault, receipt)
    vault.release(Take(position.pk, D(100)))
    assert ClaimedReceipt.objects.get().lifted_at == NOW
    offer(rival_of(vault), receipt)
    assert ClaimedReceipt.objects.filter(lifted_at__isnull=True).count() == 1


def test_no_unknown_and_no_void_receipt_is_taken(vault):
    receipt = make_receipt(lot=vault.lot(100))
    with refusal(UnknownReceipt):
        offer(vault, receipt, "WR-999999")
    cancel_receipt(receipt=receipt, reason="misprint", **ACT)
    with refusal(ReceiptNotValid):
        offer(vault, receipt)


def test_a_void_receipt_lends_nothing_until_another_is_presented(vault):
    lot = vault.lot(4_000)
    receipt = make_receipt(lot=lot)
    position = offer(vault, receipt)
    cancel_receipt(receipt=receipt, reason="stolen form", **ACT)

    position.refresh_from_db()
    assert (position.suspended, vault.cover().lending_value) == (True, 0)
    assert Suspension.objects.get().detail == {"receipt": receipt.number}
    assert Alert.objects.get().topic == "pledges.receipt_cancelled"

    fresh = make_receipt(lot=lot)
    with vault.act() as act:
        present_receipt(act=act, position=position, operator=fresh.operator, number=fresh.number)
    assert vault.cover().lending_value == 1_000_000
    assert ClaimedReceipt.objects.get(lifted_at__isnull=True).receipt == fresh
    assert all(proof.holds for proof in prove_all())


def test_claims_follow_the_parts_and_the_sum(vault):
    receipt = make_receipt(lot=vault.lot(100))
    position = offer(vault, receipt)
    parts = split_receipt(receipt=receipt, parts=[("P1", D(60)), ("P2", D(40))], **TODAY)
    standing = ClaimedReceipt.objects.filter(lifted_at__isnull=True)
    assert {claim.receipt for claim in standing} == set(parts)
    rival = rival_of(vault)
    for part in parts:
        with refusal(OfferedTwice):
            offer(rival, part)

    whole = merge_receipts(receipts=parts, number="P9", **TODAY)
    assert standing.get().receipt == whole
    assert standing.get().position == position
    assert all(proof.holds for proof in prove_all())


def test_receipts_of_different_claims_are_not_joined(vault):
    lot = vault.lot(100)
    mine, free = make_receipt(lot=lot, quantity=D(60)), make_receipt(lot=lot, quantity=D(40))
    offer(vault, mine)
    with refusal(ReceiptSecures):
        merge_receipts(receipts=[mine, free], number="M", **TODAY)
    offer(rival_of(vault), free)
    with refusal(ReceiptSecures):
        merge_receipts(receipts=[mine, free], number="M", **TODAY)


def test_a_pledged_receipt_goes_to_the_pledgee_and_to_nobody_else(vault):
    receipt = make_receipt(lot=vault.lot(100))
    offer(vault, receipt)
    with refusal(ReceiptSecures):
        transfer_receipt(receipt=receipt, to=vault.desk.supplier, reason="", **ACT)
    with refusal(ReceiptSecures):
        surrender_receipt(receipt=receipt, reason="", **ACT)
    transfer_receipt(receipt=receipt, to=vault.desk.team.lender, reason="pledge", **ACT)


def test_goods_that_are_sold_give_their_receipt_back(vault):
    receipt = make_receipt(lot=vault.lot(100))
    sale(vault, offer(vault, receipt), 100)
    receipt.refresh_from_db()
    assert receipt.state == "surrendered"
    assert not ClaimedReceipt.objects.filter(lifted_at__isnull=True).exists()
    assert all(
        proof.holds for proof in prove_all() if proof.room in ("pledges", "logistics", "lending")
    )


def test_a_part_is_sold_when_the_receipt_was_divided(vault):
    receipt = make_receipt(lot=vault.lot(100))
    position = offer(vault, receipt)
    with refusal(ReceiptOutstanding):
        sale(vault, position, 40)
    kept, sold = split_receipt(receipt=receipt, parts=[("P1", D(60)), ("P2", D(40))], **TODAY)
    sale(vault, position, 40)
    kept.refresh_from_db()
    sold.refresh_from_db()
    assert (kept.state, sold.state) == ("issued", "surrendered")
    assert ClaimedReceipt.objects.get(lifted_at__isnull=True).receipt == kept


def test_the_database_lets_a_receipt_back_one_position(vault):
    receipt = make_receipt(lot=vault.lot(100))
    claim = ClaimedReceipt.objects.get(position=offer(vault, receipt))
    with pytest.raises(DatabaseError, match="receipt_claimed_once"), transaction.atomic():
        ClaimedReceipt.objects.create(
            position=vault.pledge(1), receipt=receipt, key=claim.key, placed_at=NOW
        )
    with pytest.raises(DatabaseError, match="not deleted"), transaction.atomic():
        claim.delete()
    vault.release(Take(claim.position_id, D(100)))
    with pytest.raises(DatabaseError, match="stays lifted"), transaction.atomic():
        ClaimedReceipt.objects.filter(pk=claim.pk).update(lifted_at=None)


@pytest.fixture
def phone(vault):
    return make_mixed({"alpha": D(1)})


def phones(vault, phone, serials, **lot):
    made = vault.lot(len(serials), phone, **lot)
    record_serials(lot=made, serials=serials, **ACT)
    return made


def test_a_piece_reported_in_two_places_backs_one_position(vault, phone):
    """Two warehouses say that they have SN 2: the second lender is refused by the piece."""
    here = phones(vault, phone, ["SN 1", "SN 2"])
    there = phones(vault, phone, ["ｓｎ－２", "SN 3"], site=make_site())
    rival = rival_of(vault)
    vault.pledge_lot(here)
    with pytest.raises(OfferedTwice) as caught:
        claim_or_alarm(
            lambda: rival.pledge_lot(there),
            facility=rival.desk.facility,
            actor=rival.desk.team.approver,
            now=NOW,
        )
    assert caught.value.message == "These goods are claimed already."
    assert caught.value.numbers == {"lot": there.pk}
    assert Alert.objects.filter(
        organisation_id=vault.desk.team.lender.pk, topic="pledges.double_claim_met"
    ).exists()
    assert ClaimedSerial.objects.count() == 2


def test_part_of_a_lot_of_pieces_is_pledged_by_naming_them(vault, phone):
    lot = phones(vault, phone, ["SN1", "SN2", "SN3"])
    with refusal(NameTheSerials):
        vault.pledge_lot(lot, 2)
    with vault.act() as act:
        pledge_free(
            act=act, lots=[(lot, D(2))], evidence=EVIDENCE, serials={lot.pk: ["sn-1", "SN 3"]}
        )
    with vault.act() as act:
        pledge_free(act=act, lots=[(lot, D(1))], evidence=EVIDENCE, serials={lot.pk: ["sn-2"]})
    assert set(ClaimedSerial.objects.values_list("unit__serial", flat=True)) == {
        "SN1",
        "SN2",
        "SN3",
    }
    assert all(proof.holds for proof in prove_all())


def test_a_named_piece_that_is_claimed_is_refused(vault, phone):
    lot = phones(vault, phone, ["SN1", "SN2", "SN3"])
    with vault.act() as act:
        pledge_free(act=act, lots=[(lot, D(1))], evidence=EVIDENCE, serials={lot.pk: ["SN1"]})
    with refusal(OfferedTwice), vault.act() as act:
        pledge_free(act=act, lots=[(lot, D(1))], evidence=EVIDENCE, serials={lot.pk: ["sn 1"]})
