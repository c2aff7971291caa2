"""Proposals accepted at once, against each other and against prices: one act, never uncovered."""

from decimal import Decimal

import pytest

from common.states import TransitionRefused
from pledges.allocation_refusals import ProposalOvertaken
from pledges.invariants import INVARIANTS
from pledges.models import AllocationProposal, Conversion
from pledges.services.allocation_acceptance import retire_overtaken
from tests.concurrency.racing import race
from tests.factories.allocation import accept, make_borrowers_maker, make_proposal, wish
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, SYSTEM
from tests.factories.pledges import Vault, make_vault
from tests.factories.risk import make_tick

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vault() -> Vault:
    """A ton of alpha pledged (lends 250,000), 202,500 owed, four tons of beta free."""
    vault = make_vault()
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(202_500))
    vault.lot(4_000, vault.goods.beta)
    return vault


def errors_of(rounds):
    return [outcome.error for outcomes in rounds for outcome in outcomes if not outcome.won]


def breaches():
    return [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()]


def test_one_proposal_accepted_by_four_at_once_is_one_act(vault):
    maker = make_borrowers_maker(vault)
    for number in range(10):
        wanted = {vault.goods.alpha: 1_000} if number % 2 == 0 else {vault.goods.beta: 4_000}
        proposal = make_proposal(vault, wish(wanted), maker=maker)
        [outcomes] = race(4, lambda _r, _n, one=proposal: accept(vault, one))
        assert sum(outcome.won for outcome in outcomes) == 1
        assert {type(error) for error in errors_of([outcomes])} == {TransitionRefused}
    assert Conversion.objects.exclude(kind="pledge").count() == 10
    assert breaches() == []


def test_two_proposals_for_the_same_goods_fit_once(vault):
    """Each frees the same ton for the same beta: the second finds the goods gone."""
    maker = make_borrowers_maker(vault)
    pair = [make_proposal(vault, wish({vault.goods.alpha: 1_000}), maker=maker) for _ in "ab"]
    [outcomes] = race(2, lambda racer, _n: accept(vault, pair[racer]))
    assert sum(outcome.won for outcome in outcomes) == 1
    assert {type(error) for error in errors_of([outcomes])} == {ProposalOvertaken}
    assert retire_overtaken(actor=SYSTEM, on=START, now=NOW) == 1
    states = AllocationProposal.objects.order_by("state").values_list("state", flat=True)
    assert list(states) == ["accepted", "stale"]
    assert breaches() == []


def test_accepting_against_a_falling_price_is_refused_or_seen_by_the_tick(vault):
    maker = make_borrowers_maker(vault)
    accepted = 0
    for number in range(12):
        make_tick({"alpha": 500, "beta": 250}, on=START, reference=f"calm {number}")
        wanted = vault.goods.alpha if number % 2 == 0 else vault.goods.beta
        held = 1_000 if number % 2 == 0 else 4_000
        proposal = make_proposal(vault, wish({wanted: held}), maker=maker)

        def play(racer: int, _n: int, one=proposal, number=number) -> None:
            if racer:
                fall = {"alpha": 400, "beta": 200}
                make_tick(fall, on=START, reference=f"fall {number}")
            else:
                accept(vault, one)

        [outcomes] = race(2, play)
        assert {type(error) for error in errors_of([outcomes])} <= {ProposalOvertaken}
        assert breaches() == []
        won = outcomes[0].won
        accepted += won
        if not won:
            make_tick({"alpha": 500, "beta": 250}, on=START, reference=f"again {number}")
            accept(vault, proposal)
    assert Conversion.objects.exclude(kind="pledge").count() == 12
    assert 0 <= accepted <= 12
