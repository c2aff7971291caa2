"""Money out: asked for by one person, instructed by another, paid to somebody named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models.loan import Loan
from lending.states import DISBURSEMENT_STATES, DisbursementState, Product
from lending.triggers import CopiesAgree
from parties.models import BankAccount, Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters

if TYPE_CHECKING:
    from datetime import date, datetime

    from parties.actors import Actor

_GUARDS = state_guards("disbursement", "state", DISBURSEMENT_STATES)
_UNDECIDED = [DisbursementState.REQUESTED, DisbursementState.REFUSED]


class DisbursementQuerySet(models.QuerySet["Disbursement"]):
    """Reads of payments out."""

    def visible_to(self, actor: Actor) -> DisbursementQuerySet:
        """Lender, borrower and the one who is paid see a payment."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(borrower_id=own) | Q(payee_id=own))


class Disbursement(StateModel):
    """One payment out under a loan. Order finance never pays the borrower: the database refuses.

    `product` and `borrower` repeat the loan's, so that a CHECK can compare them; a trigger holds
    them equal to the loan's, and the account to the payee and the facility's currency.
    """

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
    reason = models.CharField(max_length=140, blank=True, help_text="why refused or sent back")
    state = StateField(DISBURSEMENT_STATES, max_length=10)

    objects = DisbursementQuerySet.as_manager()

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
                condition=Q(state__in=_UNDECIDED)
                | Q(checker__isnull=False, instructed_at__isnull=False, value_on__isnull=False),
            ),
            models.CheckConstraint(
                name="disbursement_paid_has_bank_reference",
                condition=~Q(state=DisbursementState.PAID)
                | (Q(paid_on__isnull=False) & ~Q(bank_reference="")),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [models.Index(name="disbursement_worklist", fields=["tenant", "state"])]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "loan",
                "product",
                "borrower",
                "payee",
                "account",
                "amount",
                "purpose",
                "maker",
                "requested_at",
            ),
            WithinAuthority(
                Act.DISBURSE,
                amount='NEW."amount"',
                currency="SELECT f.currency FROM lending_facility f "
                'JOIN lending_loan l ON l.facility_id = f.id WHERE l.id = NEW."loan_id"',
                condition=enters(DisbursementState.INSTRUCTED),
            ),
            CopiesAgree(
                constraint="copies_agree_with_loan",
                message="product, borrower and account belong to the loan and the payee",
                source="SELECT 1 FROM lending_loan l "
                "JOIN lending_facility f ON f.id = l.facility_id "
                "JOIN parties_bankaccount a ON a.id = NEW.account_id "
                "WHERE l.id = NEW.loan_id AND l.tenant_id = NEW.tenant_id "
                "AND l.product = NEW.product AND f.borrower_id = NEW.borrower_id "
                "AND a.organisation_id = NEW.payee_id AND a.currency = f.currency",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan} → {self.payee}: {self.amount}"

    @transition(
        field=state, source=DisbursementState.REQUESTED, target=DisbursementState.INSTRUCTED
    )
    def instruct(self, *, checker_id: int, value_on: date, now: datetime) -> None:
        """Send the payment to the bank, by the word of a second person."""
        self.checker_id, self.value_on, self.instructed_at = checker_id, value_on, now

    @transition(field=state, source=DisbursementState.REQUESTED, target=DisbursementState.REFUSED)
    def refuse(self, *, reason: str) -> None:
        """Turn the request down."""
        self.reason = reason

    @transition(field=state, source=DisbursementState.INSTRUCTED, target=DisbursementState.PAID)
    def confirm(self, *, paid_on: date, bank_reference: str) -> None:
        """Note that the bank has paid."""
        self.paid_on, self.bank_reference = paid_on, bank_reference

    @transition(field=state, source=DisbursementState.INSTRUCTED, target=DisbursementState.RETURNED)
    def send_back(self, *, reason: str) -> None:
        """Note that the bank did not pay."""
        self.reason = reason
