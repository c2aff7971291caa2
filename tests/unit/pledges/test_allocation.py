"""Quotes, proposals and their acceptance, on real books."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from logistics.models import Lot
from outbox.models import Event
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed
from pledges.allocation_refusals import (
    FiguresMoved,
    NothingToChange,
    ProposalOvertaken,
    ReasonMissing,
)
from pledges.instruction_refusals import NotAParty
from pledges.instruction_states import InstructionKind
from pledges.models import AllocationLine, AllocationProposal, Conversion, Position
from pledges.rules.allocation_problem import Kind
from pledges.services import eligibility
from pledges.services.allocation import (
    adopt_proposal,
    decline_proposal,
    quote_allocation,
    write_proposal,
)
from pledges.services.allocation_acceptance import retire_overtaken
from pledges.services.cover import BelowReleaseLevel, Requirement
from pledges.services.custody_fees import FeeNotPossible, set_custody_fee
from pledges.services.eligibility import suspend
from pledges.services.warehouse import SameHand
from pledges.states import SuspensionReason
from portal.proofs import prove_all
from tests.factories.allocation import accept, make_borrowers_maker, make_proposal, wish
from tests.factories.instructions import make_counter
from tests.factories.lending import START, make_drawn_loan
from tests.factories.logistics import make_site
from tests.factories.parties import NOW, SYSTEM, make_actor, make_borrower, make_lender_team
from tests.factories.pledges import Vault, fingerprint, make_vault
from tests.factories.risk import make_tick
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def swapped(vault: Vault) -> Vault:
    """1,000 kg of alpha pledged (lend 250,000), 225,000 owed, and 3,000 kg of beta free."""
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(225_000))
    vault.lot(3_000, vault.goods.beta)
    return vault


def everything() -> dict[str, object]:
    counts = (AllocationProposal.objects.count(), AllocationLine.objects.count())
    return {"rows": counts, **fingerprint()}


def quote(vault: Vault, wishes=None):
    return quote_allocation(facility=vault.desk.fresh(), wishes=wishes or wish(), on=START)


def test_a_quote_swaps_the_wanted_goods_and_writes_nothing(swapped: Vault) -> None:
    before = everything()
    found = quote(swapped, wish({swapped.goods.alpha: 1_000}))
    assert everything() == before

    alpha, beta = sorted(found.plan.changes, key=lambda line: line.change)
    assert (alpha.part.item_id, alpha.change) == (swapped.goods.alpha.pk, -1_000)
    # 225,000 ÷ 0.9 ÷ 125 a kilogram: two tons of beta.
    assert (beta.part.item_id, beta.change) == (swapped.goods.beta.pk, 2_000)
    assert (found.plan.lending_after, found.plan.market_after) == (250_000, 500_000)
    assert found.plan.shortages == ()
    assert found.goods[beta.part.key].number


def test_a_quote_asks_the_same_queries_for_one_lot_and_for_forty(swapped: Vault) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            quote(swapped)
        return len(queries)

    few = count()
    for _ in range(20):
        swapped.lot(50, swapped.goods.beta)
        swapped.pledge(10, swapped.goods.beta)
    assert count() == few


def test_what_is_measured_after_the_act_is_what_the_plan_said(swapped: Vault) -> None:
    swapped.lot(500, quality_deduction=Decimal("0.07"))
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: Decimal("777.123")}))
    accepted = accept(swapped, proposal)

    assert accepted.state == "accepted"
    after = swapped.cover()
    assert after.lending_value == proposal.lending_after
    assert after.market_value == proposal.market_after
    assert after.exposure <= after.lending_value * Decimal("0.9")
    conversion = Conversion.objects.get(kind="substitute")
    assert accepted.conversion == conversion
    assert conversion.evidence["reference"] == proposal.number
    assert conversion.maker_id == proposal.maker_id != conversion.person_id
    assert all(proof.holds for proof in prove_all())


def test_only_pledges_and_only_releases_are_one_act_each(vault: Vault) -> None:
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(90_000))
    released = accept(vault, make_proposal(vault))
    assert released.conversion.kind == "release"
    assert vault.cover().lending_value == 100_000  # 90,000 ÷ 0.9

    pledged = accept(vault, make_proposal(vault, wish(to_draw=Decimal(9_000))))
    assert pledged.conversion.kind == "pledge"
    assert vault.cover().lending_value == 110_000
    assert Conversion.objects.count() == 3
    assert all(proof.holds for proof in prove_all())


def test_the_pool_that_needs_no_change_keeps_nothing(vault: Vault) -> None:
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(225_000))
    maker = make_borrowers_maker(vault)
    with refusal(NothingToChange):
        make_proposal(vault, maker=maker)
    assert AllocationProposal.objects.count() == 0


def test_a_need_that_cannot_be_met_is_told_and_cover_stays(swapped: Vault) -> None:
    found = quote(swapped, wish({swapped.goods.alpha: 1_200, swapped.goods.beta: 1_500}))
    short = {one.id: one for one in found.plan.shortages}
    assert {one.kind for one in found.plan.shortages} == {Kind.NEED}
    assert short[swapped.goods.alpha.pk].beyond_stock == 200
    assert found.plan.meets_cover


def test_the_maker_may_not_accept_and_neither_may_the_borrower(swapped: Vault) -> None:
    wishes = wish({swapped.goods.alpha: 1_000})
    team = swapped.desk.team
    borrower = make_borrowers_maker(swapped)
    poor = make_actor(organisation=team.lender, roles=[Role.APPROVER])
    proposal = make_proposal(swapped, wishes, maker=team.approver)
    with refusal(SameHand):
        accept(swapped, proposal)
    with refusal(NotYourFacility):
        accept(swapped, proposal, actor=borrower)
    with refusal(NotAllowed):
        accept(swapped, proposal, actor=team.preparer)
    with refusal(BeyondAuthority):
        accept(swapped, proposal, actor=poor)
    assert accept(swapped, proposal, actor=team.risk_officer).checker_id


def test_strangers_keep_nothing(swapped: Vault) -> None:
    stranger = make_actor(organisation=make_borrower(), roles=[Role.PREPARER])
    idle = make_actor(organisation=swapped.desk.borrower)
    with refusal(NotAParty):
        make_proposal(swapped, maker=stranger)
    with refusal(NotAllowed):
        make_proposal(swapped, maker=idle)
    other = make_lender_team()
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 500}))
    visible = AllocationProposal.objects.visible_to
    assert list(visible(other.approver)) == list(visible(stranger)) == []
    assert list(visible(swapped.desk.team.auditor)) == [proposal]


def test_a_plan_that_moved_since_it_was_seen_is_not_kept(swapped: Vault) -> None:
    wishes = wish({swapped.goods.alpha: 1_000})
    seen, maker = quote(swapped, wishes).digest, make_borrowers_maker(swapped)
    make_tick({"beta": 240}, on=START)
    with refusal(FiguresMoved):
        make_proposal(swapped, wishes, seen=seen, maker=maker)
    assert make_proposal(swapped, wishes, seen=quote(swapped, wishes).digest)


def test_keeping_and_accepting_twice_have_one_effect(swapped: Vault) -> None:
    maker = make_borrowers_maker(swapped)
    wishes = wish({swapped.goods.alpha: 1_000})
    proposal = make_proposal(swapped, wishes, maker=maker, idempotency_key="k1")
    assert make_proposal(swapped, wishes, maker=maker, idempotency_key="k1") == proposal
    accept(swapped, proposal, idempotency_key="k2")
    assert accept(swapped, proposal, idempotency_key="k2").state == "accepted"
    assert Conversion.objects.filter(kind="substitute").count() == 1
    with refusal(TransitionRefused):
        accept(swapped, proposal)


def test_a_price_that_fell_overtakes_the_plan_with_figures(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    make_tick({"beta": 240}, on=START)
    with refusal(ProposalOvertaken) as refused:
        accept(swapped, proposal)
    # 2,000 × 240 × 0.5 against 225,000 ÷ 0.9
    assert refused[0].numbers == {
        "exposure": 225_000,
        "required": 250_000,
        "lending": 240_000,
        "short": 10_000,
    }
    assert retire_overtaken(actor=SYSTEM, on=START, now=NOW) == 1
    proposal.refresh_from_db()
    assert (proposal.state, proposal.closing["short"]) == ("stale", "10000.00")
    with refusal(TransitionRefused):
        accept(swapped, proposal)


def test_a_plan_that_still_fits_is_accepted_at_other_prices(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    make_tick({"beta": 260}, on=START)
    assert retire_overtaken(actor=SYSTEM, on=START, now=NOW) == 0
    accept(swapped, proposal)
    assert swapped.cover().lending_value == 260_000


def test_more_exposure_overtakes_the_plan(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    make_drawn_loan(swapped.desk, principal=Decimal(1_000))
    with refusal(ProposalOvertaken) as refused:
        accept(swapped, proposal)
    assert refused[0].numbers["short"] == Decimal("1111.12")


def test_lots_that_went_overtake_the_plan(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    beta = proposal.lines.get(position=None).lot
    swapped.pledge_lot(beta, 1_500)
    with refusal(ProposalOvertaken) as refused:
        accept(swapped, proposal)
    assert refused[0].numbers == {"asked": 2_000, "left": 1_500}


def test_what_may_not_count_when_it_comes_is_no_cover(swapped: Vault, monkeypatch) -> None:
    """A check that suspends the new pledges: the plan's promise is judged after the act."""
    monkeypatch.setitem(
        eligibility.CHECKS,
        SuspensionReason.INSPECTION,
        lambda _act, positions: {one.pk: {"found": "wet"} for one in positions},
    )
    swapped.pledge(200)
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 300}))
    with refusal(BelowReleaseLevel):
        accept(swapped, proposal)


