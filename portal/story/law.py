"""What the lender puts on file before any money goes out."""

from datetime import date, datetime
from decimal import Decimal

from logistics.models import Lot
from logistics.services.receipt_parts import split_receipt
from logistics.services.receipts import ReceiptTerms, issue_receipt, surrender_receipt
from pledges.services.insurance import record_policy
from pledges.services.registrations import file_registration
from portal.story.cast import Cast

REGISTRATION = "0611 2011 0045 7712"
POLICY = "CARGO-2011-118"


def put_on_file(*, cast: Cast, on: date, now: datetime) -> None:
    """File the security interest and the insurance of both places."""
    file_registration(
        facility=cast.facility,
        number=REGISTRATION,
        description="Materials, work in process and finished phones, now and later; receivables",
        filed_on=on,
        actor=cast.actor("lin"),
        now=now,
    )
    record_policy(
        facility=cast.facility,
        insurer="South China Property Insurance",
        number=POLICY,
        insured_sum=Decimal("6000000"),
        sites=[cast.site("pearl-odm"), cast.site("yantian-wh")],
        term=(on, date(2012, 6, 30)),
        lender_is_loss_payee=True,
        on=on,
        actor=cast.actor("lin"),
        now=now,
    )


def take_receipts_back(*, cast: Cast, lot: Lot, on: date, now: datetime) -> None:
    """Let the paper receipts of the earlier run be given up: the lot itself is free from now on."""
    keeper = cast.actor("hao")
    whole = issue_receipt(
        lot=lot,
        quantity=lot.on_hand,
        number="YT-2011-0511",
        terms=ReceiptTerms(
            description="Aurora One phones, boxed",
            operator_licence="SZ-BW-0042",
            place="Yantian",
            packages=450,
            marks="A1 1-450",
            currency="USD",
            market_value=Decimal("560000"),
            charges=Decimal("850"),
        ),
        on=on,
        actor=keeper,
        now=now,
    )
    parts = [("YT-2011-0511-A", Decimal(5000)), ("YT-2011-0511-B", lot.on_hand - 5000)]
    for part in split_receipt(receipt=whole, parts=parts, on=on, actor=keeper, now=now):
        surrender_receipt(
            receipt=part, reason="the platform's hold takes its place", actor=keeper, now=now
        )
