"""One conversion, and the requests for acts that two persons decide on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.http import Http404

from parties.actors import Actor
from pledges.models import ActRequest, Conversion, DisposalCase
from pledges.services.reversing_rooms import can_be_reversed
from pledges.states import RequestState
from portal.queries.events import with_legs


@dataclass(frozen=True, slots=True)
class ConversionDetail:
    """A conversion, what reversed it, and what was asked for about it."""

    conversion: Conversion
    reversal: Conversion | None
    requests: list[ActRequest]

    @property
    def waiting(self) -> ActRequest | None:
        """The request that waits for a second person, if one does."""
        return next((one for one in self.requests if one.state == RequestState.ASKED), None)

    @property
    def is_reversible(self) -> bool:
        """Whether it can go back, by itself or by its room, and did not yet."""
        return self.reversal is None and can_be_reversed(self.conversion)


def get_conversion(actor: Actor, conversion_id: uuid.UUID) -> ConversionDetail:
    """Return one conversion with its legs; 404 for strangers (three queries)."""
    rows = Conversion.objects.visible_to(actor).select_related(
        "facility__tenant", "person", "maker", "reverses", "reversal"
    )
    found = with_legs(rows).filter(pk=conversion_id).first()
    if found is None:
        raise Http404
    requests = ActRequest.objects.visible_to(actor).filter(conversion=found)
    return ConversionDetail(
        conversion=found,
        reversal=getattr(found, "reversal", None),
        requests=list(requests.select_related("maker", "checker").order_by("-asked_at", "-pk")),
    )


def list_case_requests(actor: Actor, case: DisposalCase) -> list[ActRequest]:
    """Return what was asked to be given up under a case, the latest first (one query)."""
    rows = ActRequest.objects.visible_to(actor).filter(case=case)
    return list(rows.select_related("maker", "checker", "position").order_by("-asked_at", "-pk"))
