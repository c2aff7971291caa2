"""Order financing: the loan behind an order and the stages in which the supplier is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, RateField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Disbursement, Facility, Loan
from lending.triggers import CopiesAgree
from orders.models.purchase_order import PurchaseOrder
from orders.states import INSTRUCTED, STAGE_STATES, StageState, StageTrigger
from parties.models import Organisation
from pledges.models import Position

if TYPE_CHECKING:
    from datetime import date

_GUARDS = state_guards("paymentstage", "state", STAGE_STATES)


class OrderFinancing(models.Model):
    """How an order is financed: the lender's share of every stage; the buyer pays the rest."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    order = models.OneToOneField(PurchaseOrder, on_delete=models.PROTECT, related_name="financing")
    facility = models.ForeignKey(
        Facility, on_delete=models.PROTECT, related_name="order_financings"
    )
    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="order_financing")
    share = RateField(help_text="lender's share of each payment")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="order_financing_share_is_a_share", condition=Q(share__gt=0, share__lte=1)
            )
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="an order is financed for its own buyer, in the facility's currency",
                source="SELECT 1 FROM lending_facility f "
                "JOIN lending_loan l ON l.facility_id = f.id "
                "JOIN orders_purchaseorder o ON o.buyer_id = f.borrower_id "
                "AND o.currency = f.currency "
                "WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id "
                "AND l.id = NEW.loan_id AND l.product = 'order' AND o.id = NEW.order_id",
            ),
        ]

    def __str__(self) -> str:
        return f"financing of {self.order}"


class PaymentStage(StateModel):
    """One payment to the supplier: part disbursed by the lender, the rest by the buyer."""

    financing = models.ForeignKey(OrderFinancing, on_delete=models.CASCADE, related_name="stages")
    sequence = models.PositiveSmallIntegerField()
    trigger = models.CharField(max_length=10, choices=StageTrigger.choices)
    fraction = RateField()
    amount = MoneyAmountField(help_text="due to the supplier at this stage")
    lender_amount = MoneyAmountField()
    own_amount = MoneyAmountField(help_text="paid by the buyer itself")
    own_reference = models.CharField(max_length=35, blank=True)
    disbursement = models.OneToOneField(
        Disbursement, on_delete=models.PROTECT, related_name="stage", null=True
    )
    paid_on = models.DateField(null=True)
    state = StateField(STAGE_STATES, max_length=10)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["financing", "sequence"], name="payment_stage_sequence_unique"
            ),
            models.UniqueConstraint(
                fields=["financing", "own_reference"],
                condition=~Q(own_reference=""),
                name="payment_stage_own_payment_counts_once",
            ),
            models.CheckConstraint(
                name="payment_stage_trigger_known", condition=Q(trigger__in=StageTrigger.values)
            ),
            models.CheckConstraint(
                name="payment_stage_fraction_is_a_share",
                condition=Q(fraction__gt=0, fraction__lte=1),
            ),
            models.CheckConstraint(
                name="payment_stage_parts_make_the_whole",
                condition=Q(
                    amount=F("lender_amount") + F("own_amount"),
                    lender_amount__gt=0,
                    own_amount__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="payment_stage_asked_for_shows_own_payment",
                condition=Q(state=StageState.PLANNED)
                | (Q(disbursement__isnull=False) & (Q(own_amount=0) | ~Q(own_reference=""))),
            ),
            models.CheckConstraint(
                name="payment_stage_paid_says_when",
                condition=Q(state=StageState.PAID, paid_on__isnull=False)
                | (~Q(state=StageState.PAID) & Q(paid_on__isnull=True)),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "financing",
                "sequence",
                "trigger",
                "fraction",
                "amount",
                "lender_amount",
                "own_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.financing.order} / {self.sequence}"

    @property
    def is_instructed(self) -> bool:
        """Whether the lender's part has left for the bank, confirmed or not."""
        return self.state in INSTRUCTED

    @transition(field=state, source=StageState.PLANNED, target=StageState.REQUESTED)
    def ask_for(self, *, disbursement: Disbursement, own_reference: str) -> None:
        """Ask the lender to pay; the buyer's own payment is on record."""
        self.disbursement, self.own_reference = disbursement, own_reference

    @transition(field=state, source=StageState.REQUESTED, target=StageState.PLANNED)
    def turn_down(self) -> None:
        """Let the request go; it may be made again."""
        self.disbursement, self.own_reference = None, ""

    @transition(field=state, source=StageState.REQUESTED, target=StageState.APPROVED)
    def approve(self) -> None:
        """Have the payment instructed by a second person's word."""

    @transition(field=state, source=StageState.APPROVED, target=StageState.PLANNED)
    def come_back(self) -> None:
        """Note that the bank did not pay; it may be asked for again."""
        self.disbursement, self.own_reference = None, ""

    @transition(field=state, source=StageState.APPROVED, target=StageState.PAID)
    def confirm(self, *, paid_on: date) -> None:
        """Note that the bank has paid the supplier."""
        self.paid_on = paid_on


class OrderClaim(models.Model):
    """Ties an order claim position to the stage whose payment made it.

    A stage has another one only after the bank returned its payment and the first was revoked, or
    for what a delivery taken back gives back of it.
    """

    stage = models.ForeignKey(PaymentStage, on_delete=models.PROTECT, related_name="claims")
    position = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="order_claim")

    class Meta:
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="position_of_same_facility",
                message="a claim on a supplier secures the facility that paid it",
                source="SELECT 1 FROM pledges_position p "
                "JOIN orders_orderfinancing f ON f.facility_id = p.facility_id "
                "JOIN orders_paymentstage s ON s.financing_id = f.id "
                "WHERE p.id = NEW.position_id AND s.id = NEW.stage_id "
                "AND p.\"right\" = 'order_claim' AND p.quantity <= s.amount",
            ),
        ]

    def __str__(self) -> str:
        return f"claim of {self.stage}"
