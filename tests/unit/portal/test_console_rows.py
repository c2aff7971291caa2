"""Every table of the console, row by row, on the story and what it alone does not leave behind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.contrib import admin
from django.test import override_settings
from django.urls import reverse

from common.console import EVERYBODY, PLATFORM_ONLY
from ledger.models import Account, BalanceSnapshot
from lending.models import (
    Facility,
    FacilityChange,
    Repayment,
    RepaymentAllocation,
    RepaymentReversal,
    Waiver,
)
from logistics.models import ProductionRun, SerialUnit, StockAct, WarehouseReceipt, WorkInProcess
from orders.models import Delivery, DeliveryReversal
from parties.models import Organisation, Person
from parties.roles import Role
from pledges.models import (
    ActRequest,
    AllocationLine,
    AllocationProposal,
    AutoApprovalRule,
    ClaimedReceipt,
    ClaimedSerial,
    ControlEvidence,
    Conversion,
    CustodyFee,
    EarlyWarning,
    MarginCall,
    MarginCallExtension,
    Position,
    PurchaseMoneyNotice,
    Suspension,
    WarningThreshold,
)
from pledges.states import SuspensionReason
from risk.models import (
    BacktestRun,
    BacktestScore,
    Commodity,
    PriceOverride,
    RateModelSwitch,
    SecondPrint,
)
from risk.services.feeds import Mapped
from tests.factories.feeds import make_feed, run_now
from tests.factories.parties import make_lender, make_platform
from tests.unit.portal.test_console import MODELS, browser, page, staff

LATER = datetime(2012, 2, 1, 9, tzinfo=UTC)
# Tables that say nothing of any lender: whoever reads the console reads all of them.
SHARED = {
    "parties.BankAccount", "parties.Organisation", "logistics.Item", "logistics.Site",
}  # fmt: skip
# What only the platform sees, with the bills, which are their owners' and custodians' secret.
UNSEEN = {"common.IdempotencyKey", "logistics.BillOfMaterials", "logistics.BillLine"}


def listed(client, model):
    response = client.get(page(model, "changelist"))
    assert response.status_code == 200, model
    return {row.pk for row in response.context["cl"].queryset}


@pytest.fixture
def bank(story: None) -> Organisation:
    """The lender of the story's main deal, with what the story does not leave behind."""
    house = Facility.objects.earliest("pk").tenant
    leave_the_rest(house)
    return house


def leave_the_rest(house: Organisation) -> None:
    """Add one row to each table that the story leaves empty, some by hand, with its guards on."""
    facility = Facility.objects.filter(tenant=house).earliest("pk")
    position = Position.objects.filter(facility=facility, lot__isnull=False).earliest("opened_at")
    maker = Person.objects.filter(organisation=house).earliest("pk")
    leave_books(house)
    leave_decisions(facility, maker)
    leave_goods(facility, position)
    leave_claims(position, maker)
    leave_feeds(house)
    leave_warnings(facility)


def leave_feeds(house: Organisation) -> None:
    """A feed whose one look brings a price to hold, and a second source's word on it."""
    feed = make_feed(
        tenant_id=house.pk, code="rows", adapter="drop_folder", now=LATER,
        series=[Mapped(series="CU", commodity="copper_comex")],
    )  # fmt: skip
    with TemporaryDirectory() as folder, override_settings(FEED_FOLDER=folder):
        path = Path(folder) / "rows"
        path.mkdir()
        (path / "a.json").write_text('[{"series": "CU", "date": "2012-02-01", "price": -1}]')
        assert run_now(feed, LATER).quarantined == 1
    commodity = feed.series.get().commodity
    SecondPrint.objects.create(
        source="other", commodity=commodity, observed_on=LATER.date(), price=1, seen_at=LATER
    )


def leave_warnings(facility: Facility) -> None:
    day, mine = LATER.date(), {"tenant": facility.tenant, "facility": facility}
    EarlyWarning.objects.create(
        rule="loan_due", subject="X", value=1, threshold=2, first_on=day, last_on=day, **mine
    )
    WarningThreshold.objects.create(
        rule="loan_due", value=2, changed_at=LATER, changed_by="test", **mine
    )


def leave_books(house: Organisation) -> None:
    BalanceSnapshot.objects.create(
        account=Account.objects.filter(tenant=house).earliest("pk"),
        through_posting_id=1, debit=1, credit=0, taken_at=LATER,
    )  # fmt: skip
    paid = RepaymentAllocation.objects.filter(repayment__tenant=house).earliest("pk")
    Waiver.objects.create(
        repayment=paid.repayment, loan=paid.loan, component=paid.component, amount=1
    )


