"""Money that came in for receivables: bank entries, what they paid, what goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from common.triggers import RefusingTrigger
from factoring.models.receivable import Receivable
from factoring.states import BANK_ENTRY_STATES, REBATE_STATES, BankEntryState, RebateState
from lending.models import Facility, Repayment
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters
from pledges.models import Position
from pledges.triggers import ContinuesOnly

if TYPE_CHECKING:
    from datetime import date

    from parties.actors import Actor

_ENTRY_GUARDS = state_guards("bankentry", "state", BANK_ENTRY_STATES)
_REBATE_GUARDS = state_guards("rebate", "state", REBATE_STATES)


class BankEntryQuerySet(models.QuerySet["BankEntry"]):
    """Reads of bank entries."""

    def visible_to(self, actor: Actor) -> BankEntryQuerySet:
        """Lender and borrower see what came into the facility's controlled account."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(facility__borrower_id=own))


class BankEntry(StateModel):
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
    state = StateField(BANK_ENTRY_STATES, max_length=8)

    objects = BankEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "bank entries"
        ordering = ["booked_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account_number", "entry_reference"], name="bank_entry_booked_once"
            ),
            models.CheckConstraint(name="bank_entry_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="bank_entry_identified",
                condition=~Q(account_number="") & ~Q(entry_reference=""),
            ),
            *_ENTRY_GUARDS.constraints,
        ]
        indexes = [
            models.Index(
                name="bank_entry_unmatched",
                fields=["facility", "booked_on"],
                condition=Q(state=BankEntryState.BOOKED),
            )
        ]
        triggers = [
            *_ENTRY_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "account_number",
                "entry_reference",
                "amount",
                "currency",
                "booked_on",
                "payer_name",
                "remittance",
                "recorded_at",
            ),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="an entry is in the currency of its facility, of the same lender",
                source="SELECT 1 FROM lending_facility f WHERE f.id = NEW.facility_id "
                "AND f.tenant_id = NEW.tenant_id AND f.currency = NEW.currency",
            ),
            CopiesAgree(
                constraint="unmatched_when_taken_back",
                message="an entry is free again when its collection was taken back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state = 'matched' AND NEW.state = 'booked'"),
                source="SELECT WHERE NOT EXISTS (SELECT FROM factoring_collection c "
                "WHERE c.entry_id = NEW.id AND c.taken_back_at IS NULL)",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_reference}: {self.amount}"

    @transition(field=state, source=BankEntryState.BOOKED, target=BankEntryState.MATCHED)
    def match(self) -> None:
        """Say what the money was for."""

    @transition(field=state, source=BankEntryState.MATCHED, target=BankEntryState.BOOKED)
    def unmatch(self) -> None:
        """Say that it was for something else; nothing is known of it again."""


class Collection(models.Model):
    """A bank entry matched to a receivable, and what became of the money.

    `taken_back_at` says that the match was a mistake: the entry may be matched anew. Its use may
    be taken back, too: then `proceeds` is what a reversal restored of them, and `repayment`
    another one, or none yet.
    """

    entry = models.ForeignKey(BankEntry, on_delete=models.PROTECT, related_name="collections")
    receivable = models.ForeignKey(Receivable, on_delete=models.PROTECT, related_name="collections")
    amount = MoneyAmountField()
    proceeds = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="collection")
    repayment = models.OneToOneField(
        Repayment, on_delete=models.PROTECT, related_name="collection", null=True
    )
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=Q(taken_back_at__isnull=True), name="entry_matched_once"
            ),
            models.CheckConstraint(
                name="collection_taken_back_repays_nothing",
                condition=Q(taken_back_at__isnull=True) | Q(repayment__isnull=True),
            ),
        ]
        triggers = [
            frozen_columns("entry", "receivable", "amount"),
            ContinuesOnly("proceeds"),
            CopiesAgree(
                constraint="repays_once",
                message="a collection's repayment changes only when it was taken back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.repayment_id IS NOT NULL "
                    "AND NEW.repayment_id IS DISTINCT FROM OLD.repayment_id"
                ),
                source="SELECT FROM lending_repayment r WHERE r.id = OLD.repayment_id "
                "AND r.reversed_at IS NOT NULL",
            ),
            RefusingTrigger(
                constraint="taken_back_once",
                message="a match that was taken back is made anew, not revived",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.taken_back_at IS NOT NULL"),
            ),
            RefusingTrigger(
                constraint="never_deleted",
                message="what was collected stays collected",
                operation=pgtrigger.Delete,
            ),
            CopiesAgree(
                constraint="entry_pays_receivable",
                message="an entry is matched whole, to a receivable of its own facility",
                source="SELECT 1 FROM factoring_bankentry e "
                "JOIN factoring_receivable r ON r.facility_id = e.facility_id "
                "JOIN pledges_position p ON p.facility_id = e.facility_id "
                "WHERE e.id = NEW.entry_id AND e.amount = NEW.amount "
                "AND r.id = NEW.receivable_id AND p.id = NEW.proceeds_id "
                "AND p.\"right\" = 'proceeds' AND p.quantity = NEW.amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.receivable}"


_REBATE_FACILITY = (
    "lending_facility f JOIN factoring_receivable r ON r.facility_id = f.id "
    'WHERE r.id = NEW."receivable_id"'
)


class Rebate(StateModel):
    """What remains after advance, interest and fees are paid, back to the seller."""

    receivable = models.OneToOneField(Receivable, on_delete=models.PROTECT, related_name="rebate")
    amount = MoneyAmountField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    requested_at = models.DateTimeField()
    paid_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    state = StateField(REBATE_STATES, max_length=10)

    class Meta:
        constraints = [
            models.CheckConstraint(name="rebate_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="rebate_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="rebate_paid_has_checker_and_bank_reference",
                condition=Q(state=RebateState.REQUESTED)
                | (Q(checker__isnull=False, paid_on__isnull=False) & ~Q(bank_reference="")),
            ),
            *_REBATE_GUARDS.constraints,
        ]
        triggers = [
            *_REBATE_GUARDS.triggers,
            frozen_columns("receivable", "amount", "maker", "requested_at"),
            WithinAuthority(
                Act.DISBURSE,
                amount='NEW."amount"',
                currency=f"SELECT f.currency FROM {_REBATE_FACILITY}",
                house=f"(SELECT f.tenant_id FROM {_REBATE_FACILITY})",
                condition=enters(RebateState.PAID),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.receivable}"

    @transition(field=state, source=RebateState.REQUESTED, target=RebateState.PAID)
    def pay(self, *, checker_id: int, paid_on: date, bank_reference: str) -> None:
        """Give the reserve back, by the word of a second person."""
        self.checker_id, self.paid_on = checker_id, paid_on
        self.bank_reference = bank_reference
