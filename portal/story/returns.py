"""Scenes of a return: phones come back, are pledged again and go on under a bill of lading."""

from datetime import date, datetime
from decimal import Decimal

from factoring.models import CreditNote, Receivable
from factoring.services.credit_notes import Note, record_return
from logistics.models import Lot
from logistics.services.shipments import Title
from pledges.models import ConversionLeg, Position
from pledges.services.conversion import Take
from pledges.services.cover import covering
from pledges.services.transit import Discharge, Loading, Unloaded, record_arrival, ship
from pledges.services.warehouse import Arrival
from pledges.states import Direction
from portal.story.cast import read_cast
from portal.story.finance import PHONE_PRICE

LAST_INVOICE = "INV-2012-0124"
CREDIT_NOTE = "CN-2012-0126"
BILL = "BSF-72-0127"
RETURNED = Decimal(500)


def _sold_lot(receivable: Receivable) -> Lot:
    """Return the first lot that left on an invoice."""
    gone = ConversionLeg.objects.filter(
        direction=Direction.CONSUMED,
        conversion__legs__position=receivable.position,
        conversion__kind="sell",
    ).select_related("position__lot__site__operator", "position__lot__item")
    lot = gone.order_by("id")[0].position.lot
    assert lot is not None
    return lot


def take_back(on: date, now: datetime) -> None:
    """Take 500 phones back on a credit note: the buyer owes less, the phones are pledged."""
    cast = read_cast()
    receivable = Receivable.objects.get(invoice_number=LAST_INVOICE)
    lot = _sold_lot(receivable)
    record_return(
        receivable=receivable,
        note=Note(
            number=CREDIT_NOTE,
            amount=RETURNED * PHONE_PRICE,
            goods=[(lot, RETURNED)],
            reason="loose battery covers",
            issued_on=on,
        ),
        store=Arrival(
            site=lot.site,
            lot_number=lot.number,
            source=cast.org("yantian"),
            reference="WR-CN-0126",
            occurred_at=now,
        ),
        on=on,
        actor=cast.actor("lin"),
        now=now,
    )


def _returned() -> Position:
    return CreditNote.objects.get(number=CREDIT_NOTE).lines.get().position


def load(on: date, now: datetime) -> None:
    """Load the returned phones for the service warehouse; the bank holds the bill of lading."""
    cast = read_cast()
    carrier = cast.org("bluestrait")
    with covering(
        facility_id=cast.facility.pk, cause="ship", actor=cast.actor("lin"), on=on, now=now
    ) as act:
        ship(
            act=act,
            goods=[Take(_returned().pk, RETURNED)],
            loading=Loading(
                title=Title(
                    bill_number=BILL,
                    carrier=carrier,
                    vehicle=cast.site("bluestrait-72"),
                    destination=cast.site("longhua-wh"),
                    holder=cast.facility.tenant,
                ),
                source=carrier,
                reference=f"LOAD-{BILL}",
                occurred_at=now,
            ),
        )


def unload(on: date, now: datetime) -> None:
    """Take the phones into the service warehouse, where they are held for the bank."""
    cast = read_cast()
    [moving] = _returned().parts.all()
    record_arrival(
        facility=cast.facility,
        goods=[Unloaded(moving.pk, RETURNED)],
        discharge=Discharge(
            site=cast.site("longhua-wh"),
            source=cast.org("yantian"),
            reference="WR-LH-0130",
            occurred_at=now,
        ),
        actor=cast.actor("lin"),
        on=on,
        now=now,
    )
