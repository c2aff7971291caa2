"""Matches and uses of the buyer's money taken back: positions, loans and books stand as before."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from factoring.models import BankEntry, Collection, Receivable
from factoring.queries import get_standing
from factoring.refusals import AlreadyApplied, NothingToTakeBack, RebateStands
from factoring.services.collections import apply_collection, match_collection
from factoring.services.rebates import request_rebate
from factoring.services.undoing import unapply_collection, unmatch_collection
from ledger.models import Entry
from ledger.queries import balance
from lending.models import Loan
from lending.refusals import NotYourFacility
from lending.services.repayment_reversal import reverse_repayment
from outbox.services.delivery import drain
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed
from pledges.models import Conversion, FacilityCover, MarginCall, Position
from pledges.services.cover import covering
from pledges.services.reversal import LaterConversionFirst, ReversedOtherwise, reverse
from pledges.services.warehouse import SameHand
from tests.factories.factoring import (
    DUE_ON,
    FACE,
    collect_amount,
    make_entry,
    make_pledge_loan,
    make_sale_desk,
    pay_invoice,
    return_phones,
    sell_phones,
)
from tests.factories.lending import make_drawn_loan, receive
from tests.factories.parties import NOW, make_actor, make_lender_team

pytestmark = pytest.mark.django_db
D = Decimal
PAID = D(503_750) + D("7556.25")


@pytest.fixture
def shop():
    return make_sale_desk()


@pytest.fixture
def sold(shop):
    return sell_phones(shop, refinances=[make_pledge_loan(shop)])


def undo(service, shop, collection, **changes):
    said = {
        "maker_id": shop.desk.team.preparer.person_id,
        "reason": "matched to the wrong invoice",
        "on": DUE_ON,
        "actor": shop.desk.team.approver,
        "now": NOW,
    }
    return service(collection=collection, **(said | changes))


def picture(shop, receivable):
    """Everything that a match and its use change, as figures."""
    facility = shop.desk.fresh()
    fresh = Receivable.objects.select_related("loan", "position").get(pk=receivable.pk)
    standing = get_standing(actor=shop.desk.team.auditor, receivable=fresh)
    cover = FacilityCover.objects.get(facility=facility)
    return {
        "state": fresh.state,
        "outstanding": fresh.position.remaining,
        "standing": (standing.collected, standing.held, standing.owed, standing.charged),
        "loan": (fresh.loan.state, fresh.loan.owed),
        "books": [
            balance(tenant_id=facility.tenant_id, code=code, currency="USD")
            for code in (f"collection:{facility.code}", f"proceeds:{facility.code}", "cash")
        ],
        "cover": (facility.exposure, cover.lending_value, cover.band),
        "entries": list(BankEntry.objects.order_by("pk").values_list("state", flat=True)),
    }


def apply(shop, collection, **changes):
    return apply_collection(
        collection=collection, on=DUE_ON, actor=shop.desk.team.operations, now=NOW, **changes
    )


def test_a_use_taken_back_leaves_all_as_after_the_match(shop, sold):
    collection = collect_amount(shop, sold, FACE)
    before = picture(shop, sold)
    apply(shop, collection)
    sold.refresh_from_db()
    sold.loan.refresh_from_db()
    assert sold.loan.state == "repaid"
    unapplied = undo(unapply_collection, shop, collection)
    after = picture(shop, sold)
    # The interest to the day is counted now, as it was when the money was used.
    assert after["loan"][1]["interest"] == D("7556.25")
    assert after["cover"][0] == before["cover"][0] + D("7556.25") == PAID
    assert {k: after[k] for k in ("state", "outstanding", "books", "entries")} == {
        k: before[k] for k in ("state", "outstanding", "books", "entries")
    }
    assert (unapplied.repayment, unapplied.proceeds.remaining) == (None, FACE)
    assert (after["loan"][0], after["standing"][:2]) == ("drawn", (FACE, FACE))
    row = Conversion.objects.get(kind="reverse")
    assert (row.reverses.kind, row.exposure_before, row.exposure_after) == ("apply", 0, PAID)
    assert (row.lending_value_after - row.lending_value_before) == PAID


def test_a_match_taken_back_leaves_all_as_before_it(shop, sold):
    entry = make_entry(shop, FACE)
    before = picture(shop, sold)
    collection = match_collection(
        entry=entry, receivable=sold, on=DUE_ON, actor=shop.desk.team.operations, now=NOW
    )
    taken = undo(unmatch_collection, shop, collection)
    assert picture(shop, sold) == before
    assert taken.taken_back_at == NOW
    mirror = Entry.objects.get(kind="reversal")
    assert (mirror.booked_on, mirror.narrative) == (
        DUE_ON,
        f"matched to the wrong invoice (value date {DUE_ON})",
    )


def test_matched_to_the_wrong_invoice_it_goes_to_the_right_one(shop, sold):
    other = sell_phones(shop, quantity=D(10))
    entry = make_entry(shop, D(1_600))
    clerk = {"on": DUE_ON, "actor": shop.desk.team.operations, "now": NOW}
    wrong = match_collection(entry=entry, receivable=sold, **clerk)
    apply(shop, wrong)
    undo(unapply_collection, shop, wrong)
    undo(unmatch_collection, shop, wrong)
    right = match_collection(entry=entry, receivable=other, **clerk)
    apply(shop, right)
    other.refresh_from_db()
    assert (other.state, right.pk != wrong.pk) == ("collected", True)
    assert picture(shop, sold)["outstanding"] == FACE
    with pytest.raises(AlreadyApplied):
        apply(shop, wrong)


def test_taken_back_and_made_again_as_often_as_it_takes(shop, sold):
    collection = collect_amount(shop, sold, D(200_000))
    kept = collect_amount(shop, sold, D(100_000))
    for _round in range(3):
        apply(shop, collection)
        collection = undo(unapply_collection, shop, collection)
    undo(unmatch_collection, shop, collection)
    again = collect_amount(shop, sold, D(200_000))
    undo(unmatch_collection, shop, kept)
    fresh = picture(shop, sold)
    assert (fresh["outstanding"], fresh["standing"][:2]) == (D(440_000), (D(200_000), D(200_000)))
    sold.refresh_from_db()
    assert sold.position.parent_id == sold.position.root.pk
    live = Position.objects.live().filter(facility=shop.desk.facility)
    assert live.filter(right="receivable").count() == 1
    apply(shop, again)
    apply(shop, collect_amount(shop, sold, D(440_000)))
    sold.refresh_from_db()
    assert sold.state == "collected"


def test_goods_come_back_on_a_restored_debt(shop, sold):
    undo(unmatch_collection, shop, collect_amount(shop, sold, D(100_000)))
    return_phones(shop, sold, 500)
    sold.refresh_from_db()
    assert sold.position.remaining == FACE - 500 * 160


def test_the_match_waits_for_its_use(shop, sold):
    collection = pay_invoice(shop, sold)
    before = picture(shop, sold)
    with pytest.raises(LaterConversionFirst) as refused:
        undo(unmatch_collection, shop, collection)
    assert refused.value.numbers["kind"] == "apply"
    assert refused.value.numbers["short"] == PAID
    assert picture(shop, sold) == before
    undo(unapply_collection, shop, collection)
    undo(unmatch_collection, shop, collection)
    assert picture(shop, sold)["state"] == "assigned"


def test_a_rebate_stands_in_the_way(shop, sold):
    collection = pay_invoice(shop, sold)
    request_rebate(receivable=sold, actor=shop.desk.team.preparer, now=NOW)
    for service in (unapply_collection, unmatch_collection):
        with pytest.raises(RebateStands) as refused:
            undo(service, shop, collection)
        assert refused.value.numbers == {"rebate": FACE - PAID}
    assert Conversion.objects.filter(kind="reverse").count() == 0


def test_each_is_taken_back_once(shop, sold):
    collection = pay_invoice(shop, sold)
    undo(unapply_collection, shop, collection)
    with pytest.raises(NothingToTakeBack):
        undo(unapply_collection, shop, collection)
    undo(unmatch_collection, shop, collection)
    for service in (unapply_collection, unmatch_collection):
        with pytest.raises(NothingToTakeBack):
            undo(service, shop, collection)
    assert Conversion.objects.filter(kind="reverse").count() == 2


def test_nobody_reverses_the_position_without_the_books(shop, sold):
    pay_invoice(shop, sold)
    for kind in ("collect", "apply"):
        row = Conversion.objects.get(kind=kind)
        with pytest.raises(ReversedOtherwise), shop_act(shop) as act:
            reverse(
                act=act,
                conversion_id=row.pk,
                maker_id=shop.desk.team.preparer.person_id,
                reason="mistake",
            )


def shop_act(shop):
    return covering(
        facility_id=shop.desk.facility.pk,
        cause="reverse",
        actor=shop.desk.team.approver,
        on=DUE_ON,
        now=NOW,
    )


def test_two_persons_of_the_lender_with_authority(shop, sold):
    collection = pay_invoice(shop, sold)
    before, team = picture(shop, sold), shop.desk.team
    junior = make_actor(organisation=team.lender, roles=[Role.APPROVER])
    for refusal, changes in (
        (SameHand, {"maker_id": team.approver.person_id}),
        (NotAllowed, {"actor": team.operations}),
        (BeyondAuthority, {"actor": junior}),
        (NotYourFacility, {"actor": make_lender_team().approver}),
    ):
        with pytest.raises(refusal):
            undo(unapply_collection, shop, collection, **changes)
    assert picture(shop, sold) == before


def test_a_bounced_payment_uncovers_the_facility_loudly(shop, sold):
    """What was drawn against the money that came stays drawn: the call opens with the reversal."""
    collection = pay_invoice(shop, sold)
    make_drawn_loan(shop.desk, principal=D(420_000), on=DUE_ON, due_on=date(2016, 12, 1))
    make_drawn_loan(shop.desk, principal=D(120_000), on=DUE_ON, due_on=date(2016, 12, 1))
    assert MarginCall.objects.count() == 0
    undo(unapply_collection, shop, collection)
    undo(unmatch_collection, shop, collection)
    after = picture(shop, sold)
    assert after["cover"][0] == PAID + D(540_000)
    assert after["cover"][1] == D(420_000) + FACE * D("0.8")
    assert after["cover"][2] in ("called", "watch", "close_out")
    assert (MarginCall.objects.count() == 1) == (after["cover"][2] != "watch")


def test_an_advance_paid_in_cash_and_bounced_reopens_its_settled_invoice(shop, sold):
    other = make_drawn_loan(shop.desk, principal=D(420_000), on=DUE_ON, due_on=date(2016, 12, 1))
    apply(shop, collect_amount(shop, sold, D(420_000)), loans=[other])
    apply(shop, collect_amount(shop, sold, D(220_000)))
    cash = receive(shop.desk, PAID - D(220_000), on=DUE_ON, loans=[sold.loan])
    drain(now=NOW)
    sold.refresh_from_db()
    assert sold.state == "settled"
    reverse_repayment(
        repayment=cash,
        maker_id=shop.desk.team.preparer.person_id,
        reason="cheque bounced",
        on=DUE_ON,
        actor=shop.desk.team.approver,
        now=NOW,
    )
    sold.refresh_from_db()
    assert (sold.state, Loan.objects.get(pk=sold.loan_id).state) == ("collected", "drawn")


def test_the_database_lets_nothing_but_a_reversal_undo_the_money(shop, sold):
    first, second = collect_amount(shop, sold, D(100)), collect_amount(shop, sold, D(200))
    apply(shop, first)
    foreign = second.proceeds_id
    for sql, constraint in (
        ("UPDATE factoring_bankentry SET state = 'booked'", "bankentry_unmatched_when_taken_back"),
        (
            f"UPDATE factoring_collection SET proceeds_id = '{foreign}' WHERE id = {first.pk}",
            "collection_proceeds_only_continues",
        ),
        (
            f"UPDATE factoring_collection SET repayment_id = NULL WHERE id = {first.pk}",
            "collection_repays_once",
        ),
        (
            f"UPDATE factoring_collection SET taken_back_at = now() WHERE id = {first.pk}",
            "collection_taken_back_repays_nothing",
        ),
        (
            f"UPDATE factoring_receivable SET position_id = '{foreign}'",
            "receivable_position_only_continues",
        ),
        (
            "UPDATE factoring_bankentry SET amount = 1",
            "bankentry_columns_frozen",
        ),
    ):
        with (
            pytest.raises(IntegrityError) as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert constraint_name(caught.value) == constraint
    assert Collection.objects.filter(taken_back_at__isnull=True).count() == 2
