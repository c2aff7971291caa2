"""The disposal pages: what they tell, who may act, and that a form asks the service."""

from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from lending.models import DefaultNotice
from pledges.models import DisposalCase
from portal.story.calendar import CLOSE, END, at

CLOCK = SetClock(at(END, CLOSE))


def case_of(code, place=0):
    return DisposalCase.objects.filter(facility__code=code).order_by("pk")[place]


def read(client, case, query=""):
    answer = client.get(f"/disposals/{case.pk}/{query}")
    assert answer.status_code == 200
    return answer


def test_the_list_tells_what_sales_brought_and_what_is_claimed(sign_in):
    page = sign_in("zhou").get("/disposals/").content.decode()
    for text in ("CRASH-2008", "504,538.91", "73,173.47", "48,173.47", "Beacon Cable"):
        assert text in page


def test_a_case_tells_bids_sale_waterfall_and_deficit(sign_in):
    client = sign_in("lin")
    case = case_of("CRASH-2008")
    page = read(client, case).content.decode()
    for text in ("Granite Trading", "Auction with sealed bids", "4,200.00", "73,173"):
        assert text in page
    chart = read(client, case, "?chart=waterfall").json()
    amounts = {one["name"]: sum(one["values"]) for one in chart["series"]}
    assert amounts["Costs"] == 4_200
    assert sum(amounts.values()) == pytest.approx(504_538.91)
    rows = read(client, case, "?csv=waterfall").content.decode().splitlines()
    assert len(rows) == 1 + 6


def test_a_surplus_is_told_and_offers_are_compared_with_the_live_value(sign_in):
    page = read(sign_in("zhou"), case_of("CRASH-2020", 1)).content.decode()
    assert "Surplus" in page
    assert "102,594" in page
    assert "Suzhou Silver Paste" in page


@pytest.mark.parametrize(("username", "code"), [("fang", "CRASH-2008"), ("luo", "CRASH-2020")])
def test_the_borrower_reads_its_own_case_and_does_nothing(sign_in, username, code):
    client = sign_in(username)
    page = read(client, case_of(code)).content.decode()
    assert 'class="action-form"' not in page
    other = case_of("CRASH-2020" if code == "CRASH-2008" else "CRASH-2008")
    assert client.get(f"/disposals/{other.pk}/").status_code == 404
    sent = client.post(f"/disposals/{case_of(code).pk}/", {"cancel-key": "k"})
    assert sent.status_code == 404


def test_a_default_is_proposed_by_one_and_declared_and_followed_by_others(sign_in):
    with using_clock(CLOCK):
        lin, zhou = sign_in("lin"), sign_in("zhou")
        proposal = {
            "propose-key": "k1",
            "propose-cause": "insolvency",
            "propose-reference": "court order 17",
            "propose-reason": "insolvent",
        }
        assert lin.post("/disposals/", proposal | {"propose-reason": ""}).status_code == 422
        assert lin.post("/disposals/", proposal).status_code == 303
        notice = DefaultNotice.objects.latest("pk")
        assert (notice.facility.code, notice.state) == ("AURORA-2011", "proposed")
        given = {"declare-key": "k2", "declare-notice": notice.pk}
        assert zhou.post("/disposals/", given).status_code == 303
        opening = {
            "open-key": "k3",
            "open-notice": notice.pk,
            "open-target": "everything",
        }
        assert lin.post("/disposals/", opening).status_code == 303
        case = case_of("AURORA-2011")
        address = f"/disposals/{case.pk}/"
        begun = zhou.post(address, {"begin-key": "k4"})
        assert (begun.status_code, begun["Location"]) == (303, address)
        page = lin.get(address).content.decode()
        position = case.facility.positions.live().exclude(right="proceeds").first()
        put_up = {
            "put_up-key": "k5",
            "put_up-position": str(position.pk),
            "put_up-quantity": "1",
            "put_up-reserve": "0",
            "put_up-expected_share": "0.95",
        }
        assert str(position.pk) in page
        refused = lin.post(address, put_up)
        assert refused.status_code == 422
        assert lin.post(address, put_up | {"put_up-reserve": "50"}).status_code == 303
        case.refresh_from_db()
        assert (case.state, case.lots.get().reserve) == ("selling", Decimal(50))


def test_queries_do_not_grow_with_the_case(sign_in, django_assert_max_num_queries):
    client = sign_in("lin")
    for case in DisposalCase.objects.all():
        with django_assert_max_num_queries(40):
            read(client, case)
