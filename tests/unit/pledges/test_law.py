"""The law's guards: registrations before money, insurance and control before value, notices."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from lending.states import Jurisdiction
from outbox.models import Alert
from pledges.models import InsurancePolicy, Registration, RegistrationEntry, Suspension
from pledges.rules.jurisdictions import LAWS, law_of, lead_reached
from pledges.services.control import (
    EvidenceKnown,
    EvidenceNotPossible,
    NoticeKnown,
    note_purchase_money,
)
from pledges.services.insurance import PolicyKnown, PolicyNotPossible, end_policy
from pledges.services.law_days import watch_the_law
from pledges.services.registrations import (
    RegistrationDischarged,
    RegistrationKnown,
    RegistrationMissing,
    RegistrationNotPossible,
    amend_registration,
    continue_registration,
    discharge_registration,
)
from pledges.tasks import watch_over_the_law
from portal.proofs import prove_all
from tests.factories.law import make_control, make_policy, make_registration
from tests.factories.lending import OPENED, START, make_loan, pay_out
from tests.factories.parties import NOW, SYSTEM, make_supplier
from tests.factories.pledges import Vault, make_vault
from tests.factories.risk import noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db

D = Decimal


def topics() -> list[str]:
    """Return the topics of the law's alerts; what they do to cover alerts by itself."""
    told = Alert.objects.exclude(topic__startswith="pledges.margin_call")
    return sorted(told.values_list("topic", flat=True))


def watch(on: date) -> int:
    return watch_the_law(on=on, actor=SYSTEM, now=noon(on))


@pytest.fixture
def chinese(db) -> Vault:
    return make_vault(jurisdiction=Jurisdiction.CHINA)


def test_china_is_the_default_and_every_jurisdiction_has_its_law():
    assert set(LAWS) == set(Jurisdiction.values)
    assert law_of("CN").registration_required
    assert (law_of("CN").purchase_money_days, law_of("CN").alarm_leads) == (10, (90, 30, 7))
    assert not law_of("ZZ").registration_required


@pytest.mark.parametrize(
    ("left", "lead"), [(91, None), (90, 90), (31, 90), (30, 30), (7, 7), (0, 7), (-1, None)]
)
def test_the_tightest_lead_counts(left, lead):
    assert lead_reached(left, (90, 30, 7)) == lead


def draw(vault: Vault, amount: int = 1_000, on: date = START) -> None:
    loan = make_loan(vault.desk, principal=D(amount), on=on)
    pay_out(vault.desk, loan, D(amount), on=on)


def test_no_money_goes_out_before_the_registration(chinese):
    chinese.pledge(1_000)
    loan = make_loan(chinese.desk, principal=D(1_000))
    with pytest.raises(RegistrationMissing) as refused:
        pay_out(chinese.desk, loan, D(1_000))
    assert chinese.desk.facility.code in refused.value.message
    assert "Unified register" in refused.value.message
    assert chinese.desk.fresh().exposure == 0

    make_registration(chinese.desk)
    draw(chinese)
    assert chinese.desk.fresh().exposure == 1_000
    assert all(proof.holds for proof in prove_all())


@pytest.mark.parametrize("change", [{"filed_on": date(2016, 3, 2)}, {"expires_on": START}])
def test_a_registration_counts_from_filing_to_its_end(chinese, change):
    chinese.pledge(1_000)
    make_registration(chinese.desk, **change)
    with pytest.raises(RegistrationMissing):
        draw(chinese)


def test_a_discharged_registration_does_not_count(chinese):
    chinese.pledge(1_000)
    registration = make_registration(chinese.desk)
    act = {"actor": chinese.desk.team.preparer, "now": NOW}
    discharge_registration(registration=registration, on=START, **act)
    with pytest.raises(RegistrationMissing):
        draw(chinese)
    with refusal(RegistrationDischarged):
        continue_registration(
            registration=registration, expires_on=date(2030, 1, 1), on=START, **act
        )


def test_a_number_is_on_file_once_in_every_spelling(chinese):
    make_registration(chinese.desk, number="0123-4567 89")
    for spelling in ("0123456789", "０１２３ ４５６７８９", "0123—456789"):
        with refusal(RegistrationKnown):
            make_registration(chinese.desk, number=spelling)
    with refusal(RegistrationNotPossible):
        make_registration(chinese.desk, number=" - ")
    with refusal(RegistrationNotPossible):
        make_registration(chinese.desk, expires_on=OPENED)


def test_entries_keep_what_was_done(chinese):
    act = {"on": START, "actor": chinese.desk.team.preparer, "now": NOW}
    registration = make_registration(chinese.desk)
    amend_registration(registration=registration, description="Copper foil only", **act)
    continued = continue_registration(registration=registration, expires_on=date(2031, 1, 1), **act)
    assert [entry.act for entry in registration.entries.all()] == ["filed", "amended", "continued"]
    assert (continued.expires_on, continued.description) == (date(2031, 1, 1), "Copper foil only")
    with refusal(RegistrationNotPossible):
        continue_registration(registration=registration, expires_on=date(2031, 1, 1), **act)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        RegistrationEntry.objects.all().update(act="filed")
    with pytest.raises(DatabaseError, match="not deleted"), transaction.atomic():
        Registration.objects.all()._raw_delete("default")


def test_an_expiring_registration_alerts_once_for_each_lead(chinese):
    make_registration(chinese.desk, expires_on=date(2016, 6, 30))
    assert watch(date(2016, 3, 31)) == 0
    assert watch(date(2016, 4, 1)) == 1
    assert watch(date(2016, 4, 2)) == 0
    assert watch(date(2016, 5, 31)) == 1
    assert watch(date(2016, 6, 23)) == 1
    assert watch(date(2016, 6, 30)) == 1
    assert watch(date(2016, 7, 1)) == 0
    assert topics() == ["pledges.registration_expired", *["pledges.registration_expires"] * 3]


