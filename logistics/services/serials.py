"""Serial numbers of the pieces in a lot, as its custodian records them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from logistics.models import Lot, SerialUnit
from logistics.refusals import SerialsDiffer
from logistics.services.locking import lock_lots
from logistics.services.receipts import normal_number_of, require_operator
from outbox.services import record
from parties.actors import Actor


@transaction.atomic
def record_serials(
    *, lot: Lot, serials: Sequence[str], actor: Actor, now: datetime
) -> list[SerialUnit]:
    """Write down the serial numbers of pieces in a lot, by the operator of its site.

    Raises SerialsDiffer for a number given twice (in whatever spelling) or more numbers than
    pieces on hand, ReceiptNumberNotPossible for an empty one, NotTheCustodian.
    """
    require_operator(actor, lot.site)
    [locked] = lock_lots([lot.pk])
    twice = SerialsDiffer(
        message=_("%(lot)s: a serial number is given twice") % {"lot": locked.number},
        field="serials",
    )
    with constraint_refusals({"serial_recorded_once_in_lot": twice}):
        units = SerialUnit.objects.bulk_create(
            SerialUnit(
                lot=locked,
                serial=serial.strip(),
                normal_serial=normal_number_of(serial),
                recorded_at=now,
            )
            for serial in serials
        )
    known = locked.serials.count()
    if known > locked.on_hand:
        raise SerialsDiffer(
            message=_("%(lot)s: %(known)s serial numbers, %(pieces)s pieces on hand")
            % {"lot": locked.number, "known": known, "pieces": f"{locked.on_hand.normalize():f}"},
            field="serials",
            numbers={"serials": known, "pieces": locked.on_hand},
        )
    record(
        action="record_serials",
        actor=actor,
        object_type="logistics.lot",
        object_id=locked.pk,
        at=now,
        detail={"count": len(units)},
    )
    return units
