"""Offers and sealed bids for what is sold after default, the sale, and the surplus given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from common.triggers import RefusingTrigger
from lending.models import Repayment
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters
from pledges.models.disposal import DisposalCase, DisposalChannel, DisposalLot
from pledges.models.position import Position
from pledges.states import SALE_STATES, SURPLUS_STATES, SaleState, SurplusState

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

_SALE_GUARDS = state_guards("sale", "state", SALE_STATES)
_SURPLUS_GUARDS = state_guards("surplus", "state", SURPLUS_STATES)


class _OpensAsCommitted(RefusingTrigger):
    """Refuses to open a bid early or late, or with an amount that was not committed to."""

    def __init__(self) -> None:
        super().__init__(
            constraint="opens_as_committed",
            message="a bid opens in its time, with the amount that was committed to",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(
                "OLD.revealed_at IS NULL AND NEW.revealed_at IS NOT NULL"
            ),
        )

    def get_func(self, model: models.Model) -> str:
        """Return the test (the formula of pledges.rules.sealed_bids) and the refusal."""
        found = (
            "SELECT 1 FROM pledges_disposallot l JOIN parties_organisation o "
            "ON o.id = NEW.bidder_id WHERE l.id = NEW.lot_id "
            "AND NEW.revealed_at >= l.opens_at AND NEW.revealed_at < l.closes_at "
            "AND NEW.commitment = encode(sha256(convert_to(NEW.amount::numeric(24,4)::text "
            "|| '|' || NEW.nonce || '|' || o.code, 'UTF8')), 'hex')"
        )
        return f"IF NOT EXISTS ({found}) THEN {super().get_func(model)} END IF; RETURN NEW;"


class Offer(models.Model):
    """What somebody would pay for a lot: in the open, or sealed until the lot's opening.

    Of a sealed bid only the commitment is kept until it is opened; nobody can read its amount
    before, the database included.
    """

    lot = models.ForeignKey(DisposalLot, on_delete=models.PROTECT, related_name="offers")
    channel = models.ForeignKey(DisposalChannel, on_delete=models.PROTECT, related_name="offers")
    bidder = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    amount = MoneyAmountField(null=True, help_text="for the whole lot; unknown while sealed")
    received_at = models.DateTimeField()
    binding_until = models.DateTimeField()
    commitment = models.CharField(max_length=64, blank=True, help_text="SHA-256, hex")
    nonce = models.CharField(max_length=80, blank=True)
    revealed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["received_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="offer_amount_positive", condition=Q(amount__isnull=True) | Q(amount__gt=0)
            ),
            models.CheckConstraint(
                name="offer_binds_for_a_time", condition=Q(binding_until__gt=F("received_at"))
            ),
            models.CheckConstraint(
                name="offer_sealed_until_it_is_opened",
                condition=Q(commitment="", nonce="", amount__isnull=False, revealed_at__isnull=True)
                | (
                    ~Q(commitment="")
                    & (
                        Q(nonce="", amount__isnull=True, revealed_at__isnull=True)
                        | (~Q(nonce="") & Q(amount__isnull=False, revealed_at__isnull=False))
                    )
                ),
            ),
            models.CheckConstraint(
                name="offer_commitment_is_a_hash",
                condition=Q(commitment="") | Q(commitment__regex=r"^[0-9a-f]{64}$"),
            ),
            models.UniqueConstraint(
                fields=["lot", "bidder"],
                condition=~Q(commitment=""),
                name="offer_sealed_once_per_bidder",
            ),
        ]
        triggers = [
            frozen_columns(
                "lot", "channel", "bidder", "received_at", "binding_until", "commitment"
            ),
            RefusingTrigger(
                constraint="amount_fixed_once_known",
                message="what was offered never changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.amount IS NOT NULL AND (OLD.amount, OLD.nonce, OLD.revealed_at) "
                    "IS DISTINCT FROM (NEW.amount, NEW.nonce, NEW.revealed_at)"
                ),
            ),
            _OpensAsCommitted(),
            CopiesAgree(
                constraint="comes_in_time_through_its_channel",
                message="an offer comes through the facility's channel, a bid before its opening",
                source="SELECT 1 FROM pledges_disposallot l "
                "JOIN pledges_disposalcase c ON c.id = l.case_id "
                "JOIN pledges_disposalchannel h ON h.facility_id = c.facility_id "
                "WHERE l.id = NEW.lot_id AND h.id = NEW.channel_id "
                "AND (h.kind = 'auction') = (l.opens_at IS NOT NULL) "
                "AND (NEW.commitment <> '') = (l.opens_at IS NOT NULL) "
                "AND (l.opens_at IS NULL OR NEW.received_at < l.opens_at)",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bidder}: {self.amount if self.amount is not None else '…'}"

    @property
    def is_sealed(self) -> bool:
        """Whether nobody knows its amount yet."""
        return self.amount is None


class Sale(StateModel):
    """An offer that one person proposes and another accepts; done when goods and money moved.

    `price` is what the buyer paid, into the controlled account; `costs` what selling cost, paid
    back to the lender before anything else. `reserve` repeats the lot's so that a CHECK can hold
    the price to it; `second` is what the next bid would have paid.
    """

    lot = models.ForeignKey(DisposalLot, on_delete=models.PROTECT, related_name="sales")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="sales")
    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    price = MoneyAmountField()
    reserve = MoneyAmountField()
    costs = MoneyAmountField(default=0)
    second = MoneyAmountField(null=True)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    sold_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    proceeds = models.OneToOneField(
        Position, on_delete=models.PROTECT, related_name="sale", null=True
    )
    repayment = models.OneToOneField(
        Repayment, on_delete=models.PROTECT, related_name="sale", null=True
    )
    state = StateField(SALE_STATES, max_length=8)

    class Meta:
        ordering = ["proposed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lot"], condition=~Q(state=SaleState.REFUSED), name="disposal_lot_sold_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "bank_reference"],
                condition=~Q(bank_reference=""),
                name="sale_paid_once",
            ),
            models.CheckConstraint(
                name="sale_not_below_reserve", condition=Q(price__gte=F("reserve"), reserve__gt=0)
            ),
            models.CheckConstraint(
                name="sale_costs_within_price", condition=Q(costs__gte=0, costs__lte=F("price"))
            ),
            models.CheckConstraint(
                name="sale_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="sale_done_is_paid",
                condition=~Q(state=SaleState.DONE)
                | (
                    Q(checker__isnull=False, sold_on__isnull=False, proceeds__isnull=False)
                    & ~Q(bank_reference="")
                ),
            ),
            *_SALE_GUARDS.constraints,
        ]
        triggers = [
            *_SALE_GUARDS.triggers,
            frozen_columns(
                "lot",
                "offer",
                "tenant",
                "buyer",
                "price",
                "reserve",
                "costs",
                "second",
                "maker",
                "proposed_at",
            ),
            CopiesAgree(
                constraint="copies_agree_with_offer",
                message="a sale is of its offer, at the offered price and the lot's reserve",
                source="SELECT 1 FROM pledges_offer o "
                "JOIN pledges_disposallot l ON l.id = o.lot_id "
                "JOIN pledges_disposalcase c ON c.id = l.case_id "
                "WHERE o.id = NEW.offer_id AND o.lot_id = NEW.lot_id "
                "AND o.bidder_id = NEW.buyer_id AND o.amount = NEW.price "
                "AND l.reserve = NEW.reserve AND c.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot} → {self.buyer}: {self.price}"

    @transition(field=state, source=SaleState.PROPOSED, target=SaleState.DONE)
    def accept(self, *, checker_id: int, on: date, bank_reference: str, proceeds: Position) -> None:
        """Let goods and money change hands, by the word of a second person."""
        self.checker_id, self.sold_on = checker_id, on
        self.bank_reference, self.proceeds = bank_reference, proceeds

    @transition(field=state, source=SaleState.PROPOSED, target=SaleState.REFUSED)
    def refuse(self, *, checker_id: int | None) -> None:
        """Turn it down; the lot is still for sale."""
        self.checker_id = checker_id


_SURPLUS_FACILITY = (
    "lending_facility f JOIN pledges_disposalcase c ON c.facility_id = f.id "
    'WHERE c.id = NEW."case_id"'
)


class Surplus(StateModel):
    """What the sales of a case brought beyond all that was owed, back to the borrower."""

    case = models.OneToOneField(DisposalCase, on_delete=models.PROTECT, related_name="surplus")
    amount = MoneyAmountField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    requested_at = models.DateTimeField()
    paid_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    state = StateField(SURPLUS_STATES, max_length=10)

    class Meta:
        verbose_name_plural = "surpluses"
        constraints = [
            models.CheckConstraint(name="surplus_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="surplus_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="surplus_paid_has_checker_and_bank_reference",
                condition=Q(state=SurplusState.REQUESTED)
                | (Q(checker__isnull=False, paid_on__isnull=False) & ~Q(bank_reference="")),
            ),
            *_SURPLUS_GUARDS.constraints,
        ]
        triggers = [
            *_SURPLUS_GUARDS.triggers,
            frozen_columns("case", "amount", "maker", "requested_at"),
            WithinAuthority(
                Act.DISBURSE,
                amount='NEW."amount"',
                currency=f"SELECT f.currency FROM {_SURPLUS_FACILITY}",
                house=f"(SELECT f.tenant_id FROM {_SURPLUS_FACILITY})",
                condition=enters(SurplusState.PAID),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.case}"

    @transition(field=state, source=SurplusState.REQUESTED, target=SurplusState.PAID)
    def pay(self, *, checker_id: int, paid_on: date, bank_reference: str) -> None:
        """Give it back, by the word of a second person."""
        self.checker_id, self.paid_on = checker_id, paid_on
        self.bank_reference = bank_reference


def price_of(offer: Offer) -> Decimal:
    """Return an offer's amount; it is known once it is not sealed."""
    assert offer.amount is not None
    return offer.amount