def test_goods_promised_to_an_instruction_are_left_alone(swapped: Vault) -> None:
    counter = make_counter(swapped)
    beta = Lot.objects.get(item=swapped.goods.beta)
    counter.ask(InstructionKind.PLEDGE, bring=[(beta, Decimal(2_500))])
    found = quote(swapped, wish({swapped.goods.alpha: 1_000}))
    assert [one.part.quantity for one in found.plan.lines if not one.part.pledged] == [500]
    # 500 kg of beta lend 62,500: 750 of the thousand kilograms stay.
    [short] = found.plan.shortages
    assert (short.kind, short.amount) == (Kind.NEED, 750)


def test_a_suspended_pledge_is_free_to_go(swapped: Vault) -> None:
    extra = swapped.pledge(100)
    with swapped.act(requirement=Requirement.NONE) as act:
        suspend(act=act, reason=SuspensionReason.PLACE, findings={extra.pk: {"at": "yard"}})
    found = quote(swapped, wish({swapped.goods.alpha: 100}))
    [line] = found.plan.changes
    assert (line.part.lending, line.change) == (0, -100)
    accept(swapped, make_proposal(swapped, wish({swapped.goods.alpha: 100})))
    assert swapped.cover().lending_value == 250_000


def test_a_suggestion_waits_for_a_maker(swapped: Vault) -> None:
    wishes = wish({swapped.goods.alpha: 1_000})
    suggestion = write_proposal(
        facility=swapped.desk.fresh(), wishes=wishes, quote=quote(swapped, wishes),
        reason="forecast", actor=SYSTEM, on=START, now=NOW,
    )  # fmt: skip
    assert (suggestion.state, suggestion.maker_id) == ("suggested", None)
    with refusal(TransitionRefused):
        accept(swapped, suggestion)
    adopted = adopt_proposal(proposal=suggestion, actor=make_borrowers_maker(swapped), now=NOW)
    assert accept(swapped, adopted).state == "accepted"
    topics = Event.objects.filter(aggregate="allocation_proposal").order_by("pk")
    assert [event.topic.removeprefix("pledges.allocation_") for event in topics] == [
        "suggested", "proposed", "accepted",
    ]  # fmt: skip


