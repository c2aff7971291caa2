"""Floating mortgages reached through the real services by the people who may."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from logistics.models import Item, Lot, Site
from logistics.services.stock import ship_goods
from parties.actors import Actor
from parties.roles import Role
from pledges.models import FloatingMortgage, MortgagedItem
from pledges.services.mortgage import (
    MortgageTerms,
    activate_mortgage,
    add_site,
    draft_mortgage,
    select_item,
)
from tests.factories.lending import START
from tests.factories.logistics import unique
from tests.factories.parties import NOW, SYSTEM, make_actor
from tests.factories.pledges import Vault

FLOOR = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Yard:
    """A vault with a floating mortgage on alpha at the factory, and whoever chooses the goods."""

    vault: Vault
    mortgage: FloatingMortgage
    manager: Actor

    @property
    def facility_id(self) -> int:
        """Return the key of the yard's facility."""
        return self.vault.facility_id

    def fresh(self) -> FloatingMortgage:
        """Return the mortgage as it stands in the database."""
        return FloatingMortgage.objects.get(pk=self.mortgage.pk)

    def select(self, item: Item, *, on: date = START, now: datetime = NOW) -> MortgagedItem:
        """Choose an item, as the borrower's material manager."""
        return select_item(
            mortgage=self.mortgage, item=item, reason="liquid", on=on, actor=self.manager, now=now
        )

    def receive(self, quantity: Decimal | int, item: Item | None = None, **lot: Any) -> Lot:
        """Receive goods of the borrower at the factory; of alpha unless told."""
        return self.vault.lot(quantity, item, **({"site": self.vault.factory} | lot))

    def ship(self, lot: Lot, quantity: Decimal | int, *, at: datetime = NOW) -> Lot:
        """Ship goods away, as their custodian reports."""
        return ship_goods(
            lot=lot,
            quantity=Decimal(quantity),
            source=lot.site.operator,
            reference=unique("SHP"),
            occurred_at=at,
            actor=SYSTEM,
            now=at,
        )


def make_terms(**changes: Any) -> MortgageTerms:
    """Return terms with a floor of 1,000,000 USD and an alert at half in 7 days."""
    terms: dict[str, Any] = {
        "goods_class": "High-value conductive materials",
        "floor_value": FLOOR,
        "outflow_alert_share": Decimal("0.5"),
        "outflow_window_days": 7,
        "work_in_process_deduction": Decimal("0.2"),
    }
    return MortgageTerms(**(terms | changes))


def make_draft(vault: Vault, **terms: Any) -> FloatingMortgage:
    """Return a draft by the preparer that names nothing."""
    return draft_mortgage(
        facility=vault.desk.facility,
        number=unique("FM"),
        terms=make_terms(**terms),
        actor=vault.desk.team.preparer,
        on=START,
        now=NOW,
    )


def name_site(yard: Yard, site: Site) -> None:
    """Name a site, as the lender's preparer."""
    add_site(
        mortgage=yard.mortgage,
        site=site,
        reason="audited",
        on=START,
        actor=yard.vault.desk.team.preparer,
        now=NOW,
    )


def make_yard(vault: Vault, *, active: bool = True, **terms: Any) -> Yard:
    """Return a yard whose mortgage names alpha at the factory, activated by the approver."""
    manager = make_actor(organisation=vault.desk.borrower, roles=[Role.PREPARER])
    yard = Yard(vault, make_draft(vault, **terms), manager)
    yard.select(vault.goods.alpha)
    name_site(yard, vault.factory)
    if active:
        activate_mortgage(mortgage=yard.mortgage, on=START, actor=vault.desk.team.approver, now=NOW)
    return Yard(vault, yard.fresh(), manager)
