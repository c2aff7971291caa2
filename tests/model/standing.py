"""How things stand, read from both sides in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import count
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Subquery

from lending.models import Facility, Loan
from logistics.models import Lot
from pledges.measure import measure
from pledges.models import (
    ConversionLeg,
    DisposalCase,
    FloatingMortgage,
    Instruction,
    MarginCall,
    Position,
)
from portal.proofs import all_invariants
from tests.model.plain.figures import exact
from tests.model.plain.platform import Platform
from tests.model.world import World

# Proved after every step; all of them at the end of every example.
QUICK = (
    "pool_lines_equal_positions",
    "goods_are_held_for_positions",
    "never_uncovered_in_silence",
    "called_means_call_open",
    "history_ends_in_the_present",
)


def breaches(*, quick: bool = False) -> dict[str, list[tuple[str, str]]]:
    """Return the platform's invariants that do not hold, each with its offending rows."""
    rules = [one for _room, one in all_invariants() if one.name in QUICK or not quick]
    if quick and not _any_breach([one.sql for one in rules]):
        return {}
    return {one.name: rows for one in rules if (rows := one.breaches())}


def _any_breach(statements: list[str]) -> bool:
    """Tell whether any of the statements finds a row (one query)."""
    every = " OR ".join(f"EXISTS ({sql.strip().rstrip(';')})" for sql in statements)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {every}")
        [[found]] = cursor.fetchall()
    return bool(found)


def of_plain(plain: Platform, day: date) -> dict[str, Any]:
    """Return how the model stands, at the prices of a day."""
    covers = {name: plain.cover(name, day) for name in plain.facilities}
    return {
        "covers": {
            name: (one.exposure, one.market, one.lending, one.band) for name, one in covers.items()
        },
        "claims": {
            key: (one.right, one.left, one.suspended)
            for key, one in plain.claims.items()
            if one.is_live
        },
        "lots": {key: (one.on_hand, plain.claimed(key)) for key, one in plain.lots.items()},
        "loans": {
            name: [
                (one.state, *(one.owed()[part] for part in ("penalty", "interest", "principal")))
                for one in owner.loans
            ]
            for name, owner in plain.facilities.items()
        },
        "orders": {key: order.state for key, order in plain.orders.items()},
        "mortgages": {
            name: owner.mortgage and owner.mortgage.floats
            for name, owner in plain.facilities.items()
        },
        "defaults": {
            name: (owner.defaulted, owner.case is not None)
            for name, owner in plain.facilities.items()
        },
        "bands": {name: owner.band for name, owner in plain.facilities.items()},
        "calls": {name: owner.call for name, owner in plain.facilities.items()},
    }


def of_platform(world: World, day: date) -> dict[str, Any]:
    """Return how the platform stands, at the prices of a day (six queries)."""
    names = {desk.facility.pk: name for name, desk in world.desks.items()}
    claims = Position.objects.live().values_list("pk", "right", "remaining", "suspended")
    lots = Lot.objects.values_list("pk", "on_hand", "claimed")
    return {
        "claims": {key: (right, exact(left), doubted) for key, right, left, doubted in claims},
        "lots": {key: (exact(on_hand), exact(claimed)) for key, on_hand, claimed in lots},
        "covers": _covers(names, day),
        "loans": _loans(names),
        "orders": dict(Instruction.objects.values_list("pk", "state")),
        **_facilities(names),
    }


def _facilities(names: dict[int, str]) -> dict[str, dict[str, Any]]:
    """Return bands, calls, mortgages and defaults by facility (one query)."""
    own = {"facility": OuterRef("pk")}
    calls = MarginCall.objects.filter(**own).exclude(state="cured")
    mortgages = FloatingMortgage.objects.in_force().filter(**own)
    rows = Facility.objects.filter(pk__in=names).values_list(
        "pk",
        "cover__band",
        "state",
        Subquery(calls.values("state")[:1]),
        Subquery(mortgages.values("state")[:1]),
        Exists(DisposalCase.objects.running().filter(**own)),
    )
    found: dict[str, dict[str, Any]] = {
        "bands": {},
        "calls": {},
        "mortgages": {},
        "defaults": {},
    }
    for pk, band, state, call, mortgage, runs in rows:
        found["bands"][names[pk]] = band or "covered"
        found["calls"][names[pk]] = call
        found["mortgages"][names[pk]] = mortgage and mortgage == "active"
        found["defaults"][names[pk]] = (state == "defaulted", runs)
    return found


