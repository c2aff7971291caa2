"""What every act on a receivable does alike: lock it, leave a trace."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models

from common.locks import lock_one
from factoring.models import Receivable
from outbox.services import emit, record
from parties.actors import Actor
from parties.roles import Role

CLERKS = (Role.OPERATIONS, Role.PREPARER, Role.APPROVER)


def lock_receivable(receivable_id: int) -> Receivable:
    """Lock the receivable (its facility is locked already) and read it anew."""
    receivables = Receivable.objects.select_related("facility", "loan", "position", "debtor")
    return lock_one(receivables, receivable_id)


def leave_trace(
    subject: models.Model,
    *,
    action: str,
    topic: str,
    detail: Mapping[str, Any],
    tenant_id: int,
    actor: Actor,
    now: datetime,
    on: date | None = None,
) -> None:
    """Write the act's event and its audit entry, in its transaction; `detail` goes to both."""
    emit(
        topic=f"factoring.{topic}",
        aggregate=subject._meta.label_lower,
        aggregate_id=subject.pk,
        payload=detail,
        tenant_id=tenant_id,
        now=now,
    )
    record(
        action=action,
        actor=actor,
        object_type=subject._meta.label_lower,
        object_id=subject.pk,
        at=now,
        business_date=on,
        tenant_id=tenant_id,
        detail=detail,
    )
