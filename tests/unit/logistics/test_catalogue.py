"""Items with their price formula, bills of materials, sites."""

from decimal import Decimal

import pytest

from common.currencies import UnknownCurrency
from logistics.models import Item, ItemContent
from logistics.refusals import (
    AmountNotPossible,
    BillKnown,
    CheckDigitWrong,
    CodeNotPossible,
    CodeTaken,
    QuantityNotPossible,
    ShareNotPossible,
    UnknownCommodity,
    UnknownMaterial,
)
from logistics.services.catalogue import define_bill, define_item, open_site
from logistics.states import SiteKind
from outbox.models import AuditEntry
from parties.roles import Role
from parties.rules import InvalidIdentifier
from parties.services.authority import NotAllowed
from risk.services.commodities import define_commodity
from risk.units import IncompatibleUnits, UnknownUnit
from tests.factories.logistics import make_bill, make_item, make_site
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_actor,
    make_borrower,
    make_lender,
    make_warehouse_operator,
)
from tests.unit.logistics.helpers import refused

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def copper():
    return define_commodity(
        code="copper", name="Copper", quoted_unit="100 lb", currency="USD", actor=SYSTEM, now=NOW
    )


@pytest.fixture
def gold():
    return define_commodity(
        code="gold", name="Gold", quoted_unit="troy ounce", currency="USD", actor=SYSTEM, now=NOW
    )


@pytest.fixture
def owner():
    return make_borrower()


def define(owner, **changes):
    given = {
        "code": "copper-foil",
        "name": "Copper foil",
        "unit": "KGM",
        "owner": owner,
        "currency": "USD",
        "actor": SYSTEM,
        "now": NOW,
    }
    return define_item(**given | changes)


def contents(item):
    return dict(item.contents.values_list("commodity__code", "quantity"))


def test_contents_are_kept_in_the_unit_whose_price_is_the_unit_price(owner, copper, gold):
    foil = define(owner, contents={"copper": (D("0.998"), "KGM")})
    # One kilogram is 1/0.45359237 lb; copper is quoted per 100 lb and priced per pound.
    assert contents(foil) == {"copper": D("2.200213376605")}
    wire = define(owner, code="gold-wire", unit="GRM", contents={"gold": (D("0.9999"), "GRM")})
    assert contents(wire) == {"gold": D("0.032147531494")}
    phone = define(
        owner,
        code="phone",
        unit="C62",
        contents={"copper": (D("15"), "GRM"), "gold": (D("34"), "MGM")},
        premium=D("149.5"),
        premium_rate=D("0.3"),
        rate_factor=D("0.9"),
    )
    assert contents(phone) == {"copper": D("0.033069339328"), "gold": D("0.001093125383")}
    assert (phone.premium, phone.premium_rate, phone.rate_factor) == (
        D("149.5"),
        D("0.3"),
        D("0.9"),
    )


def test_an_item_is_entered_in_the_journal_with_its_formula(owner, copper):
    item = define(owner, contents={"copper": (D(1), "LBR")}, premium=D("2.5"))
    entry = AuditEntry.objects.get(action="define_item")
    assert (entry.object_type, entry.object_id) == ("logistics.item", str(item.pk))
    assert entry.detail == {
        "unit": "KGM",
        "currency": "USD",
        "premium": "2.5",
        "premium_rate": "0",
        "rate_factor": "1",
        "contents": {"copper": "1.000000000000"},
    }


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"unit": "XXX"}, UnknownUnit),
        ({"contents": {"unobtainium": (D(1), "KGM")}}, UnknownCommodity),
        ({"contents": {"copper": (D(1), "LTR")}}, IncompatibleUnits),
        ({"contents": {"copper": (D(1), "XXX")}}, UnknownUnit),
        ({"contents": {"copper": (D(0), "KGM")}}, QuantityNotPossible),
        ({"contents": {"copper": (D(-1), "KGM")}}, QuantityNotPossible),
        ({"contents": {"copper": (D("1e-13"), "KGM")}}, QuantityNotPossible),
        ({"premium": D(-1)}, AmountNotPossible),
        ({"premium": D("0.00001")}, AmountNotPossible),
        ({"premium_rate": D("1.01")}, ShareNotPossible),
        ({"premium_rate": D("-0.01")}, ShareNotPossible),
        ({"rate_factor": D(0)}, ShareNotPossible),
        ({"rate_factor": D("0.123456789")}, ShareNotPossible),
        ({"code": "two words"}, CodeNotPossible),
        ({"code": ""}, CodeNotPossible),
        ({"code": "x" * 41}, CodeNotPossible),
        ({"name": "  "}, CodeNotPossible),
        ({"gtin": "4006381333932"}, CheckDigitWrong),
    ],
)
def test_an_item_that_cannot_be_is_refused_by_name(owner, copper, changes, kind):
    with refused(kind):
        define(owner, **changes)


