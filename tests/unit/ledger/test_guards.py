"""What the services never do, the database refuses: raw SQL against the books."""

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from ledger.models import Account, BalanceSnapshot, Entry, Posting
from ledger.services.snapshots import take_snapshots
from tests.unit.ledger.conftest import NOW

pytestmark = pytest.mark.django_db

WHOLE_ENTRY = """
    WITH made AS (
        INSERT INTO ledger_entry (tenant_id, kind, booked_on, recorded_at, reference, narrative,
                                  line_count, actor_label, reverses_id)
        VALUES (%(tenant)s, 'raw', '2016-03-01', '2016-03-01 09:00Z', '', '',
                %(lines)s, 'raw', %(reverses)s)
        RETURNING id
    )
    INSERT INTO ledger_posting (tenant_id, currency, entry_id, line_no, line_count,
                                debit_account_id, credit_account_id, amount)
    SELECT %(posting_tenant)s, %(currency)s, id, %(line_no)s, %(posting_lines)s,
           %(debit)s, %(credit)s, %(amount)s
      FROM made
"""

ONE_POSTING = """
    INSERT INTO ledger_posting (tenant_id, currency, entry_id, line_no, line_count,
                                debit_account_id, credit_account_id, amount)
    VALUES (%(tenant)s, 'USD', %(entry)s, %(line_no)s, %(lines)s, %(debit)s, %(credit)s, 1)
"""


def refused_by(sql, values=None):
    """Return the constraint that refuses the statement."""
    with (
        pytest.raises(IntegrityError) as refused,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
    return constraint_name(refused.value)


def account(books, code, currency="USD"):
    return Account.objects.get(tenant_id=books.tenant_id, code=code, currency=currency).pk


@pytest.fixture
def entry(books):
    return books.move("cash", "suspense", "10.00")


def whole_entry(books, **changes):
    values = {
        "tenant": books.tenant_id,
        "posting_tenant": books.tenant_id,
        "lines": 1,
        "posting_lines": 1,
        "line_no": 1,
        "currency": "USD",
        "debit": account(books, "cash"),
        "credit": account(books, "suspense"),
        "amount": 1,
        "reverses": None,
    }
    return values | changes


@pytest.mark.parametrize("model", [Entry, Posting, BalanceSnapshot])
def test_what_is_written_is_neither_changed_nor_deleted(entry, model):
    take_snapshots(now=NOW)
    name = model._meta.model_name
    table = model._meta.db_table
    column = "kind = 'x'" if model is Entry else "id = id + 1000"
    assert refused_by(f"UPDATE {table} SET {column}") == f"{name}_rows_never_change"
    assert refused_by(f"DELETE FROM {table}") == f"{name}_rows_never_change"
    assert refused_by(f"DELETE FROM {table} WHERE id > 0") == f"{name}_rows_never_change"


@pytest.mark.parametrize("model", [Entry, Posting, BalanceSnapshot, Account])
def test_no_table_of_the_books_is_emptied(entry, model):
    # Tests run with this guard off, so that Django can empty tables between them.
    guard = next(trigger for trigger in model._meta.triggers if trigger.name == "never_emptied")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending on the table
        cursor.execute(guard.compile(model).enable_sql)
    refusal = refused_by(f"TRUNCATE {model._meta.db_table} CASCADE")
    assert refusal == f"{model._meta.model_name}_never_emptied"


def test_an_account_may_be_renamed_but_stays_what_it_is(entry):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_account SET name = 'Till' WHERE code = 'cash'")
    changes = ("kind = 'expense'", "currency = 'EUR'", "code = 'x'", "tenant_id = 0", "id = 0")
    for change in changes:
        assert refused_by(f"UPDATE ledger_account SET {change}") == "account_columns_frozen"
    assert refused_by("DELETE FROM ledger_account") == "account_never_deleted"


def test_an_entry_without_lines_cannot_be_written_at_all(books):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Entry.objects.create(
            tenant_id=books.tenant_id,
            kind="raw",
            booked_on=NOW.date(),
            recorded_at=NOW,
            line_count=1,
            actor_label="raw",
        )
    assert constraint_name(refused.value) == "entry_lines_complete"
    assert Entry.objects.count() == 0


@pytest.mark.usefixtures("entry")
def test_an_entry_short_of_a_line_is_refused(books):
    values = whole_entry(books, lines=2, posting_lines=2)
    assert refused_by(WHOLE_ENTRY, values) == "entry_lines_complete"


@pytest.mark.usefixtures("entry")
def test_the_raw_statement_of_these_tests_is_otherwise_in_order(books):
    with connection.cursor() as cursor:
        cursor.execute(WHOLE_ENTRY, whole_entry(books))
    assert Entry.objects.filter(kind="raw").count() == 1


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount": 0}, "posting_amount_positive"),
        ({"amount": -5}, "posting_amount_positive"),
        ({"lines": 0}, "entry_has_lines"),
        ({"line_no": 2}, "posting_line_foreseen"),
        ({"line_no": 0}, "posting_line_foreseen"),
        ({"posting_lines": 2}, "posting_belongs_to_its_entry"),
    ],
)
def test_a_posting_moves_something_on_a_line_of_its_entry(books, changes, constraint):
    assert refused_by(WHOLE_ENTRY, whole_entry(books, **changes)) == constraint


@pytest.mark.usefixtures("entry")
def test_a_posting_needs_two_accounts(books):
    values = whole_entry(books, credit=account(books, "cash"))
    assert refused_by(WHOLE_ENTRY, values) == "posting_moves_between_two_accounts"


