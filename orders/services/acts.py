"""What every act on an order does alike: lock it, check whose it is, leave a trace."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from common.locks import lock_one
from orders.models import PurchaseOrder
from orders.refusals import NotYourOrder
from outbox.services import emit, record
from parties.actors import Actor


def lock_order(order_id: int) -> PurchaseOrder:
    """Lock the order (after its facility, before any lot) and read it anew."""
    orders = PurchaseOrder.objects.select_related("buyer", "supplier", "deliver_to__operator")
    return lock_one(orders, order_id)


def require_one_of(actor: Actor, order: PurchaseOrder, *organisation_ids: int | None) -> None:
    """Refuse an actor from an organisation that has no such part in the order."""
    if actor.sees_everything or actor.organisation_id in organisation_ids:
        return
    raise NotYourOrder(
        message=_("%(who)s has no part in order %(order)s that allows this.")
        % {"who": actor.label, "order": order.number}
    )


def leave_trace(
    subject: models.Model,
    *,
    action: str,
    topic: str,
    detail: Mapping[str, Any],
    tenant_id: int | None,
    actor: Actor,
    now: datetime,
    on: date | None = None,
    reason: str = "",
) -> None:
    """Write the act's event and its audit entry, in its transaction; `detail` goes to both."""
    emit(
        topic=f"orders.{topic}",
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
        reason=reason,
    )
