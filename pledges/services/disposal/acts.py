"""What the verbs of disposal share: locks in order, who may act, and the traces they leave."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from common.locks import lock_one
from lending.models import Facility
from lending.services.accrual import count_interest
from lending.services.exposure import tell_exposure
from outbox.services import emit, record
from parties.actors import Actor
from parties.roles import Role
from pledges.measure import measure
from pledges.models import DisposalCase, DisposalLot
from pledges.rules.cover import Cover
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.disposal.refusals import CaseNotSelling
from pledges.states import CaseState, ParcelState

MAKERS = (Role.PREPARER, Role.RISK_OFFICER)
CHECKERS = (Role.APPROVER, Role.RISK_OFFICER)
ZERO = Decimal(0)


def enforcing(
    facility_id: int, *, cause: str, on: date, actor: Actor, now: datetime
) -> AbstractContextManager[CoverAct]:
    """Open an act against a debtor in default: recorded and judged, never refused for cover."""
    return covering(
        facility_id=facility_id,
        cause=cause,
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    )


def lock_case(case_id: int) -> DisposalCase:
    """Lock a case and read it anew; the caller holds its facility's lock."""
    cases = DisposalCase.objects.select_related("facility__borrower", "notice")
    return lock_one(cases, case_id)


def lock_lot(lot_id: int) -> DisposalLot:
    """Lock a lot for sale and read it anew; the caller holds its case's lock."""
    return lock_one(DisposalLot.objects.all(), lot_id)


def require_selling(case: DisposalCase) -> None:
    """Refuse with CaseNotSelling what is only possible while the case sells."""
    if case.state != CaseState.SELLING:
        raise CaseNotSelling(
            message=_("The case %(case)s is %(state)s: nothing is sold under it now.")
            % {"case": case, "state": case.get_state_display()},
            field="case",
        )


def fresh_cover(act: CoverAct) -> Cover:
    """Count interest to the act's day and return the live cover, read under the lock."""
    pk = act.facility.pk
    count_interest(facility_ids=[pk], through=act.on, actor=act.actor, now=act.now)
    tell_exposure([pk], cause="accrue", on=act.on, actor=act.actor, now=act.now)
    return measure(as_of=act.priced_on, facility_ids=[pk])[pk]


def withdraw_lots(case: DisposalCase, *, besides: Collection[int] = ()) -> None:
    """Take what is still for sale off the market: the case has ended."""
    lots = case.lots.filter(state=ParcelState.OFFERED).exclude(pk__in=besides)
    for lot in lots.order_by("pk"):
        for sale in lot.sales.filter(state="proposed"):
            sale.refuse(checker_id=None)
            sale.save(update_fields=["state", "checker"])
        lot.withdraw()
        lot.save(update_fields=["state"])


def leave_trace(
    subject: models.Model,
    *,
    action: str,
    topic: str,
    facility: Facility,
    detail: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    on: date | None = None,
    reason: str = "",
) -> None:
    """Write the event and the journal's line, in the act's transaction."""
    told = {"facility": facility.code, **detail}
    emit(
        topic=f"pledges.{topic}",
        aggregate=subject._meta.label_lower,
        aggregate_id=subject.pk,
        payload=told,
        tenant_id=facility.tenant_id,
        now=now,
    )
    record(
        action=action,
        actor=actor,
        object_type=subject._meta.label_lower,
        object_id=subject.pk,
        at=now,
        business_date=on,
        tenant_id=facility.tenant_id,
        detail=told,
        reason=reason,
    )
