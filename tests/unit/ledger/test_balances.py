"""Balances, statements and the trial balance: snapshot plus tail is the whole, always."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InvariantBroken
from ledger.invariants import INVARIANTS
from ledger.models import Account, AccountKind, BalanceSnapshot, Posting
from ledger.queries import (
    balance,
    balances,
    balances_of,
    get_account,
    get_entry,
    list_accounts,
    list_entries,
    statement,
    trial_balance,
)
from ledger.services.posting import Line, NewEntry, post_batch
from ledger.services.reversal import reverse
from ledger.services.snapshots import SnapshotRun, take_snapshots
from parties.actors import Actor, system_actor
from parties.roles import OrganisationKind
from tests.factories.parties import make_actor, make_borrower, make_lender, make_platform
from tests.unit.ledger.conftest import NOW, Books

pytestmark = pytest.mark.django_db

DAY = date(2016, 3, 1)
CODES = ["cash", "clearing", "principal:L1", "proceeds:F1", "interest_income", "waiver_expense"]


def test_the_sign_is_the_kind_s(books):
    books.move("cash", "suspense", "10.00")
    books.move("waiver_expense", "cash", "4.00")
    books.move("cash", "fee_income", "1.50")
    codes = ["cash", "suspense", "waiver_expense", "fee_income", "clearing"]
    assert balances_of(tenant_id=books.tenant_id, codes=codes, currency="USD") == {
        "cash": Decimal("7.50"),
        "suspense": Decimal(10),
        "waiver_expense": Decimal(4),
        "fee_income": Decimal("1.50"),
    }
    assert balance(tenant_id=books.tenant_id, code="clearing", currency="USD") == 0


def test_balances_by_prefix_stay_with_it(books):
    for code in ("principal:L1", "principal:L2", "penalty:L1"):
        books.move(code, "clearing", "1.00")
    found = balances(tenant_id=books.tenant_id, prefix="principal:", currency="USD")
    assert found == {"principal:L1": Decimal(1), "principal:L2": Decimal(1)}
    assert balances(tenant_id=books.tenant_id, prefix="principal:%", currency="USD") == {}


def test_a_day_counts_what_is_booked_through_it_whenever_recorded(books):
    books.move("cash", "suspense", "1.00", on=DAY)
    books.move("cash", "suspense", "2.00", on=DAY + timedelta(days=2))
    take_snapshots(now=NOW)
    books.move("cash", "suspense", "4.00", on=DAY - timedelta(days=1))

    def cash(through):
        return balance(tenant_id=books.tenant_id, code="cash", currency="USD", through=through)

    days = [DAY + timedelta(days=step) for step in (-2, -1, 0, 1, 2, 3)]
    assert [cash(day) for day in days] == [0, 4, 5, 5, 7, 7]
    assert cash(None) == 7


def test_a_statement_runs_from_balance_to_balance(books):
    books.move("cash", "suspense", "5.00", on=DAY - timedelta(days=1))
    first = books.move("cash", "proceeds:F1", "2.00", reference="R1", narrative="in")
    books.move("principal:L1", "cash", "1.00", on=DAY + timedelta(days=1))
    books.move("cash", "suspense", "8.00", on=DAY + timedelta(days=2))
    account = Account.objects.get(code="cash")
    seen = statement(account=account, start=DAY, until=DAY + timedelta(days=1))
    assert (seen.opening, seen.closing) == (Decimal(5), Decimal(6))
    rows = [(line.other_account, line.debit, line.credit, line.balance) for line in seen.lines]
    assert rows == [("proceeds:F1", 2, 0, 7), ("principal:L1", 0, 1, 6)]
    assert seen.lines[0].number == first.number
    assert (seen.lines[0].reference, seen.lines[0].narrative) == ("R1", "in")


def test_a_statement_of_a_liability_grows_by_credits(books):
    books.move("cash", "proceeds:F1", "2.00")
    books.move("proceeds:F1", "principal:L1", "0.50")
    seen = statement(account=Account.objects.get(code="proceeds:F1"), start=DAY, until=DAY)
    assert [line.balance for line in seen.lines] == [Decimal(2), Decimal("1.5")]


def test_a_statement_takes_two_queries(books, django_assert_num_queries):
    for _ in range(5):
        books.move("cash", "suspense", "1.00")
    account = Account.objects.get(code="cash")
    with django_assert_num_queries(2):
        statement(account=account, start=DAY, until=DAY)


def test_the_trial_balance_nets_to_zero_in_each_currency(books, other_books):
    books.move("cash", "suspense", "10.00")
    books.move("principal:L1", "cash", "3.00")
    books.move("cash", "suspense", "7", currency="JPY")
    other_books.move("cash", "suspense", "99.00")
    seen = trial_balance(tenant_id=books.tenant_id, currency="USD")
    assert (seen.debit, seen.credit) == (Decimal(13), Decimal(13))
    assert [(row.code, row.kind, row.balance) for row in seen.rows] == [
        ("cash", AccountKind.ASSET, Decimal(7)),
        ("principal:L1", AccountKind.ASSET, Decimal(3)),
        ("suspense", AccountKind.LIABILITY, Decimal(10)),
    ]
    yen = trial_balance(tenant_id=books.tenant_id, currency="JPY")
    assert (yen.debit, yen.credit, len(yen.rows)) == (7, 7, 2)
    before = trial_balance(tenant_id=books.tenant_id, currency="USD", on=DAY - timedelta(days=1))
    assert (before.debit, before.credit) == (0, 0)


def test_a_lying_snapshot_does_not_pass_in_the_trial_balance(books):
    books.move("cash", "suspense", "10.00")
    BalanceSnapshot.objects.create(
        account=Account.objects.get(code="cash"),
        through_posting_id=0,
        debit=Decimal(1),
        credit=Decimal(0),
        taken_at=NOW,
    )
    with pytest.raises(InvariantBroken, match=r"debits 11\.0000, credits 10\.0000 USD"):
        trial_balance(tenant_id=books.tenant_id, currency="USD")


def test_a_snapshot_is_kept_of_what_moved(books, other_books):
    assert take_snapshots(now=NOW) == SnapshotRun(through_posting_id=0, accounts=0)
    books.move("cash", "suspense", "10.00")
    other_books.move("cash", "suspense", "1.00")
    last = Posting.objects.latest("id").pk
    assert take_snapshots(now=NOW) == SnapshotRun(through_posting_id=last, accounts=4)
    assert take_snapshots(now=NOW) == SnapshotRun(through_posting_id=last, accounts=0)
    books.move("principal:L1", "cash", "3.00")
    assert take_snapshots(now=NOW).accounts == 2
    kept = BalanceSnapshot.objects.filter(account__code="cash", account__tenant=books.lender)
    assert list(kept.order_by("id").values_list("debit", "credit")) == [
        (Decimal(10), Decimal(0)),
        (Decimal(10), Decimal(3)),
    ]


def test_a_balance_reads_the_tail_only(books):
    for _ in range(300):
        books.move("cash", "suspense", "1.00")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_posting")
    take_snapshots(now=NOW)
    books.move("cash", "suspense", "1.00")
    assert balance(tenant_id=books.tenant_id, code="cash", currency="USD") == 301
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(through_posting_id) FROM ledger_balancesnapshot")
        [through] = cursor.fetchone()
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT sum(amount) FROM ledger_posting "
            "WHERE debit_account_id = %s AND id > %s",
            [Account.objects.get(code="cash").pk, through],
        )
        [[plan]] = cursor.fetchone()
    [leaf] = plan["Plan"]["Plans"]
    assert leaf["Index Name"] in {"posting_by_debit_account", "ledger_posting_pkey"}
    assert leaf["Actual Rows"] + leaf.get("Rows Removed by Filter", 0) == 1


def test_many_balances_are_one_query(books, django_assert_num_queries):
    for number in range(20):
        books.move(f"principal:L{number}", "clearing", "1.00")
    with django_assert_num_queries(1):
        assert len(balances(tenant_id=books.tenant_id, prefix="principal:", currency="USD")) == 20


move = st.tuples(
    st.sampled_from(CODES),
    st.sampled_from(CODES),
    st.integers(1, 10**9),
    st.integers(-3, 3),
).filter(lambda made: made[0] != made[1])
# A step posts a batch of moves, takes snapshots (None), or reverses the n-th entry so far.
step = st.one_of(st.lists(move, min_size=1, max_size=6), st.none(), st.integers(0, 5))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, max_size=12))
def test_whatever_happens_balances_equal_the_full_sum(db, steps):
    books = Books(make_lender())
    done = []
    for act in steps:
        _do(act, books, done)
    for through in [None, *(DAY + timedelta(days=days) for days in range(-4, 5))]:
        seen = trial_balance(tenant_id=books.tenant_id, currency="USD", on=through)
        assert {row.code: row.balance for row in seen.rows} == _full_sums(books, through)
    assert [invariant.breaches() for invariant in INVARIANTS] == [[] for _ in INVARIANTS]


def _do(act, books, done):
    if act is None:
        take_snapshots(now=NOW)
    elif isinstance(act, list):
        new = [
            NewEntry(
                "test", DAY + timedelta(days=days), [Line(debit, credit, Decimal(cents) / 100)]
            )
            for debit, credit, cents, days in act
        ]
        done += post_batch(
            tenant_id=books.tenant_id, currency="USD", entries=new, actor=books.actor, now=NOW
        )
    elif act < len(done):
        entry = get_entry(actor=books.actor, entry_id=done.pop(act))
        day = DAY + timedelta(days=3)
        reverse(entry=entry, reason="drawn", booked_on=day, actor=books.actor, now=NOW)


def _full_sums(books, through):
    """Sum every posting in Python, without snapshots or SQL sums."""
    sums = {
        code: Decimal(0)
        for code in Account.objects.filter(tenant_id=books.tenant_id).values_list("code", flat=True)
    }
    postings = Posting.objects.filter(tenant_id=books.tenant_id)
    for posting in postings.select_related("entry", "debit_account", "credit_account"):
        if through is None or posting.entry.booked_on <= through:
            for account, sign in ((posting.debit_account, 1), (posting.credit_account, -1)):
                grows = 1 if account.kind in ("asset", "expense") else -1
                sums[account.code] += sign * grows * posting.amount
    return sums


def test_books_are_read_by_their_lender_and_the_platform(books, other_books):
    entry = books.move("cash", "suspense", "1.00", reference="R1")
    other_books.move("cash", "suspense", "1.00", currency="EUR")
    lender = make_actor(organisation=books.lender)
    seen_by = {
        lender: (2, 1),
        make_actor(organisation=make_platform()): (4, 2),
        make_actor(organisation=make_borrower()): (0, 0),
        Actor(label="lender of nowhere", organisation_kind=OrganisationKind.LENDER): (0, 0),
        Actor(label="nobody"): (0, 0),
        system_actor("night"): (4, 2),
    }
    for actor, counts in seen_by.items():
        assert (list_accounts(actor=actor).count(), list_entries(actor=actor).count()) == counts
    assert list_accounts(actor=lender, currency="EUR").count() == 0
    assert get_entry(actor=lender, entry_id=entry.pk) == entry
    assert list(list_entries(actor=lender, reference="R1")) == [entry]
    assert list(list_entries(actor=lender, reference="R2")) == []
    stranger = make_actor(organisation=other_books.lender)
    with pytest.raises(type(entry).DoesNotExist):
        get_entry(actor=stranger, entry_id=entry.pk)
    account = Account.objects.filter(tenant=books.lender).first()
    assert get_account(actor=lender, account_id=account.pk) == account
    with pytest.raises(Account.DoesNotExist):
        get_account(actor=stranger, account_id=account.pk)