def test_money_is_not_a_content_and_floats_are_not_quantities(owner, copper):
    with refused(UnknownCommodity, "no commodity is called USD"):
        define(owner, contents={"USD": (D(1), "KGM")})
    with pytest.raises(TypeError, match="copper must be Decimal, not float"):
        define(owner, contents={"copper": (1.5, "KGM")})
    with pytest.raises(UnknownCurrency):
        define(owner, currency="XXX")
    assert not Item.objects.exists()


def test_codes_and_gtins_are_taken_once_in_any_spelling(owner, copper):
    define(owner, gtin="4006381333931", contents={"copper": (D(1), "KGM")})
    with refused(CodeTaken, "the code copper-foil is taken"):
        define(owner, code=" Copper-FOIL ", contents={"copper": (D(1), "KGM")})
    with refused(CodeTaken, "the gtin 04006381333931 is taken"):
        define(owner, code="other", gtin="0400-6381333931")
    assert ItemContent.objects.count() == 1


def test_a_bill_is_kept_in_the_materials_own_units(owner):
    foil, wire = make_item(code="copper-foil", unit="KGM"), make_item(code="gold-wire", unit="GRM")
    phone = make_item(code="phone", unit="C62")
    bill = define_bill(
        product=phone,
        lines={"copper-foil": (D("180"), "GRM"), "gold-wire": (D("0.000034"), "KGM")},
        loss_tolerance=D("0.02"),
        actor=SYSTEM,
        now=NOW,
    )
    assert bill.loss_tolerance == D("0.02")
    assert {line.material: line.quantity for line in bill.lines.all()} == {
        foil: D("0.18"),
        wire: D("0.034"),
    }


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"lines": {}}, UnknownMaterial),
        ({"lines": {"nothing-known": (D(1), "KGM")}}, UnknownMaterial),
        ({"lines": {"phone": (D(1), "C62")}}, UnknownMaterial),
        ({"lines": {"foil": (D(0), "KGM")}}, QuantityNotPossible),
        ({"lines": {"foil": (D(1), "LTR")}}, IncompatibleUnits),
        ({"loss_tolerance": D(1)}, ShareNotPossible),
        ({"loss_tolerance": D("-0.1")}, ShareNotPossible),
    ],
)
def test_a_bill_that_cannot_be_is_refused_by_name(changes, kind):
    make_item(code="foil")
    given = {
        "product": make_item(code="phone", unit="C62"),
        "lines": {"foil": (D(1), "KGM")},
        "actor": SYSTEM,
        "now": NOW,
    }
    with refused(kind):
        define_bill(**given | changes)


def test_a_product_has_one_bill_for_ever():
    foil, phone = make_item(code="foil"), make_item(code="phone", unit="C62")
    make_bill(product=phone, lines=[(foil, D("0.18"))])
    with refused(BillKnown, "phone has a bill of materials"):
        make_bill(product=phone, lines=[(foil, D("0.2"))])


def test_a_site_has_its_custodian_and_a_true_gln():
    keeper = make_warehouse_operator()
    given = {
        "code": "WH-1",
        "name": "Bonded warehouse",
        "operator": keeper,
        "kind": SiteKind.WAREHOUSE,
        "country": "cn",
        "gln": "6901234567892",
        "actor": SYSTEM,
        "now": NOW,
    }
    site = open_site(**given)
    assert (site.code, site.country, site.gln, site.operator) == (
        "wh-1",
        "CN",
        "6901234567892",
        keeper,
    )
    with refused(CodeTaken, "the code wh-1 is taken"):
        open_site(**given | {"gln": None})
    with refused(CodeTaken, "the gln 6901234567892 is taken"):
        open_site(**given | {"code": "wh-2"})
    with refused(InvalidIdentifier):
        open_site(**given | {"code": "wh-2", "gln": "6901234567891"})
    with refused(CodeNotPossible):
        open_site(**given | {"code": "wh-2", "country": "CHN"})


def test_only_lenders_and_the_platform_define(owner):
    borrower = make_actor(organisation=owner, roles=[Role.OPERATIONS])
    lender = make_lender()
    auditor = make_actor(organisation=lender, roles=[Role.AUDITOR])
    for actor in (borrower, auditor):
        with refused(NotAllowed):
            define(owner, actor=actor)
        with refused(NotAllowed):
            open_site(
                code="x",
                name="X",
                operator=owner,
                kind=SiteKind.SHOP,
                country="CN",
                actor=actor,
                now=NOW,
            )
    keeper = make_actor(organisation=lender, roles=[Role.OPERATIONS])
    assert define(owner, actor=keeper).code == "copper-foil"
    assert make_site().kind == SiteKind.WAREHOUSE
