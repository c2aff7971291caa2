"""What a mortgage does when goods come and go; logistics calls it (see logistics/hooks.py).

`stand_by` opens the acts on the facilities that a report may concern, before the report locks
anything: facility, then reference, then lots. Whoever reports goods inside an act of its own (a
delivery, a sale, production under a claim) says itself what becomes of them: nothing is done here.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import F

from logistics.hooks import Departure, Movement
from logistics.models import StockAct, StockEvent
from logistics.services.locking import lock_lots
from logistics.states import StockActKind
from parties.actors import Actor
from pledges.models import FloatingMortgage, MortgagedSite, Position
from pledges.services.conversion import Evidence
from pledges.services.cover import Requirement, covering, open_act, open_acts
from pledges.services.mortgage.attachment import attach
from pledges.services.mortgage.outflow import let_out, lifts_for, watch_outflow
from pledges.services.mortgage.scope import Scope, scope_of
from pledges.states import ConversionKind, MortgageState, Right

# What leaves in the ordinary course. What a count does not find did not.
ORDINARY = frozenset(
    {
        StockActKind.SHIPPED,
        StockActKind.MOVED,
        StockActKind.STARTED,
        StockActKind.PRODUCED,
    }
)
FOLLOWED = frozenset({StockActKind.MOVED, StockActKind.STARTED})


@dataclass
class _Watch:
    movement: Movement
    scopes: list[Scope]
    parents: dict[int, Position] = field(default_factory=dict)
    outflow: set[int] = field(default_factory=set)

    @property
    def on(self) -> date:
        return self.movement.occurred_at.date()


_watch: ContextVar[_Watch | None] = ContextVar("goods_watched", default=None)


@contextmanager
def stand_by(*, movement: Movement, actor: Actor, now: datetime) -> Iterator[None]:
    """Hold the facilities whose mortgages the movement may concern, and judge them after it."""
    concerned = set() if open_acts() else _concerned(movement)
    if not concerned:
        yield
        return
    with ExitStack() as acts:
        for facility_id in sorted(concerned):
            acts.enter_context(
                covering(
                    facility_id=facility_id,
                    cause=ConversionKind.ATTACH,
                    actor=actor,
                    on=movement.occurred_at.date(),
                    now=now,
                    requirement=Requirement.NONE,
                    standing_by=True,
                )
            )
        watch = _Watch(movement, _scopes(concerned, movement.occurred_at.date()))
        token = _watch.set(watch)
        try:
            yield
        finally:
            _watch.reset(token)
    for scope in watch.scopes:
        if scope.mortgage.facility_id in watch.outflow:
            watch_outflow(mortgage=scope.mortgage, on=watch.on, now=now)


def _concerned(movement: Movement) -> set[int]:
    """Return the facilities whose mortgage reaches what comes in or lies on what goes out."""
    found: set[int] = set()
    if movement.sites:
        sites = MortgagedSite.objects.on(movement.occurred_at.date())
        reaching = FloatingMortgage.objects.in_force().filter(
            facility__borrower__in=movement.owners,
            sites__in=sites.filter(site_id__in=movement.sites),
            items__item_id__in=movement.items,
        )
        found.update(reaching.values_list("facility_id", flat=True))
    if movement.leaving and movement.kind in ORDINARY:
        found.update(_lying_on(movement))
    return found


def _lying_on(movement: Movement) -> set[int]:
    """Return the facilities with active mortgages on lots whose free goods do not suffice."""
    rows = (
        Position.objects.live()
        .filter(
            right=Right.FLOATING_MORTGAGE,
            lot_id__in=list(movement.leaving),
            facility__mortgages__state=MortgageState.ACTIVE,
        )
        .values_list("facility_id", "lot_id", F("lot__on_hand") - F("lot__claimed"))
    )
    return {facility for facility, lot, free in rows if movement.leaving[lot or 0] > free}


def _scopes(facility_ids: set[int], on: date) -> list[Scope]:
    """Return the scopes of the facilities' mortgages, the first to be activated first.

    Read behind the facilities' locks: what was seen before may have ended meanwhile.
    """
    mortgages = FloatingMortgage.objects.in_force().select_related("facility")
    found = mortgages.filter(facility_id__in=facility_ids).order_by("activated_at", "pk")
    return [scope_of(mortgage, on) for mortgage in found]


def goods_leaving(*, departure: Departure, actor: Actor, now: datetime) -> None:
    """Lift active mortgages from goods that leave in the ordinary course."""
    watch = _watch.get()
    if watch is None or departure.kind not in ORDINARY:
        return
    active = {
        scope.mortgage.facility_id: scope
        for scope in watch.scopes
        if scope.mortgage.state == MortgageState.ACTIVE
    }
    lifts = lifts_for(departure.quantities, active)
    for facility_id in sorted({lift.facility_id for lift in lifts}):
        act = open_act(facility_id)
        assert act is not None  # opened in `stand_by`
        inside = _stays_inside(active[facility_id], watch.movement)
        follows = inside and departure.kind in FOLLOWED
        taken = let_out(
            act=act,
            mortgage=active[facility_id].mortgage,
            takes=[lift.take for lift in lifts if lift.facility_id == facility_id],
            departure=departure,
            inside=inside,
            follows=follows,
        )
        if follows and len(taken) == 1:
            watch.parents[facility_id] = taken[0].position
        if not inside:
            watch.outflow.add(facility_id)


def _stays_inside(scope: Scope, movement: Movement) -> bool:
    """Tell whether what comes of the goods comes under the same mortgage again."""
    return bool(movement.sites) and movement.sites <= scope.sites and movement.items <= scope.items


def goods_received(
    *, act: StockAct, events: Sequence[StockEvent], actor: Actor, now: datetime
) -> None:
    """Attach goods that came in for a mortgage that names them; the earliest one has the first."""
    watch = _watch.get()
    if watch is None:
        return
    came = {event.lot_id: event.quantity for event in events}
    for scope in watch.scopes:
        facility_id = scope.mortgage.facility_id
        open_one = open_act(facility_id)
        assert open_one is not None  # opened in `stand_by`
        lots = [lot for lot in lock_lots(came) if scope.names(lot)]
        attach(
            act=open_one,
            mortgage=scope.mortgage,
            goods=[(lot, min(came[lot.pk], lot.free)) for lot in lots],
            evidence=Evidence(
                f"goods_{act.kind}", act.reference, {"mortgage": scope.mortgage.number}
            ),
            parent=watch.parents.get(facility_id),
        )
