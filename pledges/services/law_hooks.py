"""Where the law's guards listen: goods that leave, receipts that end, positions that are made."""

from lending.hooks import on_exposure_changed
from logistics.hooks import on_goods_leaving, on_receipts_ended, on_receipts_ending
from pledges.services.eligibility import CHECKS
from pledges.services.receipts import (
    check_receipts,
    receipts_ended,
    receipts_ending,
    receipts_follow,
)
from pledges.services.registrations import draw_needs_registration
from pledges.services.site_duties import check_control, check_insurance
from pledges.states import SuspensionReason


def listen_for_the_law() -> None:
    """Register the guards; called once when the application is ready."""
    on_goods_leaving(receipts_follow)
    on_receipts_ending(receipts_ending)
    on_receipts_ended(receipts_ended)
    on_exposure_changed(draw_needs_registration)
    CHECKS[SuspensionReason.RECEIPT] = check_receipts
    CHECKS[SuspensionReason.INSURANCE] = check_insurance
    CHECKS[SuspensionReason.CONTROL] = check_control
