"""Entries are written whole, once, and at the same number of statements whatever their size."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.money import UnknownCurrency
from ledger.chart import UnknownAccount
from ledger.models import Account, Entry, Posting
from ledger.queries import balance
from ledger.rules import AmountInvalid, EntryInvalid
from ledger.services.posting import KeyUsedOtherwise, Line, NewEntry, post, post_batch
from parties.actors import system_actor
from tests.factories.parties import make_lender

pytestmark = pytest.mark.django_db

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
DAY = date(2016, 3, 1)
ACTOR = system_actor("test")


@pytest.fixture
def lender():
    return make_lender()


def draw(amount="100.00", *, loan="L1"):
    return Line(f"principal:{loan}", "clearing", Decimal(amount))


def post_one(lender, *lines, **changes):
    request = {"kind": "disbursement", "booked_on": DAY, "currency": "USD"} | changes
    return post(tenant_id=lender.pk, lines=lines, actor=ACTOR, now=NOW, **request)


def entries(count, *, keys=False, prefix="k"):
    return [
        NewEntry(
            "disbursement",
            DAY,
            [draw(f"{number}.01", loan=f"L{number % 7}"), Line("cash", "suspense", Decimal(1))],
            reference=f"R{number}",
            idempotency_key=f"{prefix}{number}" if keys else None,
        )
        for number in range(count)
    ]


def batch(lender, new, *, currency="USD"):
    return post_batch(tenant_id=lender.pk, currency=currency, entries=new, actor=ACTOR, now=NOW)


def test_an_entry_keeps_all_it_was_given(lender):
    entry = post_one(
        lender,
        draw("100.00"),
        Line("fees:L1", "fee_income", Decimal("0.01")),
        reference='bank "ref" \\ 1, {2}',
        narrative="first draw,\nsecond line NULL 货款",
        idempotency_key="draw 1",
    )
    stored = Entry.objects.get()
    told = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
    assert told == {name: getattr(stored, name) for name in told}
    entry.refresh_from_db()
    assert entry.tenant_id == lender.pk
    assert (entry.kind, entry.booked_on, entry.recorded_at) == ("disbursement", DAY, NOW)
    assert (entry.reference, entry.idempotency_key) == ('bank "ref" \\ 1, {2}', "draw 1")
    assert entry.narrative == "first draw,\nsecond line NULL 货款"
    assert (entry.line_count, entry.actor_label, entry.reverses_id) == (2, "test", None)
    assert entry.number == f"JE{entry.pk:08d}"
    lines = entry.postings.order_by("line_no").values_list(
        "line_no", "debit_account__code", "credit_account__code", "amount", "currency", "tenant_id"
    )
    assert list(lines) == [
        (1, "principal:L1", "clearing", Decimal("100.0000"), "USD", lender.pk),
        (2, "fees:L1", "fee_income", Decimal("0.0100"), "USD", lender.pk),
    ]


def test_accounts_are_opened_from_the_chart(lender):
    post_one(lender, draw(), Line("waiver_expense", "interest:L1", Decimal(3)))
    opened = Account.objects.order_by("code").values_list("code", "name", "kind", "currency")
    assert list(opened) == [
        ("clearing", "Payments instructed, not yet confirmed", "asset", "USD"),
        ("interest:L1", "Interest receivable on L1", "asset", "USD"),
        ("principal:L1", "Principal of L1", "asset", "USD"),
        ("waiver_expense", "Claims waived", "expense", "USD"),
    ]


def test_one_code_in_two_currencies_is_two_accounts(lender):
    post_one(lender, draw("5.00"))
    post_one(lender, draw("7"), currency="JPY")
    for currency, amount in (("USD", Decimal(5)), ("JPY", Decimal(7)), ("EUR", Decimal(0))):
        assert balance(tenant_id=lender.pk, code="principal:L1", currency=currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.00", "USD"),
        ("-1.00", "USD"),
        ("1.005", "USD"),
        ("0.5", "JPY"),
        ("1.0001", "KWD"),
        ("1000000000000000000", "USD"),
        ("NaN", "USD"),
        ("sNaN", "USD"),
        ("Infinity", "USD"),
    ],
)
def test_an_amount_that_cannot_be_paid_is_refused(lender, amount, currency):
    with pytest.raises(AmountInvalid) as refused:
        post_one(lender, draw("1"), draw(amount), currency=currency)
    assert refused.value.numbers["line"] == 2
    assert amount in str(refused.value)
    assert Entry.objects.count() == Account.objects.count() == 0


def test_trailing_zeros_do_not_make_an_amount_unpayable(lender):
    entry = post_one(lender, draw("1.5000000"), draw("1E+3"))
    assert [line.amount for line in entry.postings.order_by("line_no")] == [
        Decimal("1.5"),
        Decimal(1000),
    ]


def test_a_float_is_an_error_of_the_caller(lender):
    with pytest.raises(TypeError, match="amount must be Decimal, not float"):
        post_one(lender, Line("cash", "suspense", 1.5))


@pytest.mark.parametrize(
    ("lines", "changes", "field"),
    [
        ([], {}, "lines"),
        ([Line("cash", "cash", Decimal(1))], {}, "account"),
        ([draw()], {"kind": ""}, "kind"),
        ([draw()], {"kind": "k" * 41}, "kind"),
        ([draw()], {"reference": "r" * 121}, "reference"),
        ([draw()], {"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_an_entry_nobody_could_post_is_refused(lender, lines, changes, field):
    with pytest.raises(EntryInvalid) as refused:
        post_one(lender, *lines, **changes)
    assert refused.value.field == field
    assert Entry.objects.count() == Account.objects.count() == 0


@pytest.mark.parametrize(
    "code",
    ["", "petty", "cash:", "cash:x", "principal", "principal:", ":L1", "principal:" + "x" * 80],
)
def test_the_chart_decides_which_accounts_there_are(lender, code):
    with pytest.raises(UnknownAccount):
        post_one(lender, draw(), Line(code, "suspense", Decimal(1)))
    assert Entry.objects.count() == Account.objects.count() == 0


def test_a_currency_must_be_one(lender):
    with pytest.raises(UnknownCurrency):
        post_one(lender, draw(), currency="XXX")


def test_the_same_key_again_returns_the_same_entry(lender):
    first = post_one(lender, draw("1.50"), idempotency_key="k")
    again = post_one(lender, draw("1.5"), idempotency_key="k")
    assert again.pk == first.pk
    assert Entry.objects.count() == Posting.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "repayment"},
        {"booked_on": date(2016, 3, 2)},
        {"reference": "other"},
        {"narrative": "other"},
        {"currency": "EUR"},
        {"lines": [draw("2.00")]},
        {"lines": [draw("1.00"), draw("1.00")]},
        {"lines": [Line("clearing", "principal:L1", Decimal(1))]},
    ],
)
def test_the_same_key_for_other_content_is_refused_and_changes_nothing(lender, changes):
    first = post_one(lender, draw("1.00"), idempotency_key="k")
    accounts = Account.objects.count()
    lines = changes.pop("lines", [draw("1.00")])
    with pytest.raises(KeyUsedOtherwise) as refused:
        post_one(lender, *lines, idempotency_key="k", **changes)
    assert refused.value.code == "idempotency_key_reused"
    assert first.number in str(refused.value)
    assert Entry.objects.count() == Posting.objects.count() == 1
    assert Account.objects.count() == accounts


def test_a_refusal_leaves_the_surrounding_transaction_usable(lender):
    post_one(lender, draw("1.00"), idempotency_key="k")
    with transaction.atomic():
        with pytest.raises(KeyUsedOtherwise):
            post_one(lender, draw("2.00"), idempotency_key="k")
        post_one(lender, draw("2.00"), idempotency_key="k2")
    assert Entry.objects.count() == 2


def test_a_key_belongs_to_one_lender(lender):
    first = post_one(lender, draw(), idempotency_key="k")
    other = post_one(make_lender(), draw(), idempotency_key="k")
    assert first.pk != other.pk


def test_a_batch_answers_in_order_and_repeats_nothing(lender):
    new = entries(20, keys=True)
    first = batch(lender, new[5:10])
    again = batch(lender, [*new, new[0]])
    assert again[5:10] == first
    assert again[20] == again[0]
    assert len(set(again)) == 20 == Entry.objects.count()
    references = Entry.objects.in_bulk(again)
    assert [references[pk].reference for pk in again[:20]] == [f"R{number}" for number in range(20)]
    assert Posting.objects.count() == 40


def test_a_batch_with_one_reused_key_is_refused_whole(lender):
    batch(lender, entries(3, keys=True))
    other = entries(6, keys=True)
    other[2] = NewEntry("repayment", DAY, other[2].lines, idempotency_key="k2")
    with pytest.raises(KeyUsedOtherwise):
        batch(lender, other)
    assert Entry.objects.count() == 3


def test_numbers_rise_in_order_of_the_batch(lender):
    ids = batch(lender, entries(50, keys=True, prefix="z"))
    assert ids == sorted(ids)


def test_nothing_to_post_is_no_statement(lender, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert batch(lender, []) == []


def _statements(act):
    with CaptureQueriesContext(connection) as seen:
        act()
    return [query["sql"] for query in seen if "SAVEPOINT" not in query["sql"]]


def test_a_batch_takes_a_constant_number_of_statements(lender):
    batch(lender, entries(7))  # opens the accounts
    counts = {
        size: len(_statements(lambda size=size: batch(lender, entries(size)))) for size in (1, 2000)
    }
    assert counts == {1: 2, 2000: 2}
    new_books = make_lender()
    assert len(_statements(lambda: batch(new_books, entries(2000)))) == 3
    keyed = entries(500, keys=True)
    batch(lender, keyed)
    assert len(_statements(lambda: batch(lender, keyed))) == 3
