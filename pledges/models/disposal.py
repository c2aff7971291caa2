"""Disposal after default: the channels agreed beforehand, the case, and what is put up for sale."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, QuantityField, RateField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import DefaultNotice, Facility
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from pledges.models.position import Position
from pledges.states import (
    CASE_RUNS,
    CASE_STATES,
    CHANNEL_STATES,
    PARCEL_STATES,
    CaseState,
    ChannelKind,
    ChannelState,
    DisposalTarget,
    ParcelState,
)

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from parties.actors import Actor

_CHANNEL_GUARDS = state_guards("disposalchannel", "state", CHANNEL_STATES)
_CASE_GUARDS = state_guards("disposalcase", "state", CASE_STATES)
_PARCEL_GUARDS = state_guards("disposallot", "state", PARCEL_STATES)
_NAMED = [ChannelKind.BUY_BACK, ChannelKind.AGREED_BUYER]


class DisposalChannel(StateModel):
    """A way to sell that lender and borrower agreed on before there was a default.

    Buy-back and agreed buyers name who buys; a buy-back pays at least `price_share` of the live
    market value. Valid from `valid_from` to before `valid_until`.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="channels")
    kind = models.CharField(max_length=14, choices=ChannelKind.choices)
    counterparty = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    price_share = RateField(null=True, blank=True, help_text="of live market value, at least")
    terms = models.CharField(max_length=300)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    proposed_at = models.DateTimeField()
    agreed_on = models.DateField(null=True)
    state = StateField(CHANNEL_STATES, max_length=8)

    class Meta:
        ordering = ["facility", "id"]
        constraints = [
            models.CheckConstraint(
                name="channel_kind_known", condition=Q(kind__in=ChannelKind.values)
            ),
            models.CheckConstraint(
                name="channel_names_its_buyer",
                condition=~Q(kind__in=_NAMED) | Q(counterparty__isnull=False),
            ),
            models.CheckConstraint(
                name="channel_buy_back_has_a_price",
                condition=~Q(kind=ChannelKind.BUY_BACK) | Q(price_share__isnull=False),
            ),
            models.CheckConstraint(
                name="channel_price_share_positive",
                condition=Q(price_share__isnull=True) | Q(price_share__gt=0),
            ),
            models.CheckConstraint(
                name="channel_ends_after_it_begins",
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="channel_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="channel_agreed_has_checker",
                condition=Q(state__in=[ChannelState.PROPOSED, ChannelState.REFUSED])
                | Q(checker__isnull=False, agreed_on__isnull=False),
            ),
            *_CHANNEL_GUARDS.constraints,
        ]
        triggers = [
            *_CHANNEL_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "kind",
                "counterparty",
                "price_share",
                "terms",
                "valid_from",
                "maker",
                "proposed_at",
            ),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a channel belongs to its facility's lender",
                source="SELECT 1 FROM lending_facility f "
                "WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        who = f": {self.counterparty}" if self.counterparty else ""
        return f"{self.get_kind_display()}{who}"

    @transition(field=state, source=ChannelState.PROPOSED, target=ChannelState.AGREED)
    def agree(self, *, checker_id: int, on: date) -> None:
        """Agree to it, by the word of a second person."""
        self.checker_id, self.agreed_on = checker_id, on

    @transition(field=state, source=ChannelState.PROPOSED, target=ChannelState.REFUSED)
    def refuse(self, *, checker_id: int) -> None:
        """Turn it down."""
        self.checker_id = checker_id

    @transition(field=state, source=ChannelState.AGREED, target=ChannelState.ENDED)
    def end(self, *, on: date) -> None:
        """Use it no more from a day on; its term keeps one day, the state says the rest."""
        until = on if self.valid_until is None else min(on, self.valid_until)
        self.valid_until = max(until, self.valid_from + timedelta(days=1))


