"""Scenes of two crashes: drawn, called, not cured, in default, sold; a deficit and a surplus."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from lending.models import DefaultNotice, Facility, Loan, WriteOff
from lending.services.accrual import accrue
from lending.services.default import ask_to_heal
from lending.services.disbursements import (
    approve_disbursement,
    confirm_payment,
    request_disbursement,
)
from lending.services.facilities import activate_facility, close_facility, draft_facility
from lending.services.loans import agree_loan
from lending.services.write_off import approve_write_off, record_recovery, request_write_off
from lending.states import DefaultCause, NoticeState, Product
from lending.terms import FacilityTerms
from logistics.services.catalogue import define_item
from logistics.services.stock import receive_goods
from parties.models import BankAccount, Organisation
from parties.roles import OrganisationKind, Role
from parties.services.organisations import open_bank_account, register_organisation
from parties.services.people import register_person
from pledges.measure import measure
from pledges.models import (
    DisposalCase,
    DisposalChannel,
    DisposalLot,
    MarginCall,
    Offer,
    Sale,
    Surplus,
)
from pledges.rules.sealed_bids import commitment
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import covering
from pledges.services.disposal.agree_channel import ChannelTerms, agree_channel, propose_channel
from pledges.services.disposal.declare_default import (
    declare_default,
    heal_default,
    propose_default,
)
from pledges.services.disposal.open_case import begin_selling, open_case
from pledges.services.disposal.place_offer import place_offer
from pledges.services.disposal.put_up_lot import LotTerms, put_up_lot
from pledges.services.disposal.restoring import plan_restoring, saleable_positions
from pledges.services.disposal.seal_bid import place_bid, reveal_bid
from pledges.services.disposal.sell_lot import accept_sale, propose_sale
from pledges.services.disposal.settle_case import pay_surplus, request_surplus, settle_case
from pledges.services.disposal.worth import worth_of
from pledges.services.insurance import record_policy
from pledges.services.registrations import file_registration
from pledges.services.warehouse import pledge_free
from pledges.states import ChannelKind, DisposalTarget, MarginCallState
from portal.story.calendar import MARKET, at
from portal.story.cast import DEMO_PASSWORD, KILOGRAM, STORY, Cast, read_cast
from portal.story.replays import COPPER_2008, SILVER_2020

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Debtor:
    """A borrower of the crash chapters: its goods, how much it draws on them, when it must pay."""

    code: str
    name: str
    name_zh: str
    gln: str
    person: str
    person_name: str
    facility: str
    item: str
    item_name: str
    item_name_zh: str
    commodity: str
    kilograms: Decimal
    share_drawn: Decimal
    supplier: str
    due_on: date
    registration: str


BEACON = Debtor(
    code="beacon", name="Beacon Cable", name_zh="灯塔线缆", gln="6950123450203",
    person="fang", person_name="Fang Min", facility="CRASH-2008", item="copper-cathode",
    item_name="Copper cathode", item_name_zh="阴极铜", commodity=COPPER_2008.code,
    kilograms=Decimal(100_000), share_drawn=Decimal("0.95"), supplier="jiangnan",
    due_on=date(2012, 5, 31), registration="0611 2011 1101 2008",
)  # fmt: skip
LUMEN = Debtor(
    code="lumen", name="Lumen Solar", name_zh="流明光伏", gln="6950123450210",
    person="luo", person_name="Luo Yan", facility="CRASH-2020", item="silver-bar",
    item_name="Silver bar", item_name_zh="银锭", commodity=SILVER_2020.code,
    kilograms=Decimal(1_500), share_drawn=Decimal("0.66"), supplier="suzhou",
    due_on=date(2012, 1, 11), registration="0611 2011 1121 2020",
)  # fmt: skip
TRADERS = (
    ("meridian", "Meridian Metals", "子午金属", "6950123450227"),
    ("granite", "Granite Trading", "花岗贸易", "6950123450234"),
)
# What each would pay for the copper, as a share of its value when the envelopes were sealed.
BIDS = (("meridian", Decimal("0.93")), ("granite", Decimal("0.95")), ("jiangnan", Decimal("0.90")))


def _register(code: str, name: str, name_zh: str, gln: str, kind: str, now: datetime) -> None:
    if Organisation.objects.filter(code=code).exists():
        return
    house = register_organisation(
        code=code, name=name, name_zh=name_zh, kind=OrganisationKind(kind), country="CN",
        gln=gln, actor=STORY, now=now,
    )  # fmt: skip
    open_bank_account(
        organisation=house, number=f"6222{gln}", currency="USD",
        bank_name="Harbour Supply Bank", actor=STORY, now=now,
    )  # fmt: skip


def _introduce(debtor: Debtor, now: datetime) -> None:
    """Register the borrower, its person, its goods and the traders who may bid for them."""
    kind = OrganisationKind.MANUFACTURER
    _register(debtor.code, debtor.name, debtor.name_zh, debtor.gln, kind, now)
    for code, name, name_zh, gln in TRADERS:
        _register(code, name, name_zh, gln, OrganisationKind.BUYER, now)
    owner = Organisation.objects.get(code=debtor.code)
    register_person(
        username=debtor.person, full_name=debtor.person_name, organisation=owner,
        roles=(Role.PREPARER,), password=DEMO_PASSWORD, language="en", may_use_console=False,
        actor=STORY, now=now,
    )  # fmt: skip
    define_item(
        code=debtor.item, name=debtor.item_name, name_zh=debtor.item_name_zh, unit=KILOGRAM,
        owner=owner, currency="USD", contents={debtor.commodity: (Decimal(1), KILOGRAM)},
        rate_factor=Decimal(1), actor=STORY, now=now,
    )  # fmt: skip


def _open_facility(debtor: Debtor, cast: Cast, on: date, now: datetime) -> Facility:
    draft = draft_facility(
        code=debtor.facility,
        name=f"{debtor.name} metal facility",
        borrower=cast.org(debtor.code),
        terms=FacilityTerms(
            currency="USD",
            limit=Decimal(1_000_000),
            annual_rate=Decimal("0.072"),
            penalty_rate=Decimal("0.036"),
            opened_on=on,
            matures_on=date(2012, 6, 29),
        ),
        actor=cast.actor("lin"),
        now=now,
    )
    facility = activate_facility(facility=draft, actor=cast.actor("zhou"), now=now)
    _put_on_file(debtor, facility, cast, on, now)
    for terms in _channels(debtor, cast, on):
        channel = propose_channel(facility=facility, terms=terms, actor=cast.actor("lin"), now=now)
        agree_channel(channel=channel, on=on, actor=cast.actor("zhou"), now=now)
    return facility


def _put_on_file(debtor: Debtor, facility: Facility, cast: Cast, on: date, now: datetime) -> None:
    """File the security interest, and the insurance of the warehouse that pays the lender."""
    file_registration(
        facility=facility, number=debtor.registration, description=debtor.item_name,
        filed_on=on, actor=cast.actor("lin"), now=now,
    )  # fmt: skip
    record_policy(
        facility=facility, insurer="South China Property Insurance",
        number=f"CARGO-{debtor.facility}", insured_sum=Decimal(1_500_000),
        sites=[cast.site("yantian-wh")], term=(on, date(2012, 6, 30)),
        lender_is_loss_payee=True, on=on, actor=cast.actor("lin"), now=now,
    )  # fmt: skip


def _channels(debtor: Debtor, cast: Cast, on: date) -> list[ChannelTerms]:
    """Return what lender and borrower agree on while all is well."""
    return [
        ChannelTerms(
            kind=ChannelKind.BUY_BACK,
            terms="The supplier takes its metal back at nine tenths of the day's value",
            valid_from=on,
            counterparty=cast.org(debtor.supplier),
            price_share=Decimal("0.90"),
        ),
        ChannelTerms(
            kind=ChannelKind.AGREED_BUYER,
            terms="Takes any quantity within two days, ex warehouse",
            valid_from=on,
            counterparty=cast.org("meridian"),
        ),
        ChannelTerms(kind=ChannelKind.AUCTION, terms="Sealed bids, a week's notice", valid_from=on),
    ]


def _pledge(debtor: Debtor, cast: Cast, facility: Facility, on: date, now: datetime) -> None:
    lot = receive_goods(
        site=cast.site("yantian-wh"), item=cast.item(debtor.item), owner=cast.org(debtor.code),
        lot_number=f"{debtor.facility}-01", quantity=debtor.kilograms,
        source=cast.org("yantian"), reference=f"GRN-{debtor.facility}", occurred_at=now,
        actor=STORY, now=now,
    )  # fmt: skip
    with covering(
        facility_id=facility.pk, cause="pledge", actor=cast.actor("lin"), on=on, now=now
    ) as act:
        pledge_free(
            act=act,
            lots=[(lot, debtor.kilograms)],
            evidence=Evidence("warehouse_receipt", f"WR-{debtor.facility}"),
        )


def _draw(debtor: Debtor, on: date, now: datetime) -> None:
    """Open the facility, pledge the metal and draw a share of what it lends."""
    _introduce(debtor, now)
    cast = read_cast()
    facility = _open_facility(debtor, cast, on, now)
    _pledge(debtor, cast, facility, on, now)
    lends = measure(as_of=on, facility_ids=[facility.pk])[facility.pk].lending_value
    amount = (lends * debtor.share_drawn).quantize(Decimal(1000), rounding=ROUND_DOWN)
    loan = agree_loan(
        facility=facility, product=Product.PLEDGE, principal=amount + 0 * CENT,
        due_on=debtor.due_on, on=on, actor=cast.actor("lin"), now=now,
    )  # fmt: skip
    request = request_disbursement(
        loan=loan, payee=cast.org(debtor.code),
        account=BankAccount.objects.get(organisation__code=debtor.code, currency="USD"),
        amount=loan.principal, purpose="Working capital on pledged metal",
        actor=cast.actor("lin"), now=now,
    )  # fmt: skip
    paid = approve_disbursement(disbursement=request, on=on, actor=cast.actor("zhou"), now=now)
    confirm_payment(
        disbursement=paid, bank_reference=f"FT-{loan.number}", paid_on=on,
        actor=cast.actor("lin"), now=now,
    )  # fmt: skip


def draw_on_copper(on: date, now: datetime) -> None:
    """Let Beacon draw on its copper, a week after Lehman fell."""
    _draw(BEACON, on, now)


def draw_on_silver(on: date, now: datetime) -> None:
    """Let Lumen draw on its silver, before the pandemic is priced."""
    _draw(LUMEN, on, now)


def _facility(debtor: Debtor) -> Facility:
    return Facility.objects.select_related("tenant", "borrower").get(code=debtor.facility)


def _default(
    debtor: Debtor, cause: DefaultCause, reference: str, on: date, now: datetime
) -> DefaultNotice:
    cast = read_cast()
    notice = propose_default(
        facility=_facility(debtor), cause=cause, reference=reference,
        reason=str(DefaultCause(cause).label), on=on, actor=cast.actor("lin"), now=now,
    )  # fmt: skip
    return declare_default(notice=notice, on=on, actor=cast.actor("zhou"), now=now)


def _uncured(debtor: Debtor) -> str:
    calls = MarginCall.objects.filter(facility__code=debtor.facility)
    return f"MC-{calls.exclude(state=MarginCallState.CURED).get().pk}"


def default_on_copper(on: date, now: datetime) -> None:
    """Declare Beacon's default: nobody cured the call."""
    _default(BEACON, DefaultCause.UNCURED_CALL, _uncured(BEACON), on, now)


