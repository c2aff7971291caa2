"""The real platform as the machine drives it: the same services as everywhere, one call an act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from logistics.models import Lot
from logistics.services.shipments import Title
from logistics.services.stock import adjust_count
from pledges.models import Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.order_claims import deliver, prepay
from pledges.services.production import transform
from pledges.services.transit import Discharge, Loading, Unloaded, arrive, ship
from pledges.services.warehouse import Arrival, pledge_free, pledge_mortgaged, release, substitute
from pledges.states import Right
from tests.factories.lending import Desk
from tests.factories.logistics import make_lot
from tests.factories.parties import (
    SYSTEM,
)
from tests.model.world import World


class GoodsHand:
    """Whoever acts on goods, at one moment of one day. Every act has references of its own."""

    def __init__(self, world: World, today: date) -> None:
        self.world = world
        self.today = today
        self.now = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
        self._numbers = count(1)

    def unique(self, prefix: str) -> str:
        """Return a reference nobody used; the same in every replay."""
        return f"{prefix}-{next(self._numbers)}"

    def go_on(self) -> None:
        """Let a second go by: every act has an instant of its own."""
        self.now += timedelta(seconds=1)

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
        return adjust_count(
            lot=lot,
            counted=found,
            source=lot.site.operator,
            reference=self.unique("CNT"),
            occurred_at=self.now,
            actor=SYSTEM,
            now=self.now,
        )
