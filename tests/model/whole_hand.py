"""The hand that agrees on mortgages, gives orders to custodians, and sells after a default."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from lending.models import Loan
from lending.services.default import ask_to_heal
from lending.services.write_off import approve_write_off, request_write_off
from lending.states import DefaultCause
from logistics.models import Lot
from logistics.services.stock import ship_goods
from pledges.instruction_states import InstructionKind
from pledges.models import DisposalCase, DisposalLot, FloatingMortgage, Instruction
from pledges.services.approvals import (
    approve_instruction,
    refuse_instruction,
    withdraw_instruction,
)
from pledges.services.conversion import Take
from pledges.services.custody import (
    acknowledge_instruction,
    decline_instruction,
    execute_instruction,
    give_evidence,
)
from pledges.services.disposal.declare_default import (
    declare_default,
    heal_default,
    propose_default,
)
from pledges.services.disposal.open_case import begin_selling, open_case
from pledges.services.disposal.place_offer import place_offer
from pledges.services.disposal.put_up_lot import LotTerms, put_up_lot, withdraw_lot
from pledges.services.disposal.sell_lot import accept_sale, propose_sale
from pledges.services.disposal.settle_case import give_up_goods, settle_case
from pledges.services.instruction_clock import chase_overdue
from pledges.services.instructions import request_instruction
from pledges.services.mortgage import (
    MortgageTerms,
    activate_mortgage,
    add_site,
    ask_discharge,
    crystallise_mortgage,
    discharge_mortgage,
    draft_mortgage,
    select_item,
)
from pledges.states import CrystallisationCause, DisposalTarget
from tests.factories.parties import SYSTEM
from tests.model.money_hand import MoneyHand


class Hand(MoneyHand):
    """Whoever acts."""

    @property
    def at(self) -> dict[str, Any]:
        """Return the day and the instant of an act."""
        return {"on": self.today, "now": self.now}

    # --- floating mortgages -------------------------------------------------------------------

    def agree_mortgage(
        self, facility: str, items: list[str], sites: list[str], floor: Decimal, minimum: Decimal
    ) -> FloatingMortgage:
        desk = self.desk(facility)
        with transaction.atomic():
            drafted = draft_mortgage(
                facility=desk.facility,
                number=self.unique("FM"),
                terms=MortgageTerms("goods", floor, minimum_controlled_value=minimum),
                actor=desk.team.preparer,
                **self.at,
            )
            for code in items:
                select_item(mortgage=drafted, item=self.world.items[code], reason="liquid",
                            actor=self.world.manager, **self.at)  # fmt: skip
            for site in sites:
                add_site(mortgage=drafted, site=self.world.sites[site], reason="audited",
                         actor=desk.team.preparer, **self.at)  # fmt: skip
            return activate_mortgage(mortgage=drafted, actor=desk.team.approver, **self.at)

    def _mortgage(self, facility: str) -> FloatingMortgage:
        return FloatingMortgage.objects.in_force().get(facility=self.desk(facility).facility)

    def crystallise(self, facility: str) -> None:
        crystallise_mortgage(
            mortgage=self._mortgage(facility),
            cause=CrystallisationCause.AGREED_EVENT,
            evidence=self.evidence(),
            reason="covenant broken",
            actor=self.desk(facility).team.risk_officer,
            **self.at,
        )

    def discharge(self, facility: str) -> None:
        team, under = self.desk(facility).team, self._mortgage(facility)
        with transaction.atomic():
            ask_discharge(mortgage=under, reason="repaid", actor=team.preparer, **self.at)
            discharge_mortgage(mortgage=under, actor=team.approver, **self.at)

    def ship_away(self, lot: Lot, quantity: Decimal) -> None:
        ship_goods(
            lot=lot,
            quantity=quantity,
            source=lot.site.operator,
            reference=self.unique("OUT"),
            occurred_at=self.now,
            actor=SYSTEM,
            now=self.now,
        )

    # --- orders to custodians -----------------------------------------------------------------

    def ask(self, facility: str, kind: str, thing: Any, quantity: Decimal) -> Instruction:
        desk = self.desk(facility)
        goods: dict[str, Any] = (
            {"bring": [(thing, quantity)]}
            if kind == InstructionKind.PLEDGE
            else {"give": [Take(thing, quantity)]}
        )
        return request_instruction(
            facility=desk.facility,
            kind=InstructionKind(kind),
            reason="sold for cash",
            actor=desk.team.preparer,
            **goods,
            **self.at,
        )

    def stamp(self, facility: str, number: int, what: str) -> Instruction:
        order, team = Instruction.objects.get(pk=number), self.desk(facility).team
        keeper = self.world.keepers[order.custodian_id]
        if what == "approve":
            return approve_instruction(instruction=order, actor=team.approver, **self.at)
        if what == "execute":
            return execute_instruction(instruction=order, actor=keeper, **self.at)
        if what == "acknowledge":
            return acknowledge_instruction(instruction=order, actor=keeper, now=self.now)
        if what == "evidence":
            return give_evidence(instruction=order, reference=self.unique("GDN"),
                                 sha256="a" * 64, actor=keeper, now=self.now)  # fmt: skip
        said: dict[str, Any] = {"instruction": order, "reason": "not now", "now": self.now}
        if what == "decline":
            return decline_instruction(actor=keeper, **said)
        return {"refuse": refuse_instruction, "withdraw": withdraw_instruction}[what](
            actor=team.approver, **said
        )

    def strike_off(self) -> None:
        chase_overdue(actor=SYSTEM, now=self.now)

    # --- default and disposal -----------------------------------------------------------------

    def default(self, facility: str) -> None:
        desk = self.desk(facility)
        with transaction.atomic():
            notice = propose_default(
                facility=desk.facility,
                cause=DefaultCause.INSOLVENCY,
                reference="court order",
                reason="insolvent",
                actor=desk.team.preparer,
                **self.at,
            )
            declare_default(notice=notice, actor=desk.team.approver, **self.at)

    def _notice(self, facility: str) -> Any:
        return self.desk(facility).facility.defaults.order_by("-pk")[0]

    def open_case(self, facility: str, restores: bool) -> None:
        team = self.desk(facility).team
        target = DisposalTarget.RESTORE if restores else DisposalTarget.EVERYTHING
        with transaction.atomic():
            case = open_case(notice=self._notice(facility), target=target,
                             actor=team.preparer, **self.at)  # fmt: skip
            begin_selling(case=case, actor=team.approver, **self.at)

    def _case(self, facility: str) -> DisposalCase:
        return DisposalCase.objects.filter(facility=self.desk(facility).facility).latest("pk")

    def put_up(self, facility: str, claim: Any, part: Decimal, reserve: Decimal) -> DisposalLot:
        return put_up_lot(
            case=self._case(facility),
            goods=[Take(claim, part)],
            terms=LotTerms(reserve=reserve),
            actor=self.desk(facility).team.preparer,
            **self.at,
        )

    def withdraw_parcel(self, facility: str, parcel: int) -> None:
        lot = DisposalLot.objects.get(pk=parcel)
        withdraw_lot(lot=lot, actor=self.desk(facility).team.preparer, **self.at)

    def sell_parcel(self, facility: str, parcel: int, price: Decimal) -> None:
        team, world = self.desk(facility).team, self.world
        with transaction.atomic():
            offer = place_offer(
                lot=DisposalLot.objects.get(pk=parcel),
                channel=world.channels[facility],
                bidder=world.buyer,
                amount=price,
                binding_until=self.now + timedelta(days=1),
                actor=team.operations,
                **self.at,
            )
            sale = propose_sale(offer=offer, costs=Decimal(0), actor=team.preparer, **self.at)
            accept_sale(sale=sale, bank_reference=self.unique("CR"), actor=team.approver, **self.at)

    def give_up(self, facility: str, claim: Any, part: Decimal) -> None:
        team = self.desk(facility).team
        give_up_goods(
            case=self._case(facility),
            goods=[Take(claim, part)],
            reason="burnt",
            maker=team.preparer,
            actor=team.approver,
            **self.at,
        )

    def settle(self, facility: str) -> None:
        settle_case(case=self._case(facility), actor=self.desk(facility).team.approver, **self.at)

    def heal(self, facility: str) -> None:
        team, notice = self.desk(facility).team, self._notice(facility)
        with transaction.atomic():
            ask_to_heal(notice=notice, reason="cured", actor=team.preparer, now=self.now)
            heal_default(notice=notice, actor=team.approver, **self.at)

    def write_off(self, facility: str, loan: Loan) -> None:
        team = self.desk(facility).team
        with transaction.atomic():
            asked = request_write_off(
                loan=loan, reason="nothing left", actor=team.preparer, now=self.now
            )
            approve_write_off(write_off=asked, actor=team.approver, **self.at)
