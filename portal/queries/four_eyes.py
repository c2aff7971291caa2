"""Changes of terms and of prices that two people decide on, as the reader may see them."""

from __future__ import annotations

from django.http import Http404

from lending.models import FacilityChange
from lending.states import ChangeState
from parties.actors import Actor
from risk.models import Commodity, PriceOverride, RateModelSwitch
from risk.models.commodity import CommodityKind
from risk.states import OverrideState

MOST_SHOWN = 200


def list_term_changes(actor: Actor) -> list[FacilityChange]:
    """Return the latest changes of terms, newest first (one query)."""
    rows = FacilityChange.objects.visible_to(actor)
    return list(rows.select_related("facility", "maker", "checker")[:MOST_SHOWN])


def list_overrides(actor: Actor) -> list[PriceOverride]:
    """Return the latest prices set by hand, newest first (one query)."""
    rows = PriceOverride.objects.visible_to(actor)
    return list(rows.select_related("commodity", "maker", "checker")[:MOST_SHOWN])


def get_term_change(actor: Actor, change_id: int) -> FacilityChange:
    """Return one change of terms; 404 for another house's."""
    rows = FacilityChange.objects.visible_to(actor).select_related("facility")
    if (change := rows.filter(pk=change_id).first()) is None:
        raise Http404
    return change


def get_override(actor: Actor, override_id: int) -> PriceOverride:
    """Return one price set by hand; 404 for another house's."""
    rows = PriceOverride.objects.visible_to(actor).select_related("commodity")
    if (override := rows.filter(pk=override_id).first()) is None:
        raise Http404
    return override


def get_commodity(code: str) -> Commodity:
    """Return one commodity, which everybody may see; 404 where there is none of that code."""
    if (commodity := Commodity.objects.filter(code=code).first()) is None:
        raise Http404
    return commodity


def priced_commodities() -> list[tuple[str, str]]:
    """Return code and name of every commodity with a price of its own (one query)."""
    rows = Commodity.objects.filter(kind=CommodityKind.COMMODITY, active=True)
    return list(rows.values_list("code", "name"))


def count_waiting(actor: Actor) -> int:
    """Return how many changes wait for their decision (three queries)."""
    terms = FacilityChange.objects.visible_to(actor).filter(state=ChangeState.REQUESTED)
    prices = PriceOverride.objects.visible_to(actor).filter(state=OverrideState.REQUESTED)
    models = RateModelSwitch.objects.visible_to(actor).filter(state=OverrideState.REQUESTED)
    return terms.count() + prices.count() + models.count()
