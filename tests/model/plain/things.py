"""What there is: goods, claims on them, the journal, agreements with lenders, and a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.model.plain.debts import Loan
from tests.model.plain.market import ZERO

GOODS = ("floating_mortgage", "pledge", "in_transit")
TERMINAL = ("released", "repaid", "realised", "written_off")
CALLING = ("called", "close_out")


class No(Exception):  # noqa: N818  (a refusal is an answer, not an error)
    """The platform must refuse, with one of these codes."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = set(codes)


@dataclass
class Lot:
    """Goods in one place; what is claimed of them is the sum over the claims."""

    item: str
    site: str
    on_hand: Fraction


@dataclass
class Claim:
    """A position: so much of one thing under one right, and what a unit of it weighs."""

    facility: str
    right: str
    left: Fraction
    lot: str | None = None
    market: Mapping[str, Fraction] = field(default_factory=dict)
    lending: Mapping[str, Fraction] = field(default_factory=dict)
    doubts: set[str] = field(default_factory=set)  # why it counts for nothing, if it does
    restores: Any = None  # the claim of which a reversal made this again
    fixed: bool = False  # made by the crystallisation of a mortgage

    @property
    def suspended(self) -> bool:
        """Tell whether it counts for nothing."""
        return bool(self.doubts)

    @property
    def is_live(self) -> bool:
        """Tell whether it secures something."""
        return self.right not in TERMINAL and self.left > 0


@dataclass
class Entry:
    """A conversion in the journal: what it took of which claims, and what it made."""

    kind: str
    facility: str
    took: list[tuple[Any, Fraction]]
    made: list[tuple[Any, Fraction]]
    # What was moved for it: so much more, or less, in which lots.
    moves: list[tuple[Any, Fraction]] = field(default_factory=list)
    is_reversed: bool = False


@dataclass(frozen=True)
class Cover:
    """How a facility stands."""

    exposure: Fraction
    market: Fraction
    lending: Fraction
    band: str

    @property
    def short(self) -> Fraction:
        """Return by how much exposure is above lending value."""
        return max(ZERO, self.exposure - self.lending)


@dataclass
class Mortgage:
    """A floating mortgage in force: what of which places comes under it, and what must stay."""

    items: frozenset[str]
    sites: frozenset[str]
    floor: Fraction
    minimum: Fraction
    number: int = 0  # the first to be activated has the first of what comes in
    floats: bool = True  # until it crystallises


@dataclass
class Parcel:
    """Something up for sale under a case: so much of a claim, and the least it may bring."""

    claim: Any
    quantity: Fraction
    reserve: Fraction


@dataclass
class Case:
    """The sale of what secures a facility in default, to restore its cover or to pay it all."""

    restores: bool
    parcels: dict[Any, Parcel] = field(default_factory=dict)


@dataclass
class Order:
    """An instruction to a custodian: one claim to give back, or one lot to hold."""

    facility: str
    kind: str
    thing: Any
    quantity: Fraction
    asked_at: datetime
    state: str = "requested"


@dataclass
class Facility:
    """One lender's agreement with the borrower, and what is recorded of its cover."""

    limit: Fraction
    annual: Fraction
    penalty: Fraction
    order_rate: Fraction
    release_factor: Fraction
    watch_line: Fraction | None = None
    call_line: Fraction | None = None
    floor: Fraction = ZERO
    loans: list[Loan] = field(default_factory=list)
    bases: set[str] = field(default_factory=set)
    band: str = "covered"
    call: str | None = None
    mortgage: Mortgage | None = None
    defaulted: bool = False
    case: Case | None = None

    @property
    def exposure(self) -> Fraction:
        """Return what its loans owe."""
        return sum((loan.total() for loan in self.loans), ZERO)
