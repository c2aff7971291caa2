"""Scenes of goods: ordered, received, assembled, stored, swapped and released."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256

from logistics.models import Lot
from orders.models import PurchaseOrder
from orders.services.deliveries import record_delivery
from orders.services.placing import close_order, place_order
from pledges.instruction_states import InstructionKind
from pledges.models import Position
from pledges.services.approvals import approve_instruction
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import covering
from pledges.services.custody import (
    acknowledge_instruction,
    execute_instruction,
    give_evidence,
)
from pledges.services.instructions import request_instruction
from pledges.services.mortgage import (
    MortgageTerms,
    activate_mortgage,
    add_site,
    draft_mortgage,
    select_item,
)
from pledges.services.production import transform
from pledges.services.warehouse import Arrival, pledge_mortgaged
from pledges.services.warehouse import substitute as swap
from pledges.states import Right
from portal.story.cast import (
    COPPER_FOIL,
    GOLD_WIRE,
    OLD_PHONE,
    PHONE,
    SILVER_PASTE,
    Cast,
    read_cast,
)

FOIL_ORDER, PASTE_ORDER, WIRE_ORDER = "PO-1043", "PO-1044", "PO-1045"
FIRST_RUN = (FOIL_ORDER, PASTE_ORDER, WIRE_ORDER)
NEXT_RUN = ("PO-1052",)
# supplier, item, quantity in kg, price a kg: season stock for this run and the next ones
ORDERS = {
    FOIL_ORDER: ("jiangnan", COPPER_FOIL, Decimal(120_000), Decimal("9.60")),
    PASTE_ORDER: ("suzhou", SILVER_PASTE, Decimal(480), Decimal("905")),
    WIRE_ORDER: ("kunshan", GOLD_WIRE, Decimal(12), Decimal("51000")),
    "PO-1052": ("jiangnan", COPPER_FOIL, Decimal(60_000), Decimal("8.35")),
}
# The swap that cures the margin call: kilograms of foil out, phones of the earlier run in.
FOIL_GIVEN, PHONES_BROUGHT = Decimal(24_000), Decimal(9_000)
# What the material manager draws for a thousand phones: the bill and a little loss.
PER_THOUSAND = {
    COPPER_FOIL: Decimal(303),
    SILVER_PASTE: Decimal("12.1"),
    GOLD_WIRE: Decimal("0.302"),
}


def _place(numbers: Sequence[str], run: str, deliver_by: date, on: date, now: datetime) -> None:
    cast = read_cast()
    for number in numbers:
        supplier, item, quantity, price = ORDERS[number]
        place_order(
            number=number,
            run=run,
            buyer=cast.org("aurora"),
            supplier=cast.org(supplier),
            deliver_to=cast.site("pearl-odm"),
            currency="USD",
            lines=[(cast.item(item), quantity, price)],
            deliver_by=deliver_by,
            on=on,
            actor=cast.actor("mei"),
            now=now,
        )


def place_orders(on: date, now: datetime) -> None:
    """Order the run's components from three suppliers, delivered to the contract manufacturer."""
    _place(FIRST_RUN, "RUN-20K", date(2011, 7, 29), on, now)


def place_next_order(on: date, now: datetime) -> None:
    """Order copper foil for the next run."""
    _place(NEXT_RUN, "RUN-2012", date(2012, 2, 17), on, now)


def mortgage_materials(on: date, now: datetime) -> None:
    """Agree on the floating mortgage; the material manager chooses what is high in value."""
    cast = read_cast()
    terms = MortgageTerms(
        goods_class="High-value conductive materials and the phones made of them",
        floor_value=Decimal(400_000),
        work_in_process_deduction=Decimal("0.15"),
    )
    mortgage = draft_mortgage(
        facility=cast.facility, number="FM-2011-01", terms=terms,
        actor=cast.actor("lin"), on=on, now=now,
    )  # fmt: skip
    add_site(
        mortgage=mortgage, site=cast.site("pearl-odm"), reason="audited in June",
        on=on, actor=cast.actor("lin"), now=now,
    )  # fmt: skip
    for item in (COPPER_FOIL, SILVER_PASTE, GOLD_WIRE, PHONE):
        select_item(
            mortgage=mortgage, item=cast.item(item), reason="liquid and priced every day",
            on=on, actor=cast.actor("mei"), now=now,
        )  # fmt: skip
    activate_mortgage(mortgage=mortgage, on=on, actor=cast.actor("zhou"), now=now)


def order_of(number: str) -> PurchaseOrder:
    """Return an order of the story."""
    return PurchaseOrder.objects.get(number=number)


def _receive(number: str, lot: str, quantity: Decimal, on: date, now: datetime) -> None:
    cast = read_cast()
    item = cast.item(ORDERS[number][1])
    record_delivery(
        order=order_of(number),
        receipts=[(item, lot, quantity, Decimal(0))],
        reference=f"GRN-{lot}",
        occurred_at=now,
        on=on,
        actor=cast.actor("wen"),
        now=now,
    )


def receive_wire_and_paste(on: date, now: datetime) -> None:
    """Receive all of the gold wire and the silver paste."""
    _receive(WIRE_ORDER, "GW-0711", Decimal(12), on, now)
    _receive(PASTE_ORDER, "SP-0711", Decimal(480), on, now)


def receive_first_foil(on: date, now: datetime) -> None:
    """Receive the larger part of the copper foil."""
    _receive(FOIL_ORDER, "CF-0714", Decimal(70_000), on, now)