@pytest.fixture
def insured(db) -> Vault:
    return make_vault(insurance_required=True)


def test_goods_without_insurance_lend_nothing_until_there_is_one(insured):
    position = insured.pledge(4_000)
    assert (insured.cover().lending_value, insured.cover().market_value) == (0, 0)
    assert Suspension.objects.get().reason == "insurance"

    make_policy(insured.desk, insured.factory)
    assert insured.cover().lending_value == 0
    make_policy(insured.desk, insured.warehouse, lender_is_loss_payee=False)
    assert insured.cover().lending_value == 0
    make_policy(insured.desk, insured.warehouse)
    assert insured.cover().lending_value == 1_000_000
    position.refresh_from_db()
    assert not position.suspended
    assert all(proof.holds for proof in prove_all())


def test_an_expiring_policy_takes_the_value_away_on_its_day(insured):
    make_policy(insured.desk, insured.warehouse, term=(OPENED, date(2016, 3, 4)))
    insured.pledge(4_000)
    draw(insured, 900_000)
    assert insured.band() == "covered"
    assert watch(date(2016, 3, 3)) == 1
    assert insured.cover().lending_value == 1_000_000
    watch(date(2016, 3, 4))

    assert insured.band() == "close_out"
    assert insured.desk.facility.margin_calls.get().state == "escalated"
    assert topics() == [
        "pledges.insurance_lapsed",
        "pledges.policy_expired",
        "pledges.policy_expires",
    ]
    make_policy(insured.desk, insured.warehouse, on=date(2016, 3, 4))
    assert insured.band() == "covered"
    assert all(proof.holds for proof in prove_all())


def test_a_cancelled_policy_takes_the_value_away_at_once(insured):
    policy = make_policy(insured.desk, insured.warehouse)
    insured.pledge(4_000)
    act = {"on": START, "actor": insured.desk.team.preparer, "now": NOW}
    end_policy(policy=policy, **act)
    assert insured.cover().lending_value == 0
    with refusal(PolicyNotPossible):
        end_policy(policy=policy, **act)


def test_a_sum_below_the_goods_value_is_told_with_the_gap(insured):
    make_policy(insured.desk, insured.warehouse, insured_sum=D(1_500_000))
    insured.pledge(4_000)
    assert (watch(START), watch(START)) == (1, 0)
    alert = Alert.objects.get()
    assert alert.topic == "pledges.insurance_gap"
    assert (D(alert.payload["gap"]), D(alert.payload["value"])) == (500_000, 2_000_000)


def test_a_policy_is_on_file_once_and_whole(insured):
    make_policy(insured.desk, insured.warehouse, number="P 1")
    with refusal(PolicyKnown):
        make_policy(insured.desk, insured.warehouse, number="p-1")
    with refusal(PolicyNotPossible):
        make_policy(insured.desk)
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        InsurancePolicy.objects.update(insured_sum=9_000_000)


def test_a_facility_that_demands_nothing_is_left_alone(vault):
    vault.pledge(4_000)
    assert watch(START) == 0
    assert vault.cover().lending_value == 1_000_000


def test_goods_count_only_while_control_is_evidenced():
    vault = make_vault(control_required=True)
    vault.pledge(4_000)
    assert vault.cover().lending_value == 0
    make_control(vault.desk, vault.warehouse)
    assert vault.cover().lending_value == 1_000_000
    assert watch(START + timedelta(days=4)) == 1
    watch(START + timedelta(days=7))
    assert vault.cover().lending_value == 1_000_000
    late = START + timedelta(days=8)
    watch(late)
    assert vault.cover().lending_value == 0
    assert topics() == ["pledges.control_lapsed", "pledges.control_runs_out"]
    make_control(vault.desk, vault.warehouse, on=late, now=noon(late))
    assert vault.cover().lending_value == 1_000_000
    assert all(proof.holds for proof in prove_all())


def test_the_same_document_proves_nothing_new():
    vault = make_vault(control_required=True)
    make_control(vault.desk, vault.warehouse)
    with refusal(EvidenceKnown):
        make_control(vault.desk, vault.warehouse)
    for wrong in ({"sha256": "x"}, {"days": 0}, {"taken_at": NOW + timedelta(days=1)}):
        with refusal(EvidenceNotPossible):
            make_control(vault.desk, vault.factory, **wrong)


@pytest.mark.parametrize(
    ("registered_on", "outranks", "topic"),
    [
        (date(2016, 3, 11), True, "pledges.purchase_money"),
        (date(2016, 3, 12), False, "pledges.purchase_money_late"),
    ],
)
def test_a_supplier_registered_within_ten_days_outranks(vault, registered_on, outranks, topic):
    lot = vault.pledge(100).lot
    told = {
        "facility": vault.desk.facility,
        "supplier": make_supplier(),
        "lot": lot,
        "number": "S-1",
        "delivered_on": START,
        "registered_on": registered_on,
        "actor": vault.desk.team.preparer,
        "now": NOW,
    }
    notice = note_purchase_money(**told)
    assert (notice.outranks, notice.last_day) == (outranks, date(2016, 3, 11))
    assert topics() == [topic]
    with refusal(NoticeKnown):
        note_purchase_money(**told)


def test_the_daily_task_runs_on_empty_books():
    assert watch_over_the_law() == 0
