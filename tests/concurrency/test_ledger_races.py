"""The books under several real connections at once: one effect, no lost sum, no deadlock."""

import random
import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connections, transaction

from ledger.invariants import INVARIANTS
from ledger.models import Account, BalanceSnapshot, Entry, Posting
from ledger.queries import balance, trial_balance
from ledger.services.posting import KeyUsedOtherwise, Line, NewEntry, post, post_batch
from ledger.services.reversal import NotReversible, reverse
from ledger.services.snapshots import BooksBusy, take_snapshots
from parties.actors import system_actor
from tests.concurrency.racing import race
from tests.factories.parties import make_lender

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
DAY = date(2016, 3, 1)
ACTOR = system_actor("race")


@pytest.fixture
def tenant_id():
    return make_lender().pk


def pay(tenant_id, *, key=None, amount="1.00", debit="cash", credit="suspense"):
    return post(
        tenant_id=tenant_id,
        currency="USD",
        kind="payment",
        booked_on=DAY,
        lines=[Line(debit, credit, Decimal(amount))],
        idempotency_key=key,
        actor=ACTOR,
        now=NOW,
    )


def pay_many(tenant_id, keys):
    entries = [
        NewEntry("payment", DAY, [Line("cash", "suspense", Decimal(1))], idempotency_key=key)
        for key in keys
    ]
    return post_batch(tenant_id=tenant_id, currency="USD", entries=entries, actor=ACTOR, now=NOW)


def in_order():
    return [invariant.breaches() for invariant in INVARIANTS] == [[] for _ in INVARIANTS]


def cash(tenant_id):
    return balance(tenant_id=tenant_id, code="cash", currency="USD")


def test_one_key_on_two_connections_200_rounds_one_entry_always(tenant_id):
    rounds = race(2, lambda _racer, number: pay(tenant_id, key=f"k{number}"), rounds=200)
    assert all(first.result.pk == second.result.pk for first, second in rounds)
    assert Entry.objects.count() == Posting.objects.count() == len(rounds) == 200
    assert cash(tenant_id) == 200
    assert in_order()


def test_one_key_for_two_contents_one_is_refused(tenant_id):
    rounds = race(
        2, lambda racer, number: pay(tenant_id, key=f"k{number}", amount=f"{racer + 1}"), rounds=50
    )
    for outcomes in rounds:
        errors = [type(outcome.error) for outcome in outcomes if not outcome.won]
        assert errors == [KeyUsedOtherwise]
    assert Entry.objects.count() == 50


def test_batches_with_common_keys_in_any_order_neither_double_nor_deadlock(tenant_id):
    def batch(racer, number):
        keys = [f"{number}.{place}" for place in range(40)]
        random.Random(racer * 1000 + number).shuffle(keys)
        return dict(zip(keys, pay_many(tenant_id, keys), strict=True))

    for outcomes in race(4, batch, rounds=25):
        assert len({tuple(sorted(outcome.result.items())) for outcome in outcomes}) == 1
    assert Entry.objects.count() == Posting.objects.count() == 25 * 40
    assert in_order()


def test_an_account_is_opened_once_whoever_comes_first(tenant_id):
    def draw(racer, number):
        loans = [f"principal:{number}.{place}" for place in range(5)]
        for loan in loans if racer % 2 else reversed(loans):
            pay(tenant_id, debit=loan)

    for outcomes in race(4, draw, rounds=20):
        assert all(outcome.won for outcome in outcomes)
    assert Account.objects.filter(code__startswith="principal:").count() == 100
    sums = {line.debit for line in trial_balance(tenant_id=tenant_id, currency="USD").rows}
    assert sums == {Decimal(4), Decimal(0)}  # each loan four times; suspense is only credited


def test_an_entry_is_reversed_once(tenant_id):
    entries = [pay(tenant_id) for _ in range(50)]

    def undo(_racer, number):
        return reverse(entry=entries[number], reason="race", booked_on=DAY, actor=ACTOR, now=NOW)

    for outcomes in race(2, undo, rounds=50):
        errors = [type(outcome.error) for outcome in outcomes if not outcome.won]
        assert errors == [NotReversible]
    assert cash(tenant_id) == 0
    assert in_order()


@pytest.fixture
def unfinished(tenant_id):
    """Start a posting on another connection; it commits when the returned function is called."""
    posted, let_go = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                pay(tenant_id, amount="5.00")
                posted.set()
                let_go.wait(30)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)

    def finish():
        let_go.set()
        writer.join()

    pay(tenant_id, amount="0.50")  # opens the accounts: nobody waits for their rows below
    writer.start()
    assert posted.wait(30)
    yield finish
    finish()


def test_a_snapshot_does_not_pass_over_a_posting_under_way(tenant_id, unfinished):
    pay(tenant_id, amount="1.00")  # a later id, committed first
    with pytest.raises(BooksBusy) as refused:
        take_snapshots(now=NOW, patience=0.1)
    assert refused.value.numbers == {"count": 1}
    assert BalanceSnapshot.objects.count() == 0
    unfinished()
    take_snapshots(now=NOW)
    assert BalanceSnapshot.objects.get(account__code="cash").debit == Decimal("6.50")
    assert cash(tenant_id) == Decimal("6.50")
    assert in_order()


def test_a_snapshot_waits_for_those_before_it_and_holds_up_nobody(tenant_id, unfinished):
    pay(tenant_id, amount="1.00")
    runs = []

    def run():
        try:
            runs.append(take_snapshots(now=NOW, patience=30))
        finally:
            connections.close_all()

    snapshot = threading.Thread(target=run)
    snapshot.start()
    pay(tenant_id, amount="2.00")  # while it waits
    assert runs == []
    unfinished()
    snapshot.join(30)
    assert len(runs) == 1
    assert cash(tenant_id) == Decimal("8.50")
    assert in_order()


def test_every_read_nets_to_zero_while_others_post_and_sum(tenant_id):
    """The bank test: writers, snapshots and readers at once; no read sees half an entry."""

    def act(racer, number):
        if racer < 2:
            keys = [f"{racer}.{number}.{place}" for place in range(racer * 9 + 1)]
            return pay_many(tenant_id, keys)
        if racer == 2:
            return take_snapshots(now=NOW)
        return trial_balance(tenant_id=tenant_id, currency="USD").debit

    rounds = race(4, act, rounds=60)
    assert all(outcome.won for outcomes in rounds for outcome in outcomes)
    seen = [outcomes[3].result for outcomes in rounds]
    assert seen == sorted(seen)
    assert cash(tenant_id) == 60 * 11
    take_snapshots(now=NOW)
    assert in_order()
