"""What is agreed beforehand: rules that approve by themselves, and channels of disposal."""

from datetime import timedelta
from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from parties.roles import Act, Role
from pledges.instruction_states import InstructionState
from pledges.models import AutoApprovalRule, DisposalChannel
from tests.factories.instructions import make_counter
from tests.factories.lending import START
from tests.factories.parties import NOW, make_authority, make_buyer, make_person
from tests.factories.pledges import Vault, make_vault
from tests.unit.portal.desk import browser, errors_of, offered, send, statements

pytestmark = pytest.mark.django_db

RULE = {
    "kind": "pledge",
    "max_amount": "60000",
    "min_coverage": "1.2",
    "min_rated": "0",
    "valid_from": START,
    "valid_until": START + timedelta(days=90),
}
CHANNEL = {"kind": "buy_back", "terms": "takes back what is boxed", "valid_from": START}


@pytest.fixture(autouse=True)
def _now():
    with using_clock(SetClock(NOW)):
        yield


@pytest.fixture
def vault() -> Vault:
    return make_vault()


def rules(vault: Vault) -> str:
    return f"/facilities/{vault.facility_id}/rules/"


def channels(vault: Vault) -> str:
    return f"/facilities/{vault.facility_id}/channels/"


def test_a_rule_takes_two_people_and_ends_by_one(vault):
    team, there = vault.desk.team, rules(vault)
    maker, checker = browser(team.preparer), browser(team.approver)
    assert (offered(maker, there), offered(checker, there)) == (["propose"], [])
    assert send(maker, there, "propose", **RULE).url == there
    rule = AutoApprovalRule.objects.get()
    assert (rule.max_amount, rule.min_coverage, rule.state) == (60_000, Decimal("1.2"), "proposed")
    assert offered(checker, there) == ["approve", "refuse"]
    assert send(checker, there, "approve", rule=rule.pk).status_code == 303
    assert offered(checker, there) == ["end"]

    send(maker, there, "propose", **(RULE | {"max_amount": "70000"}))
    send(checker, there, "approve", rule=AutoApprovalRule.objects.get(version=2).pk)
    states = list(AutoApprovalRule.objects.order_by("version").values_list("state", flat=True))
    assert states == ["ended", "in_force"]
    newest = AutoApprovalRule.objects.get(version=2)
    assert send(checker, there, "end", rule=newest.pk).status_code == 303
    assert offered(checker, there) == []


def test_who_proposed_does_not_decide_and_bounds_must_be_possible(vault):
    officer, there = browser(vault.desk.team.risk_officer), rules(vault)
    late = RULE | {"valid_until": START}
    assert list(errors_of(send(officer, there, "propose", **late))) == ["max_amount"]
    assert not AutoApprovalRule.objects.exists()
    send(officer, there, "propose", **RULE)
    assert offered(officer, there) == ["propose"]
    own = send(officer, there, "approve", rule=AutoApprovalRule.objects.get().pk)
    assert own.status_code == 422
    assert AutoApprovalRule.objects.get().state == "proposed"


def test_a_rule_beyond_the_checkers_authority_is_refused_with_the_numbers(vault):
    team, there = vault.desk.team, rules(vault)
    send(browser(team.preparer), there, "propose", **(RULE | {"kind": "release"}))
    small = make_person(organisation=team.lender, roles=[Role.APPROVER])
    make_authority(person=small, act=Act.RELEASE, amount=Decimal(1_000))
    answer = send(browser(small), there, "approve", rule=AutoApprovalRule.objects.get().pk)
    assert answer.status_code == 422
    assert "60,000" in answer.content.decode()


def test_the_borrower_sees_no_rule(vault):
    borrower = browser(make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER]))
    assert borrower.get(rules(vault)).status_code == 404
    facility = f"/facilities/{vault.facility_id}/"
    assert "rules" not in borrower.get(facility).content.decode()
    assert rules(vault) in browser(vault.desk.team.preparer).get(facility).content.decode()


def test_a_rule_is_tried_on_the_orders_that_were_done(vault):
    counter = make_counter(vault)
    for kilograms in (100, 200):
        asked = counter.ask_pledge(vault.lot(kilograms), kilograms)
        counter.bring_to(asked, InstructionState.EXECUTED)
    maker = browser(vault.desk.team.preparer)
    # 100 kg of alpha are worth 50,000; 200 kg are above the rule's 60,000.
    send(maker, rules(vault), "propose", **RULE)
    board = maker.get(rules(vault)).context["board"]
    rule_row = [cell.text for cell in next(board.tables["rules"].body())[1]]
    assert "1 of 2" in rule_row
    verdicts = [cells[-1].text for _group, cells in board.tables["trials"].body()]
    assert verdicts == ["the amount is above the rule’s", "approved"]


def test_a_channel_takes_two_people_and_names_its_buyer(vault):
    team, there = vault.desk.team, channels(vault)
    maker, checker = browser(team.preparer), browser(team.approver)
    buyer = make_buyer()
    assert list(errors_of(send(maker, there, "propose", **CHANNEL))) == ["counterparty"]
    named = CHANNEL | {"counterparty": buyer.pk}
    assert list(errors_of(send(maker, there, "propose", **named))) == ["price_share"]
    assert not DisposalChannel.objects.exists()
    priced = named | {"price_share": "0.85"}
    assert send(maker, there, "propose", **priced).url == there
    one = DisposalChannel.objects.get()
    assert (one.counterparty, one.price_share) == (buyer, Decimal("0.85"))
    assert offered(maker, there) == ["propose"]
    assert offered(checker, there) == ["agree", "refuse"]
    assert send(checker, there, "agree", channel=one.pk).status_code == 303
    assert maker.get(there).context["board"].facts[0].value == "1"
    assert send(checker, there, "end", channel=one.pk).status_code == 303
    ended = DisposalChannel.objects.get()
    assert (ended.state, ended.valid_until) == ("ended", START + timedelta(days=1))


def test_the_borrower_reads_the_channels_and_strangers_nothing(vault):
    borrower = browser(make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER]))
    assert offered(borrower, channels(vault)) == []
    stranger = browser(make_person(organisation=make_buyer(), roles=[Role.PARTNER]))
    assert stranger.get(channels(vault)).status_code == 404


def test_both_pages_ask_the_same_however_much_there_is(vault):
    maker = browser(vault.desk.team.preparer)
    counter = make_counter(vault)
    counter.bring_to(counter.ask_pledge(vault.lot(10), 10), InstructionState.EXECUTED)
    send(maker, rules(vault), "propose", **RULE)
    send(maker, channels(vault), "propose", **(CHANNEL | {"kind": "marketplace"}))
    before = [statements(maker, page) for page in (rules(vault), channels(vault))]
    counter.bring_to(counter.ask_pledge(vault.lot(10), 10), InstructionState.EXECUTED)
    send(maker, rules(vault), "propose", **RULE)
    send(maker, channels(vault), "propose", **(CHANNEL | {"kind": "auction"}))
    assert [statements(maker, page) for page in (rules(vault), channels(vault))] == before
