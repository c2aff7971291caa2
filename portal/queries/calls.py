"""Margin calls and what each needs."""

from __future__ import annotations

from datetime import date

from django.http import Http404

from lending.models import Facility
from parties.actors import Actor
from pledges.measure import judging_days, measure
from pledges.models import Conversion, MarginCall, MarginCallEntry, MarginCallExtension
from pledges.rules.cover import Cover
from pledges.states import ExtensionState
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
        .select_related("facility", "tenant", "cured_by")
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


def list_entries(actor: Actor, call: MarginCall) -> list[MarginCallEntry]:
    """Return the call's history in its order (one query)."""
    visible = Facility.objects.visible_to(actor)
    entries = MarginCallEntry.objects.filter(call=call, call__facility__in=visible)
    return list(
        entries.select_related("conversion", "repayment")
        .prefetch_related("conversion__legs")
        .order_by("id")
    )


def get_request(actor: Actor, call: MarginCall) -> MarginCallExtension | None:
    """Return the request for more time that waits for a decision; the lender's alone."""
    waiting = MarginCallExtension.objects.filter(call=call, state=ExtensionState.ASKED)
    if not actor.sees_everything:
        waiting = waiting.filter(tenant_id=actor.organisation_id)
    return waiting.select_related("maker").first()


def get_cover_now(actor: Actor, call: MarginCall, *, on: date) -> Cover:
    """Return the facility's cover at the prices that it is judged by now (two queries)."""
    seen = Facility.objects.visible_to(actor).get(pk=call.facility_id)
    [day] = judging_days(on=on, facility_ids=[seen.pk])
    return measure(as_of=day, facility_ids=[seen.pk])[seen.pk]
