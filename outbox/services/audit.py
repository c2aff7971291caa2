"""Write the journal of acts, in the transaction of the act."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from outbox.models import AuditEntry
from outbox.models.audit import Doer


def record(
    *,
    action: str,
    actor: Doer,
    object_type: str,
    object_id: object,
    at: datetime,
    business_date: date | None = None,
    tenant_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Write that ``actor`` did ``action`` (the service's name) to one object; return the entry.

    ``tenant_id`` is the lender whose books are touched, ``detail`` the figures before and after
    (JSON-ready, Decimals and dates included). Must run inside ``transaction.atomic``: an act that
    is rolled back was not done.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("record inside the act's transaction")
    return AuditEntry.objects.create(
        action=action,
        actor_id=actor.person_id,
        actor_label=actor.label,
        organisation_id=actor.organisation_id,
        tenant_id=tenant_id,
        object_type=object_type,
        object_id=str(object_id),
        at=at,
        business_date=business_date,
        detail=dict(detail or {}),
        reason=reason,
    )
