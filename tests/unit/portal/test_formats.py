from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils import translation

from portal import formats

D = Decimal


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (D("1234567.895"), "1,234,567.90"),
        (D("-0.005"), "−0.01"),
        (D(0), "0.00"),
        (None, "–"),
    ],
)
def test_money_has_separators_and_rounds_half_a_cent_away_from_zero(amount, text):
    assert formats.money(amount) == text


def test_headlines_drop_the_cents_from_a_hundred_thousand_on():
    assert formats.large_money(D("99999.99")) == "99,999.99"
    assert formats.large_money(D("100000.50")) == "100,001"


def test_statements_put_negative_amounts_in_parentheses():
    assert formats.statement(D("-1250")) == "(1,250.00)"
    assert formats.statement(D("1250")) == "1,250.00"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (D("41.200000"), "TNE", "41.2 t"),
        (D("12000.000000"), "C62", "12,000 pcs"),
        (D("0.000400"), "KGM", "0 kg"),
        (D("336000.000000"), "USD", "336,000.00 USD"),
    ],
)
def test_quantities_carry_their_unit_and_money_its_cents(value, unit, text):
    assert formats.quantity(value, unit) == text


def test_headline_quantities_of_money_drop_cents():
    assert formats.large_quantity(D("336000"), "USD") == "336,000 USD"


def test_rates_read_as_per_cent_and_their_changes_as_basis_points():
    assert formats.percent(D("0.8467")) == "84.7 %"
    assert formats.basis_points(D("-0.0177")) == "−177 bp"
    assert formats.basis_points(D("0.0271")) == "+271 bp"
    assert formats.basis_points(D(0)) == "0 bp"
    assert formats.signed_percent(D("0.059")) == "+5.9 %"


def test_cover_without_debt_is_said_in_words():
    assert formats.ratio(D("1310"), D("1000")) == "1.31"
    assert formats.ratio(D("1310"), D(0)) == "no debt"


def test_dates_follow_the_reader_and_instants_carry_their_zone():
    at = datetime(2011, 12, 9, 22, 5, tzinfo=timezone(timedelta(hours=-5)))
    assert formats.day(date(2011, 12, 9)) == "9 Dec 2011"
    assert formats.instant(at) == "10 Dec 2011 03:05 UTC"
    assert formats.hour(at) == "03:05 UTC"
    with translation.override("zh-hans"):
        assert formats.day(date(2011, 12, 9)) == "2011年12月9日"
        assert formats.month(date(2011, 12, 1)) == "2011年12月"


def test_days_are_counted_in_words():
    assert formats.days_between(date(2011, 9, 23), date(2011, 9, 23)) == "today"
    assert formats.days_between(date(2011, 9, 23), date(2011, 10, 5)) == "in 12 days"
    assert formats.days_between(date(2011, 9, 23), date(2011, 9, 20)) == "3 days ago"


def test_nothing_is_a_dash():
    empty = [formats.day(None), formats.instant(None), formats.number(None), formats.percent(None)]
    assert empty == ["–"] * 4
