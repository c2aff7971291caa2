"""Reads of the books: balances, statements, the trial balance.

The functions by tenant are for services and pages that have chosen the books already; what a
person may choose from comes from the queries that take the actor.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Prefetch

from common.errors import InvariantBroken
from ledger.models import Account, AccountKind, Entry, Posting
from ledger.models.account import AccountQuerySet
from ledger.models.entry import EntryQuerySet
from parties.actors import Actor

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """What was debited and credited to one account, up to a day or altogether."""

    account_id: int
    code: str
    name: str
    kind: AccountKind
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        """The balance as its kind reads it: an asset's debits, a liability's credits are plus."""
        return self.kind.signed(self.debit, self.credit)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account's totals in one currency; debits and credits agree."""

    rows: list[AccountTotals]
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting as the account sees it."""

    entry_id: int
    booked_on: date
    kind: str
    reference: str
    narrative: str
    other_account: str
    debit: Decimal
    credit: Decimal
    balance: Decimal

    @property
    def number(self) -> str:
        """The entry's number."""
        return Entry(pk=self.entry_id).number


class _Line(NamedTuple):
    entry_id: int
    booked_on: date
    kind: str
    reference: str
    narrative: str
    other_account: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """An account's postings of a period between the balances before and after."""

    account: Account
    start: date
    until: date
    opening: Decimal
    lines: list[StatementLine]
    closing: Decimal


# Snapshot plus tail. The tail's ids lie above the snapshot's, found by (account, id).
_TOTALS = """
    WITH chosen AS MATERIALIZED (
        SELECT id, code, name, kind FROM ledger_account
         WHERE tenant_id = %(tenant)s AND currency = %(currency)s AND {chosen}
    ){later}
    SELECT chosen.id, chosen.code, chosen.name, chosen.kind,
           coalesce(kept.debit, 0) + coalesce(debits.total, 0){less_debit},
           coalesce(kept.credit, 0) + coalesce(credits.total, 0){less_credit}
      FROM chosen
      LEFT JOIN LATERAL (
            SELECT debit, credit, through_posting_id FROM ledger_balancesnapshot
             WHERE account_id = chosen.id
             ORDER BY through_posting_id DESC LIMIT 1) AS kept ON true
      LEFT JOIN LATERAL (
            SELECT sum(amount) AS total FROM ledger_posting
             WHERE debit_account_id = chosen.id
               AND id > coalesce(kept.through_posting_id, 0)) AS debits ON true
      LEFT JOIN LATERAL (
            SELECT sum(amount) AS total FROM ledger_posting
             WHERE credit_account_id = chosen.id
               AND id > coalesce(kept.through_posting_id, 0)) AS credits ON true
      {join_later}
     ORDER BY chosen.code
"""

# What is booked after the day, to be taken off again: little for a recent day.
_LATER = """, later AS (
        SELECT account_id, sum(debit) AS debit, sum(credit) AS credit
          FROM (SELECT p.debit_account_id AS account_id, p.amount AS debit, 0 AS credit
                  FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
                 WHERE e.tenant_id = %(tenant)s AND e.booked_on > %(through)s
                   AND p.debit_account_id IN (SELECT id FROM chosen)
                 UNION ALL
                SELECT p.credit_account_id, 0, p.amount
                  FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
                 WHERE e.tenant_id = %(tenant)s AND e.booked_on > %(through)s
                   AND p.credit_account_id IN (SELECT id FROM chosen)) AS legs
         GROUP BY account_id
    )"""

_LINES = """
    SELECT e.id, e.booked_on, e.kind, e.reference, e.narrative, other.code,
           CASE WHEN p.debit_account_id = %(account)s THEN p.amount ELSE 0 END,
           CASE WHEN p.credit_account_id = %(account)s THEN p.amount ELSE 0 END
      FROM ledger_posting p
      JOIN ledger_entry e ON e.id = p.entry_id
      JOIN ledger_account other
        ON other.id = CASE WHEN p.debit_account_id = %(account)s
                           THEN p.credit_account_id ELSE p.debit_account_id END
     WHERE (p.debit_account_id = %(account)s OR p.credit_account_id = %(account)s)
       AND e.tenant_id = %(tenant)s AND e.booked_on BETWEEN %(start)s AND %(until)s
     ORDER BY e.booked_on, p.id
"""


