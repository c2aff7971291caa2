"""The receivable: an invoice for goods that really left, assigned to the lender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, QuantityField, RateField
from factoring.states import ReceivableState
from lending.models import Facility, Loan
from logistics.models import Item
from parties.models import Organisation
from pledges.models import Position

if TYPE_CHECKING:
    from parties.actors import Actor


class ReceivableQuerySet(models.QuerySet["Receivable"]):
    """Reads of receivables."""

    def visible_to(self, actor: Actor) -> ReceivableQuerySet:
        """Seller, lender and debtor see a receivable."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(seller_id=actor.organisation_id)
            | Q(debtor_id=actor.organisation_id)
            | Q(tenant_id=actor.organisation_id)
        )


class Receivable(models.Model):
    """An invoice that one buyer owes; one invoice of a seller exists once for all lenders."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="receivables")
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    debtor = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    invoice_number = models.CharField(max_length=60)
    normal_number = models.CharField(max_length=60, help_text="NFKC, no spaces, upper case")
    buyer_order = models.CharField(max_length=60, blank=True)
    delivery_reference = models.CharField(max_length=80)
    face = MoneyAmountField()
    currency = CurrencyField()
    issued_on = models.DateField()
    due_on = models.DateField()
    advance_rate = RateField()
    loan = models.OneToOneField(
        Loan, on_delete=models.PROTECT, related_name="receivable", null=True
    )
    position = models.OneToOneField(
        Position, on_delete=models.PROTECT, related_name="receivable", null=True
    )
    state = models.CharField(
        max_length=10, choices=ReceivableState.choices, default=ReceivableState.VERIFIED
    )

    objects = ReceivableQuerySet.as_manager()

    class Meta:
        ordering = ["issued_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "normal_number"], name="invoice_financed_once"
            ),
            models.CheckConstraint(name="receivable_face_positive", condition=Q(face__gt=0)),
            models.CheckConstraint(
                name="receivable_due_after_issue", condition=Q(due_on__gte=F("issued_on"))
            ),
            models.CheckConstraint(
                name="receivable_debtor_is_not_seller", condition=~Q(seller=F("debtor"))
            ),
        ]

    def __str__(self) -> str:
        return self.invoice_number


class ReceivableLine(models.Model):
    """One line of the invoice; quantities tie to the goods that left."""

    receivable = models.ForeignKey(Receivable, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    unit_price = models.DecimalField(max_digits=24, decimal_places=8)
    amount = MoneyAmountField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="receivable_line_positive", condition=Q(quantity__gt=0, amount__gt=0)
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.item}"
