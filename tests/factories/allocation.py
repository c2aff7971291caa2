"""Allocation proposals in the state a test wants, by the people of both houses."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from common import clock
from lending.models import Facility
from logistics.models import Item, Lot
from logistics.services.stock import ship_lots
from parties.actors import Actor
from parties.roles import Role
from pledges.measure import measure
from pledges.models import AllocationProposal
from pledges.rules.allocation_problem import Need, Weights
from pledges.services.allocation import Wishes, keep_proposal
from pledges.services.allocation_acceptance import accept_proposal
from tests.factories.lending import START
from tests.factories.logistics import unique
from tests.factories.parties import NOW, SYSTEM, make_actor, make_carrier
from tests.factories.pledges import Vault

EASY = Weights(handling=Decimal(1), split=Decimal(1))


def wish(needs: dict[Item, Decimal | int] | None = None, **values: Any) -> Wishes:
    """Return wishes with needs by item a week from START; lots are split without much ado."""
    lines = [
        Need(item_id=item.pk, quantity=Decimal(quantity), by=START + timedelta(days=7))
        for item, quantity in (needs or {}).items()
    ]
    return Wishes(needs=lines, **({"weights": EASY} | values))


def make_borrowers_maker(vault: Vault) -> Actor:
    """Return somebody who prepares for the borrower."""
    return make_actor(organisation=vault.desk.borrower, roles=[Role.PREPARER])


def make_proposal(
    vault: Vault, wishes: Wishes | None = None, *, maker: Actor | None = None, **values: Any
) -> AllocationProposal:
    """Keep the allocation of the moment; by the borrower's maker unless somebody else is named."""
    given: dict[str, Any] = {"reason": "sells fast", "on": START, "now": NOW}
    return keep_proposal(
        facility=vault.desk.fresh(),
        wishes=wishes or wish(),
        actor=maker or make_borrowers_maker(vault),
        **(given | values),
    )


def accept(vault: Vault, proposal: AllocationProposal, **values: Any) -> AllocationProposal:
    """Accept a proposal as the lender's approver."""
    given: dict[str, Any] = {"actor": vault.desk.team.approver, "on": START, "now": NOW}
    return accept_proposal(proposal=proposal, **(given | values))


def suggest(facility: Facility) -> AllocationProposal:
    """Write a suggestion down for any facility, whatever it changes: its figures as they stand."""
    now = clock.now()
    cover = measure(as_of=now.date(), facility_ids=[facility.pk])[facility.pk]
    return AllocationProposal.objects.create(
        tenant_id=facility.tenant_id,
        facility=facility,
        reason="sells fast",
        wishes=wish().as_dict(),
        findings={"shortages": [], "bindings": []},
        contents_hash="",
        made_at=now,
        made_on=now.date(),
        priced_on=now.date(),
        exposure=cover.exposure,
        meets_cover=False,
        lending_before=cover.lending_value,
        lending_after=cover.lending_value,
        market_before=cover.market_value,
        market_after=cover.market_value,
        cost_before=0,
        cost_after=0,
    )


def make_sale(lot: Lot, quantity: Decimal | int, *, on: date) -> None:
    """Ship free goods of a lot to a buyer on a day."""
    at = datetime(on.year, on.month, on.day, 10, tzinfo=NOW.tzinfo)
    ship_lots(
        goods=[(lot, Decimal(quantity))],
        source=make_carrier(),
        reference=unique("CMR"),
        occurred_at=at,
        actor=SYSTEM,
        now=max(at, NOW),
    )