def leave_decisions(facility: Facility, maker: Person) -> None:
    asked = {"tenant": facility.tenant, "reason": "test", "maker": maker}
    FacilityChange.objects.create(
        facility=facility, before={"limit": "1"}, after={"limit": "2"}, requested_at=LATER, **asked
    )
    commodity = Commodity.objects.filter(kind="commodity").earliest("pk")
    PriceOverride.objects.create(
        commodity=commodity,
        observed_on=LATER.date(), price=1, price_before=2, stake=1, requested_at=LATER, **asked,
    )  # fmt: skip
    RateModelSwitch.objects.create(
        commodity=commodity, model_before="bfhs", model_after="fhs97", requested_at=LATER, **asked
    )
    leave_backtest(commodity)
    money_in = Repayment.objects.filter(facility=facility).exclude(source="refinance")
    RepaymentReversal.objects.create(
        tenant=facility.tenant, repayment=money_in.order_by("amount")[0], reversed_on=LATER.date(),
        reason="test", maker_id=facility.maker_id, checker_id=facility.checker_id,
        recorded_at=LATER,
    )  # fmt: skip
    came = Delivery.objects.filter(order__financing__facility=facility).latest("pk")
    DeliveryReversal.objects.create(
        delivery=came, reversed_on=LATER.date(), reason="test", maker_id=facility.maker_id,
        checker_id=facility.checker_id, recorded_at=LATER,
    )  # fmt: skip
    call = MarginCall.objects.filter(facility=facility).earliest("pk")
    MarginCallExtension.objects.create(
        call=call, due_before=call.due_at, due_after=call.due_at + timedelta(days=1),
        asked_at=call.opened_at, **asked,
    )  # fmt: skip
    made = Conversion.objects.filter(facility=facility).earliest("occurred_at")
    ActRequest.objects.create(
        facility=facility, kind="reverse", conversion=made, asked_at=LATER, **asked
    )
    AutoApprovalRule.objects.create(
        tenant=facility.tenant, facility=facility, kind="release", version=1, max_amount=1,
        min_coverage=2, valid_from=LATER.date(), valid_until=LATER.date() + timedelta(days=1),
        maker=maker, proposed_at=LATER,
    )  # fmt: skip


def leave_backtest(commodity: Commodity) -> None:
    run = BacktestRun.objects.create(until_on=LATER.date(), recorded_at=LATER)
    BacktestScore.objects.create(
        run=run, commodity=commodity, entrant="fhs97", horizon_days=10, confidence=0.99,
        prices_hash="a" * 64, first_on=LATER.date(), last_on=LATER.date(), days=1, exceedances=0,
        kupiec=1, kupiec_share=1, conditional=1, conditional_share=1, mean_rate=0.8,
        matched_rate=0.8, skill=0, worst=0, daily_move=0, fall_5d=0, haircut_ratio=1, calls=0,
        light="green",
    )  # fmt: skip


def leave_goods(facility: Facility, position: Position) -> None:
    day = LATER.date()
    proposal = AllocationProposal.objects.create(
        tenant=facility.tenant, facility=facility, reason="test", wishes={}, findings={},
        contents_hash="", made_at=LATER, made_on=day, priced_on=day, exposure=1,
        meets_cover=True, lending_before=1, lending_after=1, market_before=1, market_after=1,
        cost_before=1, cost_after=1,
    )  # fmt: skip
    AllocationLine.objects.create(
        proposal=proposal, lot=position.lot, before=0, after=1, market_per_unit=1,
        lending_per_unit=1,
    )  # fmt: skip
    CustodyFee.objects.create(
        tenant=facility.tenant, site=position.lot.site, unit="KGM", currency="USD",
        per_unit_per_day=1, valid_from=day,
    )  # fmt: skip
    run = ProductionRun.objects.create(
        site=position.lot.site, product=position.lot.item, owner=position.lot.owner, number="R-1",
        planned=1, started=StockAct.objects.earliest("recorded_at"),
    )  # fmt: skip
    WorkInProcess.objects.create(run=run, lot=position.lot, taken_from=position.lot, quantity=1)


def leave_claims(position: Position, maker: Person) -> None:
    day = LATER.date()
    Suspension.objects.create(
        position=position, reason=SuspensionReason.PLACE, since=LATER, since_on=day
    )
    receipt = WarehouseReceipt.objects.earliest("pk")
    unit = SerialUnit.objects.create(
        lot=position.lot, serial="SN1", normal_serial="SN1", recorded_at=LATER
    )
    ClaimedReceipt.objects.create(position=position, receipt=receipt, key="r", placed_at=LATER)
    ClaimedSerial.objects.create(position=position, unit=unit, key="s", placed_at=LATER)
    on_file = {"tenant": position.tenant, "facility": position.facility, "recorded_at": LATER}
    ControlEvidence.objects.create(
        site=position.lot.site, kind="seal", reference="SEAL-1", sha256="a" * 64,
        taken_at=LATER, valid_until=day, actor_label=maker.username, **on_file,
    )  # fmt: skip
    PurchaseMoneyNotice.objects.create(
        supplier=position.lot.owner, lot=position.lot, number="S1", delivered_on=day,
        registered_on=day, last_day=day, outranks=True, **on_file,
    )  # fmt: skip


def test_lists_and_rows_open_and_each_lender_sees_its_own(bank):
    mine = browser(staff(bank, Role.PREPARER))
    theirs = browser(staff(make_lender(), Role.PREPARER))
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
