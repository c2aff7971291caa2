"""Claims on lots: placed, reduced, lifted, refused in neutral words."""

import uuid
from decimal import Decimal

import pytest
from django.db import transaction

from logistics.models import Hold
from logistics.refusals import (
    AlreadyClaimed,
    HoldReferenceTaken,
    HoldTooSmall,
    NotFree,
    QuantityNotPossible,
    UnknownHold,
    UnknownLot,
)
from logistics.services.holds import (
    NewHold,
    note_double_claim,
    place_hold,
    place_holds,
    reduce_hold,
    reduce_holds,
)
from logistics.services.locking import lock_lots
from logistics.states import HoldKind
from outbox.models import AuditEntry, Event
from parties.roles import Role
from tests.factories.logistics import make_hold, make_item, make_lot
from tests.factories.parties import NOW, make_actor, make_lender
from tests.unit.logistics.helpers import LATER, refused

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def lot():
    return make_lot(item=make_item(unit="TNE"), quantity=D(25), number="CU-1")


def place(lot, quantity, **changes):
    given = {
        "lot": lot,
        "kind": HoldKind.PLEDGE,
        "quantity": quantity,
        "reference": uuid.uuid4(),
        "now": NOW,
    }
    return place_hold(**given | changes)


def claims(lot):
    lot.refresh_from_db()
    return lot.on_hand, lot.claimed, lot.held


def test_a_claim_is_counted_on_the_lot_that_was_given(lot):
    reference = uuid.uuid4()
    hold = place(lot, D("12.5"), reference=reference)
    assert (lot.on_hand, lot.claimed, lot.held, lot.free) == (25, D("12.5"), D("12.5"), D("12.5"))
    hold.refresh_from_db()
    assert (hold.lot, hold.kind, hold.quantity, hold.reference, hold.placed_at, hold.lifted_at) == (
        lot,
        "pledge",
        D("12.5"),
        reference,
        NOW,
        None,
    )
    place(lot, D(10), kind=HoldKind.MORTGAGE)
    assert claims(lot) == (25, D("22.5"), D("12.5"))


def test_goods_claimed_elsewhere_are_refused_without_a_name(lot):
    place(lot, D("12.5"))
    message = "These goods are claimed already. CU-1: free 12.5 t, asked 25 t, short 12.5 t"
    with refused(AlreadyClaimed, message) as caught:
        place(lot, D(25))
    assert caught.value.code == "already_claimed"
    assert set(caught.value.numbers) == {"lot", "unit", "free", "asked", "short"}


def test_the_alarm_over_a_double_claim_outlives_the_refusal(lot):
    place(lot, D("12.5"))
    lender = make_actor(organisation=make_lender(), roles=[Role.PREPARER])
    with refused(AlreadyClaimed) as caught:
        place(lot, D(25))
    note_double_claim(refusal=caught.value, actor=lender, now=LATER)
    event = Event.objects.get(topic="logistics.double_claim_refused")
    assert (event.aggregate_id, event.tenant_id) == (str(lot.pk), lender.organisation_id)
    assert event.payload == {
        "lot": lot.pk,
        "unit": "TNE",
        "free": "12.500000",
        "asked": "25",
        "short": "12.500000",
        "organisation": lender.organisation_id,
    }
    entry = AuditEntry.objects.get(action="note_double_claim")
    assert (entry.actor_label, entry.object_id) == (lender.label, str(lot.pk))


def test_more_than_is_there_is_simply_not_free(lot):
    with refused(NotFree, "CU-1: free 25 t, asked 25.000001 t, short 0.000001 t"):
        place(lot, D("25.000001"))


def test_a_stale_copy_of_the_lot_does_not_matter(lot):
    stale = type(lot).objects.select_related("item").get(pk=lot.pk)
    place(lot, D(25))
    assert stale.free == 25
    with refused(AlreadyClaimed):
        place(stale, D(1))


def test_a_position_claims_once(lot):
    hold = place(lot, D(1))
    with refused(HoldReferenceTaken):
        place(lot, D(1), reference=hold.reference)


@pytest.mark.parametrize("quantity", [D(0), D(-1), D("0.0000001"), D("NaN")])
def test_a_quantity_that_cannot_be_is_refused(lot, quantity):
    with refused(QuantityNotPossible):
        place(lot, quantity)
    hold = place(lot, D(5))
    with refused(QuantityNotPossible):
        reduce_hold(reference=hold.reference, quantity=quantity, now=LATER)


