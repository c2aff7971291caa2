"""When stock will be sold out, and the swap proposed before it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from lending.models import Facility
from lending.states import FacilityState
from logistics.rules.quantities import is_countable
from outbox.models import Alert
from outbox.services.alerts import NewAlert, raise_alerts
from parties.actors import Actor
from pledges.allocation_reads import Stock, list_stock
from pledges.allocation_refusals import NothingToChange
from pledges.models import AllocationProposal
from pledges.rules.allocation_problem import Need
from pledges.rules.turnover import SellOut, Turnover, sell_out_of
from pledges.services.allocation import Quote, Wishes, quote_allocation, write_proposal

LEAD_DAYS = 14
HORIZON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Forecast:
    """One item's stock against its sales: when the free goods, and when all of them, are gone."""

    stock: Stock
    turnover: Turnover
    free_out: SellOut
    all_out: SellOut

    @property
    def nears(self) -> bool:
        """Whether the pledged goods will be wanted within the lead time, more likely than not."""
        likely = self.free_out.likely
        return self.stock.pledged > 0 and likely is not None and likely <= LEAD_DAYS

    @property
    def wanted(self) -> Decimal:
        """What is expected to sell within the horizon, no more than there is, in whole steps."""
        demand = min(self.turnover.a_day * HORIZON_DAYS, self.stock.free + self.stock.pledged)
        step = Decimal("0.001") if is_countable(Decimal("0.5"), self.stock.unit) else Decimal(1)
        rounding = ROUND_FLOOR if demand == self.stock.free + self.stock.pledged else ROUND_CEILING
        return (demand / step).to_integral_value(rounding=rounding) * step


def forecast_sell_out(*, facility: Facility, on: date) -> list[Forecast]:
    """Return when each item with stock will be sold out, the soonest first (one query)."""
    found = [
        Forecast(
            stock,
            turnover,
            sell_out_of(turnover, stock.free),
            sell_out_of(turnover, stock.free + stock.pledged),
        )
        for stock, turnover in list_stock(facility, on=on)
        if stock.free or stock.pledged
    ]
    never = Decimal("Infinity")
    return sorted(found, key=lambda one: (_first(one.free_out.likely, never), one.stock.code))


def _first(days: Decimal | None, never: Decimal) -> Decimal:
    return never if days is None else days


def suggest_swap(
    *, facility: Facility, actor: Actor, on: date, now: datetime
) -> AllocationProposal | None:
    """Suggest the swap that frees what will soon be wanted; alert both desks, naming it.

    Once per item and week. Returns the suggestion; None if nothing nears its sell-out or
    nothing can be freed (the desks are told that, too).
    """
    near = [one for one in forecast_sell_out(facility=facility, on=on) if one.nears]
    keys = {one.stock.item_id: _key(facility, one, on) for one in near}
    with transaction.atomic():
        known = set(Alert.objects.filter(key__in=keys.values()).values_list("key", flat=True))
        fresh = [one for one in near if keys[one.stock.item_id] not in known]
        if not fresh:
            return None
        wishes = wishes_of(near, on=on)
        quote = quote_allocation(facility=facility, wishes=wishes, on=on)
        proposal = _suggest(facility, wishes, quote, actor=actor, on=on, now=now)
        raise_alerts(
            [
                alert
                for one in fresh
                for alert in _alerts(facility, one, quote, proposal, keys[one.stock.item_id])
            ],
            now=now,
        )
    return proposal


def _key(facility: Facility, one: Forecast, on: date) -> str:
    week = on.isocalendar()
    return f"sell-out {facility.pk} {one.stock.code} {week.year}-W{week.week:02d}"


def wishes_of(near: Sequence[Forecast], *, on: date) -> Wishes:
    """Return the wish to have free what is expected to sell within the horizon."""
    by = on + timedelta(days=HORIZON_DAYS)
    needs = [Need(item_id=one.stock.item_id, quantity=one.wanted, by=by) for one in near]
    return Wishes(needs=needs, horizon_days=HORIZON_DAYS)


def suggest_swaps(*, actor: Actor, on: date, now: datetime) -> int:
    """Suggest swaps on every active facility with pledged goods; return how many were new."""
    facilities = Facility.objects.filter(
        state=FacilityState.ACTIVE, positions__right="pledge", positions__remaining__gt=0
    )
    found = [
        suggest_swap(facility=facility, actor=actor, on=on, now=now)
        for facility in facilities.distinct().order_by("pk")
    ]
    return sum(1 for proposal in found if proposal is not None)


def _suggest(
    facility: Facility, wishes: Wishes, quote: Quote, *, actor: Actor, on: date, now: datetime
) -> AllocationProposal | None:
    if not any(line.change < 0 for line in quote.plan.changes):
        return None
    try:
        return write_proposal(
            facility=facility,
            wishes=wishes,
            quote=quote,
            reason=_("Pledged goods near their sell-out"),
            actor=actor,
            on=on,
            now=now,
        )
    except NothingToChange:
        return None


def _alerts(
    facility: Facility,
    one: Forecast,
    quote: Quote,
    proposal: AllocationProposal | None,
    key: str,
) -> list[NewAlert]:
    stock = one.stock
    freed = sum(
        (-line.change for line in quote.plan.changes if line.part.item_id == stock.item_id),
        Decimal(0),
    )
    payload = {
        "item": stock.name,
        "unit": stock.unit,
        "free": stock.free,
        "pledged": stock.pledged,
        "early": one.free_out.early,
        "likely": one.free_out.likely,
        "late": one.free_out.late,
        "proposal": proposal.number if proposal else "",
        "freed": freed,
    }
    about = ("allocation_proposal", proposal.pk) if proposal else ("facility", facility.pk)
    return [
        NewAlert(
            organisation_id=organisation_id,
            topic="pledges.sell_out_near" if proposal else "pledges.sell_out_unavoidable",
            aggregate=about[0],
            aggregate_id=about[1],
            key=key,
            payload=payload,
        )
        for organisation_id in (facility.borrower_id, facility.tenant_id)
    ]
