"""Draft a facility, activate it by a second person, freeze, unfreeze and close it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.currencies import UnknownCurrency, minor_units
from common.errors import constraint_refusals
from lending.models import Facility
from lending.refusals import (
    FacilityInUse,
    NumberTaken,
    TermsUnsound,
    require_payable,
)
from lending.rules import is_complete_waterfall
from lending.services.acts import Trace, act_once, lock_facility, person_of, require_lender
from lending.states import OPEN, Product
from lending.terms import FacilityTerms
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person, require_role


def draft_facility(
    *,
    code: str,
    name: str,
    borrower: Organisation,
    terms: FacilityTerms,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Facility:
    """Write a facility down as a draft of the actor's lender; nothing can be drawn yet.

    Raises PersonNeeded, NotAllowed, TermsUnsound (with the term as field), NotAnAmount and
    NumberTaken.
    """
    maker_id = person_of(actor, _("Drafting a facility"))
    require_role(actor, Role.PREPARER)
    lender_id = actor.organisation_id or 0
    require_sound(terms, lender_id=lender_id, borrower=borrower)
    payload = {"code": code, "name": name, "borrower": borrower.pk, **terms.as_columns()}
    with act_once(
        service="draft_facility",
        tenant_id=lender_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return Facility.objects.get(pk=once.response["facility"])
        facility = _insert(
            tenant_id=lender_id,
            code=code,
            name=name,
            borrower=borrower,
            maker_id=maker_id,
            **terms.as_columns(),
        )
        Trace(lender_id, actor, now).leave(
            facility, action="draft_facility", topic="facility_drafted", detail=payload
        )
        once.store({"facility": facility.pk})
        return facility


def _insert(*, code: str, **columns: Any) -> Facility:
    with constraint_refusals({"facility_code_unique": lambda: NumberTaken.of(code, field="code")}):
        return Facility.objects.create(code=code, **columns)


def require_sound(terms: FacilityTerms, *, lender_id: int, borrower: Organisation) -> None:
    """Refuse terms that contradict themselves, naming the first term at fault."""
    try:
        minor_units(terms.currency)
    except UnknownCurrency as error:
        raise TermsUnsound(message=str(error), field="currency") from error
    require_payable(terms.limit, terms.currency, field="limit")
    if terms.waiver_tolerance:
        require_payable(terms.waiver_tolerance, terms.currency, field="waiver_tolerance")
    for field, sound, message in _soundness(terms, lender_id, borrower):
        if not sound:
            raise TermsUnsound(message=message, field=field)


def _soundness(
    terms: FacilityTerms, lender_id: int, borrower: Organisation
) -> list[tuple[str, bool, str]]:
    shares = (terms.order_advance_rate, terms.receivable_advance_rate, terms.release_factor)
    return [
        ("borrower", borrower.pk != lender_id, _("A lender does not lend to itself.")),
        (
            "products",
            bool(terms.products) and set(terms.products) <= set(Product.values),
            _("A facility offers at least one product, and only known ones."),
        ),
        (
            "waterfall",
            is_complete_waterfall(terms.waterfall),
            _("The waterfall names each of costs, fees, penalty, interest and principal once."),
        ),
        (
            "annual_rate",
            terms.annual_rate >= 0 and terms.penalty_rate >= 0,
            _("Interest is not negative."),
        ),
        (
            "order_advance_rate",
            all(0 <= share <= 1 for share in shares),
            _("An advance rate lies between 0 and 1."),
        ),
        ("watch_line", _lines_in_order(terms), _("Lines rise: 0 < watch < call, at most 1.")),
        (
            "matures_on",
            terms.matures_on > terms.opened_on,
            _("A facility matures after it opens."),
        ),
    ]


def _lines_in_order(terms: FacilityTerms) -> bool:
    if terms.watch_line is None or terms.call_line is None:
        return terms.watch_line is terms.call_line
    return Decimal(0) < terms.watch_line < terms.call_line <= 1


def activate_facility(*, facility: Facility, actor: Actor, now: datetime) -> Facility:
    """Let loans be agreed under a draft, by an approver with the authority to set such a limit.

    Raises SamePerson, NotAllowed, BeyondAuthority, NotYourFacility and TransitionRefused.
    """
    checker_id = person_of(actor, _("Activating a facility"))
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.APPROVER)
        require_other_person(actor, maker_id=locked.maker_id)
        require_authority(actor, Act.SET_LIMIT, locked.limit, locked.currency)
        locked.activate(checker_id=checker_id)
        return _saved(locked, actor, now, action="activate_facility", topic="facility_activated")


def freeze_facility(*, facility: Facility, reason: str, actor: Actor, now: datetime) -> Facility:
    """Stop agreeing and drawing; what is owed stays owed. One person is enough to be careful."""
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.RISK_OFFICER, Role.APPROVER)
        locked.freeze()
        return _saved(
            locked, actor, now, action="freeze_facility", topic="facility_frozen", reason=reason
        )


def unfreeze_facility(*, facility: Facility, reason: str, actor: Actor, now: datetime) -> Facility:
    """Let drawing go on; an approver with the authority to set the limit decides."""
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.APPROVER)
        require_authority(actor, Act.SET_LIMIT, locked.limit, locked.currency)
        locked.unfreeze()
        return _saved(
            locked, actor, now, action="unfreeze_facility", topic="facility_unfrozen", reason=reason
        )


def close_facility(*, facility: Facility, actor: Actor, now: datetime) -> Facility:
    """End a facility without open loans; FacilityInUse or TransitionRefused otherwise."""
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.APPROVER)
        if loans := locked.loans.filter(state__in=OPEN).count():
            raise FacilityInUse.of(locked, loans)
        locked.close()
        return _saved(locked, actor, now, action="close_facility", topic="facility_closed")


def _saved(
    facility: Facility, actor: Actor, now: datetime, *, action: str, topic: str, reason: str = ""
) -> Facility:
    facility.save(update_fields=["state", "checker"])
    Trace(facility.tenant_id, actor, now).leave(
        facility,
        action=action,
        topic=topic,
        detail={"facility": facility.code, "state": facility.state, "limit": facility.limit},
        reason=reason,
    )
    return facility
