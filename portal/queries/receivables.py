"""Receivables: what buyers owe, what was advanced on it, what is kept back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.http import Http404

from factoring.models import BankEntry, Collection, CreditNote, Receivable, ReceivableLine
from factoring.states import BankEntryState, ReceivableState
from lending.models import Facility
from logistics.models import Lot
from parties.actors import Actor
from pledges.models import Conversion, Position
from pledges.states import Direction
from portal.queries.events import with_legs

ZERO = Decimal(0)
OPEN = frozenset({ReceivableState.VERIFIED, ReceivableState.ASSIGNED})


@dataclass(frozen=True, slots=True)
class ReceivableView:
    """One receivable with what came in on it."""

    receivable: Receivable
    collections: list[Collection]
    credit_notes: list[CreditNote]

    @property
    def credited(self) -> Decimal:
        """What credit notes took off the face."""
        return sum((one.amount for one in self.credit_notes), ZERO)

    @property
    def collected(self) -> Decimal:
        """What the debtor has paid."""
        standing = (one for one in self.collections if one.taken_back_at is None)
        return sum((one.amount for one in standing), ZERO)

    @property
    def outstanding(self) -> Decimal:
        """What the debtor still owes."""
        return self.receivable.face - self.collected - self.credited

    @property
    def advanced(self) -> Decimal:
        """What was lent on it."""
        loan = self.receivable.loan
        return loan.drawn if loan else ZERO

    @property
    def reserve(self) -> Decimal:
        """What is kept back until the debtor pays: face − advance."""
        return self.receivable.face - self.advanced

    @property
    def is_open(self) -> bool:
        """Whether the debtor still has to pay."""
        return self.outstanding > 0

    def days_to(self, day: date) -> int:
        """Days until it is due, negative when late."""
        return (self.receivable.due_on - day).days


def list_receivables(actor: Actor, facility: Facility | None = None) -> list[ReceivableView]:
    """Return the receivables the actor may see, the soonest due first (six queries)."""
    rows = _receivables(actor)
    if facility is not None:
        rows = rows.filter(facility=facility)
    return _views(rows.order_by("due_on", "id"))


def get_receivable(actor: Actor, receivable_id: int) -> ReceivableView:
    """Return one receivable; 404 for strangers."""
    found = _receivables(actor).filter(pk=receivable_id).first()
    if found is None:
        raise Http404
    [view] = _views([found])
    return view


def _receivables(actor: Actor) -> QuerySet[Receivable]:
    collections = Collection.objects.select_related("entry", "repayment").order_by(
        "entry__booked_on", "id"
    )
    lines = ReceivableLine.objects.select_related("item").order_by("id")
    return (
        Receivable.objects.visible_to(actor)
        .select_related("seller", "debtor", "facility", "loan", "position", "rebate")
        .prefetch_related(Prefetch("collections", collections), Prefetch("lines", lines))
    )


def _views(receivables: Iterable[Receivable]) -> list[ReceivableView]:
    rows = list(receivables)
    notes: dict[int, list[CreditNote]] = {}
    for note in CreditNote.objects.filter(receivable__in=rows).prefetch_related("lines__item"):
        notes.setdefault(note.receivable_id, []).append(note)
    return [ReceivableView(one, list(one.collections.all()), notes.get(one.pk, [])) for one in rows]


def get_sale(actor: Actor, receivable: Receivable) -> Conversion | None:
    """Return the conversion that turned goods into this receivable, with its legs."""
    if receivable.position is None:
        return None
    sales = Conversion.objects.visible_to(actor).filter(
        kind="sell",
        legs__position__in=Position.objects.continuing(receivable.position),
        legs__direction="produced",
    )
    return with_legs(sales).first()


def list_sold_lots(sale: Conversion | None) -> list[Lot]:
    """Return the lots whose goods were sold for a receivable, of a sale with its legs."""
    legs = sale.legs.all() if sale else []
    lots = {
        leg.position.lot.pk: leg.position.lot
        for leg in legs
        if leg.direction == Direction.CONSUMED and leg.position.lot is not None
    }
    return list(lots.values())


def list_unmatched(actor: Actor, facility: Facility | None) -> list[BankEntry]:
    """Return the credits of the collection account that no invoice explains yet (one query)."""
    visible = Facility.objects.visible_to(actor)
    rows = BankEntry.objects.filter(facility__in=visible, state=BankEntryState.BOOKED)
    if facility is not None:
        rows = rows.filter(facility=facility)
    return list(rows.order_by("booked_on", "id"))
