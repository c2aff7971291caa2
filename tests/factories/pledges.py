"""Claims on goods in the state a test wants, reached through the real verbs.

Two goods with one content each: a kilogram of alpha is worth 500 USD, one of beta 250; both lend
half of it. So 4,000 kg of alpha are worth 2,000,000 and lend 1,000,000.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from logistics.models import Item, Lot, Site
from logistics.services.catalogue import define_item
from logistics.states import SiteKind
from parties.actors import Actor
from pledges.measure import measure
from pledges.models import Position
from pledges.rules.cover import Cover
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.order_claims import deliver, prepay
from pledges.services.production import transform
from pledges.services.warehouse import Arrival, pledge_free, pledge_mortgaged, release, substitute
from pledges.states import Right
from tests.factories.lending import START, Desk, make_desk
from tests.factories.logistics import make_bill, make_lot, make_site, unique
from tests.factories.parties import (
    NOW,
    SYSTEM,
    LenderTeam,
    make_contract_manufacturer,
    make_warehouse_operator,
)
from tests.factories.risk import make_money, make_quoted

ALPHA, BETA = Decimal(500), Decimal(250)
HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Goods:
    """What all vaults of a test deal in."""

    alpha: Item
    beta: Item


def make_goods() -> Goods:
    """Quote the two commodities on the day of START and define an item of each."""
    make_money("USD")
    for code, price in (("alpha", ALPHA), ("beta", BETA)):
        make_quoted(code=code, price=price, rate=HALF, on=START, quoted_unit="kg")
    return Goods(make_pure("alpha"), make_pure("beta"))


def make_pure(code: str, **formula: Any) -> Item:
    """Define an item whose kilogram is a kilogram of one commodity."""
    return make_mixed({code: Decimal(1)}, unit="KGM", **formula)


def make_mixed(kilograms: Mapping[str, Decimal], *, unit: str = "C62", **formula: Any) -> Item:
    """Define an item with so many kilograms of each commodity in one unit."""
    code = unique("goods")
    values: dict[str, Any] = {
        "owner": make_contract_manufacturer(),
        "currency": "USD",
        "contents": {commodity: (kilos, "KGM") for commodity, kilos in kilograms.items()},
        "actor": SYSTEM,
        "now": NOW,
    }
    return define_item(code=code, name=code.capitalize(), unit=unit, **(values | formula))


@dataclass(frozen=True, slots=True)
class Vault:
    """A lender's desk with a factory and a warehouse where its collateral lies."""

    desk: Desk
    goods: Goods
    factory: Site
    warehouse: Site

    @property
    def facility_id(self) -> int:
        """Return the key of the vault's facility."""
        return self.desk.facility.pk

    def act(
        self,
        *,
        cause: str = "test",
        actor: Actor | None = None,
        on: date = START,
        now: datetime = NOW,
        requirement: Requirement = Requirement.NOT_WORSE,
    ) -> AbstractContextManager[CoverAct]:
        """Open an act on the facility's cover, by the approver unless somebody else is named."""
        return covering(
            facility_id=self.facility_id,
            cause=cause,
            actor=actor or self.desk.team.approver,
            on=on,
            now=now,
            requirement=requirement,
        )

    def lot(self, quantity: Decimal | int, item: Item | None = None, **lot: Any) -> Lot:
        """Return a free lot of the borrower's in the warehouse; of alpha unless told."""
        values = {"site": self.warehouse, "owner": self.desk.borrower}
        return make_lot(quantity=Decimal(quantity), item=item or self.goods.alpha, **(values | lot))

    def pledge_lot(self, lot: Lot, quantity: Decimal | int | None = None, **act: Any) -> Position:
        """Pledge (part of) a free lot."""
        taken = lot.on_hand if quantity is None else Decimal(quantity)
        with self.act(cause="pledge", **act) as open_act:
            [position] = pledge_free(act=open_act, lots=[(lot, taken)], evidence=EVIDENCE)
        return position

    def pledge(self, quantity: Decimal | int, item: Item | None = None, **act: Any) -> Position:
        """Pledge a new lot."""
        return self.pledge_lot(self.lot(quantity, item), **act)

    def prepay(self, amount: Decimal | int, **act: Any) -> Position:
        """Make the order claim of an advance payment."""
        with self.act(cause="prepay", **act) as open_act:
            return prepay(
                act=open_act,
                supplier=self.desk.supplier,
                amount=Decimal(amount),
                label="order 1",
                evidence=EVIDENCE,
            )

    def mortgage(self, quantity: Decimal | int, item: Item | None = None) -> Position:
        """Mortgage goods at the factory, delivered for a claim of one dollar."""
        claim = self.prepay(1)
        lot = self.lot(quantity, item, site=self.factory)
        with self.act(cause="deliver") as act:
            [position] = deliver(
                act=act,
                claims=[Take(claim.pk, Decimal(1))],
                lots=[(lot, lot.on_hand)],
                evidence=EVIDENCE,
            )
        return position

    def assemble(
        self,
        materials: list[Take],
        *,
        product: Item,
        quantity: Decimal | int,
        right: Right = Right.FLOATING_MORTGAGE,
    ) -> Position:
        """Turn mortgaged materials into finished goods at the factory."""
        with self.act(cause="transform") as act:
            return transform(
                act=act,
                materials=materials,
                site=self.factory,
                product=product,
                lot_number=unique("RUN"),
                quantity=Decimal(quantity),
                source=self.factory.operator,
                reference=unique("PRD"),
                occurred_at=NOW,
                right=right,
            )

    def bring_in(self, goods: Take) -> Position:
        """Turn mortgaged goods into pledged ones in the warehouse."""
        arrival = Arrival(
            site=self.warehouse,
            lot_number=unique("WH"),
            source=self.warehouse.operator,
            reference=unique("WR"),
            occurred_at=NOW,
        )
        with self.act(cause="pledge") as act:
            return pledge_mortgaged(act=act, goods=goods, arrival=arrival)

    def release(self, *goods: Take, maker: Actor | None = None, **act: Any) -> list[Position]:
        """Give goods back: asked by the preparer, decided by the approver."""
        with self.act(cause="release", **act) as open_act:
            return release(
                act=open_act,
                goods=goods,
                maker_id=(maker or self.desk.team.preparer).person_id or 0,
                reference=unique("RO"),
                reason="sold for cash",
            )

    def swap(
        self, give: list[Take], bring: list[tuple[Lot, Decimal]], **act: Any
    ) -> list[Position]:
        """Swap pledged goods for free ones."""
        with self.act(cause="substitute", **act) as open_act:
            return substitute(
                act=open_act,
                give=give,
                bring=bring,
                maker_id=self.desk.team.preparer.person_id or 0,
                evidence=EVIDENCE,
                reason="sells fast",
            )

    def cover(self, on: date = START) -> Cover:
        """Return the cover at the prices of a day."""
        return measure(as_of=on, facility_ids=[self.facility_id])[self.facility_id]

    def band(self) -> str:
        """Return the recorded band; a facility never judged is covered."""
        cover = getattr(self.desk.fresh(), "cover", None)
        return cover.band if cover else "covered"


