"""What custody of pledged goods costs: agreed between a lender and a warehouse, stated by date."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.exact import require_decimal
from logistics.models import Site
from outbox.services.audit import record
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from parties.services.authority import require_role
from pledges.models import CustodyFee


class FeeNotPossible(Refusal):
    """A fee is stated once for a day and is never below zero."""

    code = "fee_not_possible"


def set_custody_fee(
    *,
    lender: Organisation,
    site: Site,
    unit: str,
    currency: str,
    per_unit_per_day: Decimal,
    valid_from: date,
    actor: Actor,
    now: datetime,
) -> CustodyFee:
    """State what a pledged unit costs a day at a site from a date on; earlier ones stay.

    By the lender's people. Raises NotAllowed, FeeNotPossible.
    """
    require_role(actor, Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER, Role.OPERATIONS)
    amount = require_decimal(per_unit_per_day, what="per_unit_per_day")
    if not actor.is_system and actor.organisation_id != lender.pk:
        raise FeeNotPossible(message=_("A fee is stated by the lender that agreed it."))
    with constraint_refusals(
        {
            "custody_fee_stated_once": FeeNotPossible(
                message=_("There is a fee from that day already."), field="valid_from"
            ),
            "custody_fee_not_negative": FeeNotPossible(
                message=_("A fee is zero or more."), field="per_unit_per_day"
            ),
        }
    ):
        fee = CustodyFee.objects.create(
            tenant=lender,
            site=site,
            unit=unit,
            currency=currency,
            per_unit_per_day=amount,
            valid_from=valid_from,
        )
        record(
            action="pledges.set_custody_fee",
            actor=actor,
            object_type="custody_fee",
            object_id=fee.pk,
            at=now,
            business_date=valid_from,
            tenant_id=lender.pk,
            detail={"site": site.code, "unit": unit, "per_unit_per_day": str(amount)},
        )
    return fee
