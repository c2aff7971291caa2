"""Order financing: the loan behind an order and the stages in which the supplier is paid."""

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, RateField
from lending.models import Disbursement, Facility, Loan
from orders.models.purchase_order import PurchaseOrder
from orders.states import StageState, StageTrigger
from parties.models import Organisation
from pledges.models import Position


class OrderFinancing(models.Model):
    """How an order is financed: the lender's share of every stage; the borrower pays the rest."""

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

    def __str__(self) -> str:
        return f"financing of {self.order}"


class PaymentStage(models.Model):
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
    state = models.CharField(max_length=10, choices=StageState.choices, default=StageState.PLANNED)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["financing", "sequence"], name="payment_stage_sequence_unique"
            ),
            models.CheckConstraint(
                name="payment_stage_parts_make_the_whole",
                condition=Q(amount=F("lender_amount") + F("own_amount")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.financing} stage {self.sequence}"


class OrderClaim(models.Model):
    """Ties an order claim position to the stage whose payment made it."""

    stage = models.OneToOneField(PaymentStage, on_delete=models.PROTECT, related_name="claim")
    position = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="order_claim")

    def __str__(self) -> str:
        return f"claim of {self.stage}"