def default_on_silver(on: date, now: datetime) -> None:
    """Declare Lumen's default and open a case that sells only what restores the cover."""
    _default(LUMEN, DefaultCause.UNCURED_CALL, _uncured(LUMEN), on, now)
    _open_case(LUMEN, DisposalTarget.RESTORE, on, now)


def silver_unpaid(on: date, now: datetime) -> None:
    """Declare Lumen's second default: the loan was not paid when due."""
    loan = Loan.objects.get(facility__code=LUMEN.facility)
    _default(LUMEN, DefaultCause.UNPAID, loan.number, on, now)
    _open_case(LUMEN, DisposalTarget.EVERYTHING, on, now)


def _open_case(debtor: Debtor, target: str, on: date, now: datetime) -> DisposalCase:
    cast = read_cast()
    notice = DefaultNotice.objects.get(facility__code=debtor.facility, state=NoticeState.DECLARED)
    case = open_case(notice=notice, target=target, on=on, actor=cast.actor("lin"), now=now)
    return begin_selling(case=case, on=on, actor=cast.actor("zhou"), now=now)


def _case(debtor: Debtor) -> DisposalCase:
    cases = DisposalCase.objects.select_related("facility__borrower", "notice")
    return cases.filter(facility__code=debtor.facility).latest("opened_at")


