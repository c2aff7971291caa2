from decimal import Decimal

import pytest

from lending.services.changes import apply_change, request_change
from pledges.models import CoverRecord, MarginCall
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal


def change_terms(vault, **changes):
    team = vault.desk.team
    change = request_change(
        facility=vault.desk.facility, changes=changes, reason="market", actor=team.preparer, now=NOW
    )
    return apply_change(change=change, on=START, actor=team.approver, now=NOW)


def test_lowered_lines_are_recorded_and_called_at_once():
    # 4,000 kg of alpha: worth 2,000,000, lends 1,000,000; the price then leaves a shortfall.
    vault = make_vault(watch_line=D("0.8"), call_line=D("0.9"))
    vault.pledge(4000)
    make_drawn_loan(vault.desk, principal=D(1_000_000))
    make_tick({"alpha": D(400)}, on=START)
    assert vault.band() == "watch"
    change_terms(vault, watch_line=D("0.55"), call_line=D("0.6"))
    assert vault.band() == "close_out"
    call = MarginCall.objects.get()
    assert (call.state, call.cause["kind"], call.cash_needed) == ("escalated", "terms", D(200_000))
    assert CoverRecord.objects.filter(cause="terms").get().band == "close_out"
    change_terms(vault, watch_line=D("0.8"), call_line=D("0.9"))
    assert vault.band() == "watch"
    assert MarginCall.objects.get().state == "escalated"
    assert breaches() == {}


def test_a_lowered_limit_blocks_drawing_and_calls_nobody():
    vault = make_vault()
    vault.pledge(4000)
    make_drawn_loan(vault.desk, principal=D(1_000_000))
    change_terms(vault, limit=D(900_000))
    assert (vault.band(), vault.cover().headroom) == ("covered", 0)
    assert not MarginCall.objects.exists()
    assert breaches() == {}
