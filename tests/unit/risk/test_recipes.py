"""What a rate leans on (peers, a proxy, an appraisal), and that it comes out again exactly."""

import io
import math
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from parties.models import Person
from parties.roles import Act
from risk.models import Commodity, PledgeRate
from risk.pledge_rates import RateParameters, tail_prior, walk_forward
from risk.recipes import peer_scale
from risk.services.commodities import RatePolicyOutOfRange, load_catalogue, set_rate_policy
from risk.services.overrides import apply_override, request_override
from risk.services.prices import import_prices
from risk.services.rates import publish_rates, publish_rates_range
from risk.services.reproduction import reproduce_rates
from tests.factories.parties import make_authority, make_lender_team
from tests.factories.risk import (
    ACTOR,
    calm_prices,
    make_commodity,
    make_history,
    make_quoted,
    make_tick,
    noon,
)

from .test_pledge_rates import _history, _random_walk

pytestmark = pytest.mark.django_db

FRIDAY = date(2024, 5, 31)
MONDAY = date(2024, 6, 3)


def _walk(rows: int, *, seed: int = 7, scale: float = 0.015) -> list[Decimal]:
    step = Decimal("0.00000001")
    return [Decimal(x).quantize(step) for x in _random_walk(rows, seed=seed, scale=scale)]


def _metal(code: str, prices: list[Decimal], *, until: date = FRIDAY) -> Commodity:
    metal = make_commodity(code=code, cap=Decimal(1))
    Commodity.objects.filter(pk=metal.pk).update(asset_class="base_metal")
    metal.refresh_from_db()
    make_history(commodity=metal, prices=prices, until=until)
    return metal


def _publish(on: date, *commodities: Commodity) -> None:
    publish_rates(as_of=on, commodities=commodities or None, actor=ACTOR, now=noon(on))


def _problems() -> list[str]:
    return [one.problem for one in reproduce_rates()]


def test_a_new_series_borrows_its_peers_scale() -> None:
    one, other = _walk(400, seed=1), _walk(400, seed=2, scale=0.03)
    _metal("one", one)
    _metal("other", other)
    new = _metal("new", _walk(101, seed=3))
    _publish(FRIDAY, new)
    moves = [np.abs(np.diff(np.log([float(x) for x in prices]))).mean() for prices in (one, other)]
    own = np.abs(np.diff(np.log([float(x) for x in _walk(101, seed=3)]))).sum()
    scale = math.sqrt(math.pi / 2) * (60 * sum(moves) / 2 + own) / 160
    rate = PledgeRate.objects.get()
    expected = math.exp(tail_prior(10, 0.01) * scale * math.sqrt(10))
    assert float(rate.model_rate) == pytest.approx(expected, rel=1e-12)
    assert float(rate.parameters["peer_scale"]) == pytest.approx(sum(moves) / 2, rel=1e-12)
    assert _problems() == [""]


def test_a_series_of_its_own_age_needs_no_peers() -> None:
    _metal("one", _walk(400))
    grown = _metal("grown", _walk(260, seed=3))
    _publish(FRIDAY, grown)
    rate = PledgeRate.objects.get()
    assert "peer_scale" not in rate.parameters
    assert float(rate.model_rate) == walk_forward([float(p) for p in _walk(260, seed=3)]).rate[-1]


def test_without_peers_or_enough_rows_there_is_no_cold_start() -> None:
    lonely = _metal("lonely", _walk(101))
    assert publish_rates(as_of=FRIDAY, actor=ACTOR, now=noon(FRIDAY)).skipped == {
        "lonely": "too_few_prices"
    }
    _metal("one", _walk(400))
    young = _metal("young", _walk(60))
    _publish(FRIDAY, young, lonely)
    assert list(PledgeRate.objects.values_list("commodity__code", flat=True)) == ["lonely"]


