from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.models import Entry, Posting
from lending import hooks
from lending.models import Loan, Repayment
from lending.refusals import (
    AboveAgreed,
    AboveLimit,
    FacilityNotActive,
    MoreThanOwed,
    NotInThisFacility,
    NotYourFacility,
    PersonNeeded,
)
from lending.services.facilities import freeze_facility
from lending.services.loans import agree_loan
from lending.services.refinancing import refinance
from lending.states import Product
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from tests.factories.lending import DUE, make_desk, make_drawn_loan, receive
from tests.factories.parties import NOW, SYSTEM, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal
LATER = date(2016, 3, 31)


def successor(desk, old, principal, **changes):
    values = {
        "facility": desk.facility,
        "product": Product.PLEDGE,
        "principal": principal,
        "due_on": DUE,
        "on": LATER,
        "refinances": old,
        "actor": desk.team.preparer,
        "now": NOW,
    }
    return agree_loan(**(values | changes))


def swap(desk, new, old, amount, **changes):
    values = {
        "new_loan": new,
        "amount": amount,
        "old_loans": old,
        "on": LATER,
        "maker": desk.team.preparer,
        "actor": desk.team.approver,
        "now": NOW,
    }
    return refinance(**(values | changes))


def test_a_pledge_loan_takes_over_an_order_loan():
    desk = make_desk(limit=D(1_000_000))
    old = make_drawn_loan(desk, principal=D(960_000), product=Product.ORDER, number="ORDER")
    new = successor(desk, [old], D(990_000), number="PLEDGE")
    heard = []
    hooks.on_exposure_changed(lambda **act: heard.append((act["cause"], desk.fresh().exposure)))
    repayment = swap(desk, new, [old], D(967_200))
    # 30 days at 240 a day go first.
    shares = repayment.allocations.order_by("id").values_list("component", "amount")
    assert list(shares) == [("interest", D(7200)), ("principal", D(960_000))]
    assert (repayment.source, repayment.refinanced_by) == ("refinance", new)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, old.owed_total) == ("repaid", 0)
    assert (new.state, new.drawn, new.owed_principal) == ("drawn", D(967_200), D(967_200))
    assert heard == [("repay", D(967_200))]
    lines = Posting.objects.filter(entry__kind="repayment").order_by("id")
    assert list(lines.values_list("debit_account__code", "credit_account__code", "amount")) == [
        ("principal:PLEDGE", "interest:ORDER", D(7200)),
        ("principal:PLEDGE", "principal:ORDER", D(960_000)),
    ]


def test_in_parts_and_over_several_old_loans():
    desk = make_desk()
    first = make_drawn_loan(desk, principal=D(100_000))
    second = make_drawn_loan(desk, principal=D(100_000))
    new = successor(desk, [first, second], D(150_000))
    swap(desk, new, [first, second], D(120_000))
    swap(desk, new, [first, second], D(30_000))
    assert [loan.owed_principal for loan in Loan.objects.order_by("id")] == [
        0,
        D(51_500),
        D(150_000),
    ]
    assert desk.fresh().exposure == D(201_500)
    references = Repayment.objects.order_by("id").values_list("reference", flat=True)
    assert list(references) == [f"refinance:{new.number}:1", f"refinance:{new.number}:2"]


def test_refused_whole():
    desk, other = make_desk(), make_desk()
    old = make_drawn_loan(desk, principal=D(100_000))
    foreign = make_drawn_loan(other, principal=D(100_000))
    new = successor(desk, [old], D(110_000))
    both = replace(desk.team.approver, roles=frozenset({Role.PREPARER, Role.APPROVER}))
    entries = Entry.objects.count()
    cases = [
        (SamePerson, {"actor": both, "maker": both}),
        (PersonNeeded, {"actor": SYSTEM}),
        (PersonNeeded, {"maker": SYSTEM}),
        (NotYourFacility, {"actor": make_lender_team().approver}),
        (NotAllowed, {"actor": desk.team.operations}),
        (NotInThisFacility, {"old": [foreign]}),
        (NotInThisFacility, {"old": [new]}),
        (AboveAgreed, {"amount": D("110000.01")}),
        (MoreThanOwed, {"amount": D("100750.01")}),
    ]
    for refusal, changes in cases:
        with pytest.raises(refusal):
            swap(desk, **({"new": new, "old": [old], "amount": D(1000)} | changes))
    assert (Repayment.objects.count(), Entry.objects.count()) == (0, entries)
    freeze_facility(facility=desk.facility, reason="x", actor=desk.team.risk_officer, now=NOW)
    with pytest.raises(FacilityNotActive):
        swap(desk, new, [old], D(1000))


def test_beyond_the_approver_s_authority():
    desk = make_desk(team=make_lender_team(authority=D(100_000)), limit=D(100_000))
    old = make_drawn_loan(desk, principal=D(99_900))
    new = successor(desk, [old], D(99_900))
    with pytest.raises(BeyondAuthority):
        swap(desk, new, [old], D("100000.01"))


def test_interest_is_not_turned_into_principal_above_the_limit():
    desk = make_desk(limit=D(100_000))
    old = make_drawn_loan(desk, principal=D(100_000))
    new = successor(desk, [old], D(100_000))
    # 750 of interest would be paid first, and 750 of the old principal be left.
    with pytest.raises(AboveLimit) as refused:
        swap(desk, new, [old], D(100_000))
    assert str(refused.value) == (
        "limit 100,000.00, principal would be 100,750.00, above by 750.00"
    )
    receive(desk, D(750), on=LATER)
    swap(desk, new, [old], D(100_000))
    assert desk.fresh().exposure == D(100_000)


def test_one_request_twice_is_one_refinancing():
    desk = make_desk()
    old = make_drawn_loan(desk, principal=D(100_000))
    new = successor(desk, [old], D(100_000))
    again = [swap(desk, new, [old], D(50_000), idempotency_key="k") for _ in range(2)]
    assert again[0] == again[1]
    assert Loan.objects.get(pk=new.pk).drawn == D(50_000)
