"""The receivable: an invoice for goods that really left, assigned to the lender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, QuantityField, RateField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from common.triggers import RefusingTrigger
from factoring.states import RECEIVABLE_STATES, ReceivableState
from lending.models import Facility, Loan
from lending.triggers import CopiesAgree
from logistics.models import Item
from parties.models import Organisation, Person
from pledges.models import Position
from pledges.triggers import ContinuesOnly

if TYPE_CHECKING:
    from parties.actors import Actor

_GUARDS = state_guards("receivable", "state", RECEIVABLE_STATES)


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


class Receivable(StateModel):
    """An invoice that one buyer owes; one invoice of a seller exists once for all lenders.

    `advance_rate` is what the claim lends (its share of lending value), as the facility said on
    the day of the sale.
    """

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
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    loan = models.OneToOneField(
        Loan, on_delete=models.PROTECT, related_name="receivable", null=True
    )
    position = models.OneToOneField(
        Position, on_delete=models.PROTECT, related_name="receivable", null=True
    )
    state = StateField(RECEIVABLE_STATES, max_length=10)

    objects = ReceivableQuerySet.as_manager()

    class Meta:
        ordering = ["issued_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "normal_number"], name="invoice_financed_once"
            ),
            models.CheckConstraint(name="receivable_face_positive", condition=Q(face__gt=0)),
            models.CheckConstraint(
                name="receivable_invoice_numbered", condition=~Q(normal_number="")
            ),
            models.CheckConstraint(
                name="receivable_due_after_issue", condition=Q(due_on__gte=F("issued_on"))
            ),
            models.CheckConstraint(
                name="receivable_debtor_is_not_seller", condition=~Q(seller=F("debtor"))
            ),
            models.CheckConstraint(
                name="receivable_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="receivable_assigned_has_position",
                condition=Q(state=ReceivableState.VERIFIED) | Q(position__isnull=False),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "seller",
                "debtor",
                "invoice_number",
                "normal_number",
                "buyer_order",
                "delivery_reference",
                "face",
                "currency",
                "issued_on",
                "due_on",
                "advance_rate",
                "maker",
                "checker",
            ),
            RefusingTrigger(
                constraint="assigned_for_good",
                message="the loan of an assigned receivable never changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'verified' AND OLD.loan_id IS DISTINCT FROM NEW.loan_id"
                ),
            ),
            ContinuesOnly("position", when="OLD.state <> 'verified'"),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a receivable belongs to its facility's lender, borrower and currency",
                source="SELECT 1 FROM lending_facility f WHERE f.id = NEW.facility_id "
                "AND f.tenant_id = NEW.tenant_id AND f.borrower_id = NEW.seller_id "
                "AND f.currency = NEW.currency",
            ),
        ]

    def __str__(self) -> str:
        return self.invoice_number

    @transition(
        field=state,
        source=ReceivableState.VERIFIED,
        target=ReceivableState.ASSIGNED,
        conditions=[lambda receivable: receivable.position_id is not None],
    )
    def assign(self) -> None:
        """Make the debt the lender's; the goods' position has become this one's."""

    @transition(field=state, source=ReceivableState.ASSIGNED, target=ReceivableState.COLLECTED)
    def collect(self) -> None:
        """Note that the buyer has paid in full."""

    @transition(field=state, source=ReceivableState.COLLECTED, target=ReceivableState.ASSIGNED)
    def be_owed_again(self) -> None:
        """Note that money counted for it was not: the buyer owes it still."""

    @transition(field=state, source=ReceivableState.SETTLED, target=ReceivableState.COLLECTED)
    def reopen(self) -> None:
        """Note that its advance is owed again, or that its money is unused again."""

    @transition(field=state, source=ReceivableState.COLLECTED, target=ReceivableState.SETTLED)
    def settle(self) -> None:
        """End it: the advance is repaid and the reserve given back."""


class ReceivableLine(models.Model):
    """One line of the invoice; quantities tie to the goods that left."""

    receivable = models.ForeignKey(Receivable, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    unit_price = models.DecimalField(max_digits=24, decimal_places=8)
    amount = MoneyAmountField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="receivable_line_positive", condition=Q(quantity__gt=0, amount__gt=0)
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.quantity} {self.item}"
