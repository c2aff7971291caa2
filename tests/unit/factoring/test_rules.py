from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factoring.rules import (
    Gap,
    Standing,
    gaps,
    highest_advance,
    line_amount,
    mentions,
    normal_invoice_number,
    quantities_by_item,
)

D = Decimal


@pytest.mark.parametrize(
    "written",
    [
        "INV-2016-001",
        "inv-2016-001",
        " INV - 2016 - 001 ",
        "ＩＮＶ－２０１６－００１",
        "INV–2016—001",
        "INV−2016-001",
        "INV\u00a0-2016\u200b-001\t",
    ],
)
def test_spellings_of_one_invoice(written):
    assert normal_invoice_number(written) == "INV-2016-001"


def test_what_makes_two_invoices():
    assert normal_invoice_number("A-1") != normal_invoice_number("A1")
    assert normal_invoice_number("A/1") != normal_invoice_number("A-1")
    assert normal_invoice_number(" \t\u200b ") == ""


@given(st.text())
def test_a_normal_number_is_its_own_normal_number(text):
    once = normal_invoice_number(text)
    assert normal_invoice_number(once) == once


def test_a_remittance_names_an_invoice_but_not_a_longer_number():
    assert mentions("Payment of inv 2016 - 001, thanks", "INV2016-001")
    assert mentions("付款INV-7。", "INV-7") is False  # letters on both sides: could be part of it
    assert mentions("付款 INV-7。", "INV-7")
    assert not mentions("INV-10", "INV-1")
    assert not mentions("XINV-1", "INV-1")
    assert not mentions("anything", "")
    assert mentions("rf (INV.1)", "INV.1")
    assert not mentions("rf INVX1", "INV.1")


def test_lines_and_advance_round_by_name():
    assert line_amount(D(3), D("0.335"), "USD") == D("1.01")
    assert highest_advance(D("100.01"), D("0.8"), "USD") == D("80.00")
    assert highest_advance(D("99.999"), D("0.9"), "USD") == D("89.99")


def test_gaps_name_every_item_that_is_off():
    invoiced = quantities_by_item([(1, D(5)), (2, D(3)), (1, D(2))])
    assert gaps(invoiced=invoiced, leaving={1: D(7), 2: D(3)}) == []
    assert gaps(invoiced=invoiced, leaving={1: D(6), 3: D(1)}) == [
        Gap(1, D(7), D(6)),
        Gap(2, D(3), D(0)),
        Gap(3, D(0), D(1)),
    ]
    assert Gap(1, D(7), D(6)).off == 1


def test_reserve_and_rebate_of_the_worked_example():
    standing = Standing(
        face=D(640_000),
        collected=D(0),
        advanced=D(503_750),
        charged=D("7556.25"),
        owed=D("511306.25"),
        held=D(0),
    )
    assert standing.reserve == D(136_250)
    assert standing.rebate == D("128693.75")
    assert standing.outstanding == D(640_000)
