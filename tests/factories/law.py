"""What the law asks to have on file, put there by the lender's people."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from logistics.models import Site
from pledges.models import ControlEvidence, InsurancePolicy, Registration
from pledges.services.control import record_control
from pledges.services.insurance import record_policy
from pledges.services.registrations import file_registration
from pledges.states import EvidenceOfControl
from tests.factories.lending import OPENED, START, Desk
from tests.factories.logistics import unique
from tests.factories.parties import NOW


def make_registration(desk: Desk, **changes: Any) -> Registration:
    """Return a registration filed when the facility opened, for the jurisdiction's term."""
    values: dict[str, Any] = {
        "facility": desk.facility,
        "number": unique("REG"),
        "description": "All movable property, now and later",
        "filed_on": OPENED,
        "actor": desk.team.preparer,
        "now": NOW,
    }
    return file_registration(**(values | changes))


def make_policy(desk: Desk, *sites: Site, on: date = START, **changes: Any) -> InsurancePolicy:
    """Return a policy for a year from the facility's opening, the lender as loss payee."""
    values: dict[str, Any] = {
        "facility": desk.facility,
        "insurer": "Everbright",
        "number": unique("POL"),
        "insured_sum": Decimal(5_000_000),
        "sites": sites,
        "term": (OPENED, OPENED + timedelta(days=366)),
        "lender_is_loss_payee": True,
        "on": on,
        "actor": desk.team.preparer,
        "now": NOW,
    }
    return record_policy(**(values | changes))


def make_control(
    desk: Desk, site: Site, *, days: int = 7, on: date = START, now: datetime = NOW, **changes: Any
) -> ControlEvidence:
    """Return a seal check at a place, good for a week."""
    values: dict[str, Any] = {
        "facility": desk.facility,
        "site": site,
        "kind": EvidenceOfControl.SEAL,
        "reference": unique("SEAL"),
        "sha256": f"{int(now.timestamp()):064x}",
        "taken_at": now,
        "valid_days": days,
        "on": on,
        "actor": desk.team.operations,
        "now": now,
    }
    return record_control(**(values | changes))