def _channel(debtor: Debtor, kind: str) -> DisposalChannel:
    channels = DisposalChannel.objects.select_related("counterparty", "facility")
    return channels.get(facility__code=debtor.facility, kind=kind)


def _put_up(
    case: DisposalCase, quantity: Decimal, terms: LotTerms, on: date, now: datetime
) -> DisposalLot:
    [metal] = saleable_positions(case.facility)
    return put_up_lot(
        case=case, goods=[Take(metal.pk, quantity)], terms=terms, on=on,
        actor=read_cast().actor("lin"), now=now,
    )  # fmt: skip


def _market(facility: Facility, on: date) -> Decimal:
    return measure(as_of=on, facility_ids=[facility.pk])[facility.pk].market_value


def auction_copper(on: date, now: datetime) -> None:
    """Put all of the copper up for auction and take three sealed bids."""
    cast, case = read_cast(), _open_case(BEACON, DisposalTarget.EVERYTHING, on, now)
    opening = at(date(2011, 11, 24), MARKET)
    market = _market(case.facility, on)
    terms = LotTerms(
        reserve=(market * Decimal("0.85")).quantize(Decimal(1000)) + 0 * CENT,
        expected_share=Decimal("0.94"),
        opens_at=opening,
        closes_at=opening + timedelta(hours=8),
    )
    lot = _put_up(case, BEACON.kilograms, terms, on, now)
    for code, share in BIDS:
        amount = (market * share).quantize(CENT)
        place_bid(
            lot=lot, channel=_channel(BEACON, ChannelKind.AUCTION), bidder=cast.org(code),
            commitment=commitment(amount=amount, nonce=_nonce(code), bidder=code),
            binding_until=now + timedelta(days=14), on=on, actor=cast.actor("lin"), now=now,
        )  # fmt: skip


