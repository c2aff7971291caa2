"""Clocks, ticks, cures and extensions of one margin call on several connections."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from pledges.models import MarginCall, MarginCallEntry
from pledges.services.call_clock import run_clocks
from pledges.services.call_extensions import ExtensionRefused, ask_extension, grant_extension
from tests.concurrency.racing import race
from tests.factories.lending import make_drawn_loan
from tests.factories.parties import SYSTEM
from tests.factories.pledges import Vault, make_vault
from tests.factories.risk import make_tick, noon
from tests.proofs import breaches

pytestmark = pytest.mark.django_db(transaction=True)

WED = date(2016, 3, 2)
ROUNDS = 15


@pytest.fixture
def vault() -> Vault:
    made = make_vault()
    made.pledge(1_000)
    make_drawn_loan(made.desk, principal=Decimal(250_000))
    return made


def fall(number: int) -> MarginCall:
    """Open a new call and return it."""
    make_tick({"alpha": 370}, on=WED, reference=f"fall {number}")
    return MarginCall.objects.exclude(state="cured").get()


def rise(number: int) -> None:
    make_tick({"alpha": 500}, on=WED, reference=f"rise {number}")


def late(call: MarginCall):
    return call.due_at + timedelta(seconds=1)


def kinds(call: MarginCall) -> list[str]:
    return list(MarginCallEntry.objects.filter(call=call).values_list("kind", flat=True))


def test_a_recovery_races_the_deadline_and_the_history_tells_who_was_first(vault):
    for number in range(ROUNDS):
        call = fall(number)
        now = late(call)

        def play(racer: int, _n: int, number: int = number, now=now) -> None:
            if racer == 0:
                run_clocks(actor=SYSTEM, now=now)
            else:
                rise(number)

        [[clock, price]] = race(2, play)
        assert (clock.error, price.error) == (None, None)
        assert kinds(call) in (
            ["opened", "cured"],
            ["opened", "escalated", "ran_out", "cured"],
        )
    assert breaches() == {}


def test_four_clocks_at_once_remind_and_escalate_once(vault):
    call = fall(0)
    half = call.due_at - timedelta(days=3)
    for now in (half, late(call)):
        rounds = race(4, lambda _r, _n, now=now: run_clocks(actor=SYSTEM, now=now))
        assert [outcome.error for outcome in rounds[0]] == [None] * 4
    assert kinds(call) == ["opened", "reminded", "escalated", "ran_out"]
    assert breaches() == {}


def test_an_extension_races_the_deadline(vault):
    """Either the time was given first and nothing ran out, or it ran out and runs again."""
    team = vault.desk.team
    for number in range(ROUNDS):
        call = fall(number)
        now = late(call)
        asked = ask_extension(
            call=call,
            business_days=1,
            reason="goods are on the way",
            actor=team.risk_officer,
            now=noon(WED),
        )

        def play(racer: int, _n: int, asked=asked, now=now) -> None:
            if racer == 0:
                run_clocks(actor=SYSTEM, now=now)
            else:
                grant_extension(extension=asked, actor=team.approver, now=now)

        [[clock, grant]] = race(2, play)
        assert (clock.error, grant.error) == (None, None)
        call.refresh_from_db()
        assert (call.due_at, call.ran_out_at) == (asked.due_after, None)
        rise(number)
    assert breaches() == {}


def test_two_requests_for_more_time_make_one(vault):
    call = fall(0)
    officer = vault.desk.team.risk_officer
    [outcomes] = race(
        2,
        lambda _r, _n: ask_extension(
            call=call, business_days=1, reason="late", actor=officer, now=noon(WED)
        ),
    )
    assert sorted(type(outcome.error) for outcome in outcomes if not outcome.won) == [
        ExtensionRefused
    ]


def test_two_partial_cures_at_once_follow_each_other_in_the_history(vault):
    call = fall(0)
    lots = [vault.lot(10, vault.goods.beta) for _ in range(20)]
    rounds = race(
        2,
        lambda racer, n: vault.pledge_lot(lots[2 * n + racer], on=WED, now=noon(WED)),
        rounds=10,
    )
    assert all(outcome.won for outcomes in rounds for outcome in outcomes)
    entries = MarginCallEntry.objects.filter(call=call, kind="partly_cured")
    assert (entries.count(), sum(entry.by_goods for entry in entries)) == (20, 25_000)
    assert entries.last().need == 40_000
    assert breaches() == {}