def test_a_range_over_the_cold_start_publishes_what_its_days_would() -> None:
    _metal("one", _walk(400))
    new = _metal("new", _walk(264, seed=3))
    start = date(2024, 5, 20)
    with transaction.atomic():
        publish_rates_range(
            from_on=start, until_on=FRIDAY, commodities=[new], actor=ACTOR, now=noon(FRIDAY)
        )
        ranged = list(PledgeRate.objects.values_list("effective_on", "model_rate", "rate"))
        transaction.set_rollback(True)
    for offset in range((FRIDAY - start).days + 1):
        day = start + timedelta(days=offset)
        if day.weekday() < 5:
            _publish(day, new)
    assert list(PledgeRate.objects.values_list("effective_on", "model_rate", "rate")) == ranged
    kept = PledgeRate.objects.values_list("parameters__peer_scale", flat=True)
    assert [scale is None for scale in kept] == [False] * 5 + [True] * 5
    assert _problems() == [""] * 10


def test_peers_speak_for_ten_years_and_need_a_year() -> None:
    long, short = _random_walk(3000), _random_walk(249)
    expected = float(np.abs(np.diff(np.log(long[-2501:]))).mean())
    assert peer_scale([long, short]) == pytest.approx(expected, rel=1e-12)
    assert peer_scale([short]) is None


def _component(metal: Commodity, **policy: object) -> Commodity:
    phone = make_commodity(code="phone-parts", cap=Decimal(1))
    return set_rate_policy(
        commodity=phone, actor=ACTOR, now=noon(FRIDAY), horizon_days=20,
        confidence=Decimal("0.995"), proxy=metal, proxy_beta=Decimal("0.8"),
        basis_scale=Decimal("0.012"), drift_per_day=Decimal("-0.001"), **policy,
    )  # fmt: skip


def test_goods_without_a_series_lean_on_a_proxy_with_basis_and_drift() -> None:
    prices = _walk(600)
    phone = _component(_metal("metal", prices))
    make_history(commodity=phone, prices=[Decimal(240)], until=FRIDAY)
    _publish(MONDAY, phone)
    parameters = RateParameters(horizon=20, confidence=0.995)
    path = walk_forward([float(p) for p in prices], parameters)
    scale = math.sqrt((0.8 * path.scale[-1]) ** 2 + 0.012**2)
    expected = math.exp(path.tail[-1] * scale * math.sqrt(21) - 0.001 * 21)
    rate = PledgeRate.objects.get()
    assert float(rate.model_rate) == pytest.approx(expected, rel=1e-12)
    assert rate.rate == rate.model_rate.quantize(rate.rate)
    assert rate.parameters["proxy"]["age_days"] == 1
    assert _problems() == [""]


def test_a_proxy_without_prices_or_a_price_at_nothing_lends_nothing() -> None:
    metal = make_commodity(code="metal")
    phone = _component(metal)
    make_history(commodity=phone, prices=[Decimal(240)], until=FRIDAY)
    outcome = publish_rates(as_of=FRIDAY, actor=ACTOR, now=noon(FRIDAY))
    assert outcome.skipped["phone-parts"] == "too_few_prices"
    make_history(commodity=metal, prices=_walk(600), until=FRIDAY)
    make_tick({"phone-parts": 0}, on=FRIDAY)
    _publish(FRIDAY, phone)
    assert PledgeRate.objects.get().rate == 0


def test_a_proxy_is_explicit_and_careful() -> None:
    metal = make_commodity(code="metal")
    phone = _component(metal)
    for change in (
        {"horizon_days": 19},
        {"confidence": Decimal("0.99")},
        {"proxy_beta": None},
        {"basis_scale": Decimal(0)},
        {"drift_per_day": Decimal("0.001")},
        {"proxy": phone},
        {"proxy": None},
    ):
        with pytest.raises(RatePolicyOutOfRange):
            set_rate_policy(commodity=phone, actor=ACTOR, now=noon(FRIDAY), **change)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Commodity.objects.filter(pk=phone.pk).update(basis_scale=0)
    assert constraint_name(caught.value) == "commodity_proxy_is_explicit_and_careful"
    phone.refresh_from_db()
    assert (phone.proxy, phone.basis_scale) == (metal, Decimal("0.012"))