def _nonce(bidder: str) -> str:
    """Return what a bidder keeps beside its amount; in the story all can be told."""
    return f"{bidder}-keeps-this-until-the-opening"


def open_bids(on: date, now: datetime) -> None:
    """Open the three envelopes: two days of trading later, the amounts are what was sealed."""
    cast = read_cast()
    lot = _case(BEACON).lots.get()
    market = lot.market_value
    for code, share in BIDS:
        reveal_bid(
            offer=lot.offers.get(bidder__code=code), amount=(market * share).quantize(CENT),
            nonce=_nonce(code), on=on, actor=cast.actor("lin"), now=now,
        )  # fmt: skip


def _sell(offer: Offer, costs: Decimal, on: date, now: datetime) -> Sale:
    cast = read_cast()
    sale = propose_sale(offer=offer, costs=costs, on=on, actor=cast.actor("lin"), now=now)
    return accept_sale(
        sale=sale, bank_reference=f"CR-SALE-{sale.pk}", on=on, actor=cast.actor("zhou"), now=now
    )


def sell_copper(on: date, now: datetime) -> None:
    """Sell to the highest bid; goods and money change hands in one act."""
    best = _case(BEACON).lots.get().offers.get(bidder__code="granite")
    _sell(best, Decimal("4200.00"), on, now)


