from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from common.states import TransitionRefused
from factoring.models import BankEntry, Collection, Rebate
from factoring.queries import (
    get_standing,
    list_bank_entries,
    list_collections,
    list_overdue,
    list_rebates,
    suggest_matches,
)
from factoring.refusals import (
    AlreadyApplied,
    BankEntryDiffers,
    MoreThanOutstanding,
    NotCollected,
    NothingToRebate,
    NotThisFacilitysMoney,
)
from factoring.services.collections import apply_collection, match_collection
from factoring.services.rebates import pay_rebate, request_rebate
from ledger.models import Posting
from ledger.queries import balance
from lending.models import Repayment
from lending.refusals import LoanStillOwes, NotAnAmount, NotYourFacility, WrongCurrency
from outbox.services.delivery import drain
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.measure import measure
from pledges.models import Position
from pledges.services.cover import WouldUncover
from tests.factories.factoring import (
    ACCOUNT,
    DUE_ON,
    FACE,
    collect_amount,
    make_entry,
    make_pledge_loan,
    make_sale_desk,
    pay_invoice,
    sell_phones,
)
from tests.factories.lending import accrue_through, make_drawn_loan, receive
from tests.factories.parties import NOW, make_actor, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal
ADVANCE = D(503_750)
INTEREST = D("7556.25")  # 503,750 at 9 % for 60 days of 360
REBATE = D("128693.75")


@pytest.fixture
def shop():
    return make_sale_desk()


@pytest.fixture
def sold(shop):
    """A receivable of 640,000 whose advance of 503,750 has repaid the pledge loan."""
    return sell_phones(shop, refinances=[make_pledge_loan(shop)])


def balances(shop):
    """What the books say of the controlled account: cash in it, and what is owed for it."""
    facility = shop.desk.facility
    return tuple(
        balance(tenant_id=facility.tenant_id, code=f"{word}:{facility.code}", currency="USD")
        for word in ("collection", "proceeds")
    )


def apply(shop, collection, *, on=DUE_ON, **changes):
    return apply_collection(
        collection=collection, on=on, actor=shop.desk.team.operations, now=NOW, **changes
    )


def ask_back(shop, receivable):
    return request_rebate(receivable=receivable, actor=shop.desk.team.preparer, now=NOW)


def give_back(shop, rebate, **changes):
    payment = {
        "bank_reference": "RB-1",
        "on": DUE_ON,
        "actor": shop.desk.team.approver,
        "now": NOW,
    }
    return pay_rebate(rebate=rebate, **(payment | changes))


def test_the_worked_example_to_the_cent(shop, sold):
    """Advance = face × rate at most; rebate = reserve − interest (domain.md, factoring)."""
    collection = collect_amount(shop, sold, FACE)
    sold.refresh_from_db()
    assert (sold.state, balances(shop)) == ("collected", (FACE, FACE))
    apply(shop, collection)
    sold.loan.refresh_from_db()
    assert (sold.loan.state, sold.loan.owed_total) == ("repaid", 0)
    assert Repayment.objects.get(source="proceeds").amount == ADVANCE + INTEREST
    assert balances(shop) == (REBATE, REBATE)
    rebate = ask_back(shop, sold)
    assert rebate.amount == REBATE == (FACE - ADVANCE) - INTEREST
    paid = give_back(shop, rebate)
    sold.refresh_from_db()
    assert (paid.state, paid.paid_on, sold.state) == ("paid", DUE_ON, "settled")
    assert balances(shop) == (0, 0)
    assert shop.desk.fresh().exposure == 0
    lender = shop.desk.facility.tenant_id
    # 500,000 went out; principal, 3,750 and 7,556.25 of interest came in.
    assert balance(tenant_id=lender, code="cash", currency="USD") == D("511306.25")
    assert balance(tenant_id=lender, code="interest_income", currency="USD") == D("11306.25")
    standing = get_standing(actor=shop.desk.team.auditor, receivable=sold)
    assert (standing.reserve, standing.charged, standing.rebate) == (
        FACE - ADVANCE,
        INTEREST,
        REBATE,
    )
    assert (standing.outstanding, standing.owed, standing.held) == (0, 0, 0)


