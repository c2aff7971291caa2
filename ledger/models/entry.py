"""Journal entries and their postings: written once, in one statement, balanced by their shape.

A posting moves one amount from one account to another, so that no sum has to be checked. An entry
states how many lines it has; a trigger checks them at the end of the inserting statement and each
posting takes a numbered place, so that an entry can neither stand empty nor grow afterwards. What
a posting refers to is checked there, too, tenant and currency included (see guards.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField
from common.immutability import append_only
from ledger.models.account import Account
from ledger.models.guards import ENTRY_WHOLE, POSTING_AT_HOME
from parties.models import Organisation
from parties.roles import OrganisationKind

if TYPE_CHECKING:
    from parties.actors import Actor


class EntryQuerySet(models.QuerySet["Entry"]):
    """Reads of entries."""

    def visible_to(self, actor: Actor) -> EntryQuerySet:
        """Leave a lender's people their lender's books, the platform all, others none."""
        if actor.sees_everything:
            return self
        if actor.organisation_kind != OrganisationKind.LENDER:
            return self.none()
        return self.filter(tenant_id=actor.organisation_id)


class Entry(models.Model):
    """One business fact in the books. Corrected by reversal, never by edit."""

    # No foreign keys here: the postings' check ties tenant, accounts and entry together, and the
    # accounts' key ties them to the lender.
    tenant = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=40)
    booked_on = models.DateField()
    recorded_at = models.DateTimeField()
    reference = models.CharField(max_length=120, blank=True)
    narrative = models.TextField(blank=True)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  (none is no key)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="reversals",
        null=True,
        db_constraint=False,
        db_index=False,
    )
    line_count = models.IntegerField()
    actor_label = models.TextField()

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], name="entry_idempotency_key_used_once"
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="entry_reversed_once",
            ),
            models.CheckConstraint(name="entry_has_lines", condition=Q(line_count__gte=1)),
            models.CheckConstraint(name="entry_kind_stated", condition=~Q(kind="")),
        ]
        indexes = [models.Index(fields=["tenant", "booked_on"], name="entry_by_day")]
        triggers = [*append_only(), ENTRY_WHOLE]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def number(self) -> str:
        """The entry's number: rising, from a sequence; a refused entry may leave a gap."""
        return f"JE{self.pk:08d}"


class Posting(models.Model):
    """One amount moved from the credit account to the debit account; one line of an entry."""

    tenant = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    entry = models.ForeignKey(
        Entry,
        on_delete=models.PROTECT,
        related_name="postings",
        db_constraint=False,
        db_index=False,
    )
    line_no = models.IntegerField()
    line_count = models.IntegerField()
    debit_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="debits",
        db_constraint=False,
        db_index=False,
    )
    credit_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="credits",
        db_constraint=False,
        db_index=False,
    )
    amount = MoneyAmountField()
    currency = CurrencyField()

    class Meta:
        ordering = ["entry", "line_no"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "line_no"], name="posting_line_taken_once"),
            models.CheckConstraint(
                name="posting_line_foreseen",
                condition=Q(line_no__gte=1) & Q(line_no__lte=F("line_count")),
            ),
            models.CheckConstraint(name="posting_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="posting_moves_between_two_accounts",
                condition=~Q(debit_account=F("credit_account")),
            ),
        ]
        indexes = [
            models.Index(fields=["debit_account", "id"], name="posting_by_debit_account"),
            models.Index(fields=["credit_account", "id"], name="posting_by_credit_account"),
        ]
        triggers = [*append_only(), POSTING_AT_HOME]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