class DisposalCaseQuerySet(models.QuerySet["DisposalCase"]):
    """Reads of cases."""

    def visible_to(self, actor: Actor) -> DisposalCaseQuerySet:
        """Lender and borrower see a case."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(facility__borrower_id=own))

    def running(self) -> DisposalCaseQuerySet:
        """Cases under which something may still be sold."""
        return self.filter(state__in=CASE_RUNS)


class DisposalCase(StateModel):
    """The enforcement of one facility's collateral after one default; one runs at a time.

    The figures are those of the opening. A settled case owes nothing or has its deficit recorded:
    what was still owed when nothing was left to sell.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="disposals")
    notice = models.ForeignKey(DefaultNotice, on_delete=models.PROTECT, related_name="disposals")
    target = models.CharField(max_length=10, choices=DisposalTarget.choices)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    exposure = MoneyAmountField()
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    deficit = MoneyAmountField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why cancelled")
    state = StateField(CASE_STATES, max_length=10)

    objects = DisposalCaseQuerySet.as_manager()

    class Meta:
        ordering = ["opened_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility"],
                condition=Q(state__in=sorted(CASE_RUNS)),
                name="disposal_case_runs_once",
            ),
            models.CheckConstraint(
                name="disposal_target_known", condition=Q(target__in=DisposalTarget.values)
            ),
            models.CheckConstraint(
                name="disposal_case_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="disposal_case_sells_by_two_people",
                condition=~Q(state__in=[CaseState.SELLING, CaseState.SETTLED])
                | Q(checker__isnull=False),
            ),
            models.CheckConstraint(
                name="disposal_case_settled_says_its_deficit",
                condition=Q(state=CaseState.SETTLED, deficit__gte=0, deficit__isnull=False)
                | (~Q(state=CaseState.SETTLED) & Q(deficit__isnull=True)),
            ),
            models.CheckConstraint(
                name="disposal_case_ended_says_when",
                condition=Q(ended_at__isnull=True) ^ ~Q(state__in=sorted(CASE_RUNS)),
            ),
            *_CASE_GUARDS.constraints,
        ]
        triggers = [
            *_CASE_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "notice",
                "target",
                "opened_at",
                "opened_on",
                "exposure",
                "market_value",
                "lending_value",
                "maker",
            ),
            CopiesAgree(
                constraint="follows_a_default",
                message="a case follows a notice of default that was given for its facility",
                source="SELECT 1 FROM lending_defaultnotice n WHERE n.id = NEW.notice_id "
                "AND n.facility_id = NEW.facility_id AND n.tenant_id = NEW.tenant_id "
                "AND n.state = 'declared'",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.opened_on}"

    @transition(field=state, source=CaseState.OPENED, target=CaseState.SELLING)
    def begin(self, *, checker_id: int) -> None:
        """Let selling begin, by the word of a second person."""
        self.checker_id = checker_id

    @transition(field=state, source=CaseState.SELLING, target=CaseState.SETTLED)
    def settle(self, *, deficit: Decimal, now: datetime) -> None:
        """End it: all is paid, or what is left is recorded."""
        self.deficit, self.ended_at = deficit, now

    @transition(field=state, source=[CaseState.OPENED, CaseState.SELLING], target=CaseState.HEALED)
    def heal(self, *, now: datetime) -> None:
        """End it because the default is healed."""
        self.ended_at = now

    @transition(
        field=state, source=[CaseState.OPENED, CaseState.SELLING], target=CaseState.CANCELLED
    )
    def cancel(self, *, reason: str, now: datetime) -> None:
        """End it without a result; another may be opened."""
        self.reason, self.ended_at = reason, now


class DisposalLot(StateModel):
    """What is sold together: quantities of positions, from a reserve price on.

    `opens_at` makes it an auction: bids are handed in sealed before that instant and shown from
    it on, until before `closes_at`. `market_value` is the live value when it was put up.
    """

    case = models.ForeignKey(DisposalCase, on_delete=models.PROTECT, related_name="lots")
    number = models.PositiveSmallIntegerField()
    reserve = MoneyAmountField(help_text="below it there is no sale")
    expected_share = RateField(help_text="of market value, what a sale is expected to bring net")
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()
    offered_at = models.DateTimeField()
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    state = StateField(PARCEL_STATES, max_length=10)

    class Meta:
        ordering = ["case", "number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="disposal_lot_numbered_once"),
            models.CheckConstraint(
                name="disposal_lot_reserve_positive", condition=Q(reserve__gt=0)
            ),
            models.CheckConstraint(
                name="disposal_lot_share_positive", condition=Q(expected_share__gt=0)
            ),
            models.CheckConstraint(
                name="disposal_lot_opens_before_it_closes",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__gt=F("offered_at"), closes_at__gt=F("opens_at")),
            ),
            *_PARCEL_GUARDS.constraints,
        ]
        triggers = [
            *_PARCEL_GUARDS.triggers,
            frozen_columns(
                "case",
                "number",
                "reserve",
                "expected_share",
                "market_value",
                "lending_value",
                "offered_at",
                "opens_at",
                "closes_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} / {self.number}"

    @property
    def is_auction(self) -> bool:
        """Whether bids for it are sealed."""
        return self.opens_at is not None

    @transition(field=state, source=ParcelState.OFFERED, target=ParcelState.SOLD)
    def sell(self) -> None:
        """Hand it over: it is paid."""

    @transition(field=state, source=ParcelState.OFFERED, target=ParcelState.WITHDRAWN)
    def withdraw(self) -> None:
        """Take it off the market."""


class DisposalItem(models.Model):
    """So much of one position in a lot for sale; never changed."""

    lot = models.ForeignKey(DisposalLot, on_delete=models.PROTECT, related_name="items")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lot", "position"], name="disposal_item_once_per_lot"),
            models.CheckConstraint(
                name="disposal_item_quantity_positive", condition=Q(quantity__gt=0)
            ),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="of_the_cases_facility",
                message="what is sold secures the facility in default",
                source="SELECT 1 FROM pledges_disposallot l "
                "JOIN pledges_disposalcase c ON c.id = l.case_id "
                "JOIN pledges_position p ON p.facility_id = c.facility_id "
                "WHERE l.id = NEW.lot_id AND p.id = NEW.position_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.position}"
