"""What lending's events mean for receivables: an advance repaid in another way ends them, too."""

from datetime import datetime

from django.db import transaction

from factoring.models import Receivable
from factoring.services.acts import lock_receivable
from factoring.services.settling import settle_if_done
from lending.services.acts import lock_facility
from outbox.models import Event


def follow_repayment(*, event: Event, now: datetime) -> None:
    """Settle the receivable of an advance that was repaid, if nothing else is open on it.

    The event only says where to look; late or repeated it does no harm.
    """
    receivable = Receivable.objects.filter(loan_id=int(event.aggregate_id)).first()
    if receivable is None:
        return
    with transaction.atomic():
        lock_facility(receivable.facility_id)
        settle_if_done(lock_receivable(receivable.pk), on=event.occurred_at.date(), now=now)