@pytest.mark.parametrize("line_no", [1, 2])
def test_an_entry_does_not_grow(books, entry, line_no):
    values = {"tenant": books.tenant_id, "entry": entry.pk, "line_no": line_no}
    values |= {"debit": account(books, "cash"), "credit": account(books, "suspense")}
    by_count = {
        lines: refused_by(ONE_POSTING, values | {"lines": lines}) for lines in range(line_no, 3)
    }
    expected = {1: "posting_line_taken_once", 2: "posting_belongs_to_its_entry"}
    if line_no == 1:
        # Both refuse a second line 1 that pretends to another count; either may speak first.
        assert by_count.pop(2) in expected.values()
    assert by_count == {lines: expected[lines] for lines in by_count}
    assert entry.postings.count() == 1


def test_currencies_do_not_mix(books, entry):
    books.move("cash", "suspense", "1.00", currency="EUR")
    euro = account(books, "cash", "EUR")
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, debit=euro))
        == "posting_debits_its_books_and_currency"
    )
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, credit=euro))
        == "posting_credits_its_books_and_currency"
    )
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, currency="EUR", debit=euro))
        == "posting_credits_its_books_and_currency"
    )


def test_lenders_books_do_not_mix(books, other_books, entry):
    other_books.move("cash", "suspense", "1.00")
    theirs = account(other_books, "cash")
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, debit=theirs))
        == "posting_debits_its_books_and_currency"
    )
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, credit=theirs))
        == "posting_credits_its_books_and_currency"
    )
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(books, tenant=other_books.tenant_id))
        == "posting_belongs_to_its_entry"
    )
    assert (
        refused_by(WHOLE_ENTRY, whole_entry(other_books, reverses=entry.pk))
        == "entry_reverses_one_of_its_books"
    )


def mirror_of(books, entry, **changes):
    swapped = {"debit": account(books, "suspense"), "credit": account(books, "cash")}
    return whole_entry(books) | swapped | {"amount": 10, "reverses": entry.pk} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 9},
        {"lines": 2, "posting_lines": 2},
        {"debit": "cash", "credit": "suspense"},
        {"credit": "clearing"},
    ],
)
def test_a_reversal_moves_back_exactly_what_was_moved(books, entry, changes):
    books.move("clearing", "cash", "1.00")
    by_id = {
        key: account(books, value) if isinstance(value, str) else value
        for key, value in changes.items()
    }
    refusal = refused_by(WHOLE_ENTRY, mirror_of(books, entry, **by_id))
    short = changes.get("lines") == 2
    assert refusal == ("entry_lines_complete" if short else "entry_mirrors_what_it_reverses")


def test_an_entry_is_reversed_once_even_by_hand(books, entry):
    with connection.cursor() as cursor:
        cursor.execute(WHOLE_ENTRY, mirror_of(books, entry))
    assert refused_by(WHOLE_ENTRY, mirror_of(books, entry)) == "entry_reversed_once"


def test_a_reversal_is_not_reversed_even_by_hand(books, entry):
    with connection.cursor() as cursor:
        cursor.execute(WHOLE_ENTRY, mirror_of(books, entry))
    mirror = Entry.objects.get(reverses=entry)
    values = whole_entry(books, amount=10, reverses=mirror.pk)
    assert refused_by(WHOLE_ENTRY, values) == "entry_reverses_one_of_its_books"


def test_nothing_refers_to_what_is_not_there(books, entry):
    for changes, constraint in (
        ({"debit": 0}, "posting_debits_its_books_and_currency"),
        ({"credit": 0}, "posting_credits_its_books_and_currency"),
        ({"reverses": 0}, "entry_reverses_one_of_its_books"),
    ):
        assert refused_by(WHOLE_ENTRY, whole_entry(books, **changes)) == constraint
    values = {"tenant": books.tenant_id, "entry": 0, "line_no": 1, "lines": 1}
    values |= {"debit": account(books, "cash"), "credit": account(books, "suspense")}
    assert refused_by(ONE_POSTING, values) == "posting_belongs_to_its_entry"


def test_one_bad_row_among_thousands_is_found(books, entry):
    """The check is one statement for all new rows; none hides among the others."""
    sql = """
        WITH made AS (
            INSERT INTO ledger_entry (tenant_id, kind, booked_on, recorded_at, reference,
                                      narrative, line_count, actor_label)
            SELECT %(tenant)s, 'raw', '2016-03-01', '2016-03-01 09:00Z', '', '', 1, 'raw'
              FROM generate_series(1, 3000)
            RETURNING id
        )
        INSERT INTO ledger_posting (tenant_id, currency, entry_id, line_no, line_count,
                                    debit_account_id, credit_account_id, amount)
        SELECT %(tenant)s, CASE row_number() OVER () WHEN %(bad)s THEN 'EUR' ELSE 'USD' END,
               id, 1, 1, %(debit)s, %(credit)s, 1
          FROM made
    """
    values = {"tenant": books.tenant_id}
    values |= {"debit": account(books, "cash"), "credit": account(books, "suspense")}
    for bad in (1, 1777, 3000):
        refusal = refused_by(sql, values | {"bad": bad})
        assert refusal == "posting_debits_its_books_and_currency"
    with connection.cursor() as cursor:
        cursor.execute(sql, values | {"bad": 0})
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
    assert Entry.objects.filter(kind="raw").count() == 3000


@pytest.mark.usefixtures("entry")
def test_an_account_is_opened_once_of_a_known_kind(books):
    sql = (
        "INSERT INTO ledger_account (tenant_id, code, name, kind, currency) "
        "VALUES (%s, %s, '', %s, %s)"
    )
    assert refused_by(sql, [books.tenant_id, "cash", "asset", "USD"]) == "account_opened_once"
    assert refused_by(sql, [books.tenant_id, "x", "equity", "USD"]) == "account_kind_known"
    assert (
        refused_by(sql, [books.tenant_id, "x", "asset", "usd"]) == "ledger_account_currency_check"
    )
