"""What all reports of a custodian share: one reference is one act, its legs, who is told."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict

from django.utils.translation import gettext as _

from common.canonical import canonical_hash
from logistics.hooks import Departure, Movement, goods_leave, goods_moving, goods_received
from logistics.models import Item, Lot, Site, StockAct, StockEvent
from logistics.refusals import (
    InTheFuture,
    NotTheCustodian,
    ReferenceMissing,
    ReferenceReused,
    SpeaksForAnother,
)
from logistics.services.receipts import require_receipts_surrendered
from logistics.services.shipment_states import follow_shipments
from logistics.states import StockActKind, StockEventKind
from outbox.services import NewEvent, emit_many, record
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind, Role
from parties.services.authority import require_role

REFERENCE_LENGTH = 80
REPORTERS = (Role.PARTNER, Role.OPERATIONS, Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)
TOPICS = {
    StockActKind.RECEIVED: "logistics.goods_received",
    StockActKind.STARTED: "logistics.production_started",
    StockActKind.PRODUCED: "logistics.production_recorded",
    StockActKind.MOVED: "logistics.goods_moved",
    StockActKind.SHIPPED: "logistics.goods_shipped",
    StockActKind.RETURNED: "logistics.goods_returned",
    StockActKind.COUNTED: "logistics.stock_counted",
    StockActKind.REVERSED: "logistics.report_reversed",
}
# Whose word counts besides the custodian's: a carrier's for what it takes away, a lender's for
# what its inspector counted.
_ALSO_HEARD = {
    StockActKind.MOVED: OrganisationKind.CARRIER,
    StockActKind.SHIPPED: OrganisationKind.CARRIER,
    StockActKind.COUNTED: OrganisationKind.LENDER,
}


class Told(TypedDict):
    """What every report carries besides the goods, as keyword arguments of the service.

    `source` is the organisation whose word it is and `reference` its own number for the
    happening; `occurred_at` is aware and not after `now`; `evidence` is JSON-ready.
    """

    source: Organisation
    reference: str
    occurred_at: datetime
    evidence: NotRequired[Mapping[str, Any] | None]
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of one kind of happening, made by one service.

    `content` is all that was said of the goods; with the kind and the instant it decides whether
    a second report is the same one. Evidence is left out: a resent message may be packed anew.
    """

    kind: StockActKind
    service: str
    content: Mapping[str, Any]
    source: Organisation
    reference: str
    occurred_at: datetime
    evidence: Mapping[str, Any] | None = None
    reverses: StockAct | None = None
    actor: Actor
    now: datetime


@contextmanager
def moving(
    report: Report,
    *,
    owners: Collection[Organisation | int],
    items: Collection[Item],
    into: Site | None = None,
    leaving: Mapping[int, Decimal] | None = None,
) -> Iterator[None]:
    """Let the rooms above take their locks before the report takes its own."""
    movement = Movement(
        kind=report.kind,
        owners=frozenset(one if isinstance(one, int) else one.pk for one in owners),
        items=frozenset(item.pk for item in items),
        sites=frozenset([into.pk] if into else ()),
        leaving=leaving or {},
        reference=report.reference,
        occurred_at=report.occurred_at,
    )
    with goods_moving(movement=movement, actor=report.actor, now=report.now):
        yield


def open_act(report: Report, *, sites: Sequence[Site]) -> tuple[StockAct, bool]:
    """Enter the report in the journal and return its act, and whether it was told before.

    A concurrent report with the same reference waits here until the first one's transaction
    ends. Raises ReferenceMissing, InTheFuture, SpeaksForAnother, NotTheCustodian (the source is
    custodian of none of the sites), ReferenceReused; ValueError for an instant without a zone.
    """
    _check(report, sites)
    act = StockAct(
        kind=report.kind,
        source=report.source,
        reference=report.reference.strip(),
        request_hash=canonical_hash(
            {"kind": report.kind, "occurred_at": report.occurred_at, **report.content}
        ),
        occurred_at=report.occurred_at,
        recorded_at=report.now,
        actor_label=report.actor.label,
        evidence=dict(report.evidence or {}),
        reverses=report.reverses,
    )
    # DO NOTHING waits for a concurrent holder of the reference, then leaves the table as it is.
    StockAct.objects.bulk_create([act], ignore_conflicts=True)
    first = StockAct.objects.get(source=report.source, reference=act.reference)
    if first.request_hash != act.request_hash:
        raise ReferenceReused(
            message=_("%(source)s used the reference %(reference)s for another report")
            % {"source": report.source, "reference": act.reference},
            field="reference",
            numbers={"reference": act.reference},
        )
    return first, first.pk != act.pk


