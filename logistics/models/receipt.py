"""Warehouse receipts: the operator's document for goods, and the journal of what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from logistics.models.lot import Lot
from logistics.models.site import Site
from logistics.states import RECEIPT_STATES, Negotiability, ReceiptAct, ReceiptState
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor

_GUARDS = state_guards("warehousereceipt", "state", RECEIPT_STATES)
# What the operator wrote on it; parts and sums of receipts take these over.
TERMS = (
    "operator_licence",
    "place",
    "depositor",
    "negotiability",
    "description",
    "packages",
    "marks",
    "grade",
    "keeps_until",
    "market_value",
    "currency",
    "charges",
    "operator_lien",
    "operator_advances",
    "operator_owns_part",
    "insurer",
    "insured_sum",
    "insured_until",
    "signature_reference",
    "signature_hash",
    "fungible",
    "may_be_commingled",
    "may_be_substituted",
)


class ReceiptQuerySet(models.QuerySet["WarehouseReceipt"]):
    """Reads of receipts."""

    def visible_to(self, actor: Actor) -> ReceiptQuerySet:
        """Operator, depositor and holder see a receipt; lenders see it through their positions."""
        if actor.sees_everything:
            return self
        house = actor.organisation_id
        return self.filter(Q(operator_id=house) | Q(depositor_id=house) | Q(holder_id=house))


class WarehouseReceipt(StateModel):
    """One numbered receipt for a quantity of one lot (data elements: interfaces.md section 5).

    The number is one per operator in whatever spelling. Our journal records who holds it; it is
    not itself the register of title. `operator_lien` and `operator_advances` rank before a
    lender. Everything the operator wrote stays as written; only state and holder change.
    """

    operator = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="receipts")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="receipts")
    number = models.CharField(max_length=60, help_text="as the operator writes it")
    normal_number = models.CharField(
        max_length=60, help_text="NFKC, upper case, without spaces and dashes"
    )
    issued_on = models.DateField()
    place = models.CharField(max_length=120, blank=True, help_text="where it was issued")
    operator_licence = models.CharField(max_length=80, blank=True)
    depositor = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    negotiability = models.CharField(max_length=9, choices=Negotiability.choices)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="receipts")
    quantity = QuantityField()
    description = models.CharField(max_length=300)
    packages = models.PositiveIntegerField(null=True, blank=True)
    marks = models.CharField(max_length=200, blank=True)
    grade = models.CharField(max_length=80, blank=True)
    keeps_until = models.DateField(null=True, blank=True, help_text="shelf life")
    market_value = MoneyAmountField(null=True, blank=True, help_text="at deposit")
    currency = models.CharField(max_length=3, blank=True, help_text="of the amounts here")
    charges = MoneyAmountField(default=0, help_text="storage and handling")
    operator_lien = MoneyAmountField(default=0)
    operator_advances = MoneyAmountField(default=0)
    operator_owns_part = models.BooleanField(default=False)
    insurer = models.CharField(max_length=120, blank=True)
    insured_sum = MoneyAmountField(null=True, blank=True)
    insured_until = models.DateField(null=True, blank=True)
    signature_reference = models.CharField(max_length=120, blank=True)
    signature_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256, hexadecimal")
    fungible = models.BooleanField(default=False)
    may_be_commingled = models.BooleanField(default=False)
    may_be_substituted = models.BooleanField(default=False)
    state = StateField(RECEIPT_STATES, max_length=11)
    recorded_at = models.DateTimeField()

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        ordering = ["issued_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "normal_number"], name="receipt_number_unique_by_operator"
            ),
            models.CheckConstraint(name="receipt_has_a_number", condition=~Q(normal_number="")),
            models.CheckConstraint(name="receipt_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="receipt_negotiability_known",
                condition=Q(negotiability__in=Negotiability.values),
            ),
            models.CheckConstraint(
                name="receipt_amounts_not_negative",
                condition=Q(charges__gte=0, operator_lien__gte=0, operator_advances__gte=0),
            ),
            models.CheckConstraint(
                name="receipt_signature_hash_is_sha_256",
                condition=Q(signature_hash="") | Q(signature_hash__regex=r"^[0-9a-f]{64}$"),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [models.Index(fields=["lot", "state"], name="receipt_by_lot")]
        triggers = [
            frozen_columns(
                "operator",
                "site",
                "number",
                "normal_number",
                "issued_on",
                "lot",
                "quantity",
                "recorded_at",
                *TERMS,
            ),
            *_GUARDS.triggers,
        ]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=ReceiptState.ISSUED, target=ReceiptState.SPLIT)
    def split(self) -> None:
        """Give way to receipts for its parts."""

    @transition(field=state, source=ReceiptState.ISSUED, target=ReceiptState.MERGED)
    def merge(self) -> None:
        """Give way to one receipt for several."""

    @transition(field=state, source=ReceiptState.ISSUED, target=ReceiptState.CANCELLED)
    def cancel(self) -> None:
        """Declare it void: it was never right, or it was lost."""

    @transition(field=state, source=ReceiptState.ISSUED, target=ReceiptState.SURRENDERED)
    def surrender(self) -> None:
        """Take it back against the goods."""


class ReceiptEntryQuerySet(models.QuerySet["ReceiptEntry"]):
    """Reads of receipts' journals."""

    def visible_to(self, actor: Actor) -> ReceiptEntryQuerySet:
        """Whoever sees the receipt sees what became of it."""
        return self.filter(receipt__in=WarehouseReceipt.objects.visible_to(actor))


class ReceiptEntry(models.Model):
    """What happened to a receipt: issued, handed on, divided, joined, ended. Never changed.

    A division has one entry per part on the divided receipt, a joining one entry on each joined
    receipt; `other` is the receipt that came of it and `quantity` what went over.
    """

    receipt = models.ForeignKey(WarehouseReceipt, on_delete=models.PROTECT, related_name="entries")
    act = models.CharField(max_length=11, choices=ReceiptAct.choices)
    other = models.ForeignKey(
        WarehouseReceipt, on_delete=models.PROTECT, related_name="origins", null=True, blank=True
    )
    quantity = QuantityField()
    from_holder = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    to_holder = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    reason = models.CharField(max_length=300, blank=True)
    actor_label = models.CharField(max_length=160)
    happened_at = models.DateTimeField()

    objects = ReceiptEntryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "receipt entries"
        constraints = [
            models.CheckConstraint(
                name="receipt_entry_act_known", condition=Q(act__in=ReceiptAct.values)
            ),
            models.CheckConstraint(
                name="receipt_entry_names_what_came_of_it",
                condition=Q(act__in=["split", "merged"], other__isnull=False)
                | (~Q(act__in=["split", "merged"]) & Q(other__isnull=True)),
            ),
            models.CheckConstraint(
                name="receipt_entry_quantity_positive", condition=Q(quantity__gt=0)
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.receipt} {self.get_act_display()}"
