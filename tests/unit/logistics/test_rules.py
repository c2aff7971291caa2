"""Lot numbers, quantities and bills as pure values."""

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.refusals import CheckDigitWrong
from logistics.rules.gtins import valid_gtin
from logistics.rules.lot_numbers import normal_lot_number
from logistics.rules.production import material_uses
from logistics.rules.quantities import ceiling, fits_the_column, floor, is_countable, show

D = Decimal


@pytest.mark.parametrize(
    "spelling",
    [
        "CU-2016-001",
        "cu-2016-001",
        " CU 2016 001 ",
        "CU\u20132016\u2014001",  # en and em dash
        "CU\u22122016\u2011001",  # minus sign, non-breaking hyphen
        "ＣＵ－２０１６－００１",  # full width
        "CU_2016\u200b001",  # underscore, zero-width space
        "CU\u00a02016\t001",
    ],
)
def test_spellings_of_one_lot_are_one(spelling):
    assert normal_lot_number(spelling) == "CU2016001"


@pytest.mark.parametrize(
    ("one", "other"),
    [("CU.1", "CU1"), ("CU/1", "CU1"), ("CU1", "CU10"), ("CU#1", "CU1"), ("批号1", "批號1")],
)
def test_other_signs_tell_lots_apart(one, other):
    assert normal_lot_number(one) != normal_lot_number(other)


@given(st.text(max_size=40))
def test_the_normal_number_is_a_fixed_point(number):
    normal = normal_lot_number(number)
    assert normal_lot_number(normal) == normal
    assert normal_lot_number(f" {number.lower()}-") == normal_lot_number(number.lower())
    assert unicodedata.is_normalized("NFKC", normal)


@pytest.mark.parametrize(
    ("quantity", "unit", "places", "shown"),
    [
        ("12.5", "TNE", None, "12.5 t"),
        ("25.000000", "TNE", None, "25 t"),
        ("3600", "KGM", 3, "3,600.000 kg"),
        ("3673.469388", "KGM", 3, "3,673.469 kg"),
        ("0", "KGM", None, "0 kg"),
        ("100000000", "TNE", None, "100,000,000 t"),
        ("0.000001", "KGM", None, "0.000001 kg"),
        ("20000", "C62", None, "20,000"),
        ("500", "H87", None, "500 pc"),
    ],
)
def test_quantities_read_as_people_write_them(quantity, unit, places, shown):
    assert show(D(quantity), unit, places=places) == shown


@pytest.mark.parametrize(
    ("quantity", "fits"),
    [
        ("0.000001", True),
        ("0.0000001", False),
        ("1.1234560", True),
        ("999999999999999999.999999", True),
        ("1000000000000000000", False),
        ("NaN", False),
        ("Infinity", False),
        ("1E+17", True),
    ],
)
def test_a_quantity_fits_its_column(quantity, fits):
    assert fits_the_column(D(quantity)) is fits


@pytest.mark.parametrize(
    ("quantity", "unit", "whole"),
    [
        ("1", "C62", True),
        ("0.5", "C62", False),
        ("0.5", "DZN", True),
        ("0.05", "DZN", False),
        ("0.5", "KGM", True),
    ],
)
def test_pieces_are_whole(quantity, unit, whole):
    assert is_countable(D(quantity), unit) is whole


def test_floor_and_ceiling_are_the_millionths_around():
    assert floor(D("0.0000019")) == D("0.000001")
    assert ceiling(D("0.0000011")) == D("0.000002")
    assert floor(D("3")) == ceiling(D("3")) == D("3.000000")


def use_of(consumed, *, produced="20000", per_unit="0.18", loss="0.02", unit="KGM"):
    [use] = material_uses(
        produced=D(produced),
        loss_tolerance=D(loss),
        materials={1: ("copper-foil", unit)},
        bill={1: D(per_unit)},
        consumed={1: D(consumed)} if consumed else {},
    )
    return use


