"""The floating mortgage: who agrees on it, what it names, what comes under it and leaves it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from logistics.refusals import NotFree
from logistics.services.stock import move_goods, receive_goods
from outbox.models import Alert
from parties.roles import Role
from parties.services.authority import NotAllowed, SamePerson
from pledges.models import Conversion, MortgagedItem, Position
from pledges.services.controlled import BelowFloor
from pledges.services.conversion import Evidence, Take, WrongRight
from pledges.services.cover import BelowReleaseLevel
from pledges.services.mortgage import (
    activate_mortgage,
    ask_discharge,
    crystallise_mortgage,
    discharge_mortgage,
    select_item,
    withdraw_item,
    withdraw_site,
)
from pledges.services.mortgage.acts import (
    DischargeNotAsked,
    MortgageEnded,
    MortgageInForce,
    MortgageNamesNothing,
    NamedAlready,
    NothingOverdue,
    ReasonMissing,
)
from pledges.states import CrystallisationCause, Right
from portal.proofs import prove_all
from tests.factories.lending import DUE, START, make_drawn_loan, make_facility
from tests.factories.logistics import make_item, make_site, unique
from tests.factories.mortgages import Yard, make_draft, make_yard, name_site
from tests.factories.parties import NOW, SYSTEM, make_actor, make_lender_team
from tests.factories.pledges import Vault, make_product
from tests.factories.risk import make_tick, noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
D = Decimal
NEXT = START + timedelta(days=1)


@pytest.fixture
def yard(vault: Vault) -> Yard:
    return make_yard(vault)


def floating(yard: Yard) -> dict[int, Decimal]:
    live = Position.objects.live().filter(facility_id=yard.facility_id)
    rows = live.filter(right=Right.FLOATING_MORTGAGE).values_list("lot_id", "remaining")
    totals: dict[int, Decimal] = {}
    for lot, remaining in rows:
        totals[lot] = totals.get(lot, D(0)) + remaining
    return totals


def kinds(yard: Yard) -> list[str]:
    found = Conversion.objects.filter(facility_id=yard.facility_id)
    return list(found.order_by("occurred_at", "pk").values_list("kind", flat=True))


def proven() -> bool:
    return all(proof.holds for proof in prove_all())


# The agreement


def test_a_draft_becomes_active_by_a_second_person(vault: Vault) -> None:
    yard = make_yard(vault, active=False)
    both = make_actor(organisation=vault.desk.team.lender, roles=[Role.PREPARER, Role.APPROVER])
    with refusal(SamePerson):
        activate_mortgage(
            mortgage=yard.mortgage,
            on=START,
            actor=replace(both, person_id=vault.desk.team.preparer.person_id),
            now=NOW,
        )

    active = activate_mortgage(
        mortgage=yard.mortgage, on=START, actor=vault.desk.team.approver, now=NOW
    )

    assert (active.state, active.active_on) == ("active", START)
    assert active.checker_id == vault.desk.team.approver.person_id
    with pytest.raises(DatabaseError, match="agreed terms never change"), transaction.atomic():
        type(active).objects.filter(pk=active.pk).update(floor_value=D(1))


def test_a_mortgage_that_names_nothing_is_not_activated(vault: Vault) -> None:
    draft = make_draft(vault)
    with refusal(MortgageNamesNothing):
        activate_mortgage(mortgage=draft, on=START, actor=vault.desk.team.approver, now=NOW)


def test_a_facility_has_one_mortgage_in_force(yard: Yard) -> None:
    second = make_yard(yard.vault, active=False)
    with refusal(MortgageInForce):
        activate_mortgage(
            mortgage=second.mortgage, on=START, actor=yard.vault.desk.team.approver, now=NOW
        )


def test_another_lender_names_nothing(yard: Yard) -> None:
    stranger = make_lender_team()
    with refusal(NotYourFacility):
        select_item(
            mortgage=yard.mortgage,
            item=yard.vault.goods.beta,
            reason="liquid",
            on=START,
            actor=stranger.preparer,
            now=NOW,
        )


# The material manager's list


def test_the_list_says_who_chose_an_item_when_and_why(yard: Yard) -> None:
    [named] = MortgagedItem.objects.filter(mortgage=yard.mortgage)

    assert (named.item, named.from_on, named.until_on) == (yard.vault.goods.alpha, START, None)
    assert (named.selected_by_id, named.reason) == (yard.manager.person_id, "liquid")


def test_days_of_one_item_never_overlap(yard: Yard) -> None:
    with refusal(NamedAlready):
        yard.select(yard.vault.goods.alpha)
    [named] = MortgagedItem.objects.all()
    withdraw_item(named=named, reason="slow", on=NEXT, actor=yard.manager, now=noon(NEXT))

    with refusal(NamedAlready):
        yard.select(yard.vault.goods.alpha, on=START)
    yard.select(yard.vault.goods.alpha, on=NEXT, now=noon(NEXT))

    assert MortgagedItem.objects.count() == 2


def test_an_item_without_a_price_formula_or_a_reason_is_not_chosen(yard: Yard) -> None:
    with pytest.raises(Exception, match="no price formula"):
        yard.select(make_item())
    with refusal(ReasonMissing):
        select_item(
            mortgage=yard.mortgage,
            item=yard.vault.goods.beta,
            reason=" ",
            on=START,
            actor=yard.manager,
            now=NOW,
        )


def test_what_is_attached_of_a_withdrawn_item_stays_and_more_is_not_attached(yard: Yard) -> None:
    lot = yard.receive(1_000)
    [named] = MortgagedItem.objects.all()
    withdraw_item(named=named, reason="slow", on=NEXT, actor=yard.manager, now=noon(NEXT))

    later = yard.receive(500, occurred_at=noon(NEXT), now=noon(NEXT))

    assert floating(yard) == {lot.pk: 1_000}
    assert later.claimed == 0
    assert yard.vault.cover().lending_value == 250_000
    assert proven()


# Attachment


def test_goods_of_the_class_attach_as_they_are_received(yard: Yard) -> None:
    lot = yard.receive(4_000)

    assert floating(yard) == {lot.pk: 4_000}
    assert (lot.claimed, lot.held) == (4_000, 0)
    assert yard.vault.cover().lending_value == 1_000_000
    assert kinds(yard) == ["attach"]
    assert proven()


def test_other_goods_other_places_and_other_owners_do_not_attach(yard: Yard) -> None:
    goods = yard.vault.goods
    yard.receive(10, goods.beta)
    yard.receive(10, site=yard.vault.warehouse)
    yard.receive(10, owner=yard.vault.desk.supplier)

    assert floating(yard) == {}
    assert kinds(yard) == []


def test_a_report_told_twice_attaches_once(yard: Yard) -> None:
    told = {
        "site": yard.vault.factory,
        "item": yard.vault.goods.alpha,
        "owner": yard.vault.desk.borrower,
        "lot_number": "L-1",
        "quantity": D(10),
        "source": yard.vault.factory.operator,
        "reference": "GRN-TWICE",
        "occurred_at": NOW,
        "actor": SYSTEM,
        "now": NOW,
    }
    receive_goods(**told)
    lot = receive_goods(**told)

    assert floating(yard) == {lot.pk: 10}
    assert kinds(yard) == ["attach"]


def test_goods_that_a_delivery_converts_are_not_attached_again(yard: Yard) -> None:
    goods = yard.vault.lot(100, site=make_site())
    claim = yard.vault.prepay(1)
    with yard.vault.act(cause="deliver"):
        lot = yard.receive(10)
    assert lot.claimed == 0
    assert claim.remaining == 1
    assert goods.claimed == 0


def test_stock_that_lies_there_comes_under_it_when_an_item_or_a_site_is_named(yard: Yard) -> None:
    beta = yard.receive(40, yard.vault.goods.beta)
    alpha = yard.receive(20, site=yard.vault.warehouse)

    yard.select(yard.vault.goods.beta)
    name_site(yard, yard.vault.warehouse)

    assert floating(yard) == {beta.pk: 40, alpha.pk: 20}
    assert proven()


def test_the_earlier_of_two_lenders_mortgages_has_the_goods(yard: Yard) -> None:
    team = make_lender_team()
    facility = make_facility(team=team, borrower=yard.vault.desk.borrower)
    rival = replace(yard.vault, desk=replace(yard.vault.desk, team=team, facility=facility))
    make_yard(rival)

    lot = yard.receive(100)

    assert floating(yard) == {lot.pk: 100}
    assert proven()


def test_a_site_no_longer_named_suspends_what_lies_there(yard: Yard) -> None:
    yard.receive(100)
    [named] = yard.mortgage.sites.all()
    withdraw_site(
        named=named, reason="fire", on=NEXT, actor=yard.vault.desk.team.preparer, now=noon(NEXT)
    )

    assert yard.vault.cover().lending_value == 0
    [position] = Position.objects.live().filter(facility_id=yard.facility_id)
    assert position.suspended
    assert proven()


# Ordinary course


def test_more_than_the_floor_allows_is_refused_with_the_numbers(yard: Yard) -> None:
    lot = yard.receive(4_000)
    make_drawn_loan(yard.vault.desk, principal=D(400_000))

    with refusal(BelowFloor) as caught:
        yard.ship(lot, 2_001)

    assert caught[0].numbers == {"controlled": 999_500, "required": 1_000_000, "short": 500}
    assert str(caught[0]) == (
        "goods worth 999,500.00 would stay under the control of "
        f"{yard.vault.desk.team.lender}, at least 1,000,000.00 must: short 500.00 USD. "
        f"More may leave only when {yard.vault.desk.team.lender} releases it."
    )
    shipped = yard.ship(lot, 2_000)
    assert (shipped.on_hand, shipped.claimed) == (2_000, 2_000)
    assert sorted(kinds(yard)) == ["attach", "outflow"]
    assert proven()


def test_goods_stay_while_exposure_needs_their_lending_value(yard: Yard) -> None:
    lot = yard.receive(4_000)
    make_drawn_loan(yard.vault.desk, principal=D(900_000))

    with refusal(BelowFloor) as caught:
        yard.ship(lot, 401)

    assert caught[0].numbers == {
        "exposure": 900_000,
        "lending_value": 899_750,
        "short": 250,
    }
    yard.ship(lot, 400)
    assert yard.vault.cover().lending_value == 900_000


def test_who_owes_nothing_may_let_everything_go(yard: Yard) -> None:
    lot = yard.receive(100)
    yard.ship(lot, 100)
    assert floating(yard) == {}
    assert proven()


def test_free_goods_of_a_lot_leave_first(vault: Vault) -> None:
    yard = make_yard(vault, active=False)
    lot = yard.receive(10)
    activate_mortgage(mortgage=yard.mortgage, on=START, actor=vault.desk.team.approver, now=NOW)
    assert floating(yard) == {lot.pk: 10}
    [named] = MortgagedItem.objects.all()
    withdraw_item(named=named, reason="slow", on=START, actor=yard.manager, now=NOW)
    yard.receive(5, number=lot.number)

    yard.ship(lot, 7)

    assert floating(yard) == {lot.pk: 8}


def test_pledged_goods_and_goods_without_an_agreement_do_not_leave(vault: Vault) -> None:
    position = vault.mortgage(10)
    assert position.lot is not None
    yard = Yard(vault, make_draft(vault), vault.desk.team.preparer)
    with refusal(NotFree):
        yard.ship(position.lot, 1)
    pledged = vault.pledge(10)
    assert pledged.lot is not None
    with refusal(NotFree):
        yard.ship(pledged.lot, 1)


def test_goods_that_move_between_named_sites_stay_mortgaged_whatever_the_floor(yard: Yard) -> None:
    name_site(yard, yard.vault.warehouse)
    lot = yard.receive(1_000)  # 500,000: below the floor already
    make_drawn_loan(yard.vault.desk, principal=D(100_000))

    moved = move_goods(
        lot=lot,
        to_site=yard.vault.warehouse,
        quantity=D(400),
        source=yard.vault.factory.operator,
        reference=unique("MV"),
        occurred_at=NOW,
        actor=SYSTEM,
        now=NOW,
    )

    assert floating(yard) == {lot.pk: 600, moved.pk: 400}
    child = Position.objects.live().get(lot=moved)
    assert child.parent is not None
    assert child.parent.lot_id == lot.pk
    assert Alert.objects.count() == 0
    assert proven()


def test_abnormal_outflow_alerts_the_lender_once_a_day(yard: Yard) -> None:
    lot = yard.receive(4_000)

    yard.ship(lot, 2_000)
    assert Alert.objects.count() == 0
    yard.ship(lot, 1)
    yard.ship(lot, 1)
    yard.ship(lot, 1, at=noon(NEXT))

    first, second = Alert.objects.order_by("pk")
    assert first.organisation_id == yard.vault.desk.team.lender.pk
    assert first.topic == "pledges.abnormal_outflow"
    assert D(first.payload["outflow"]) == 1_000_500
    assert D(first.payload["controlled"]) == 999_500
    assert second.key.endswith(NEXT.isoformat())


# Crystallisation and discharge


def crystallise(yard: Yard, cause: str = "insolvency", **changes: object) -> None:
    values = {
        "mortgage": yard.mortgage,
        "cause": CrystallisationCause(cause),
        "evidence": Evidence("court_notice", "2016-44"),
        "reason": "petition filed",
        "on": START,
        "actor": yard.vault.desk.team.risk_officer,
        "now": NOW,
    }
    crystallise_mortgage(**(values | changes))  # type: ignore[arg-type]


def test_crystallisation_holds_the_goods_where_they_are(yard: Yard) -> None:
    lot = yard.receive(1_000)
    before = yard.vault.cover()

    crystallise(yard)

    lot.refresh_from_db()
    assert (lot.claimed, lot.held) == (1_000, 1_000)
    assert yard.vault.cover() == before
    assert yard.fresh().state == "crystallised"
    with refusal(NotFree):
        yard.ship(lot, 1)
    [alert] = Alert.objects.all()
    assert alert.organisation_id == yard.vault.desk.borrower.pk
    assert proven()


def test_production_with_crystallised_materials_stops(yard: Yard) -> None:
    yard.receive(1_000)
    product = make_product(yard.vault.goods.alpha, per_piece=D(1), loss=D(0), code="alpha")
    crystallise(yard)
    [pledge] = Position.objects.live().filter(facility_id=yard.facility_id)
    with refusal(WrongRight):
        yard.vault.assemble([Take(pledge.pk, D(10))], product=product, quantity=10)


def test_later_receipts_are_attached_and_fixed_in_one_act(yard: Yard) -> None:
    crystallise(yard)
    lot = yard.receive(10)

    assert (lot.claimed, lot.held) == (10, 10)
    assert sorted(kinds(yard)) == ["attach", "crystallise"]
    assert proven()


def test_unpaid_when_due_needs_a_loan_that_is_overdue(yard: Yard) -> None:
    yard.receive(1_000)
    make_drawn_loan(yard.vault.desk, principal=D(100_000))
    with refusal(NothingOverdue):
        crystallise(yard, "unpaid", on=DUE)
    late = DUE + timedelta(days=1)
    crystallise(yard, "unpaid", on=late, now=noon(late))
    assert yard.fresh().cause == "unpaid"


def test_only_the_lenders_officers_crystallise_and_only_once(yard: Yard) -> None:
    with refusal(NotAllowed):
        crystallise(yard, actor=yard.vault.desk.team.preparer)
    with refusal(NotYourFacility):
        crystallise(yard, actor=yard.manager)
    with refusal(ReasonMissing):
        crystallise(yard, reason="")
    crystallise(yard)
    with refusal(TransitionRefused):
        crystallise(yard)


def test_what_counted_for_nothing_goes_on_counting_for_nothing(yard: Yard) -> None:
    yard.receive(100)
    [named] = yard.mortgage.sites.all()
    withdraw_site(
        named=named, reason="fire", on=START, actor=yard.vault.desk.team.preparer, now=NOW
    )
    crystallise(yard)
    assert yard.vault.cover().lending_value == 0
    assert proven()


def discharge(yard: Yard, **changes: object) -> None:
    values = {
        "mortgage": yard.mortgage,
        "on": START,
        "actor": yard.vault.desk.team.approver,
        "now": NOW,
    }
    discharge_mortgage(**(values | changes))  # type: ignore[arg-type]


def ask(yard: Yard) -> None:
    ask_discharge(
        mortgage=yard.mortgage,
        reason="all repaid",
        on=START,
        actor=yard.vault.desk.team.preparer,
        now=NOW,
    )


@pytest.mark.parametrize("crystallised", [False, True])
def test_discharge_gives_everything_back_by_two_persons(yard: Yard, crystallised: bool) -> None:
    lot = yard.receive(1_000)
    if crystallised:
        crystallise(yard)
    with refusal(DischargeNotAsked):
        discharge(yard)
    ask(yard)

    discharge(yard)

    lot.refresh_from_db()
    assert (lot.claimed, yard.fresh().state) == (0, "discharged")
    assert floating(yard) == {}
    assert yard.receive(5).claimed == 0
    with refusal(MortgageEnded):
        yard.select(yard.vault.goods.beta)
    assert proven()


def test_discharge_is_refused_while_the_goods_are_needed(yard: Yard) -> None:
    yard.receive(1_000)
    make_drawn_loan(yard.vault.desk, principal=D(100_000))
    ask(yard)
    with refusal(BelowReleaseLevel):
        discharge(yard)


def test_a_price_fall_does_not_keep_goods_from_coming_in(yard: Yard) -> None:
    yard.receive(1_000)
    make_drawn_loan(yard.vault.desk, principal=D(200_000))
    make_tick({"alpha": 300}, on=NEXT)
    assert yard.vault.band() != "covered"
    yard.receive(1_000, occurred_at=noon(NEXT), now=noon(NEXT))
    assert yard.vault.band() == "covered"
    assert proven()


# What always holds is proved, and a row changed behind the guards is named


TAMPERED = [
    (
        (
            "UPDATE pledges_mortgagedsite SET until_on = from_on, withdrawn_by_id = selected_by_id,"
            " withdrawn_at = selected_at"
        ),
        "mortgaged_goods_are_named",
    ),
    ("UPDATE pledges_mortgageditem SET item_id = %(beta)s", "mortgaged_goods_are_named"),
    (
        (
            "UPDATE pledges_coverrecord SET detail = jsonb_set(detail, '{controlled}', '\"9\"')"
            " WHERE detail ? 'controlled'"
        ),
        "outflow_kept_the_floor",
    ),
    (
        "UPDATE pledges_conversion SET lending_value_after = 1 WHERE kind = 'outflow'",
        "outflow_kept_the_floor",
    ),
    (
        "UPDATE logistics_stockevent SET quantity = quantity / 2 WHERE quantity > 0",
        "flows_tie_to_stock",
    ),
    ("UPDATE logistics_stockact SET reference = 'x' || id", "flows_tie_to_stock"),
    (
        "UPDATE pledges_floatingmortgage SET state = 'crystallised'",
        "crystallised_means_fixed",
    ),
]


@pytest.mark.tampers
@pytest.mark.parametrize(("damage", "broken"), TAMPERED)
def test_tampering_with_a_mortgage_is_found(yard: Yard, damage: str, broken: str) -> None:
    lot = yard.receive(4_000)
    make_drawn_loan(yard.vault.desk, principal=D(400_000))
    yard.ship(lot, 1_000)
    assert proven()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(damage, {"beta": yard.vault.goods.beta.pk})
        cursor.execute("SET session_replication_role = origin")

    assert broken in {proof.invariant.name for proof in prove_all() if not proof.holds}
