"""The supply-chain map: page, scene at an instant, and one block's positions."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.boards.chain_map import map_board, map_texts, moment_of, node_board, scene_data
from portal.queries.placed import COLUMNS
from portal.web.page import Ask, page, show


@page
def chain_map(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show where every cent stands."""
    moment = moment_of(request.GET.get("at"), request.GET.get("window"), as_of=ask.as_of)
    return show(request, ask, "portal/map.html", map_board(ask.actor, ask.facility, moment))


@page
def scene(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Return the map at `?at=` with ribbons of `?window=` days."""
    moment = moment_of(request.GET.get("at"), request.GET.get("window"), as_of=ask.as_of)
    data = scene_data(ask.actor, ask.facility, moment)
    facts = render_to_string("portal/parts/facts.html", {"facts": data.pop("facts")})
    return JsonResponse(data | {"facts_html": facts, "texts": map_texts()})


@page
def node(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Return the positions behind the block `?place=&node=` at `?at=`."""
    place, key = request.GET.get("place", ""), request.GET.get("node", "")
    if place not in COLUMNS:
        raise Http404
    moment = moment_of(request.GET.get("at"), None, as_of=ask.as_of)
    board = node_board(ask.actor, ask.facility, moment, place=place, node=key)
    return render(request, "portal/parts/node.html", {"board": board})