def test_what_each_step_posts(shop, sold):
    code, number = shop.desk.facility.code, sold.loan.number
    start = Posting.objects.latest("id").pk
    pay_invoice(shop, sold)
    give_back(shop, ask_back(shop, sold))
    booked = (
        Posting.objects.filter(id__gt=start)
        .exclude(credit_account__code="interest_income")
        .order_by("id")
        .values_list("entry__kind", "debit_account__code", "credit_account__code", "amount")
    )
    proceeds, collection = f"proceeds:{code}", f"collection:{code}"
    assert list(booked) == [
        ("collection_matched", collection, proceeds, FACE),
        ("repayment", proceeds, f"interest:{number}", INTEREST),
        ("repayment", proceeds, f"principal:{number}", ADVANCE),
        ("proceeds_swept", "cash", collection, ADVANCE + INTEREST),
        ("rebate_paid", proceeds, collection, REBATE),
    ]


def test_part_payments_collect_step_by_step(shop, sold):
    first = collect_amount(shop, sold, D(200_000))
    sold.refresh_from_db()
    assert (sold.state, sold.position.remaining) == ("assigned", D(440_000))
    apply(shop, first)
    assert Repayment.objects.filter(source="proceeds").get().amount == D(200_000)
    with pytest.raises(NotCollected) as refused:
        ask_back(shop, sold)
    assert refused.value.numbers == {"outstanding": D(440_000)}
    second = collect_amount(shop, sold, D(440_000))
    apply(shop, second)
    sold.refresh_from_db()
    assert sold.state == "collected"
    assert ask_back(shop, sold).amount == REBATE


def test_money_over_what_is_outstanding_stays_unmatched(shop, sold):
    collect_amount(shop, sold, D(200_000))
    entry = make_entry(shop, D("440000.01"))
    with pytest.raises(MoreThanOutstanding) as refused:
        match_collection(
            entry=entry, receivable=sold, on=DUE_ON, actor=shop.desk.team.operations, now=NOW
        )
    assert refused.value.numbers == {
        "outstanding": D(440_000),
        "paid": D("440000.01"),
        "above": D("0.01"),
    }
    entry.refresh_from_db()
    assert entry.state == "booked"
    assert Collection.objects.count() == 1
    assert balances(shop) == (D(200_000), D(200_000))


def test_interest_stops_on_the_day_the_bank_booked_the_money(shop, sold):
    accrue_through(shop.desk, date(2016, 6, 3))
    collection = collect_amount(shop, sold, FACE, on=DUE_ON)
    apply(shop, collection, on=date(2016, 6, 3))
    sold.loan.refresh_from_db()
    assert (sold.loan.state, sold.loan.owed_total) == ("repaid", 0)
    assert ask_back(shop, sold).amount == REBATE
    standing = get_standing(actor=shop.desk.team.auditor, receivable=sold)
    assert standing.charged == INTEREST


def test_late_money_pays_penalty_before_the_reserve_goes_back(shop, sold):
    late = date(2016, 6, 9)  # ten days after the due date
    accrue_through(shop.desk, late)
    collection = collect_amount(shop, sold, FACE, on=late)
    apply(shop, collection, on=late)
    # 70 days at 9 % and ten at 4.5 % on 503,750: 8,815.625 and 629.6875, halves up.
    assert ask_back(shop, sold).amount == FACE - ADVANCE - D("8815.63") - D("629.69")


def test_an_entry_is_recorded_once(shop, sold):
    entry = make_entry(shop, D(100), entry_reference="E-1", account_number="9558 8110 0420 11")
    again = make_entry(shop, D(100), entry_reference=" E-1 ", account_number=ACCOUNT)
    assert (again.pk, entry.account_number) == (entry.pk, ACCOUNT)
    with pytest.raises(BankEntryDiffers):
        make_entry(shop, D(101), entry_reference="E-1")
    assert BankEntry.objects.count() == 1
    assert balances(shop) == (0, 0)


def test_what_an_entry_cannot_be(shop):
    with pytest.raises(NotAnAmount):
        make_entry(shop, D(0))
    with pytest.raises(NotAnAmount):
        make_entry(shop, D("0.001"))
    with pytest.raises(WrongCurrency):
        make_entry(shop, D(1), currency="EUR")
    with pytest.raises(NotYourFacility):
        make_entry(shop, D(1), actor=make_lender_team().operations)
    with pytest.raises(NotAllowed):
        make_entry(shop, D(1), actor=shop.desk.team.auditor)
    assert BankEntry.objects.count() == 0


def test_matching_twice_is_matching_once(shop, sold):
    entry = make_entry(shop, D(100))
    match = {
        "entry": entry,
        "receivable": sold,
        "on": DUE_ON,
        "actor": shop.desk.team.operations,
        "now": NOW,
    }
    first = match_collection(**match)
    assert match_collection(**match).pk == first.pk
    other = sell_phones(shop, quantity=D(10))
    with pytest.raises(TransitionRefused):
        match_collection(**(match | {"receivable": other}))
    assert balances(shop) == (D(100), D(100))