def _set_by_hand(copper: Commodity, price: Decimal, on: date) -> None:
    team = make_lender_team()
    checker = Person.objects.get(pk=team.approver.person_id)
    make_authority(person=checker, act=Act.OVERRIDE_PRICE, amount=Decimal(1_000_000))
    asked = request_override(
        commodity=copper, price=price, on=on, reason="appraised", actor=team.preparer, now=noon(on)
    )
    apply_override(override=asked, actor=team.approver, now=noon(on))


def test_goods_appraised_after_a_long_silence_lend_half_at_most() -> None:
    copper = make_quoted(rate=Decimal("0.80"), on=date(2024, 5, 1))
    _set_by_hand(copper, Decimal(8000), FRIDAY)  # 22 weekdays after the feed fell silent
    _publish(FRIDAY, copper)
    appraised = PledgeRate.objects.latest("effective_on")
    assert (appraised.rate, appraised.parameters["appraised"]) == (Decimal("0.50"), True)
    make_tick({"copper": 8100}, on=MONDAY)
    _publish(MONDAY, copper)
    assert PledgeRate.objects.latest("effective_on").rate == Decimal("0.5025")
    assert _problems() == ["", "", ""]


def test_a_price_corrected_by_hand_while_the_feed_lives_is_no_appraisal() -> None:
    copper = make_quoted(rate=Decimal("0.80"), on=FRIDAY)
    _set_by_hand(copper, Decimal(8500), MONDAY)
    _publish(MONDAY, copper)
    assert PledgeRate.objects.latest("effective_on").rate == Decimal("0.80")


def test_rates_come_out_again_after_prices_were_corrected(committed_prices: Path) -> None:
    now = noon(date(2022, 1, 3))
    load_catalogue(actor=ACTOR, now=now, codes=["gold_comex"])
    import_prices(paths=[committed_prices / "gold_comex.csv"], source="file", actor=ACTOR, now=now)
    publish_rates_range(from_on=date(2020, 3, 2), until_on=date(2020, 4, 30), actor=ACTOR, now=now)
    make_tick({"gold_comex": 1500}, on=date(2020, 3, 10))
    publish_rates_range(from_on=date(2020, 3, 9), until_on=date(2020, 3, 13), actor=ACTOR, now=now)
    assert PledgeRate.objects.filter(revision=2).exists()
    out = io.StringIO()
    call_command("pledge_rates", "--reproduce", stdout=out)
    count = PledgeRate.objects.count()
    assert out.getvalue() == f"{count} of {count} published rates come out again exactly\n"
    days = _history(committed_prices, "gold_comex")[0]
    assert count > sum("2020-03-02" <= day <= "2020-04-30" for day in days)


def _tamper(**columns: object) -> None:
    """Change a published rate behind the database's guards."""
    assignments = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE risk_pledgerate SET {assignments}", list(columns.values()))
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"rate": "0.7999"}, "0.8 would be published, not 0.7999"),
        ({"model_rate": "0.9"}, "not 0.90000000000000000"),
        ({"model": "bfhs-0"}, "no model bfhs-0 here"),
        ({"parameters": "{}"}, "published before inputs were kept"),
    ],
)
def test_what_does_not_come_out_again_is_named(columns: dict[str, object], problem: str) -> None:
    make_quoted(on=FRIDAY)
    _tamper(**columns)
    (found,) = _problems()
    assert problem in found
    with pytest.raises(CommandError, match="1 do not"):
        call_command("pledge_rates", "--reproduce", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.tampers
def test_a_price_changed_behind_the_guards_is_found() -> None:
    copper = make_commodity()
    make_history(commodity=copper, prices=calm_prices(Decimal(9000)), until=FRIDAY)
    _publish(FRIDAY)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE risk_price SET price = 9001 WHERE observed_on = '2024-05-30'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert _problems() == ["the prices are not those it names"]