EVIDENCE = Evidence("document", "doc-1")


def make_vault(
    *, goods: Goods | None = None, team: LenderTeam | None = None, **terms: Any
) -> Vault:
    """Return a vault with an active facility of 2,000,000 USD and nothing in it."""
    return Vault(
        desk=make_desk(team=team, **terms),
        goods=goods or make_goods(),
        factory=make_site(kind=SiteKind.FACTORY, operator=make_contract_manufacturer()),
        warehouse=make_site(operator=make_warehouse_operator()),
    )


def make_product(material: Item, *, per_piece: Decimal, loss: Decimal, code: str) -> Item:
    """Define a piece that holds so many kilograms of a commodity, and the bill it is made by."""
    product = make_mixed({code: per_piece})
    make_bill(product=product, lines=[(material, per_piece)], loss_tolerance=loss)
    return product


# What a refusal must leave as it was.
WATCHED = (
    "pledges_position",
    "pledges_positionterm",
    "pledges_poolline",
    "pledges_conversion",
    "pledges_conversionleg",
    "pledges_facilitycover",
    "pledges_coverrecord",
    "pledges_margincall",
    "pledges_instruction",
    "pledges_instructionline",
    "pledges_instructionstep",
    "pledges_evidencephoto",
    "pledges_autoapprovalrule",
    "outbox_alert",
    "pledges_floatingmortgage",
    "pledges_mortgageditem",
    "pledges_mortgagedsite",
    "pledges_margincallentry",
    "pledges_margincallextension",
    "lending_facility",
    "lending_loan",
    "lending_disbursement",
    "lending_repayment",
    "logistics_lot",
    "logistics_hold",
    "logistics_stockact",
    "logistics_stockevent",
    "logistics_productionrun",
    "logistics_workinprocess",
    "ledger_posting",
    "outbox_event",
    "outbox_auditentry",
)


def fingerprint() -> dict[str, str]:
    """Return a digest of every watched table's rows, whatever their order."""
    select = " UNION ALL ".join(
        f"SELECT '{name}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) "
        f"FROM {name} t"
        for name in WATCHED
    )
    with connection.cursor() as cursor:
        cursor.execute(select)
        return dict(cursor.fetchall())
