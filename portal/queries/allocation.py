"""Allocations: quotes for a reader's facility, kept proposals, names, forecasts."""

from __future__ import annotations

from datetime import date

from django.http import Http404

from lending.models import Facility
from parties.actors import Actor
from pledges.models import AllocationProposal
from pledges.services.allocation import Quote, Wishes, quote_allocation
from pledges.services.sell_out import Forecast, forecast_sell_out
from portal.allocation_words import Names
from portal.names import localised, name_of
from risk.models import Commodity

MOST_SHOWN = 50


def get_quote(actor: Actor, facility: Facility, wishes: Wishes, *, on: date) -> Quote:
    """Return an allocation of the reader's facility; 404 for strangers. Writes nothing."""
    return quote_allocation(facility=_seen(actor, facility), wishes=wishes, on=on)


def list_forecasts(actor: Actor, facility: Facility, *, on: date) -> list[Forecast]:
    """Return when each item's stock sells out; 404 for strangers (two queries)."""
    return forecast_sell_out(facility=_seen(actor, facility), on=on)


def list_proposals(actor: Actor, facility: Facility) -> list[AllocationProposal]:
    """Return the newest proposals of a facility (one query)."""
    seen = AllocationProposal.objects.visible_to(actor).filter(facility=facility)
    return list(seen.select_related("maker", "checker")[:MOST_SHOWN])


def get_proposal(actor: Actor, proposal_id: int) -> AllocationProposal:
    """Return a proposal with its lines; 404 for strangers (two queries)."""
    found = (
        AllocationProposal.objects.visible_to(actor)
        .select_related("facility", "maker", "checker", "conversion")
        .prefetch_related("lines__lot__item", "lines__lot__site")
        .filter(pk=proposal_id)
        .first()
    )
    if found is None:
        raise Http404
    return found


def names_of_quote(quote: Quote, forecasts: list[Forecast]) -> Names:
    """Return what the ids of a quote are called (one query)."""
    items = {
        one.stock.item_id: (localised(one.stock.name, one.stock.name_zh), one.stock.unit)
        for one in forecasts
    }
    sites = {one.part.site_id: localised(one.site, one.site_zh) for one in quote.goods.values()}
    return Names(items, sites, _commodities())


def names_of_proposal(proposal: AllocationProposal) -> Names:
    """Return what the ids of a kept proposal are called (one query)."""
    lots = [line.lot for line in proposal.lines.all()]
    return Names(
        {lot.item_id: (name_of(lot.item), lot.item.unit) for lot in lots},
        {lot.site_id: name_of(lot.site) for lot in lots},
        _commodities(),
    )


def _commodities() -> dict[int, str]:
    rows = Commodity.objects.values_list("pk", "name", "name_zh")
    return {pk: localised(name, name_zh) for pk, name, name_zh in rows}


def _seen(actor: Actor, facility: Facility) -> Facility:
    found = Facility.objects.visible_to(actor).filter(pk=facility.pk).first()
    if found is None:
        raise Http404
    return found
