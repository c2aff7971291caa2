"""The book that a reader may put under stress, and the history that stresses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lending.models import Facility
from parties.actors import Actor
from pledges.services.what_if import LoadedBook, load_book
from risk.histories import PriceHistory, price_histories
from risk.models import Commodity
from risk.services.model_inputs import rates_by


def list_stressable(actor: Actor, *, currency: str) -> list[Facility]:
    """Return the reader's facilities in a currency that owe something or may (one query)."""
    seen = Facility.objects.visible_to(actor).filter(currency=currency)
    return list(seen.exclude(state="draft").order_by("name", "id"))


def get_book(actor: Actor, facilities: Sequence[Facility], *, on: date) -> LoadedBook:
    """Return the book of facilities the reader may see (four queries). Writes nothing."""
    seen = Facility.objects.visible_to(actor).filter(pk__in=[one.pk for one in facilities])
    return load_book(facility_ids=seen.values_list("pk", flat=True), on=on)


def get_rates(book: LoadedBook, model: str, *, on: date) -> dict[int, float]:
    """Return what another model would lend on the book's goods (four queries)."""
    return rates_by(model, list(Commodity.objects.filter(pk__in=list(book.classes))), on=on)


def get_histories(book: LoadedBook, *, until_on: date) -> dict[int, PriceHistory]:
    """Return what the book's goods have cost up to a day (one query); prices have no owner."""
    return price_histories(list(book.classes), until_on=until_on)