def test_declining_takes_a_reason_and_ends_it(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    approver, borrower = swapped.desk.team.approver, make_borrowers_maker(swapped)
    with refusal(ReasonMissing):
        decline_proposal(proposal=proposal, reason=" ", actor=approver, now=NOW)
    with refusal(NotYourFacility):
        decline_proposal(proposal=proposal, reason="no", actor=borrower, now=NOW)
    declined = decline_proposal(proposal=proposal, reason="too thin", actor=approver, now=NOW)
    assert (declined.state, declined.closing) == ("declined", {"reason": "too thin"})
    with refusal(TransitionRefused):
        accept(swapped, proposal)


def test_the_database_keeps_a_plan_as_it_was(swapped: Vault) -> None:
    proposal = make_proposal(swapped, wish({swapped.goods.alpha: 1_000}))
    rows = AllocationProposal.objects.filter(pk=proposal.pk)
    for change in ({"lending_after": 1}, {"wishes": {}}, {"state": "accepted"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        AllocationLine.objects.update(after=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(checker=proposal.maker_id)


def test_dear_custody_sends_goods_to_be_freed_first(vault: Vault) -> None:
    dear = make_site()
    for site, fee in ((dear, "0.5"), (vault.warehouse, "0.01")):
        set_custody_fee(
            lender=vault.desk.team.lender, site=site, unit="KGM", currency="USD",
            per_unit_per_day=Decimal(fee), valid_from=START, actor=vault.desk.team.preparer,
            now=NOW,
        )  # fmt: skip
    first, second = vault.lot(500, site=dear), vault.lot(500)
    vault.pledge_lot(first)
    vault.pledge_lot(second)
    make_drawn_loan(vault.desk, principal=Decimal(112_500))
    [line] = quote(vault).plan.changes
    assert (line.part.lot_id, line.change, line.part.storage) == (first.pk, -500, Decimal("0.5"))
    assert "dear_storage" in [code for code, _figure in line.reasons]
    with refusal(FeeNotPossible):
        set_custody_fee(
            lender=vault.desk.team.lender, site=dear, unit="KGM", currency="USD",
            per_unit_per_day=Decimal(1), valid_from=START, actor=vault.desk.team.preparer,
            now=NOW,
        )  # fmt: skip


def test_mortgaged_and_other_lenders_goods_are_not_decided(vault: Vault) -> None:
    vault.mortgage(100)
    other = make_vault(goods=vault.goods)
    other.pledge(100)
    assert quote(vault).plan.lines == ()
    assert Position.objects.live().count() == 2
