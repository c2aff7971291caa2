"""Credit notes: goods that a buyer sent back, and the debt that ends with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only
from factoring.models.receivable import Receivable
from lending.triggers import CopiesAgree
from logistics.models import Item
from parties.models import Organisation
from pledges.models import Position

if TYPE_CHECKING:
    from parties.actors import Actor


class CreditNoteQuerySet(models.QuerySet["CreditNote"]):
    """Reads of credit notes."""

    def visible_to(self, actor: Actor) -> CreditNoteQuerySet:
        """Whoever sees the receivable sees what was credited on it."""
        return self.filter(receivable__in=Receivable.objects.visible_to(actor))


class CreditNote(models.Model):
    """A seller's credit note for goods that came back; its number exists once for the seller."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    receivable = models.ForeignKey(
        Receivable, on_delete=models.PROTECT, related_name="credit_notes"
    )
    number = models.CharField(max_length=60)
    normal_number = models.CharField(max_length=60, help_text="NFKC, no spaces, upper case")
    amount = MoneyAmountField()
    reason = models.CharField(max_length=200)
    store_reference = models.CharField(max_length=80, help_text="the warehouse's receipt")
    issued_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=160)

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        ordering = ["issued_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "normal_number"], name="credit_note_issued_once"
            ),
            models.CheckConstraint(name="credit_note_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="credit_note_numbered_with_a_reason",
                condition=~Q(normal_number="") & ~Q(reason=""),
            ),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="copies_agree_with_receivable",
                message="a credit note belongs to its receivable's lender and seller",
                source="SELECT 1 FROM factoring_receivable r WHERE r.id = NEW.receivable_id "
                "AND r.tenant_id = NEW.tenant_id AND r.seller_id = NEW.seller_id "
                "AND r.state <> 'verified' AND NEW.amount <= r.face",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CreditNoteLine(models.Model):
    """Goods that came back, and the pledge that they are again."""

    credit_note = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    position = models.OneToOneField(
        Position, on_delete=models.PROTECT, related_name="credit_note_line"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="credit_note_line_quantity_positive", condition=Q(quantity__gt=0)
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.quantity} {self.item}"
