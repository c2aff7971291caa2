"""The real platform as the machine drives it: the same services as everywhere, one call an act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from lending.models import Loan
from lending.services.accrual import accrue
from lending.services.changes import apply_change, request_change
from lending.services.disbursements import approve_disbursement, request_disbursement
from lending.services.loans import agree_loan
from lending.services.repayment import repay
from lending.states import Product, RepaymentSource
from logistics.models import Item, Lot, Site
from logistics.services.shipments import Title
from logistics.services.stock import adjust_count
from logistics.states import SiteKind
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.eligibility import restore, suspend
from pledges.services.margin_calls import escalate_expired
from pledges.services.order_claims import deliver, prepay, revoke
from pledges.services.production import transform
from pledges.services.reversal import reverse
from pledges.services.sale import Back, apply_proceeds, collect, give_back, sell
from pledges.services.tick import follow_glides
from pledges.services.transit import Discharge, Loading, Unloaded, arrive, ship
from pledges.services.warehouse import Arrival, pledge_free, pledge_mortgaged, release, substitute
from pledges.states import Right, SuspensionReason
from risk import hooks
from risk.models import Commodity, PledgeRate, Price
from risk.services.overrides import apply_override, request_override
from risk.services.prices import Observation, record_prices
from tests.factories.lending import Desk, make_facility
from tests.factories.logistics import make_bill, make_lot, make_site
from tests.factories.parties import (
    SYSTEM,
    make_bank_account,
    make_borrower,
    make_carrier,
    make_contract_manufacturer,
    make_lender_team,
    make_supplier,
    make_warehouse_operator,
)
from tests.factories.pledges import make_goods, make_mixed

BILL = (Decimal("0.25"), Decimal("0.1"))  # kilograms of alpha in a widget, and what may be lost
LINES = {
    "plain": {},
    "lined": {
        "watch_line": Decimal("0.7"),
        "call_line": Decimal("0.85"),
        "minimum_controlled_value": Decimal(20_000),
        "release_factor": Decimal("0.8"),
    },
}


@dataclass(frozen=True)
class World:
    """Two lenders who finance one borrower, and where the goods lie. Made once, then only read."""

    desks: dict[str, Desk]
    items: dict[str, Item]
    sites: dict[str, Site]
    carrier: Organisation


def make_world() -> World:
    """Found the houses, quote the commodities, open the sites and two facilities."""
    goods = make_goods()
    widget = make_mixed({"alpha": BILL[0]})
    make_bill(product=widget, lines=[(goods.alpha, BILL[0])], loss_tolerance=BILL[1])
    carrier = make_carrier()
    sites = {
        "factory": make_site(kind=SiteKind.FACTORY, operator=make_contract_manufacturer()),
        "warehouse": make_site(operator=make_warehouse_operator()),
        "vehicle": make_site(kind=SiteKind.VEHICLE, operator=carrier),
    }
    first = _desk("plain")
    desks = {"plain": first, "lined": _desk("lined", beside=first)}
    items = {"alpha": goods.alpha, "beta": goods.beta, "widget": widget}
    return World(desks, items, sites, carrier)


def _desk(name: str, beside: Desk | None = None) -> Desk:
    team = make_lender_team()
    borrower = beside.borrower if beside else make_borrower()
    supplier = beside.supplier if beside else make_supplier()
    return Desk(
        team=team,
        facility=make_facility(team=team, borrower=borrower, code=name, **LINES[name]),
        borrower=borrower,
        borrower_account=beside.borrower_account
        if beside
        else make_bank_account(organisation=borrower),
        supplier=supplier,
        supplier_account=beside.supplier_account
        if beside
        else make_bank_account(organisation=supplier),
    )


class Hand:
    """Whoever acts, at one moment of one day. Every act gets references of its own."""

    def __init__(self, world: World, today: date) -> None:
        self.world = world
        self.today = today
        self.now = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
        self.written: list[Any] = []  # the conversions of the last act
        self._numbers = count(1)

    def unique(self, prefix: str) -> str:
        """Return a reference nobody used; the same in every replay."""
        return f"{prefix}-{next(self._numbers)}"

    def pass_days(self, days: int) -> None:
        """Go on to a later day, at nine."""
        self.today += timedelta(days=days)
        self.now = datetime(self.today.year, self.today.month, self.today.day, 9, tzinfo=UTC)

    def desk(self, facility: str) -> Desk:
        """Return a lender's desk."""
        return self.world.desks[facility]

    @contextmanager
    def act(
        self, facility: str, cause: str, requirement: Requirement = Requirement.NOT_WORSE
    ) -> Iterator[CoverAct]:
        """Open an act on a facility's cover, by the approver."""
        self.now += timedelta(seconds=1)
        desk = self.desk(facility)
        with covering(
            facility_id=desk.facility.pk,
            cause=cause,
            actor=desk.team.approver,
            on=self.today,
            now=self.now,
            requirement=requirement,
        ) as act:
            yield act
        self.written = [one.id for one in act.conversions]

    def evidence(self) -> Evidence:
        """Return a document of its own."""
        return Evidence("document", self.unique("DOC"))

    # --- goods --------------------------------------------------------------------------------

    def receive(self, item: str, site: str, quantity: Decimal) -> Lot:
        return make_lot(
            quantity=quantity,
            item=self.world.items[item],
            site=self.world.sites[site],
            owner=self.world.desks["plain"].borrower,
            number=self.unique("LOT"),
            occurred_at=self.now,
            now=self.now,
        )

    def pledge(self, facility: str, lot: Lot, quantity: Decimal) -> list[Position]:
        with self.act(facility, "pledge") as act:
            return pledge_free(act=act, lots=[(lot, quantity)], evidence=self.evidence())

    def prepay(self, facility: str, amount: Decimal) -> list[Position]:
        with self.act(facility, "prepay") as act:
            return [
                prepay(
                    act=act,
                    supplier=self.desk(facility).supplier,
                    amount=amount,
                    label="order",
                    evidence=self.evidence(),
                )
            ]

    def deliver(
        self, facility: str, claim: Any, part: Decimal, lot: Lot, quantity: Decimal
    ) -> list[Position]:
        with self.act(facility, "deliver") as act:
            return deliver(
                act=act,
                claims=[Take(claim, part)],
                lots=[(lot, quantity)],
                evidence=self.evidence(),
            )

    def transform(
        self, facility: str, claim: Any, used: Decimal, made: Decimal, right: str
    ) -> list[Position]:
        with self.act(facility, "transform") as act:
            return [
                transform(
                    act=act,
                    materials=[Take(claim, used)],
                    site=self.world.sites["factory"],
                    product=self.world.items["widget"],
                    lot_number=self.unique("RUN"),
                    quantity=made,
                    source=self.world.sites["factory"].operator,
                    reference=self.unique("PRD"),
                    occurred_at=self.now,
                    right=Right(right),
                )
            ]

    def bring_in(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        warehouse = self.world.sites["warehouse"]
        arrival = Arrival(
            site=warehouse,
            lot_number=self.unique("WH"),
            source=warehouse.operator,
            reference=self.unique("WR"),
            occurred_at=self.now,
        )
        with self.act(facility, "pledge") as act:
            return [pledge_mortgaged(act=act, goods=Take(claim, part), arrival=arrival)]

    def release(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        with self.act(facility, "release") as act:
            return release(
                act=act,
                goods=[Take(claim, part)],
                maker_id=self.desk(facility).team.preparer.person_id or 0,
                reference=self.unique("RO"),
                reason="sold for cash",
            )

    def substitute(
        self, facility: str, claim: Any, part: Decimal, lot: Lot, quantity: Decimal
    ) -> list[Position]:
        with self.act(facility, "substitute") as act:
            return substitute(
                act=act,
                give=[Take(claim, part)],
                bring=[(lot, quantity)],
                maker_id=self.desk(facility).team.preparer.person_id or 0,
                evidence=self.evidence(),
                reason="sells fast",
            )

    def ship(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        world, number = self.world, self.unique("BL")
        title = Title(
            bill_number=number,
            carrier=world.carrier,
            vehicle=world.sites["vehicle"],
            destination=world.sites["warehouse"],
            holder=self.desk(facility).team.lender,
        )
        loading = Loading(title=title, source=world.carrier, reference=number, occurred_at=self.now)
        with self.act(facility, "ship") as act:
            return ship(act=act, goods=[Take(claim, part)], loading=loading)[1]

    def arrive(self, facility: str, claim: Any, part: Decimal) -> list[Position]:
        discharge = Discharge(
            site=self.world.sites["warehouse"],
            source=self.world.carrier,
            reference=self.unique("ARR"),
            occurred_at=self.now,
        )
        goods = [Unloaded(claim, part, lot_number=self.unique("IN"))]
        with self.act(facility, "arrive") as act:
            return arrive(act=act, goods=goods, discharge=discharge)

    def count(self, lot: Lot, found: Decimal) -> Lot:
        self.now += timedelta(seconds=1)
        return adjust_count(
            lot=lot,
            counted=found,
            source=lot.site.operator,
            reference=self.unique("CNT"),
            occurred_at=self.now,
            actor=SYSTEM,
            now=self.now,
        )

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
            return [
                collect(
                    act=act, receivable=Take(claim, part), label="bank", evidence=self.evidence()
                )
            ]

    def apply(self, facility: str, claim: Any, part: Decimal, pays: bool) -> list[Position]:
        with self.act(facility, "apply") as act:
            if pays:
                self.repay(facility, part, source=RepaymentSource.PROCEEDS)
            right = Right.REPAID if pays else Right.RELEASED
            return [
                apply_proceeds(
                    act=act,
                    proceeds=Take(claim, part),
                    right=right,
                    label="waterfall",
                    evidence=self.evidence(),
                )
            ]

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
        self, facility: str, amount: Decimal, source: RepaymentSource = RepaymentSource.CASH
    ) -> None:
        desk = self.desk(facility)
        repay(
            facility=desk.facility,
            amount=amount,
            received_on=self.today,
            source=source,
            debit_code="cash",
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
        hooks.rates_published(
            commodity_ids=[commodity.pk], as_of=self.today, actor=SYSTEM, now=self.now
        )

    def silence(self, codes: list[str]) -> None:
        """Do what the night does for prices that went stale and rates that glide."""
        ids = list(Commodity.objects.filter(code__in=codes).values_list("pk", flat=True))
        if ids:
            hooks.rates_published(commodity_ids=ids, as_of=self.today, actor=SYSTEM, now=self.now)
        follow_glides(on=self.today, actor=SYSTEM, now=self.now)

    def strike(self) -> None:
        """Let the cure clock strike."""
        escalate_expired(actor=SYSTEM, now=self.now)
