"""What every act on a floating mortgage does alike: refuse by name, lock, leave a trace."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from outbox.services import emit, record
from parties.actors import Actor
from pledges.models import FloatingMortgage
from pledges.states import MORTGAGES_IN_FORCE, MortgageState


class MortgageNotSound(Refusal):
    """A term of the mortgage cannot be."""

    code = "mortgage_not_sound"


class MortgageNumberTaken(Refusal):
    """The lender has a mortgage of this number."""

    code = "mortgage_number_taken"


class MortgageInForce(Refusal):
    """A facility has one mortgage in force at most."""

    code = "mortgage_in_force"


class MortgageNamesNothing(Refusal):
    """A mortgage names at least one item and one site before goods come under it."""

    code = "mortgage_names_nothing"


class MortgageEnded(Refusal):
    """The mortgage is discharged, or not in the state for it."""

    code = "mortgage_ended"


class NamedAlready(Refusal):
    """The item or the site is named on some of these days."""

    code = "named_already"


class NotNamed(Refusal):
    """The item or the site is not named, or no longer."""

    code = "not_named"


class NoPriceFormula(Refusal):
    """Goods without a price formula secure nothing; there is no sense in choosing them."""

    code = "no_price_formula"


class ReasonMissing(Refusal):
    """The act binds others and is explained in words."""

    code = "reason_missing"


class NothingOverdue(Refusal):
    """No loan of the facility is unpaid beyond its due date."""

    code = "nothing_overdue"


class DischargeNotAsked(Refusal):
    """A first person asks for the discharge, a second one decides."""

    code = "discharge_not_asked"


def locked(mortgage: FloatingMortgage) -> FloatingMortgage:
    """Return the mortgage, locked and as it now is; its facility is locked by the open act."""
    return lock_one(FloatingMortgage.objects.select_related("facility"), mortgage.pk)


def require_not_ended(mortgage: FloatingMortgage) -> None:
    """Refuse a mortgage that is discharged with MortgageEnded."""
    if mortgage.state == MortgageState.DISCHARGED:
        raise MortgageEnded(
            message=_("%(mortgage)s is discharged") % {"mortgage": mortgage.number},
            field="mortgage",
        )


def is_in_force(mortgage: FloatingMortgage) -> bool:
    """Tell whether goods come under the mortgage."""
    return mortgage.state in MORTGAGES_IN_FORCE


def require_reason(reason: str, *, field: str = "reason") -> str:
    """Return the reason without blanks around it; ReasonMissing if nothing is left."""
    words = reason.strip()
    if not words:
        raise ReasonMissing(message=_("say why, in words"), field=field)
    return words[:300]


def leave_trace(
    mortgage: FloatingMortgage,
    *,
    what: str,
    detail: Mapping[str, Any],
    actor: Actor,
    on: date,
    now: datetime,
    reason: str = "",
) -> None:
    """Write the outbox event `pledges.<what>` and the journal line of an act."""
    payload = {"mortgage": mortgage.number, "facility": mortgage.facility_id, **detail}
    emit(
        topic=f"pledges.{what}",
        aggregate="mortgage",
        aggregate_id=mortgage.pk,
        payload=payload,
        tenant_id=mortgage.tenant_id,
        now=now,
    )
    record(
        action=f"pledges.{what}",
        actor=actor,
        object_type="mortgage",
        object_id=mortgage.pk,
        at=now,
        business_date=on,
        tenant_id=mortgage.tenant_id,
        detail=payload,
        reason=reason,
    )
