"""One thing offered twice: the asker hears a neutral no, and both risk desks an alarm.

A refusal rolls its transaction back, and an alarm raised inside would go with it. So whoever
answers the one who asked (a view, a task) runs the service through `claim_or_alarm`, outside of
any transaction: the alarm is raised after the rollback, in a transaction of its own. A service
that catches the refusal and keeps what it notes of it calls `alarm_desks` itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from lending.models import Facility
from logistics.models import Lot
from logistics.refusals import AlreadyClaimed
from logistics.services.holds import note_double_claim
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.services.claims import OfferedTwice, holders_of

_Result = TypeVar("_Result")


def claim_or_alarm(
    service: Callable[[], _Result], *, facility: Facility, actor: Actor, now: datetime
) -> _Result:
    """Run a service that claims goods for a facility; a refused double claim raises the alarm.

    Returns what the service returns and passes every refusal on unchanged. Call it outside of
    any transaction.
    """
    try:
        with transaction.atomic():
            return service()
    except AlreadyClaimed as refusal:
        alarm_desks(refusal, facility=facility, actor=actor, now=now)
        raise


@transaction.atomic
def alarm_desks(
    refusal: AlreadyClaimed, *, facility: Facility, actor: Actor, now: datetime
) -> None:
    """Tell the desk that was asked and the desks that hold; none learns who the other is.

    One alert a day for each desk and thing, however often it is tried.
    """
    note_double_claim(refusal=refusal, actor=actor, now=now)
    lot = Lot.objects.select_related("item", "site").get(pk=refusal.numbers["lot"])
    thing = f"{lot.item.name}, {lot.number}"
    payload = {"thing": thing, "site": lot.site.name}
    key = f"double_claim:{lot.pk}:{now.date()}"
    alerts = [_alert("double_claim_refused", facility.tenant_id, lot, f"{key}:asked", payload)]
    alerts += [
        _alert("double_claim_met", holder, lot, f"{key}:held", payload)
        for holder in _holders(refusal, lot)
        if holder != facility.tenant_id
    ]
    raise_alerts(alerts, now=now)


def _alert(
    what: str, organisation_id: int, lot: Lot, key: str, payload: dict[str, Any]
) -> NewAlert:
    return NewAlert(
        organisation_id=organisation_id,
        topic=f"pledges.{what}",
        aggregate="lot",
        aggregate_id=lot.pk,
        key=key,
        severity=Severity.URGENT,
        payload=payload,
    )


def _holders(refusal: AlreadyClaimed, lot: Lot) -> list[int]:
    """Return the lenders whose claims stood in the way: on the very thing, else on the lot."""
    named = refusal.holders if isinstance(refusal, OfferedTwice) else frozenset()
    return sorted(named or holders_of(lot))
