"""Who and what the story is about: organisations, people, sites, goods, the facility."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from lending.models import Facility
from lending.services.facilities import activate_facility, draft_facility
from lending.terms import FacilityTerms
from logistics.models import Item, Lot, Site
from logistics.services.catalogue import define_bill, define_item, open_site
from logistics.services.stock import receive_goods
from logistics.states import SiteKind
from parties.actors import Actor, system_actor
from parties.models import BankAccount, Organisation, Person
from parties.roles import Act, OrganisationKind, Role
from parties.services.organisations import open_bank_account, register_organisation
from parties.services.people import grant_authority, register_person

STORY = system_actor("story")
DEMO_PASSWORD = "copper-to-cash-2011"
FACILITY = "AURORA-2011"
LIMIT = Decimal("4000000.00")

_KIND = OrganisationKind
# code, name, Chinese name, kind, LEI, USCC, GLN; all invented, with valid check digits
ORGANISATIONS = (
    ("harbour", "Harbour Supply Bank", "海港供应链银行", _KIND.LENDER,
     "984500HARBOUR0000026", "91440300MA5G1000XB", "6950123450104"),
    ("aurora", "Aurora Mobile", "曙光手机", _KIND.MANUFACTURER,
     "984500AURORA00000017", "91440300MA5G1007XJ", "6950123450111"),
    ("jiangnan", "Jiangnan Copper Foil", "江南铜箔", _KIND.SUPPLIER,
     "984500JIANGNAN000049", "91440300MA5G1014X5", "6950123450128"),
    ("suzhou", "Suzhou Silver Paste", "苏州银浆", _KIND.SUPPLIER,
     "984500SUZHOU00000069", "91440300MA5G1021XP", "6950123450135"),
    ("kunshan", "Kunshan Bonding Wire", "昆山键合线", _KIND.SUPPLIER,
     "984500KUNSHAN0000062", "91440300MA5G1028XY", "6950123450142"),
    ("pearl", "Pearl River Assembly", "珠江代工", _KIND.CONTRACT_MANUFACTURER,
     "984500PEARL000000018", "91440300MA5G1035XH", "6950123450159"),
    ("yantian", "Yantian Bonded Logistics", "盐田保税物流", _KIND.WAREHOUSE_OPERATOR,
     "984500YANTIAN0000079", "91440300MA5G1042X4", "6950123450166"),
    ("bluestrait", "Blue Strait Freight", "蓝海峡货运", _KIND.CARRIER,
     "984500BLUE0000000082", "91440300MA5G1049XB", "6950123450173"),
    ("metro", "Metro Digital Retail", "都会数码零售", _KIND.BUYER,
     "984500METRO000000036", "91440300MA5G1056XX", "6950123450180"),
    ("northstar", "North Star Electronics", "北极星电器", _KIND.BUYER,
     "984500NORTH000000097", "91440300MA5G1063XG", "6950123450197"),
)  # fmt: skip

# username, full name, organisation, roles, language, console
PEOPLE = (
    ("lin", "Lin Yue", "harbour", (Role.PREPARER, Role.OPERATIONS), "en", True),
    ("zhou", "Zhou Ming", "harbour", (Role.APPROVER, Role.RISK_OFFICER), "en", True),
    ("audit", "Ada Hughes", "harbour", (Role.AUDITOR,), "en", True),
    ("mei", "Mei Tang", "aurora", (Role.PREPARER,), "zh-hans", False),
    ("chen", "Chen Bo", "aurora", (Role.APPROVER,), "zh-hans", False),
    ("wen", "Wen Jie", "pearl", (Role.PARTNER, Role.OPERATIONS), "en", False),
    ("hao", "Hao Wei", "yantian", (Role.PARTNER, Role.OPERATIONS), "en", False),
)

AUTHORITY = (
    ("zhou", Act.DISBURSE, Decimal("4000000")),
    ("zhou", Act.RELEASE, Decimal("4000000")),
    ("zhou", Act.SET_LIMIT, Decimal("5000000")),
    ("zhou", Act.WRITE_OFF, Decimal("1000000")),
)

KILOGRAM = "KGM"
PIECE = "C62"
# An item's contents are what one unit holds. Silver paste is three quarters silver.
COPPER_FOIL = "copper-foil"
SILVER_PASTE = "silver-paste"
GOLD_WIRE = "gold-wire"
PHONE = "aurora-two"
OLD_PHONE = "aurora-one"
BILL = {
    COPPER_FOIL: (Decimal("0.3"), KILOGRAM),
    SILVER_PASTE: (Decimal("0.012"), KILOGRAM),
    GOLD_WIRE: (Decimal("0.0003"), KILOGRAM),
}
LOSS_TOLERANCE = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything the scenes refer to by name; read once per run."""

    organisations: dict[str, Organisation]
    people: dict[str, Actor]
    sites: dict[str, Site]
    items: dict[str, Item]

    def org(self, code: str) -> Organisation:
        """Return an organisation of the story."""
        return self.organisations[code]

    def actor(self, username: str) -> Actor:
        """Return a person of the story as the one who acts."""
        return self.people[username]

    def site(self, code: str) -> Site:
        """Return a site of the story."""
        return self.sites[code]

    def item(self, code: str) -> Item:
        """Return an item of the story."""
        return self.items[code]

    @property
    def facility(self) -> Facility:
        """Return the facility, as it is now."""
        return Facility.objects.select_related("tenant", "borrower").get(code=FACILITY)

    def account(self, code: str) -> BankAccount:
        """Return the account on which an organisation is paid."""
        return BankAccount.objects.get(organisation__code=code, currency="USD")