def test_claims_placed_together_stand_or_fall_together(lot):
    other = make_lot(quantity=D(3), number="CU-2")
    good = NewHold(lot, HoldKind.PLEDGE, D(20), uuid.uuid4())
    with refused(NotFree, "CU-2: free 3 kg, asked 4 kg, short 1 kg"):
        place_holds(holds=[good, NewHold(other, HoldKind.PLEDGE, D(4), uuid.uuid4())], now=NOW)
    halves = [NewHold(lot, HoldKind.PLEDGE, D(13), uuid.uuid4()) for _ in range(2)]
    with refused(NotFree, "CU-1: free 25 t, asked 26 t, short 1 t"):
        place_holds(holds=halves, now=NOW)
    place_holds(holds=[good, NewHold(other, HoldKind.MORTGAGE, D(3), uuid.uuid4())], now=NOW)
    assert (claims(lot), claims(other)) == ((25, 20, 20), (3, 3, 0))


def test_a_claim_is_reduced_and_lifted_at_zero(lot):
    hold = place(lot, D("12.5"))
    reduced = reduce_hold(reference=hold.reference, quantity=D("2.5"), now=LATER)
    assert (reduced.pk, reduced.quantity, reduced.lifted_at) == (hold.pk, 10, None)
    assert claims(lot) == (25, 10, 10)
    lifted = reduce_hold(reference=hold.reference, quantity=D(10), now=LATER)
    assert (lifted.quantity, lifted.lifted_at) == (0, LATER)
    assert claims(lot) == (25, 0, 0)


def test_a_claim_gives_no_more_than_it_holds(lot):
    hold = place(lot, D(5))
    with refused(HoldTooSmall, "CU-1: claimed 5 t, asked 6 t, short 1 t"):
        reduce_hold(reference=hold.reference, quantity=D(6), now=LATER)
    with refused(UnknownHold):
        reduce_hold(reference=uuid.uuid4(), quantity=D(1), now=LATER)


def test_claims_are_reduced_together(lot):
    other = make_lot(quantity=D(3))
    one, two = place(lot, D(5)), place(other, D(3), kind=HoldKind.MORTGAGE)
    with refused(HoldTooSmall):
        reduce_holds(quantities={one.reference: D(1), two.reference: D(4)}, now=LATER)
    holds = reduce_holds(quantities={two.reference: D(3), one.reference: D(1)}, now=LATER)
    assert [(hold.pk, hold.quantity, hold.lifted_at) for hold in holds] == [
        (one.pk, 4, None),
        (two.pk, 0, LATER),
    ]
    assert (claims(lot), claims(other)) == ((25, 4, 4), (3, 0, 0))


def test_a_mortgage_becomes_a_pledge_by_reducing_and_placing(lot):
    mortgage = place(lot, D(25), kind=HoldKind.MORTGAGE)
    with transaction.atomic():
        [locked] = lock_lots([lot.pk])
        reduce_hold(reference=mortgage.reference, quantity=D(10), now=LATER)
        place(locked, D(10))
    assert claims(lot) == (25, 25, 10)


def test_lots_are_locked_once_each_in_order_of_their_ids(lot):
    others = [make_lot() for _ in range(2)]
    locked = lock_lots([others[1].pk, lot.pk, others[0].pk, lot.pk])
    assert locked == [lot, *others]
    assert locked[0].item.unit == "TNE"
    with refused(UnknownLot):
        lock_lots([lot.pk, 999_999_999])


def test_claims_cost_a_fixed_number_of_queries(django_assert_num_queries):
    item = make_item()
    lots = [make_lot(item=item) for _ in range(12)]
    holds = [NewHold(lot, HoldKind.PLEDGE, D(1), uuid.uuid4()) for lot in lots]
    with django_assert_num_queries(4):  # savepoint, INSERT, release, read the lots back
        place_holds(holds=holds, now=NOW)
    with django_assert_num_queries(5):  # the lots' ids, their locks, the holds', UPDATE, read
        reduce_holds(quantities={hold.reference: D(1) for hold in holds}, now=LATER)
    assert not Hold.objects.exclude(lifted_at=LATER).exists()
    assert make_hold(lot=lots[0], quantity=D(100)).quantity == 100
