"""Money that came in for receivables: bank entries, what they paid, what goes back."""

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField
from factoring.models.receivable import Receivable
from factoring.states import BankEntryState, RebateState
from lending.models import Facility, Repayment
from parties.models import Organisation, Person
from pledges.models import Position


class BankEntry(models.Model):
    """One credit on the controlled collection account, once per account and reference."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="bank_entries")
    account_number = models.CharField(max_length=34)
    entry_reference = models.CharField(max_length=35)
    amount = MoneyAmountField()
    currency = CurrencyField()
    booked_on = models.DateField()
    payer_name = models.CharField(max_length=200)
    remittance = models.CharField(max_length=300)
    recorded_at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=BankEntryState.choices, default=BankEntryState.BOOKED
    )

    class Meta:
        verbose_name_plural = "bank entries"
        ordering = ["booked_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account_number", "entry_reference"], name="bank_entry_booked_once"
            ),
            models.CheckConstraint(name="bank_entry_amount_positive", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.entry_reference}: {self.amount}"


class Collection(models.Model):
    """A bank entry matched to a receivable, and what became of the money."""

    entry = models.OneToOneField(BankEntry, on_delete=models.PROTECT, related_name="collection")
    receivable = models.ForeignKey(Receivable, on_delete=models.PROTECT, related_name="collections")
    amount = MoneyAmountField()
    proceeds = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="collection")
    repayment = models.OneToOneField(
        Repayment, on_delete=models.PROTECT, related_name="collection", null=True
    )

    def __str__(self) -> str:
        return f"{self.amount} for {self.receivable}"


class Rebate(models.Model):
    """What remains after advance, interest and fees are paid, back to the seller."""

    receivable = models.OneToOneField(Receivable, on_delete=models.PROTECT, related_name="rebate")
    amount = MoneyAmountField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    paid_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    state = models.CharField(
        max_length=10, choices=RebateState.choices, default=RebateState.REQUESTED
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="rebate_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="rebate_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.receivable}"