@pytest.mark.parametrize("consumed", ["3600", "3650.5", "3673.469387", "3673.469388"])
def test_consumption_between_bill_and_loss_ties(consumed):
    assert use_of(consumed).complaint() == ""


def test_consumption_over_the_loss_says_by_how_much():
    use = use_of("4000")
    assert use.complaint() == (
        "copper-foil: bill 3,600.000 kg, allowed up to 3,673.469 kg, "
        "consumed 4,000.000 kg, over by 326.531 kg"
    )
    assert (use.planned, use.allowed, use.over) == (
        D("3600"),
        D("3673.469388"),
        D("326.530612"),
    )


def test_a_millionth_too_much_is_shown_with_six_decimals():
    assert use_of("3673.469389").complaint() == (
        "copper-foil: bill 3,600.000000 kg, allowed up to 3,673.469388 kg, "
        "consumed 3,673.469389 kg, over by 0.000001 kg"
    )


def test_consumption_under_the_bill_says_what_is_short():
    assert use_of("3599.5").complaint() == (
        "copper-foil: bill 3,600.000 kg, consumed 3,599.500 kg, short 0.500 kg"
    )


def test_a_material_of_the_bill_that_is_missing_is_short_by_all_of_it():
    assert use_of(None).complaint() == (
        "copper-foil: bill 3,600.000 kg, consumed 0.000 kg, short 3,600.000 kg"
    )


def test_a_material_that_the_bill_does_not_name_is_named():
    [use] = material_uses(
        produced=D(1),
        loss_tolerance=D(0),
        materials={9: ("gold-wire", "GRM")},
        bill={},
        consumed={9: D("12.5")},
    )
    assert use.complaint() == "gold-wire: not in the bill, consumed 12.500 g"


def test_without_loss_only_the_bill_itself_ties():
    assert use_of("3600", loss="0").complaint() == ""
    assert use_of("3600.000001", loss="0").over == D("0.000001")


def test_a_bill_finer_than_quantities_are_counted_ties_to_the_next_millionth():
    assert use_of("0.000003", produced="3", per_unit="0.000001234567", loss="0").complaint() == ""
    assert use_of("0.000004", produced="3", per_unit="0.000001234567", loss="0").complaint() == ""
    assert use_of("0.000005", produced="3", per_unit="0.000001234567", loss="0").over > 0


@given(
    produced=st.decimals("0.000001", "1000000", places=6),
    per_unit=st.decimals("0.000001", "1000", places=12),
    loss=st.decimals("0", "0.5", places=8),
    share=st.decimals("0", "1", places=4),
)
def test_any_consumption_within_the_bounds_ties_and_one_beyond_does_not(
    produced, per_unit, loss, share
):
    bounds = use_of("1", produced=produced, per_unit=per_unit, loss=loss)
    within = floor(bounds.planned + (bounds.allowed - bounds.planned) * share)
    assert use_of(within, produced=produced, per_unit=per_unit, loss=loss).complaint() == ""
    beyond = bounds.allowed + D("0.000001")
    assert use_of(beyond, produced=produced, per_unit=per_unit, loss=loss).complaint() != ""


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("4006381333931", "04006381333931"),
        ("400-6381 333931", "04006381333931"),
        ("96385074", "00000096385074"),  # GTIN-8
        ("036000291452", "00036000291452"),  # GTIN-12
        ("10614141000415", "10614141000415"),
    ],
)
def test_gtins_of_each_length_are_kept_as_fourteen_digits(written, kept):
    assert valid_gtin(written) == kept


def test_a_wrong_check_digit_is_told_with_the_right_one():
    with pytest.raises(CheckDigitWrong) as caught:
        valid_gtin("4006381333932")
    assert str(caught.value) == ("The GTIN 4006381333932 ends in 2; its check digit should be 1.")
    assert caught.value.numbers == {"check_digit": "1"}


@pytest.mark.parametrize("wrong", ["", "123", "40063813339310000", "400638133393x"])
def test_what_has_not_the_length_of_a_gtin_is_none(wrong):
    with pytest.raises(CheckDigitWrong):
        valid_gtin(wrong)
