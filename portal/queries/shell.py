"""What stands around every page: the facilities the reader may look at and the business date."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from lending.models import Facility
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from pledges.models import MarginCall
from pledges.states import MarginCallState
from portal.names import name_of
from portal.queries.alerts import count_open_alerts
from portal.queries.dates import business_date
from portal.queries.instructions import count_waiting


@dataclass(frozen=True, slots=True)
class Shell:
    """Who looks, at which facility, as of which day, and how much waits: calls, alerts."""

    person_name: str
    organisation_name: str
    roles: str
    facilities: tuple[Facility, ...]
    facility: Facility | None
    as_of: date | None
    open_calls: int
    open_alerts: int
    waiting_instructions: int


def get_shell(actor: Actor, wanted: int | None) -> Shell:
    """Return the frame of a page (six queries). `wanted` is ignored if it may not be seen."""
    facilities = tuple(Facility.objects.visible_to(actor).order_by("name", "id"))
    facility = next(
        (f for f in facilities if f.pk == wanted), facilities[0] if facilities else None
    )
    own = Q(pk=actor.organisation_id)
    organisation = Organisation.objects.visible_to(actor).filter(own).first()
    return Shell(
        person_name=actor.label,
        organisation_name=name_of(organisation) if organisation else "",
        roles=" · ".join(str(Role(role).label) for role in sorted(actor.roles)),
        facilities=facilities,
        facility=facility,
        as_of=business_date(actor, facility),
        open_calls=_count_open_calls(facilities),
        open_alerts=count_open_alerts(actor),
        waiting_instructions=count_waiting(actor),
    )


def _count_open_calls(facilities: tuple[Facility, ...]) -> int:
    return (
        MarginCall.objects.filter(facility__in=facilities)
        .exclude(state=MarginCallState.CURED)
        .count()
    )
