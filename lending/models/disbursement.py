"""Money out: asked for by one person, instructed by another, paid to somebody named."""

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from lending.models.loan import Loan
from lending.states import DisbursementState, Product
from parties.models import BankAccount, Organisation, Person


class Disbursement(models.Model):
    """One payment out under a loan. Order finance never pays the borrower: the database refuses."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="disbursements")
    product = models.CharField(max_length=10, choices=Product.choices)
    borrower = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    payee = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="+")
    amount = MoneyAmountField()
    purpose = models.CharField(max_length=140)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    requested_at = models.DateTimeField()
    instructed_at = models.DateTimeField(null=True)
    value_on = models.DateField(null=True)
    paid_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    state = models.CharField(
        max_length=10, choices=DisbursementState.choices, default=DisbursementState.REQUESTED
    )

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.CheckConstraint(name="disbursement_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="disbursement_of_order_finance_not_to_borrower",
                condition=~Q(product=Product.ORDER, payee=F("borrower")),
            ),
            models.CheckConstraint(
                name="disbursement_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="disbursement_instructed_has_checker",
                condition=Q(state__in=["requested", "refused"]) | Q(checker__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan} → {self.payee}: {self.amount}"
