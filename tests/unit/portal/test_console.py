"""The console shows a lender its own tables, and changes nothing for anybody."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from common.console import EVERYBODY, PLATFORM_ONLY, ReadOnlyAdmin
from common.models import IdempotencyKey
from factoring.models import CreditNote, CreditNoteLine, Receivable
from ledger.models import Account, BalanceSnapshot
from lending.models import (
    DefaultNotice,
    Recovery,
    RepaymentAllocation,
    Waiver,
    WriteOff,
    WriteOffPart,
)
from logistics.models import (
    Item,
    ItemContent,
    Lot,
    ProductionRun,
    Shipment,
    ShipmentLine,
    Site,
    StockAct,
    WorkInProcess,
)
from logistics.services.serials import record_serials
from outbox.models import Alert, Event
from outbox.states import Severity
from parties.actors import Actor
from parties.models import Organisation, Person
from parties.roles import OrganisationKind, Role
from pledges.models import (
    AllocationLine,
    AllocationProposal,
    ClaimedReceipt,
    ClaimedSerial,
    CustodyFee,
    DisposalCase,
    DisposalChannel,
    DisposalItem,
    DisposalLot,
    FacilityCover,
    FloatingMortgage,
    MarginCall,
    MortgagedItem,
    MortgagedSite,
    Offer,
    Position,
    Sale,
    Surplus,
    Suspension,
)
from pledges.services.control import note_purchase_money
from pledges.states import SuspensionReason
from portal.models import StoryMark
from tests.factories.law import make_control, make_policy, make_registration
from tests.factories.lending import Desk
from tests.factories.logistics import make_lot, make_receipt
from tests.factories.parties import (
    NOW,
    SYSTEM,
    LenderTeam,
    make_borrower,
    make_lender,
    make_person,
    make_platform,
    make_supplier,
)
from tests.factories.risk import make_quoted
from tests.scenarios import test_deal_from_order_to_settlement as deals

pytestmark = pytest.mark.django_db

ROOMS = (
    "common", "outbox", "parties", "risk", "ledger", "logistics", "lending", "pledges", "orders",
    "factoring", "portal",
)  # fmt: skip
MODELS = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
# Tables without a page: none. An exemption needs its reason here.
EXEMPT: dict[str, str] = {}
# Tables that say nothing of any lender: whoever reads the console reads all of them.
SHARED = {
    "parties.BankAccount", "parties.Organisation", "logistics.Item", "logistics.Site",
}  # fmt: skip
# What only the platform sees, with the bills, which are their owners' and custodians' secret.
UNSEEN = {"common.IdempotencyKey", "logistics.BillOfMaterials", "logistics.BillLine"}


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def staff(house, *roles, **changes):
    person = make_person(organisation=house, roles=roles, may_use_console=True)
    Person.objects.filter(pk=person.pk).update(**changes)
    return person


def browser(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def listed(client, model):
    response = client.get(page(model, "changelist"))
    assert response.status_code == 200, model
    return {row.pk for row in response.context["cl"].queryset}


@dataclass
class Houses:
    first: Organisation
    second: Organisation


@pytest.fixture
def houses():
    """A lender with a whole deal and what a deal alone does not leave behind; and a new lender."""
    deals.test_the_claim_follows_the_goods_and_every_cent_comes_back()
    first = Organisation.objects.get(kind=OrganisationKind.LENDER)
    leave_the_rest(first)
    second = make_lender()
    zinc = make_quoted(code="zinc", on=NOW.date())
    ItemContent.objects.create(item=Item.objects.earliest("pk"), commodity=zinc, quantity=1)
    IdempotencyKey.objects.create(scope="s", key="k", request_hash="0" * 64, created_at=NOW)
    StoryMark.objects.create(key="scene", step=1, business_date=NOW.date(), title="Scene")
    return Houses(first, second)


def leave_the_rest(house):
    staff(house, Role.AUDITOR)
    account = Account.objects.filter(tenant=house).first()
    BalanceSnapshot.objects.create(
        account=account, through_posting_id=1, debit=1, credit=0, taken_at=NOW
    )
    paid = RepaymentAllocation.objects.filter(repayment__tenant=house).first()
    Waiver.objects.create(
        repayment=paid.repayment, loan=paid.loan, component=paid.component, amount=1
    )
    cover = FacilityCover.objects.get(tenant=house)
    MarginCall.objects.create(
        tenant=house, facility=cover.facility, opened_at=NOW, opened_on=NOW.date(), due_at=NOW,
        cause={}, exposure=2, market_value=1, lending_value=1, cash_needed=1,
    )  # fmt: skip
    Suspension.objects.create(
        position=Position.objects.filter(tenant=house).first(),
        reason=SuspensionReason.PLACE, since=NOW, since_on=NOW.date(),
    )  # fmt: skip
    leave_goods_under_way(house)
    leave_a_return(house)
    leave_a_mortgage(cover.facility, Person.objects.filter(organisation=house).first())
    leave_a_disposal(cover.facility, *Person.objects.filter(organisation=house)[:2])
    proposal = AllocationProposal.objects.create(
        tenant=house, facility=cover.facility, reason="test", wishes={}, findings={},
        contents_hash="", made_at=NOW, made_on=NOW.date(), priced_on=NOW.date(), exposure=1,
        meets_cover=True, lending_before=1, lending_after=1, market_before=1, market_after=1,
        cost_before=1, cost_after=1,
    )  # fmt: skip
    lot = Lot.objects.earliest("pk")
    AllocationLine.objects.create(
        proposal=proposal, lot=lot, before=0, after=1, market_per_unit=1, lending_per_unit=1
    )
    CustodyFee.objects.create(
        tenant=house, site=lot.site, unit="KGM", currency="USD", per_unit_per_day=1,
        valid_from=NOW.date(),
    )  # fmt: skip
    Alert.objects.create(
        organisation_id=house.pk, topic="test", severity=Severity.NOTICE, aggregate="a",
        aggregate_id="1", key="k", raised_at=NOW,
    )  # fmt: skip
    leave_claims(house)
    leave_what_is_on_file(Desk(
        team=LenderTeam(house, *[Actor.of(staff(house, Role.PREPARER))] * 5),
        facility=cover.facility, borrower=cover.facility.borrower, borrower_account=None,
        supplier=cover.facility.borrower, supplier_account=None,
    ))  # fmt: skip
    Event.objects.create(
        topic="test", tenant_id=house.pk, aggregate="a", aggregate_id="1", occurred_at=NOW
    )


def leave_goods_under_way(house):
    lot = Position.objects.filter(tenant=house, lot__isnull=False).earliest("opened_at").lot
    shipment = Shipment.objects.create(
        carrier=lot.site.operator, vehicle=lot.site, destination=lot.site, owner=lot.owner,
        holder=house, bill_number=f"BL-{house.pk}", normal_number=f"BL{house.pk}", loaded_at=NOW,
    )  # fmt: skip
    ShipmentLine.objects.create(
        shipment=shipment, sequence=1, lot=lot, quantity=1, loading=lot.events.earliest("pk").act,
        source=Lot.objects.exclude(pk=lot.pk).earliest("pk"),
    )  # fmt: skip


def leave_a_return(house):
    receivable = Receivable.objects.filter(tenant=house).earliest("pk")
    note = CreditNote.objects.create(
        tenant=house, seller=receivable.seller, receivable=receivable, number=f"CN-{house.pk}",
        normal_number=f"CN-{house.pk}", amount=1, reason="test", store_reference="WR",
        issued_on=NOW.date(), recorded_at=NOW, recorded_by="test",
    )  # fmt: skip
    CreditNoteLine.objects.create(
        credit_note=note, item=Item.objects.earliest("pk"), quantity=1,
        position=receivable.position,
    )  # fmt: skip


def leave_a_mortgage(facility, person):
    mortgage = FloatingMortgage.objects.create(
        tenant=facility.tenant, facility=facility, number="FM-1", goods_class="metals",
        jurisdiction="CN", floor_value=1, minimum_controlled_value=0, outflow_window_days=7,
        outflow_alert_share=Decimal("0.5"), drafted_at=NOW, maker=person,
    )  # fmt: skip
    chosen = {
        "mortgage": mortgage, "from_on": NOW.date(), "reason": "liquid",
        "selected_by": person, "selected_at": NOW,
    }  # fmt: skip
    MortgagedItem.objects.create(item=Item.objects.earliest("pk"), **chosen)
    MortgagedSite.objects.create(site=Site.objects.earliest("pk"), **chosen)
    position = Position.objects.filter(tenant=facility.tenant, lot__isnull=False).first()
    run = ProductionRun.objects.create(
        site=position.lot.site, product=position.lot.item, owner=position.lot.owner, number="R-1",
        planned=1, started=StockAct.objects.earliest("recorded_at"),
    )  # fmt: skip
    WorkInProcess.objects.create(run=run, lot=position.lot, taken_from=position.lot, quantity=1)


def leave_a_disposal(facility, maker, checker):
    house = {"tenant": facility.tenant}
    deal = {**house, "facility": facility, "maker": maker}
    notice = DefaultNotice.objects.create(
        cause="insolvency", reference="r", reason="r", proposed_at=NOW, **deal
    )
    DefaultNotice.objects.filter(pk=notice.pk).update(
        state="declared", checker=checker, declared_at=NOW, declared_on=NOW.date(), exposure=1
    )
    channel = DisposalChannel.objects.create(
        kind="marketplace", terms="t", valid_from=NOW.date(), proposed_at=NOW, **deal
    )
    case = DisposalCase.objects.create(
        notice=notice, target="everything", opened_at=NOW, opened_on=NOW.date(), exposure=1,
        market_value=1, lending_value=1, **deal,
    )  # fmt: skip
    lot = DisposalLot.objects.create(
        case=case, number=1, reserve=1, expected_share=1, market_value=1, lending_value=1,
        offered_at=NOW,
    )  # fmt: skip
    position = Position.objects.filter(facility=facility).first()
    DisposalItem.objects.create(lot=lot, position=position, quantity=1)
    offer = Offer.objects.create(
        lot=lot, channel=channel, bidder=make_supplier(), amount=1, received_at=NOW,
        binding_until=NOW + timedelta(days=1),
    )  # fmt: skip
    Sale.objects.create(
        lot=lot, offer=offer, buyer=offer.bidder, price=1, reserve=1, maker=maker,
        proposed_at=NOW, **house,
    )  # fmt: skip
    Surplus.objects.create(case=case, amount=1, maker=maker, requested_at=NOW)
    off = WriteOff.objects.create(
        loan=facility.loans.earliest("pk"), amount=1, reason="r", maker=maker, requested_at=NOW,
        **house,
    )  # fmt: skip
    WriteOffPart.objects.create(write_off=off, component="principal", amount=1)
    Recovery.objects.create(
        write_off=off, amount=1, received_on=NOW.date(), reference="r", recorded_at=NOW, **house
    )


def leave_what_is_on_file(desk):
    lot = Position.objects.filter(facility=desk.facility, lot__isnull=False).first().lot
    make_registration(desk)
    make_policy(desk, lot.site)
    make_control(desk, lot.site)
    note_purchase_money(
        facility=desk.facility, supplier=make_supplier(), lot=lot, number="S1",
        delivered_on=NOW.date(), registered_on=NOW.date(), actor=desk.team.preparer, now=NOW,
    )  # fmt: skip


def leave_claims(house):
    """A receipt and a piece of a lot on which the house has had a claim."""
    position = Position.objects.filter(tenant=house, lot__isnull=False).first()
    known = position.lot
    lot = make_lot(
        item=known.item, site=known.site, owner=known.owner, number=known.number,
        quality_deduction=known.quality_deduction,
    )  # fmt: skip
    receipt = make_receipt(lot=lot, quantity=1)
    [unit] = record_serials(lot=lot, serials=["SN1"], actor=SYSTEM, now=NOW)
    ClaimedReceipt.objects.create(position=position, receipt=receipt, key="r", placed_at=NOW)
    ClaimedSerial.objects.create(position=position, unit=unit, key="s", placed_at=NOW)


def test_every_table_has_its_page():
    without = {m._meta.label for m in MODELS if m not in admin.site._registry}

    assert without == EXEMPT.keys()
    assert all(isinstance(admin.site._registry[m], ReadOnlyAdmin) for m in MODELS)


def test_lists_and_rows_open_and_each_lender_sees_its_own(houses):
    mine = browser(staff(houses.first, Role.PREPARER))
    theirs = browser(staff(houses.second, Role.PREPARER))
    platform = browser(staff(make_platform(), Role.AUDITOR))
    assert [m._meta.label for m in MODELS if not m._default_manager.exists()] == []
    for model in MODELS:
        label, table = model._meta.label, admin.site._registry[model]
        own, other, every = (listed(reader, model) for reader in (mine, theirs, platform))
        assert every == set(model._default_manager.values_list("pk", flat=True)), label
        assert platform.get(page(model, "change", every.pop())).status_code == 200, label
        if table.lender_path == EVERYBODY or label in SHARED:
            assert own == other, label
        elif table.lender_path == PLATFORM_ONLY or label in UNSEEN:
            assert own == other == set(), label
        else:
            assert own, label
            assert not own & other, label
            address = page(model, "change", own.pop())
            assert mine.get(address).status_code == 200, label
            hidden = theirs.get(address)
            assert hidden.status_code == 302, label
            assert hidden["Location"] == reverse("admin:index"), label


def test_nobody_changes_anything():
    root = staff(make_lender(), Role.OPERATIONS, is_superuser=True)
    for person in (staff(make_lender(), Role.OPERATIONS), root):
        client = browser(person)
        for model in MODELS:
            assert client.post(page(model, "add")).status_code == 403
        name = person.username
        assert client.post(page(Person, "change", person.pk), {"username": "x"}).status_code == 403
        assert client.post(page(Person, "delete", person.pk), {"post": "yes"}).status_code == 403
        assert Person.objects.get(pk=person.pk).username == name


@pytest.mark.parametrize(("house", "roles"), [(make_lender, ()), (make_borrower, (Role.PREPARER,))])
def test_without_a_role_or_at_another_house_nobody_reads(house, roles):
    client = browser(staff(house(), *roles))

    for model in MODELS:
        assert client.get(page(model, "changelist")).status_code == 403


def test_a_lenders_people_without_the_mark_are_sent_to_sign_in():
    person = make_person(organisation=make_lender(), roles=[Role.PREPARER])

    assert browser(person).get(page(Person, "changelist")).status_code == 302


def test_passwords_are_neither_shown_nor_guessed():
    person = staff(make_lender(), Role.PREPARER)
    client = browser(person)
    hashed = Person.objects.get(pk=person.pk).password
    shown = client.get(page(Person, "change", person.pk))

    assert hashed not in shown.content.decode()
    assert client.get(page(Person, "changelist"), {"password__startswith": "!"}).status_code == 400


def test_the_menu_leads_back_to_the_portal_and_to_every_room():
    index = browser(staff(make_lender(), Role.AUDITOR)).get(reverse("admin:index"))
    text = index.content.decode()

    assert f'href="{reverse("portal:home")}"' in text
    assert all(page(model, "changelist") in text for model in MODELS)
    assert Actor.of(index.wsgi_request.user).may_read_console
