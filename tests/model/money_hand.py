"""The hand that moves money, prices and time as well."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ledger.services.posting import Line, post
from lending.models import Loan
from lending.services.accrual import accrue
from lending.services.changes import apply_change, request_change
from lending.services.disbursements import approve_disbursement, request_disbursement
from lending.services.loans import agree_loan
from lending.services.repayment import repay
from lending.states import Product, RepaymentSource
from logistics.models import Lot
from pledges.models import Position
from pledges.services.conversion import Take
from pledges.services.cover import Requirement
from pledges.services.eligibility import restore, suspend
from pledges.services.margin_calls import escalate_expired
from pledges.services.order_claims import revoke
from pledges.services.reversal import reverse
from pledges.services.sale import Back, apply_proceeds, collect, give_back, sell
from pledges.services.tick import follow_glides
from pledges.services.warehouse import Arrival
from pledges.states import Right, SuspensionReason
from risk import hooks
from risk.models import Commodity, PledgeRate, Price
from risk.services.overrides import apply_override, request_override
from risk.services.prices import Observation, record_prices
from tests.factories.parties import (
    SYSTEM,
)
from tests.model.hand import GoodsHand


class MoneyHand(GoodsHand):
    """Whoever moves money too."""

    # --- money claims -------------------------------------------------------------------------

    def sell(
        self, facility: str, claim: Any, part: Decimal, face: Decimal, rate: Decimal
    ) -> list[Position]:
        with self.act(facility, "sell") as act:
            return [
                sell(
                    act=act,
                    goods=[Take(claim, part)],
                    face=face,
                    advance_rate=rate,
                    label="invoice",
                    carrier=self.world.carrier,
                    shipment_reference=self.unique("SHP"),
                    occurred_at=self.now,
                    evidence=self.evidence(),
                )
            ]

    def collect(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        with self.act(facility, "collect") as act:
            held = collect(
                act=act, receivable=Take(claim, part), label="bank", evidence=self.evidence()
            )
            self._book(facility, Line(f"collection:{facility}", f"proceeds:{facility}", part))
            return [held]

    def apply(self, facility: str, claim: Any, part: Decimal, pays: bool) -> list[Position]:
        """Pay the debt from what is held, and sweep it to cash; or give it back as surplus."""
        with self.act(facility, "apply") as act:
            if pays:
                self.repay(facility, part, RepaymentSource.PROCEEDS, f"proceeds:{facility}")
            applied = apply_proceeds(
                act=act,
                proceeds=Take(claim, part),
                right=Right.REPAID if pays else Right.RELEASED,
                label="waterfall",
                evidence=self.evidence(),
            )
            into = "cash" if pays else f"proceeds:{facility}"
            self._book(facility, Line(into, f"collection:{facility}", part))
            return [applied]

    def _book(self, facility: str, line: Line) -> None:
        """Keep the controlled account and what is owed from it in the books."""
        reference = self.unique("GL")
        post(
            tenant_id=self.desk(facility).facility.tenant_id,
            currency="USD",
            kind="proceeds",
            booked_on=self.today,
            lines=[line],
            reference=reference,
            narrative="controlled account",
            idempotency_key=reference,
            actor=SYSTEM,
            now=self.now,
        )

    def give_back(
        self, facility: str, claim: Any, part: Decimal, lot: Lot, quantity: Decimal
    ) -> list[Position]:
        store = Arrival(
            site=lot.site,
            lot_number=lot.number,
            source=lot.site.operator,
            reference=self.unique("BACK"),
            occurred_at=self.now,
        )
        with self.act(facility, "return", Requirement.NONE) as act:
            return give_back(
                act=act,
                receivable=Take(claim, part),
                goods=[Back(lot, quantity)],
                store=store,
                evidence=self.evidence(),
            )

    def revoke(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        with self.act(facility, "revoke", Requirement.NONE) as act:
            return [
                revoke(
                    act=act, claim=Take(claim, part), label="sent back", evidence=self.evidence()
                )
            ]

    def suspend(self, facility: str, claim: Any, suspended: bool) -> list[Position]:
        reason = SuspensionReason.INSPECTION
        with self.act(facility, "suspend", Requirement.NONE) as act:
            if suspended:
                suspend(act=act, reason=reason, findings={claim: {"report": "failed"}})
            else:
                restore(act=act, reason=reason, position_ids=[claim])
        return []

    def reverse(self, facility: str, conversion: Any) -> list[Position]:
        with self.act(facility, "reverse") as act:
            return reverse(
                act=act,
                conversion_id=conversion,
                maker_id=self.desk(facility).team.preparer.person_id or 0,
                reason="entered by mistake",
            )

    # --- loans --------------------------------------------------------------------------------

    def agree(self, facility: str, principal: Decimal, due_on: date) -> Loan:
        desk = self.desk(facility)
        return agree_loan(
            facility=desk.facility,
            product=Product.PLEDGE,
            principal=principal,
            due_on=due_on,
            on=self.today,
            actor=desk.team.preparer,
            now=self.now,
        )

    def draw(self, facility: str, loan: Loan, amount: Decimal) -> None:
        desk = self.desk(facility)
        asked = request_disbursement(
            loan=loan,
            payee=desk.borrower,
            account=desk.borrower_account,
            amount=amount,
            purpose="components",
            actor=desk.team.preparer,
            now=self.now,
        )
        approve_disbursement(
            disbursement=asked, on=self.today, actor=desk.team.approver, now=self.now
        )

    def repay(
        self,
        facility: str,
        amount: Decimal,
        source: RepaymentSource = RepaymentSource.CASH,
        debit_code: str = "cash",
    ) -> None:
        desk = self.desk(facility)
        repay(
            facility=desk.facility,
            amount=amount,
            received_on=self.today,
            source=source,
            debit_code=debit_code,
            reference=self.unique("BANK"),
            actor=desk.team.operations,
            now=self.now,
        )

    def accrue(self, facility: str) -> None:
        accrue(
            through=self.today,
            facility_ids=[self.desk(facility).facility.pk],
            actor=SYSTEM,
            now=self.now,
        )

    def change_terms(self, facility: str, changes: dict[str, Any]) -> None:
        desk = self.desk(facility)
        change = request_change(
            facility=desk.facility,
            changes=changes,
            reason="market",
            actor=desk.team.preparer,
            now=self.now,
        )
        apply_change(change=change, on=self.today, actor=desk.team.approver, now=self.now)

    # --- the market and the clock --------------------------------------------------------------

    def tick(self, prices: dict[str, Decimal]) -> None:
        record_prices(
            observations=[Observation(commodity=code, price=one) for code, one in prices.items()],
            source="feed",
            as_of=self.today,
            reference=self.unique("T"),
            actor=SYSTEM,
            now=self.now,
        )

    def override(self, code: str, price: Decimal) -> None:
        team = self.desk("plain").team
        override = request_override(
            commodity=Commodity.objects.get(code=code),
            price=price,
            on=self.today,
            reason="feed is wrong",
            actor=team.preparer,
            now=self.now,
        )
        apply_override(override=override, actor=team.risk_officer, now=self.now)

    def publish(self, code: str, rate: Decimal) -> None:
        """Publish a rate as the model would: a row of its own, then everybody is told."""
        commodity = Commodity.objects.get(code=code)
        known = PledgeRate.objects.filter(commodity=commodity, effective_on=self.today).count()
        PledgeRate.objects.create(
            commodity=commodity,
            effective_on=self.today,
            revision=known + 1,
            rate=rate,
            model_rate=rate,
            model="given",
            price=Price.objects.filter(commodity=commodity).latest("id"),
            recorded_at=self.now,
        )
        self._tell([commodity.pk])

    def silence(self, codes: list[str]) -> None:
        """Do what the night does for prices that went stale and rates that glide."""
        ids = list(Commodity.objects.filter(code__in=codes).values_list("pk", flat=True))
        if ids:
            self._tell(ids)
        follow_glides(on=self.today, actor=SYSTEM, now=self.now)

    def _tell(self, commodity_ids: list[int]) -> None:
        with hooks.moving_market(now=self.now):
            hooks.rates_published(
                commodity_ids=commodity_ids, as_of=self.today, actor=SYSTEM, now=self.now
            )

    def strike(self) -> None:
        """Let the cure clock strike."""
        escalate_expired(actor=SYSTEM, now=self.now)
