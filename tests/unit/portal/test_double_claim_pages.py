"""What is offered twice by a page rings at both risk desks, and the asker reads a neutral no."""

from decimal import Decimal

import pytest
from django.test import Client

from common.clock import SetClock, using_clock
from logistics.services.serials import record_serials
from parties.models import Person
from pledges.instruction_states import InstructionState
from pledges.models import Instruction, Position
from tests.factories.allocation import make_borrowers_maker, make_proposal, wish
from tests.factories.instructions import at_another_vault, desks_alerted, make_counter, minutes
from tests.factories.logistics import make_site
from tests.factories.parties import NOW, SYSTEM
from tests.factories.pledges import make_mixed, make_vault
from tests.unit.pledges.test_double_pledge import rival_of
from tests.unit.portal.conftest import BACKEND

pytestmark = pytest.mark.django_db
NEUTRAL = b"These goods are claimed already."


@pytest.fixture
def vault():
    return make_vault()


@pytest.fixture
def counter(vault):
    return make_counter(vault)


def reader(actor):
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id), backend=BACKEND)
    return client


def desks(vault, rival):
    return [rival.desk.team.lender.pk], [vault.desk.team.lender.pk]


def alerted():
    return desks_alerted("pledges.double_claim_refused"), desks_alerted("pledges.double_claim_met")


def test_goods_of_another_lender_asked_for_by_the_form(vault):
    rival, lot = rival_of(vault), vault.lot(100)
    vault.pledge_lot(lot, 40)
    with using_clock(SetClock(NOW)):
        answer = reader(rival.desk.team.preparer).post(
            "/instructions/new/",
            {"key": "k", "bring": lot.pk, "bring_quantity": "100", "reason": "more to draw"},
        )
    assert (answer.status_code, NEUTRAL in answer.content) == (422, True)
    assert alerted() == desks(vault, rival)
    assert not Instruction.objects.exists()


def test_goods_claimed_meanwhile_fail_the_custodians_execution(counter):
    vault, rival = counter.vault, rival_of(counter.vault)
    lot = vault.lot(10)
    there = at_another_vault(counter, rival)
    offered = there.bring_to(there.ask_pledge(lot, 10), InstructionState.ACKNOWLEDGED)
    vault.pledge_lot(lot, 1)
    with using_clock(SetClock(minutes(100))):
        answer = reader(counter.keeper).post(f"/instructions/{offered.pk}/", {"execute-key": "k"})
    assert answer.status_code == 303
    assert Instruction.objects.get().refusal["code"] == "already_claimed"
    assert alerted() == desks(vault, rival)


def test_pieces_that_back_another_loan_stop_a_proposal(vault):
    """Two warehouses say that they have SN 2; the plan would pledge the second."""
    rival, phone = rival_of(vault), make_mixed({"alpha": Decimal(1)})
    here, there = vault.lot(2, phone), vault.lot(2, phone, site=make_site())
    record_serials(lot=here, serials=["SN 1", "SN 2"], actor=SYSTEM, now=NOW)
    record_serials(lot=there, serials=["SN 2", "SN 3"], actor=SYSTEM, now=NOW)
    rival.pledge_lot(here)
    proposal = make_proposal(vault, wish(to_draw=Decimal(300)), maker=make_borrowers_maker(vault))
    before = Position.objects.count()
    with using_clock(SetClock(NOW)):
        answer = reader(vault.desk.team.approver).post(
            f"/allocation/{proposal.pk}/", {"accept-key": "k"}
        )
    assert (answer.status_code, NEUTRAL in answer.content) == (422, True)
    assert alerted() == desks(rival, vault)
    assert Position.objects.count() == before