def receive_last_foil(on: date, now: datetime) -> None:
    """Receive the rest of the copper foil: the order is delivered."""
    _receive(FOIL_ORDER, "CF-0720", Decimal(50_000), on, now)


def live(cast: Cast, *rights: Right, item: str | None = None) -> list[Position]:
    """Return the facility's live positions under some rights, oldest first."""
    found = cast.facility.positions.live().filter(right__in=rights or tuple(Right))
    if item is not None:
        found = found.filter(lot__item__code=item)
    return list(found.select_related("lot__site", "lot__item"))


def take_oldest(positions: Sequence[Position], quantity: Decimal) -> list[Take]:
    """Return takes of a quantity from positions in their order; the last one in part."""
    takes = []
    for position in positions:
        part = min(quantity, position.remaining)
        if part > 0:
            takes.append(Take(position.pk, part))
            quantity -= part
    return takes


def _assemble(lot: str, thousands: int, on: date, now: datetime) -> None:
    cast = read_cast()
    materials: list[Take] = []
    for item, per_thousand in PER_THOUSAND.items():
        stock = live(cast, Right.FLOATING_MORTGAGE, item=item)
        materials += take_oldest(stock, per_thousand * thousands)
    with covering(
        facility_id=cast.facility.pk, cause="transform", actor=cast.actor("lin"), on=on, now=now
    ) as act:
        transform(
            act=act,
            materials=materials,
            site=cast.site("pearl-odm"),
            product=cast.item(PHONE),
            lot_number=lot,
            quantity=Decimal(1000 * thousands),
            source=cast.org("pearl"),
            reference=f"PROD-{lot}",
            occurred_at=now,
        )


def assemble_first(on: date, now: datetime) -> None:
    """Assemble 12,000 phones."""
    _assemble("A2-0812", 12, on, now)


def assemble_last(on: date, now: datetime) -> None:
    """Assemble 8,000 phones."""
    _assemble("A2-0819", 8, on, now)


def _store(lot: str, on: date, now: datetime) -> None:
    cast = read_cast()
    [phones] = [
        position
        for position in live(cast, Right.FLOATING_MORTGAGE, item=PHONE)
        if position.lot is not None and position.lot.number == lot
    ]
    with covering(
        facility_id=cast.facility.pk, cause="pledge", actor=cast.actor("lin"), on=on, now=now
    ) as act:
        pledge_mortgaged(
            act=act,
            goods=Take(phones.pk, phones.remaining),
            arrival=Arrival(
                site=cast.site("yantian-wh"),
                lot_number=lot,
                source=cast.org("yantian"),
                reference=f"WR-{lot}",
                occurred_at=now,
            ),
        )


def store_first(on: date, now: datetime) -> None:
    """Take 12,000 phones into the warehouse."""
    _store("A2-0812", on, now)


def store_last(on: date, now: datetime) -> None:
    """Take 8,000 phones into the warehouse; the orders behind them are closed."""
    _store("A2-0819", on, now)
    actor = read_cast().actor("mei")
    for number in FIRST_RUN:
        close_order(order=order_of(number), actor=actor, now=now)


def substitute(on: date, now: datetime) -> None:
    """Swap copper foil for phones of an earlier run that lie free in the warehouse."""
    cast = read_cast()
    lot = Lot.objects.select_related("item", "site").get(item__code=OLD_PHONE)
    with covering(
        facility_id=cast.facility.pk, cause="substitute", actor=cast.actor("zhou"), on=on, now=now
    ) as act:
        swap(
            act=act,
            give=take_oldest(live(cast, Right.FLOATING_MORTGAGE, item=COPPER_FOIL), FOIL_GIVEN),
            bring=[(lot, PHONES_BROUGHT)],
            maker_id=cast.actor("lin").person_id or 0,
            evidence=Evidence("warehouse_confirmation", "WR-A1-2011-05"),
            reason="cure of the margin call",
        )


def release_some(on: date, now: datetime) -> None:
    """Release phones that nothing needs any more: asked, approved, acknowledged, done, proven."""
    cast = read_cast()
    order = request_instruction(
        facility=cast.facility,
        kind=InstructionKind.RELEASE,
        give=take_oldest(live(cast, Right.PLEDGE, item=OLD_PHONE), Decimal(4000)),
        reason="the loans are repaid",
        actor=cast.actor("mei"),
        on=on,
        now=now,
    )
    keeper, later = cast.actor("hao"), partial(_later, now)
    approve_instruction(instruction=order, actor=cast.actor("zhou"), on=on, now=later(35))
    acknowledge_instruction(instruction=order, actor=keeper, now=later(50))
    execute_instruction(instruction=order, actor=keeper, on=on, now=later(135))
    give_evidence(
        instruction=order,
        reference="GDN-0118",
        sha256=sha256(b"goods delivery note 0118").hexdigest(),
        photos=[sha256(b"bay 14 empty").hexdigest()],
        actor=keeper,
        now=later(160),
    )


def _later(now: datetime, minutes: int) -> datetime:
    return now + timedelta(minutes=minutes)


def offer_phones(on: date, now: datetime) -> None:
    """Ask for a pledge of free phones late in the day; the lender has not decided yet."""
    cast = read_cast()
    lot = Lot.objects.select_related("item", "site").get(item__code=OLD_PHONE)
    request_instruction(
        facility=cast.facility,
        kind=InstructionKind.PLEDGE,
        bring=[(lot, Decimal(1000))],
        reason="headroom for the next run",
        actor=cast.actor("mei"),
        on=on,
        now=_later(now, 390),
    )