def balance(*, tenant_id: int, code: str, currency: str, through: date | None = None) -> Decimal:
    """Return an account's balance, signed by its kind; zero if nothing was ever posted.

    ``through`` counts what is booked up to and with that day, whenever it was recorded.
    """
    rows = balances_of(tenant_id=tenant_id, codes=[code], currency=currency, through=through)
    return rows.get(code, ZERO)


def balances_of(
    *, tenant_id: int, codes: Collection[str], currency: str, through: date | None = None
) -> dict[str, Decimal]:
    """Return the balances of several accounts by code in one query; unopened ones are left out."""
    totals = _totals(tenant_id, currency, "code = ANY (%(codes)s)", list(codes), through)
    return {row.code: row.balance for row in totals}


def balances(
    *, tenant_id: int, prefix: str, currency: str, through: date | None = None
) -> dict[str, Decimal]:
    """Return by code the balances of all accounts whose code begins so, as ``principal:``."""
    totals = _totals(tenant_id, currency, "starts_with(code, %(codes)s)", prefix, through)
    return {row.code: row.balance for row in totals}


def trial_balance(*, tenant_id: int, currency: str, on: date | None = None) -> TrialBalance:
    """Return every account's totals at the end of a day (or now), debits equal to credits.

    Raises InvariantBroken if they are not: then a snapshot lies.
    """
    rows = _totals(tenant_id, currency, "true", "", on)
    debit = sum((row.debit for row in rows), ZERO)
    credit = sum((row.credit for row in rows), ZERO)
    if debit != credit:
        raise InvariantBroken(f"books {tenant_id}: debits {debit}, credits {credit} {currency}")
    return TrialBalance(rows=rows, debit=debit, credit=credit)


def statement(*, account: Account, start: date, until: date) -> Statement:
    """Return an account's postings booked from ``start`` to ``until``, both included.

    Each line carries the running balance, signed by the account's kind. Two queries.
    """
    kind = AccountKind(account.kind)
    opening = running = balance(
        tenant_id=account.tenant_id,
        code=account.code,
        currency=account.currency,
        through=start - timedelta(days=1),
    )
    lines = []
    for row in _lines(account, start, until):
        running += kind.signed(row.debit, row.credit)
        lines.append(StatementLine(**row._asdict(), balance=running))
    return Statement(account, start, until, opening, lines, closing=running)


def get_account(*, actor: Actor, account_id: int) -> Account:
    """Return an account of books the actor may read; Account.DoesNotExist otherwise."""
    return Account.objects.visible_to(actor).get(pk=account_id)


def list_accounts(*, actor: Actor, currency: str | None = None) -> AccountQuerySet:
    """Return the accounts the actor may read, by books and code; in one currency if asked."""
    accounts = Account.objects.visible_to(actor).order_by("tenant_id", "code", "currency")
    return accounts.filter(currency=currency) if currency else accounts


def get_entry(*, actor: Actor, entry_id: int) -> Entry:
    """Return an entry of books the actor may read, with its postings; else Entry.DoesNotExist."""
    return list_entries(actor=actor).get(pk=entry_id)


def list_entries(*, actor: Actor, reference: str | None = None) -> EntryQuerySet:
    """Return the entries the actor may read, latest first, with postings and accounts."""
    postings = Posting.objects.select_related("debit_account", "credit_account")
    entries = Entry.objects.visible_to(actor).order_by("-id")
    entries = entries.prefetch_related(Prefetch("postings", postings.order_by("line_no")))
    return entries.filter(reference=reference) if reference else entries


def _totals(
    tenant_id: int, currency: str, chosen: str, codes: str | list[str], through: date | None
) -> list[AccountTotals]:
    sql = _TOTALS.format(
        chosen=chosen,
        later=_LATER if through else "",
        less_debit=" - coalesce(later.debit, 0)" if through else "",
        less_credit=" - coalesce(later.credit, 0)" if through else "",
        join_later="LEFT JOIN later ON later.account_id = chosen.id" if through else "",
    )
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "currency": currency,
        "codes": codes,
        "through": through,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [
            AccountTotals(pk, code, name, AccountKind(kind), debit, credit)
            for pk, code, name, kind, debit, credit in cursor.fetchall()
        ]


def _lines(account: Account, start: date, until: date) -> list[_Line]:
    values: dict[str, Any] = {"account": account.pk, "tenant": account.tenant_id}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, values | {"start": start, "until": until})
        return [_Line(*row) for row in cursor.fetchall()]