def _covers(names: dict[int, str], day: date) -> dict[str, Any]:
    return {
        names[pk]: (
            exact(one.exposure),
            exact(one.market_value),
            exact(one.lending_value),
            one.band,
        )
        for pk, one in measure(as_of=day, facility_ids=list(names)).items()
    }


def _loans(names: dict[int, str]) -> dict[str, list[Any]]:
    found: dict[str, list[tuple[str, Fraction, Fraction, Fraction]]] = {
        name: [] for name in names.values()
    }
    parts = ("owed_penalty", "owed_interest", "owed_principal")
    rows = Loan.objects.filter(facility__in=names).order_by("pk")
    for facility, state, *owed in rows.values_list("facility", "state", *parts):
        penalty, interest, principal = map(exact, owed)
        found[names[facility]].append((state, penalty, interest, principal))
    return found


def expired(world: World, now: datetime) -> list[str]:
    """Return the facilities whose open call's clock has run out."""
    names = {desk.facility.pk: name for name, desk in world.desks.items()}
    late = MarginCall.objects.filter(state="open", due_at__lt=now)
    return [names[call.facility_id] for call in late]


@dataclass(frozen=True, slots=True)
class Written:
    """A conversion of the journal: what it took and what it made, by position."""

    key: Any
    kind: str
    facility: str
    took: list[tuple[Any, Fraction]]
    made: list[tuple[Any, Fraction]]


def written(world: World, now: datetime) -> list[Written]:
    """Return the conversions that were written at an instant, in their order."""
    names = {desk.facility.pk: name for name, desk in world.desks.items()}
    rows = ConversionLeg.objects.filter(
        conversion__facility__in=names, conversion__occurred_at=now
    ).order_by("pk")
    found: dict[Any, Written] = {}
    fields = ("conversion", "conversion__kind", "conversion__facility")
    for key, kind, pk, position, direction, quantity in rows.values_list(
        *fields, "position", "direction", "quantity"
    ):
        one = found.setdefault(key, Written(key, kind, names[pk], [], []))
        side = one.made if direction == "produced" else one.took
        side.append((position, exact(quantity)))
    return list(found.values())


class Keys(list[Any]):
    """The names of what an act made, in order: the platform's, or any where it made nothing."""

    _unnamed = count(1)

    def __init__(self, conversions: Sequence[Written], made: Sequence[Any] = ()) -> None:
        super().__init__([*made, *(key for one in conversions for key, _part in one.made)])
        self.conversions = conversions
        self += [self._any() for _ in range(2 - len(self))]

    def _any(self) -> str:
        return f"unnamed {next(self._unnamed)}"

    def of(self, facility: str, kind: str, number: int = 1) -> list[Any]:
        """Return what a facility's conversions of a kind made, so many at least."""
        found = [
            key
            for one in self.conversions
            if (one.facility, one.kind) == (facility, kind)
            for key, _part in one.made
        ]
        return found + [self._any() for _ in range(number - len(found))]

    def pairs(self, facility: str, kind: str) -> list[tuple[Any, Any]]:
        """Return what a facility's conversions of a kind took, each with what became of it."""
        return [
            (old, fresh)
            for one in self.conversions
            if (one.facility, one.kind) == (facility, kind)
            for (old, _was), (fresh, _is) in zip(one.took, one.made, strict=True)
        ]


def lot_of(key: Any) -> Any:
    """Return the lot of a claim that an act made; any name where it made none."""
    if isinstance(key, str):
        return f"lot of {key}"
    return Position.objects.values_list("lot", flat=True).get(pk=key)


def in_order(made: list[Any], of: list[tuple[Any, Fraction]]) -> list[Any]:
    """Return what a reversal made in the order of what it is part of."""
    parents = {
        parent: key
        for key, parent in Position.objects.filter(
            pk__in=[one for one in made if not isinstance(one, str)]
        ).values_list("pk", "parent")
    }
    return [parents.get(key, f"unnamed part of {key}") for key, _quantity in of]


def lost(before: dict[Any, Fraction]) -> dict[Any, Fraction]:
    """Return by how much positions have shrunk since; those that have not are left out."""
    rows = Position.objects.filter(pk__in=list(before)).values_list("pk", "remaining")
    shrunk = {key: before[key] - exact(left) for key, left in rows}
    return {key: by for key, by in shrunk.items() if by}
