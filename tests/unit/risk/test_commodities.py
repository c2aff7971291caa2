"""Defining commodities and their rate policy."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from outbox.models import AuditEntry
from risk.catalogue import CATALOGUE
from risk.models import Commodity
from risk.services.commodities import (
    CommodityDefinedOtherwise,
    RatePolicyOutOfRange,
    define_commodity,
    load_catalogue,
    set_rate_policy,
)
from risk.units import UnknownUnit
from tests.factories.risk import ACTOR, make_commodity

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)


def test_the_catalogue_loads_once() -> None:
    first = load_catalogue(actor=ACTOR, now=NOW)
    set_rate_policy(commodity=first[0], actor=ACTOR, now=NOW, cap=Decimal("0.5"))
    again = load_catalogue(actor=ACTOR, now=NOW)
    assert again == first
    assert Commodity.objects.count() == len(CATALOGUE) == 15
    assert again[0].cap == Decimal("0.5")
    assert AuditEntry.objects.filter(action="risk.define_commodity").count() == 15


def test_what_the_catalogue_says() -> None:
    load_catalogue(actor=ACTOR, now=NOW)
    silver = Commodity.objects.get(code="silver_comex")
    assert (silver.unit, silver.price_quantity, silver.price_factor, silver.name_zh) == (
        "APZ",
        Decimal(1),
        Decimal("0.01"),
        "白银",
    )
    horizons = dict(Commodity.objects.values_list("code", "horizon_days"))
    assert (horizons["gold_comex"], horizons["copper_comex"]) == (4, 10)
    caps = dict(Commodity.objects.values_list("code", "cap"))
    assert (caps["copper_comex"], caps["wti"], caps["USD"]) == (
        Decimal("0.90"),
        Decimal("0.80"),
        Decimal(1),
    )
    assert str(Commodity.objects.get(code="copper_comex").quotation) == "100 lb"


def test_the_same_definition_again_returns_the_same_commodity() -> None:
    tonne = make_commodity(quoted_unit="tonne")
    assert make_commodity(quoted_unit="metric ton") == tonne


@pytest.mark.parametrize("change", [{"quoted_unit": "100 lb"}, {"currency": "CNY"}])
def test_another_quotation_under_the_same_code_is_refused(change: dict[str, Any]) -> None:
    make_commodity()
    with pytest.raises(CommodityDefinedOtherwise, match="in USD per tonne already"):
        make_commodity(**change)
    assert Commodity.objects.get().currency == "USD"


def test_a_unit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownUnit):
        define_commodity(
            code="x", name="X", quoted_unit="heap", currency="USD", actor=ACTOR, now=NOW
        )
    assert not Commodity.objects.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cap": Decimal("1.2")}, "cap is 1.2; it must be above 0, at most 1"),
        ({"confidence": Decimal("0.5")}, "confidence is 0.5; it must be between 0.5 and 1"),
        ({"horizon_days": 0}, "horizon_days is 0; it must be 1 trading day or more"),
        ({"disposal_cost": Decimal(1)}, "disposal_cost is 1; it must be 0 to below 1"),
        (
            {"stale_after_days": 9, "stop_after_days": 8},
            "stop_after_days is 8; it must be at least stale_after_days",
        ),
    ],
)
def test_a_policy_out_of_range_is_refused(change: dict[str, Any], message: str) -> None:
    copper = make_commodity()
    with pytest.raises(RatePolicyOutOfRange, match=message):
        set_rate_policy(commodity=copper, actor=ACTOR, now=NOW, **change)
    copper.refresh_from_db()
    assert (copper.cap, copper.horizon_days, copper.stale_after_days) == (Decimal("0.8"), 10, 5)


def test_a_policy_is_no_way_to_change_a_quotation() -> None:
    copper = make_commodity()
    with pytest.raises(TypeError, match="not part of a rate policy: unit"):
        set_rate_policy(commodity=copper, actor=ACTOR, now=NOW, unit="KGM")


def test_a_change_of_policy_is_in_the_journal() -> None:
    copper = make_commodity()
    set_rate_policy(commodity=copper, actor=ACTOR, now=NOW, horizon_days=20)
    entry = AuditEntry.objects.get(action="risk.set_rate_policy")
    assert entry.detail == {"before": {"horizon_days": "10"}, "after": {"horizon_days": "20"}}
    assert entry.object_id == "copper"
