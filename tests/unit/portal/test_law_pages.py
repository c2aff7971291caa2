"""What is put on file through the portal: who may, what is refused, what it does to the goods."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from lending.states import Jurisdiction
from parties.roles import Role
from pledges.models import (
    ControlEvidence,
    InsurancePolicy,
    PurchaseMoneyNotice,
    Registration,
    Suspension,
)
from tests.factories.law import make_control, make_policy, make_registration
from tests.factories.lending import START
from tests.factories.parties import NOW, make_person
from tests.factories.pledges import Vault, make_vault
from tests.unit.portal.desk import browser, errors_of, offered, send, statements

pytestmark = pytest.mark.django_db
PAPER = "ab" * 32


@pytest.fixture(autouse=True)
def _now():
    with using_clock(SetClock(NOW)):
        yield


@pytest.fixture
def vault() -> Vault:
    return make_vault(
        jurisdiction=Jurisdiction.CHINA, insurance_required=True, control_required=True
    )


def page(vault: Vault) -> str:
    return f"/facilities/{vault.facility_id}/legal/"


def test_the_lender_files_the_others_read(vault):
    team = vault.desk.team
    filing = ["register", "insure", "notice"]
    assert offered(browser(team.preparer), page(vault)) == filing
    assert offered(browser(team.auditor), page(vault)) == []
    borrower = make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER])
    assert offered(browser(borrower), page(vault)) == []

    make_registration(vault.desk)
    make_policy(vault.desk, vault.warehouse)
    everything = ["register", "renew", "amend", "discharge", "insure", "uninsure", "notice"]
    assert offered(browser(team.approver), page(vault)) == everything

    answer = send(browser(borrower), page(vault), "discharge", registration="1")
    assert answer.status_code == 422
    assert Registration.objects.get().discharged_on is None


def test_a_registration_is_filed_renewed_amended_and_discharged(vault):
    client, there = browser(vault.desk.team.preparer), page(vault)
    filed = {"number": "0611 77", "description": "phones", "filed_on": START}
    answer = send(client, there, "register", **filed)
    assert (answer.status_code, answer.url) == (303, there)
    [one] = Registration.objects.all()
    assert one.expires_on == START + timedelta(days=1_825)

    again = send(client, there, "register", **(filed | {"number": "061177"}))
    assert again.status_code == 422
    assert "061177 is on file already" in again.content.decode()

    shorter = send(client, there, "renew", registration=one.pk, expires_on="2016-06-01")
    assert shorter.status_code == 422
    assert f"The term runs to {one.expires_on} already" in shorter.content.decode()
    assert send(client, there, "renew", registration=one.pk, expires_on="2031-01-01").url == there
    assert send(client, there, "amend", registration=one.pk, description="all").url == there
    assert send(client, there, "discharge", registration=one.pk).url == there
    one.refresh_from_db()
    assert (one.expires_on, one.description, one.discharged_on) == (date(2031, 1, 1), "all", START)
    assert offered(client, there) == ["register", "insure", "notice"]
    rows = client.get(there).context["board"].tables["entries"].rows
    assert [row.act for row in rows] == ["discharged", "amended", "continued", "filed"]


def test_goods_count_while_their_place_is_insured(vault):
    make_control(vault.desk, vault.warehouse)
    position = vault.pledge(100)
    client, there = browser(vault.desk.team.preparer), page(vault)
    assert vault.cover().lending_value == 0
    policy = {
        "insurer": "Everbright",
        "number": "P-1",
        "insured_sum": "90000",
        "sites": [vault.warehouse.pk],
        "from_on": START,
        "until_on": START,
        "payee": "on",
    }
    refused = send(client, there, "insure", **policy)
    assert list(errors_of(refused)) == ["until_on"]
    assert not InsurancePolicy.objects.exists()

    assert send(client, there, "insure", **(policy | {"until_on": "2017-03-01"})).status_code == 303
    assert vault.cover().lending_value == 25_000
    [filed] = InsurancePolicy.objects.all()
    assert (filed.insured_sum, filed.lender_is_loss_payee) == (Decimal(90_000), True)

    assert send(client, there, "uninsure", policy=filed.pk).status_code == 303
    assert vault.cover().lending_value == 0
    reasons = Suspension.objects.filter(position=position, lifted_at__isnull=True)
    assert [one.reason for one in reasons] == ["insurance"]


def test_a_suppliers_security_is_noted_against_a_lot(vault):
    lot = vault.pledge(100).lot
    client = browser(vault.desk.team.preparer)
    told = {"supplier": vault.desk.supplier.pk, "lot": lot.pk if lot else 0, "number": "PM-1"}
    days = {"delivered_on": START, "registered_on": START + timedelta(days=9)}
    assert send(client, page(vault), "notice", **told, **days).status_code == 303
    assert PurchaseMoneyNotice.objects.get().outranks
    assert send(client, page(vault), "notice", **told, **days).status_code == 422


def test_the_keeper_of_a_place_files_evidence_of_its_control(vault):
    make_policy(vault.desk, vault.warehouse)
    vault.pledge(100)
    keeper = make_person(organisation=vault.warehouse.operator, roles=[Role.PARTNER])
    client = browser(keeper)
    board = client.get("/control/").context["board"]
    assert board.facts[0].value == "1"
    [duty] = board.tables["duties"].rows
    paper = {
        "duty": duty.pk,
        "kind": "seal",
        "reference": "S-1",
        "sha256": PAPER.upper(),
        "taken_at": "2016-03-01T08:00",
        "valid_days": 7,
    }
    early = send(client, "/control/", "control", **(paper | {"taken_at": "2016-03-09T08:00"}))
    assert list(errors_of(early)) == ["taken_at"]
    assert vault.cover().lending_value == 0

    assert send(client, "/control/", "control", **paper).status_code == 303
    assert vault.cover().lending_value == 25_000
    assert ControlEvidence.objects.get().sha256 == PAPER
    text = client.get("/control/").content.decode()
    assert "S-1" in text
    assert vault.desk.facility.code not in text
    assert send(client, "/control/", "control", **paper).status_code == 422


def test_a_keeper_says_nothing_of_another_place(vault):
    vault.pledge(100)
    stranger = make_person(organisation=vault.factory.operator, roles=[Role.PARTNER])
    client = browser(stranger)
    board = client.get("/control/").context["board"]
    assert (board.tables["duties"].rows, board.forms) == ([], [])
    forged = f"{vault.facility_id}-{vault.warehouse.pk}"
    answer = send(client, "/control/", "control", duty=forged, kind="seal", reference="S",
                  sha256=PAPER, taken_at="2016-03-01T08:00", valid_days=7)  # fmt: skip
    assert answer.status_code == 422
    assert not ControlEvidence.objects.exists()


def test_both_pages_ask_the_same_however_much_is_on_file(vault):
    client = browser(vault.desk.team.preparer)
    vault.pledge(100)

    def count() -> list[int]:
        return [statements(client, address) for address in (page(vault), "/control/")]

    client.get("/control/")
    before = count()
    for _ in range(3):
        make_registration(vault.desk)
        make_policy(vault.desk, vault.warehouse)
        vault.lot(5, site=vault.factory)
    make_control(vault.desk, vault.warehouse)
    make_control(vault.desk, vault.factory)
    assert count() == before
