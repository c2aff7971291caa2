"""Units of measure and what price files call them."""

from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from risk.units import (
    UNITS,
    IncompatibleUnits,
    Quotation,
    UnknownUnit,
    conversion_factor,
    convert,
    parse_quotation,
)

MEASURES = {
    measure: [u.code for u in UNITS.values() if u.measure == measure]
    for measure in {u.measure for u in UNITS.values()}
}
PAIRS = [(one, other) for codes in MEASURES.values() for one in codes for other in codes]


@pytest.mark.parametrize(
    ("quantity", "source", "target", "expected"),
    [
        ("1", "LBR", "KGM", "0.45359237"),
        ("1", "APZ", "GRM", "31.1034768"),
        ("1", "STN", "LBR", "2000"),
        ("1", "TNE", "KGM", "1000"),
        ("42", "GLL", "BLL", "1"),
        ("16", "ONZ", "LBR", "1"),
        ("2240", "LBR", "LTN", "1"),
        ("1", "BUA", "LTR", "35.23907016688"),
        ("1", "MWH", "GV", "3.6"),
        ("24", "C62", "DZN", "2"),
        ("1.5", "MTR", "CMT", "150"),
    ],
)
def test_published_factors(quantity: str, source: str, target: str, expected: str) -> None:
    assert convert(Decimal(quantity), source, target) == Decimal(expected)


@given(
    st.sampled_from(PAIRS),
    st.decimals("-1e12", "1e12", places=6, allow_nan=False, allow_infinity=False),
)
def test_there_and_back_is_where_one_was(pair: tuple[str, str], quantity: Decimal) -> None:
    one, other = pair
    back = convert(convert(quantity, one, other), other, one)
    assert abs(back - quantity) <= abs(quantity) * Decimal("1e-90")
    assert conversion_factor(one, other) * conversion_factor(other, one) == pytest.approx(1)


def test_a_weight_is_no_volume() -> None:
    with pytest.raises(IncompatibleUnits, match=r"measures mass, .* measures volume") as caught:
        convert(Decimal(1), "KGM", "LTR")
    assert caught.value.numbers == {"from_unit": "KGM", "to_unit": "LTR"}


def test_an_unknown_code_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownUnit, match=r"'XYZ' is not a unit code; known are .*KGM"):
        convert(Decimal(1), "KGM", "XYZ")


def test_a_float_is_no_quantity() -> None:
    with pytest.raises(TypeError):
        convert(1.5, "KGM", "GRM")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "quantity", "unit", "factor"),
    [
        ("100 lb", 100, "LBR", "1"),
        ("troy ounce", 1, "APZ", "1"),
        ("troy ounce (cents)", 1, "APZ", "0.01"),
        ("barrel", 1, "BLL", "1"),
        ("gallon", 1, "GLL", "1"),
        ("MMBtu", 1_000_000, "BTU", "1"),
        ("contract (5000 bushels)", 5000, "BUA", "1"),
        ("contract (100 short tons)", 100, "STN", "1"),
        ("contract (112000 lb)", 112_000, "LBR", "1"),
        ("tonne", 1, "TNE", "1"),
        ("kg", 1, "KGM", "1"),
        ("KGM", 1, "KGM", "1"),
        (" 2.5 kilograms ", "2.5", "KGM", "1"),
        ("10 pieces", 10, "H87", "1"),
    ],
)
def test_texts_of_price_files(text: str, quantity: int | str, unit: str, factor: str) -> None:
    assert parse_quotation(text) == Quotation(Decimal(quantity), unit, Decimal(factor))


@pytest.mark.parametrize("text", ["", "lot", "100", "100 lb per day", "cents", "contract ()"])
def test_texts_that_name_no_unit_are_refused(text: str) -> None:
    with pytest.raises(UnknownUnit, match="names no known unit"):
        parse_quotation(text)


@pytest.mark.parametrize(
    "text",
    ["100 lb", "troy ounce", "troy ounce (cents)", "barrel", "MMBtu", "5000 bu", "tonne", "gallon"],
)
def test_a_quotation_is_written_as_it_is_read_in_every_language(text: str) -> None:
    with translation.override("zh-hans"):
        assert str(parse_quotation(text)) == text


def test_unit_prices() -> None:
    assert parse_quotation("100 lb").unit_price(Decimal("437.05")) == Decimal("4.3705")
    assert parse_quotation("troy ounce (cents)").unit_price(Decimal(2294)) == Decimal("22.94")
    corn = parse_quotation("contract (5000 bushels)")
    assert corn.unit_price(Decimal("153093.12")) == Decimal("30.618624")
