"""Identifiers have one spelling, and a wrong check digit is answered with the right one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean, iban, lei
from stdnum.cn import uscc

from parties.rules import (
    InvalidIdentifier,
    gln_check_digit,
    valid_account_number,
    valid_gln,
    valid_lei,
    valid_uscc,
)
from tests.factories.parties import make_gln, make_lei, make_uscc

USCC_FORM = "digits in places 3 to 8, elsewhere digits and letters other than I, O, S, V, Z"
LEI, USCC, GLN = "213800KUD8LAJWSQ9D15", "91110000600037341L", "9501101530003"


@pytest.mark.parametrize(
    ("valid", "text", "number"),
    [
        (valid_lei, "2138 00ku d8la jwsq 9d15", LEI),
        (valid_lei, "２１３８００ＫＵＤ８ＬＡＪＷＳＱ９Ｄ１５", LEI),
        (valid_uscc, "9111 0000-6000 37341l", USCC),
        (valid_gln, " 950-1101-53000-3\n", GLN),
        (valid_account_number, "gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
        (valid_account_number, "6222 0200 0000 0000 017", "6222020000000000017"),
    ],
)
def test_spaces_hyphens_case_and_width_do_not_matter(valid, text, number):
    assert valid(text) == number


@pytest.mark.parametrize(
    ("valid", "text", "message", "check"),
    [
        (
            valid_lei,
            "213800KUD8LAJWSQ9D16",
            "LEI 213800KUD8LAJWSQ9D16 ends in 16; the check digits should be 15.",
            "15",
        ),
        (
            valid_uscc,
            "911100006000373419",
            "USCC 911100006000373419 ends in 9; the check digit should be L.",
            "L",
        ),
        (
            valid_gln,
            "9501101530007",
            "GLN 9501101530007 ends in 7; the check digit should be 3.",
            "3",
        ),
        (
            valid_account_number,
            "GB83WEST12345698765432",
            "The IBAN GB83WEST12345698765432 has the check digits 83; they should be 82.",
            "82",
        ),
    ],
)
def test_a_wrong_check_digit_is_answered_with_the_right_one(valid, text, message, check):
    with pytest.raises(InvalidIdentifier) as refused:
        valid(text)
    assert str(refused.value) == message
    assert refused.value.numbers == {"check_digits": check}


@pytest.mark.parametrize(
    ("valid", "text", "message"),
    [
        (valid_lei, "213800KUD8", "Each LEI has 20 characters; 213800KUD8 has 10."),
        (
            valid_lei,
            "213800KUD8LAJWSQ9DAA",
            "Each LEI has letters and digits, the last two digits; 213800KUD8LAJWSQ9DAA has not.",
        ),
        (valid_lei, "", "Each LEI has 20 characters;  has 0."),
        (valid_gln, "950110153000A", "Each GLN has digits only; 950110153000A has not."),
        (valid_gln, "95011015300031", "Each GLN has 13 characters; 95011015300031 has 14."),
        (
            valid_uscc,
            "91110000600O37341L",
            f"Each USCC has {USCC_FORM}; 91110000600O37341L has not.",
        ),
        (
            valid_account_number,
            "12/34",
            "An account number has 5 to 34 letters and digits; 12/34 has not.",
        ),
        (
            valid_account_number,
            "GB49WEST123456987654321",
            "The IBAN GB49WEST123456987654321 has not the form its country uses.",
        ),
    ],
)
def test_a_misspelt_number_is_told_its_form(valid, text, message):
    with pytest.raises(InvalidIdentifier) as refused:
        valid(text)
    assert str(refused.value) == message


def test_a_village_collective_has_a_letter_in_front():
    """GB 32100 gives N2 to economic collectives; python-stdnum 2.2 wants eight digits there."""
    first = "N2110000MF0000000"
    number = first + uscc.calc_check_digit(first)
    assert not uscc.is_valid(number)
    assert valid_uscc(number) == number


@given(st.integers(0, 10**8 - 1))
def test_made_up_identifiers_pass_the_libraries(number):
    assert lei.is_valid(valid_lei(make_lei(number)))
    assert uscc.is_valid(valid_uscc(make_uscc(number)))
    assert ean.is_valid(valid_gln(make_gln(number)))


@given(st.integers(0, 10**12 - 1), st.integers(1, 9))
def test_any_other_last_digit_is_refused(stem, off):
    text = f"{stem:012d}"
    right = int(gln_check_digit(text))
    with pytest.raises(InvalidIdentifier, match=f"should be {right}"):
        valid_gln(f"{text}{(right + off) % 10}")


@given(st.text(max_size=40))
def test_any_text_is_answered_and_a_valid_spelling_is_settled(text):
    for valid in (valid_lei, valid_uscc, valid_gln, valid_account_number):
        with suppress(InvalidIdentifier):
            assert valid(valid(text)) == valid(text)


def test_the_published_iban_is_one():
    assert iban.is_valid("GB82WEST12345698765432")