def read_cast() -> Cast:
    """Read the cast from the database (four queries and the people's roles)."""
    people = Person.objects.select_related("organisation").filter(
        username__in=[row[0] for row in PEOPLE]
    )
    return Cast(
        organisations={one.code: one for one in Organisation.objects.all()},
        people={person.username: Actor.of(person) for person in people},
        sites={one.code: one for one in Site.objects.select_related("operator")},
        items={one.code: one for one in Item.objects.all()},
    )


def introduce_parties(*, now: datetime) -> None:
    """Register the organisations, their accounts and their people."""
    for code, name, name_zh, kind, lei, uscc, gln in ORGANISATIONS:
        organisation = register_organisation(
            code=code, name=name, name_zh=name_zh, kind=kind, country="CN",
            lei=lei, uscc=uscc, gln=gln, actor=STORY, now=now,
        )  # fmt: skip
        open_bank_account(
            organisation=organisation, number=f"6222{organisation.gln}", currency="USD",
            bank_name="Harbour Supply Bank", actor=STORY, now=now,
        )  # fmt: skip
    organisations = {one.code: one for one in Organisation.objects.all()}
    people = {}
    for username, name, code, roles, language, console in PEOPLE:
        people[username] = register_person(
            username=username, full_name=name, organisation=organisations[code], roles=roles,
            password=DEMO_PASSWORD, language=language, may_use_console=console,
            actor=STORY, now=now,
        )  # fmt: skip
    for username, act, amount in AUTHORITY:
        grant_authority(
            person=people[username], act=act, currency="USD", amount=amount, actor=STORY, now=now
        )


def introduce_goods(*, now: datetime) -> None:
    """Open the sites and define the goods, their price formulas and the phone's bill."""
    organisations = {one.code: one for one in Organisation.objects.all()}
    sites = (
        ("pearl-odm", "Pearl River plant", "珠江工厂", "pearl", SiteKind.FACTORY),
        ("yantian-wh", "Yantian bonded warehouse", "盐田保税仓", "yantian", SiteKind.WAREHOUSE),
        ("longhua-wh", "Longhua service warehouse", "龙华售后仓", "yantian", SiteKind.WAREHOUSE),
        ("bluestrait-72", "Blue Strait truck 72", "蓝海峡72号货车", "bluestrait", SiteKind.VEHICLE),
    )
    for code, name, name_zh, operator, kind in sites:
        open_site(
            code=code, name=name, name_zh=name_zh, operator=organisations[operator], kind=kind,
            country="CN", actor=STORY, now=now,
        )  # fmt: skip
    _define_materials(organisations["aurora"], now)
    _define_phones(organisations["aurora"], now)


def _define_materials(owner: Organisation, now: datetime) -> None:
    one = Decimal(1)
    materials = (
        (COPPER_FOIL, "Copper foil", "铜箔", "copper_comex", one, Decimal("0.98")),
        (SILVER_PASTE, "Silver paste", "银浆", "silver_comex", Decimal("0.75"), Decimal("0.95")),
        (GOLD_WIRE, "Gold bonding wire", "金键合线", "gold_comex", one, Decimal("0.98")),
    )
    for code, name, name_zh, commodity, share, factor in materials:
        define_item(
            code=code, name=name, name_zh=name_zh, unit=KILOGRAM, owner=owner, currency="USD",
            contents={commodity: (share, KILOGRAM)}, rate_factor=factor, actor=STORY, now=now,
        )  # fmt: skip


def _define_phones(owner: Organisation, now: datetime) -> None:
    contents = {
        "copper_comex": (Decimal("0.28"), KILOGRAM),
        "silver_comex": (Decimal("0.0085"), KILOGRAM),
        "gold_comex": (Decimal("0.00028"), KILOGRAM),
    }
    phones = (
        (PHONE, "Aurora Two phone", "曙光二代手机", Decimal(96)),
        (OLD_PHONE, "Aurora One phone", "曙光一代手机", Decimal(62)),
    )
    for code, name, name_zh, premium in phones:
        define_item(
            code=code, name=name, name_zh=name_zh, unit=PIECE, owner=owner, currency="USD",
            contents=contents, premium=premium, premium_rate=Decimal("0.55"),
            rate_factor=Decimal("0.9"), actor=STORY, now=now,
        )  # fmt: skip
    define_bill(
        product=Item.objects.get(code=PHONE), lines=BILL, loss_tolerance=LOSS_TOLERANCE,
        actor=STORY, now=now,
    )  # fmt: skip


def open_facility(*, cast: Cast, on: date, now: datetime) -> Facility:
    """Draft the facility by one person of the lender and activate it by another."""
    facility = draft_facility(
        code=FACILITY,
        name="Aurora whole-chain facility",
        borrower=cast.org("aurora"),
        terms=FacilityTerms(
            currency="USD",
            limit=LIMIT,
            annual_rate=Decimal("0.072"),
            penalty_rate=Decimal("0.036"),
            opened_on=on,
            matures_on=date(2012, 6, 29),
            order_advance_rate=Decimal("0.80"),
            receivable_advance_rate=Decimal("0.85"),
            watch_line=Decimal("0.74"),
            call_line=Decimal("0.82"),
        ),
        actor=cast.actor("lin"),
        now=now,
    )
    return activate_facility(facility=facility, actor=cast.actor("zhou"), now=now)


def stock_old_phones(*, cast: Cast, now: datetime) -> Lot:
    """Put the last of an earlier run, free of any claim, into the warehouse."""
    return receive_goods(
        site=cast.site("yantian-wh"),
        item=cast.item(OLD_PHONE),
        owner=cast.org("aurora"),
        lot_number="A1-2011-05",
        quantity=Decimal(9000),
        source=cast.org("yantian"),
        reference="GRN-0511",
        occurred_at=now,
        actor=STORY,
        now=now,
    )
