"""Margin calls and what each needs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import Http404

from lending.models import Facility
from parties.actors import Actor
from pledges.models import Conversion, MarginCall
from portal.queries.events import with_legs


def list_calls(actor: Actor, facility: Facility) -> list[MarginCall]:
    """Return the facility's calls, newest first (one query)."""
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    return list(MarginCall.objects.filter(facility__in=visible).order_by("-opened_at", "-id"))


def get_call(actor: Actor, call_id: int) -> MarginCall:
    """Return one call with its facility and what cured it; 404 for strangers."""
    visible = Facility.objects.visible_to(actor)
    call = (
        MarginCall.objects.filter(facility__in=visible, pk=call_id)
        .select_related("facility", "cured_by")
        .first()
    )
    if call is None:
        raise Http404
    return call


def get_cure(actor: Actor, call: MarginCall) -> Conversion | None:
    """Return the conversion that cured the call, with its legs."""
    if call.cured_by_id is None:
        return None
    return with_legs(Conversion.objects.visible_to(actor).filter(pk=call.cured_by_id)).first()


@dataclass(frozen=True, slots=True)
class GoodsOffer:
    """How much of one right's goods, at market value, would cure a shortfall."""

    name: str
    rate: Decimal
    needed: Decimal