def test_money_of_another_facility_is_not_matched(shop, sold):
    other = make_sale_desk()
    with pytest.raises(NotThisFacilitysMoney):
        match_collection(
            entry=make_entry(other, D(100)),
            receivable=sold,
            on=DUE_ON,
            actor=shop.desk.team.operations,
            now=NOW,
        )
    assert Collection.objects.count() == 0


def test_a_collection_is_applied_once(shop, sold):
    collection = pay_invoice(shop, sold)
    with pytest.raises(AlreadyApplied):
        apply(shop, collection)
    ask_back(shop, sold)
    with pytest.raises(AlreadyApplied):
        apply(shop, collection)
    assert Repayment.objects.filter(source="proceeds").count() == 1


def test_proceeds_may_pay_other_loans_of_the_facility_when_told_to(shop, sold):
    other = make_drawn_loan(shop.desk, principal=D(50_000), on=DUE_ON, due_on=date(2016, 12, 1))
    collection = collect_amount(shop, sold, FACE)
    apply(shop, collection, loans=[sold.loan, other])
    other.refresh_from_db()
    assert other.state == "repaid"
    assert ask_back(shop, sold).amount == REBATE - D(50_000)


def test_without_an_advance_all_is_given_back(shop):
    receivable = sell_phones(shop)
    collection = pay_invoice(shop, receivable)
    assert collection.repayment is None
    assert ask_back(shop, receivable).amount == FACE


def test_proceeds_used_to_the_last_cent_settle_without_a_rebate(shop, sold):
    other = make_drawn_loan(shop.desk, principal=REBATE, on=DUE_ON, due_on=date(2016, 12, 1))
    apply(shop, collect_amount(shop, sold, FACE), loans=[sold.loan, other])
    sold.refresh_from_db()
    assert (sold.state, balances(shop)) == ("settled", (0, 0))
    with pytest.raises(NothingToRebate):
        ask_back(shop, sold)


def test_an_advance_repaid_in_cash_settles_its_receivable(shop, sold):
    other = make_drawn_loan(shop.desk, principal=D(420_000), on=DUE_ON, due_on=date(2016, 12, 1))
    apply(shop, collect_amount(shop, sold, D(420_000)), loans=[other])
    apply(shop, collect_amount(shop, sold, D(220_000)))
    receive(shop.desk, ADVANCE + INTEREST - D(220_000), on=DUE_ON, loans=[sold.loan])
    sold.refresh_from_db()
    assert sold.state == "collected"
    drain(now=NOW)
    sold.refresh_from_db()
    assert sold.state == "settled"


def test_what_is_agreed_and_not_drawn_ends_with_the_invoice(shop):
    loan = make_pledge_loan(shop, principal=D(100_000))
    receivable = sell_phones(shop, refinances=[loan], advance=D(500_000))
    early = date(2016, 4, 29)
    pay_invoice(shop, receivable, on=early)
    receivable.loan.refresh_from_db()
    assert (receivable.loan.state, receivable.loan.undrawn) == ("drawn", D(399_250))
    give_back(shop, ask_back(shop, receivable), on=early)
    receivable.loan.refresh_from_db()
    assert (receivable.loan.state, receivable.loan.undrawn) == ("repaid", 0)


def test_a_rebate_waits_until_nothing_is_owed_on_the_advance(shop, sold):
    collect_amount(shop, sold, FACE)
    with pytest.raises(LoanStillOwes):
        ask_back(shop, sold)
    assert Rebate.objects.count() == 0


def test_a_rebate_is_asked_for_once(shop, sold):
    pay_invoice(shop, sold)
    ask_back(shop, sold)
    with pytest.raises(NothingToRebate):
        ask_back(shop, sold)
    assert Rebate.objects.count() == 1