def write_off_copper(on: date, now: datetime) -> None:
    """Record the deficit, write it off by two people, and end the facility; the claim stands."""
    cast = read_cast()
    settle_case(case=_case(BEACON), on=on, actor=cast.actor("zhou"), now=now)
    loan = Loan.objects.get(facility__code=BEACON.facility)
    asked = request_write_off(
        loan=loan, reason="Deficit of the disposal", actor=cast.actor("lin"), now=now
    )
    approve_write_off(write_off=asked, on=on, actor=cast.actor("zhou"), now=now)
    close_facility(facility=_facility(BEACON), actor=cast.actor("zhou"), now=now)


def recover_on_copper(on: date, now: datetime) -> None:
    """Book what Beacon's estate pays on the claim: income of its day."""
    record_recovery(
        write_off=WriteOff.objects.get(loan__facility__code=BEACON.facility),
        amount=Decimal("25000.00"), received_on=on, reference="FT-ESTATE-BEACON",
        actor=read_cast().actor("lin"), now=now,
    )  # fmt: skip


def _offer(
    lot: DisposalLot, debtor: Debtor, kind: str, share: Decimal, on: date, now: datetime
) -> Offer:
    channel = _channel(debtor, kind)
    assert channel.counterparty is not None
    return place_offer(
        lot=lot, channel=channel, bidder=channel.counterparty,
        amount=(worth_of(lot, as_of=on) * share).quantize(CENT),
        binding_until=now + timedelta(days=3), on=on, actor=read_cast().actor("lin"), now=now,
    )  # fmt: skip


def sell_some_silver(on: date, now: datetime) -> None:
    """Sell as much silver as restores the cover, to the better of two offers."""
    case = _case(LUMEN)
    share = Decimal("0.96")
    accrue(through=on, facility_ids=[case.facility_id], actor=STORY, now=now)
    short = measure(as_of=on, facility_ids=[case.facility_id])[case.facility_id].shortfall
    plan = plan_restoring(facility=case.facility, shortfall=short, net_share=share, as_of=on)
    [(_metal, quantity)] = plan.parts
    reserve = (_market(case.facility, on) * quantity / LUMEN.kilograms * Decimal("0.9")).quantize(
        CENT, rounding=ROUND_DOWN
    )
    lot = _put_up(case, quantity, LotTerms(reserve=reserve, expected_share=share), on, now)
    _offer(lot, LUMEN, ChannelKind.BUY_BACK, Decimal("0.91"), on, now)
    best = _offer(lot, LUMEN, ChannelKind.AGREED_BUYER, Decimal("0.97"), on, now)
    _sell(best, Decimal("900.00"), on, now)


def heal_silver(on: date, now: datetime) -> None:
    """End Lumen's first default: the cover stands and nothing is overdue."""
    cast = read_cast()
    notice = _case(LUMEN).notice
    ask_to_heal(
        notice=notice, reason="The sale restored the cover", actor=cast.actor("lin"), now=now
    )
    heal_default(notice=notice, on=on, actor=cast.actor("zhou"), now=now)


def sell_silver_back(on: date, now: datetime) -> None:
    """Sell the rest to the supplier, which agreed to buy it back."""
    case = _case(LUMEN)
    [metal] = saleable_positions(case.facility)
    reserve = (_market(case.facility, on) * Decimal("0.9")).quantize(CENT, rounding=ROUND_DOWN)
    lot = _put_up(case, metal.remaining, LotTerms(reserve=reserve), on, now)
    _sell(
        _offer(lot, LUMEN, ChannelKind.BUY_BACK, Decimal("0.92"), on, now),
        Decimal("1800.00"),
        on,
        now,
    )


def give_surplus_back(on: date, now: datetime) -> None:
    """Give back what the silver brought beyond the debt, and end the facility."""
    cast = read_cast()
    request_surplus(case=_case(LUMEN), on=on, actor=cast.actor("lin"), now=now)
    pay_surplus(
        surplus=Surplus.objects.get(case__facility__code=LUMEN.facility),
        bank_reference="RB-LUMEN", on=on, actor=cast.actor("zhou"), now=now,
    )  # fmt: skip
    close_facility(facility=_facility(LUMEN), actor=cast.actor("zhou"), now=now)