def _check(report: Report, sites: Sequence[Site]) -> None:
    require_role(report.actor, *REPORTERS)
    if not 0 < len(report.reference.strip()) <= REFERENCE_LENGTH:
        raise ReferenceMissing(
            message=_("A report has a reference of at most %(most)s signs.")
            % {"most": REFERENCE_LENGTH},
            field="reference",
        )
    if report.occurred_at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    if report.occurred_at > report.now:
        raise InTheFuture(
            message=_("%(at)s has not come yet; it is %(now)s")
            % {"at": report.occurred_at.isoformat(), "now": report.now.isoformat()},
            field="occurred_at",
            numbers={"occurred_at": report.occurred_at, "now": report.now},
        )
    _check_voice(report, sites)


def _check_voice(report: Report, sites: Sequence[Site]) -> None:
    """Refuse a stranger's word: the lender's and the platform's staff may write down others'."""
    actor, source = report.actor, report.source
    writes_for_others = actor.sees_everything or actor.organisation_kind == OrganisationKind.LENDER
    if not writes_for_others and actor.organisation_id != source.pk:
        raise SpeaksForAnother(
            message=_("%(actor)s cannot report in the name of %(source)s")
            % {"actor": actor.label, "source": source},
            field="source",
        )
    if source.kind == _ALSO_HEARD.get(report.kind):
        return
    if source.pk not in {site.operator_id for site in sites}:
        raise NotTheCustodian(
            message=_("Stock at %(sites)s is not reported by %(source)s")
            % {"sites": ", ".join(site.name for site in sites), "source": source},
            field="source",
        )


def reported_act(*, source: Organisation, reference: str) -> StockAct:
    """Return the act that a source's reference stands for; StockAct.DoesNotExist if none does."""
    return StockAct.objects.get(source=source, reference=reference.strip())


def announce(
    report: Report,
    quantities: Mapping[int, Decimal],
    *,
    counted: Mapping[int, Decimal] | None = None,
    act: StockAct | None = None,
) -> None:
    """Tell the rooms above that so much is about to leave each lot, before the lots are locked."""
    departure = Departure(
        report.kind,
        quantities,
        report.reference,
        report.occurred_at,
        counted=counted or {},
        act_id=act.pk if act else None,
    )
    goods_leave(departure=departure, actor=report.actor, now=report.now)


def add_events(
    act: StockAct, legs: Sequence[tuple[Lot, StockEventKind, Decimal]]
) -> list[StockEvent]:
    """Write the legs of an act in one statement; the database adds them to their lots.

    Raises ReceiptOutstanding where less would lie there than warehouse receipts stand for.
    """
    events = StockEvent.objects.bulk_create(
        StockEvent(act=act, lot=lot, kind=kind, quantity=quantity) for lot, kind, quantity in legs
    )
    if leaving := [lot.pk for lot, _kind, quantity in legs if quantity < 0]:
        require_receipts_surrendered(leaving)
    return events


def close_act(act: StockAct, report: Report, events: Sequence[StockEvent]) -> None:
    """Tell the rooms above, the outbox and the audit journal what the act did.

    Goods that come back by a reversal are nobody's news: whoever reverses claims them again.
    """
    follow_shipments([event.lot for event in events], at=report.now)
    inflows = [event for event in events if event.quantity > 0]
    if inflows and report.kind != StockActKind.REVERSED:
        goods_received(act=act, events=inflows, actor=report.actor, now=report.now)
    told = {
        "kind": report.kind.value,
        "source": report.source.pk,
        "reference": act.reference,
        "occurred_at": report.occurred_at,
        "events": [
            {"lot": event.lot_id, "kind": str(event.kind), "quantity": event.quantity}
            for event in events
        ],
    }
    topic = TOPICS[report.kind]
    emit_many([NewEvent(topic, "logistics.stockact", act.pk, told)], now=report.now)
    record(
        action=report.service,
        actor=report.actor,
        object_type="logistics.stockact",
        object_id=act.pk,
        at=report.now,
        business_date=report.occurred_at.date(),
        detail=told,
    )


def lots_of(act: StockAct, *kinds: StockEventKind) -> list[Lot]:
    """Return the lots that an act changed, as they are now, in the order of its legs."""
    events = act.events.filter(kind__in=kinds).select_related("lot__site", "lot__item")
    return [event.lot for event in events.order_by("pk")]


def lot_now(lot: Lot) -> Lot:
    """Return the lot as it is now."""
    return Lot.objects.select_related("site", "item").get(pk=lot.pk)