def test_maker_and_checker_of_a_rebate(shop, sold):
    team = shop.desk.team
    pay_invoice(shop, sold)
    both = make_actor(organisation=team.lender, roles=[Role.PREPARER, Role.APPROVER])
    rebate = request_rebate(receivable=sold, actor=both, now=NOW)
    with pytest.raises(SamePerson):
        give_back(shop, rebate, actor=both)
    with pytest.raises(NotAllowed):
        give_back(shop, rebate, actor=team.operations)
    junior = make_actor(organisation=team.lender, roles=[Role.APPROVER])
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        type(rebate).objects.filter(pk=rebate.pk).update(
            state="paid", checker=junior.person_id, paid_on=NOW.date(), bank_reference="RB-0"
        )
    assert constraint_name(caught.value) == "rebate_within_the_checkers_authority"
    with pytest.raises(BeyondAuthority):
        give_back(shop, rebate, actor=junior)
    with pytest.raises(NotYourFacility):
        give_back(shop, rebate, actor=make_lender_team().approver)
    rebate.refresh_from_db()
    assert (rebate.state, balances(shop)) == ("requested", (REBATE, REBATE))
    give_back(shop, rebate)
    with pytest.raises(TransitionRefused):
        give_back(shop, rebate)


def test_a_rebate_does_not_leave_the_facility_uncovered(shop, sold):
    # The remaining 6,000 phones lend 420,000; the reserve in the account carries the rest.
    make_drawn_loan(shop.desk, principal=D(420_000), on=DUE_ON, due_on=date(2016, 12, 1))
    pay_invoice(shop, sold)
    make_drawn_loan(shop.desk, principal=D(50_000), on=DUE_ON, due_on=date(2016, 12, 1))
    rebate = ask_back(shop, sold)
    with pytest.raises(WouldUncover) as refused:
        give_back(shop, rebate)
    assert refused.value.numbers["short"] == D(50_000)
    rebate.refresh_from_db()
    assert (rebate.state, balances(shop)) == ("requested", (REBATE, REBATE))
    assert Position.objects.filter(right="released").count() == 0


def test_proceeds_lend_at_par(shop, sold):
    facility_id = shop.desk.facility.pk
    before = measure(as_of=DUE_ON, facility_ids=[facility_id])[facility_id].lending_value
    collect_amount(shop, sold, FACE)
    after = measure(as_of=DUE_ON, facility_ids=[facility_id])[facility_id].lending_value
    assert after - before == FACE - D(512_000)


def test_suggestions_are_ranked_by_what_the_bank_says(shop):
    small = [sell_phones(shop, quantity=D(10), invoice_number=f"INV-{n}") for n in (1, 2, 10)]
    clerk = shop.desk.team.operations
    named = make_entry(shop, D(1_600), remittance="payment inv-2, thanks")
    found = suggest_matches(actor=clerk, entry=named)
    assert [one.receivable for one in found] == [small[1], small[0], small[2]]
    assert found[0].reasons == (
        "names the invoice",
        "pays all that is outstanding",
        "comes from the debtor",
    )
    by_order = make_entry(
        shop, D(1), payer_name="Somebody", remittance=f"for {small[2].buyer_order.lower()}"
    )
    assert [s.receivable for s in suggest_matches(actor=clerk, entry=by_order)] == [small[2]]
    too_much = make_entry(shop, D(1_601), remittance="INV-1 INV-2")
    assert suggest_matches(actor=clerk, entry=too_much) == []


def test_lists_of_the_desk(shop, sold):
    clerk = shop.desk.team.operations
    assert not list_overdue(actor=clerk, on=DUE_ON).exists()
    assert list(list_overdue(actor=clerk, on=date(2016, 5, 31))) == [sold]
    open_entry = make_entry(shop, D(1))
    collection = pay_invoice(shop, sold)
    rebate = ask_back(shop, sold)
    for actor in (clerk, make_actor(organisation=shop.desk.borrower)):
        assert list(list_bank_entries(actor=actor)) == [open_entry]
        assert list_bank_entries(actor=actor, state=None).count() == 2
        assert list(list_collections(actor=actor)) == [collection]
        assert list(list_rebates(actor=actor, state="requested")) == [rebate]
    for stranger in (make_lender_team().auditor, make_sale_desk().desk.team.auditor):
        assert not list_bank_entries(actor=stranger, state=None).exists()
        assert not list_collections(actor=stranger).exists()
        assert not list_rebates(actor=stranger).exists()
    assert not list_bank_entries(actor=make_actor(organisation=shop.debtor), state=None).exists()


def test_the_database_keeps_the_money_as_it_came(shop, sold):
    pay_invoice(shop, sold)
    ask_back(shop, sold)
    for sql in (
        "UPDATE factoring_bankentry SET amount = 1",
        "UPDATE factoring_bankentry SET state = 'booked'",
        "UPDATE factoring_collection SET amount = 1",
        "UPDATE factoring_collection SET repayment_id = NULL",
        "DELETE FROM factoring_collection",
        "UPDATE factoring_rebate SET amount = 1",
        "UPDATE factoring_rebate SET state = 'paid'",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
