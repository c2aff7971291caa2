"""Balances as of a posting, so that a balance costs the postings since, not all of them."""

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from common.immutability import append_only
from ledger.models.account import Account


class BalanceSnapshot(models.Model):
    """What had been debited and credited to an account up to and with one posting of the books."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="snapshots", db_index=False
    )
    through_posting_id = models.BigIntegerField()
    debit = MoneyAmountField()
    credit = MoneyAmountField()
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ["account", "-through_posting_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "through_posting_id"], name="balance_snapshot_taken_once"
            ),
            models.CheckConstraint(
                name="balance_snapshot_sums_not_negative",
                condition=Q(debit__gte=0) & Q(credit__gte=0),
            ),
        ]
        indexes = [models.Index(fields=["through_posting_id"], name="balance_snapshot_by_posting")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.account} {self.debit} / {self.credit}"
