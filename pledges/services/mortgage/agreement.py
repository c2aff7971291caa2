"""Draft a floating mortgage and activate it by a second person."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from lending.models import Facility
from lending.services.acts import person_of, require_lender
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_other_person
from pledges.models import FloatingMortgage
from pledges.services.cover import covering
from pledges.services.mortgage.acts import (
    MortgageInForce,
    MortgageNamesNothing,
    MortgageNotSound,
    MortgageNumberTaken,
    leave_trace,
    locked,
    require_reason,
)
from pledges.services.mortgage.attachment import attach_stock
from pledges.services.mortgage.scope import judge_again, scope_of


@dataclass(frozen=True, slots=True)
class MortgageTerms:
    """What lender and borrower agree on; values in the facility's currency, at the market."""

    goods_class: str
    floor_value: Decimal
    minimum_controlled_value: Decimal = Decimal(0)
    outflow_alert_share: Decimal = Decimal("0.25")
    outflow_window_days: int = 7
    work_in_process_deduction: Decimal = Decimal(0)
    jurisdiction: str = "CN"


def draft_mortgage(
    *, facility: Facility, number: str, terms: MortgageTerms, actor: Actor, on: date, now: datetime
) -> FloatingMortgage:
    """Write a mortgage down as a draft of the facility's lender; nothing comes under it yet.

    Raises NotYourFacility, NotAllowed, MortgageNotSound (the term as field), MortgageNumberTaken.
    """
    maker_id = person_of(actor, _("Drafting a mortgage"))
    require_lender(actor, facility, Role.PREPARER, Role.RISK_OFFICER)
    _require_sound(number, terms)
    taken = MortgageNumberTaken(
        message=_("there is a mortgage of the number %s") % number, field="number"
    )
    with transaction.atomic(), constraint_refusals({"floatingmortgage_number_unique": taken}):
        mortgage = FloatingMortgage.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            number=number.strip(),
            drafted_at=now,
            maker_id=maker_id,
            **asdict(terms),
        )
        leave_trace(
            mortgage, what="mortgage_drafted", detail=asdict(terms), actor=actor, on=on, now=now
        )
    return mortgage


def _require_sound(number: str, terms: MortgageTerms) -> None:
    require_reason(number, field="number")
    require_reason(terms.goods_class, field="goods_class")
    country = terms.jurisdiction
    rules = [
        ("floor_value", terms.floor_value >= 0, _("A floor is zero or more.")),
        (
            "minimum_controlled_value",
            terms.minimum_controlled_value >= 0,
            _("A minimum is zero or more."),
        ),
        (
            "outflow_alert_share",
            0 < terms.outflow_alert_share <= 1,
            _("The share that alerts lies above 0 and at most at 1."),
        ),
        (
            "outflow_window_days",
            0 < terms.outflow_window_days <= 366,
            _("Outflow is added up over 1 to 366 days."),
        ),
        (
            "work_in_process_deduction",
            0 <= terms.work_in_process_deduction < 1,
            _("A deduction lies between 0 and 1."),
        ),
        (
            "jurisdiction",
            len(country) == 2 and country.isascii() and country.isupper(),
            _("A jurisdiction is the ISO 3166 code of a country."),
        ),
    ]
    for field, sound, message in rules:
        if not sound:
            raise MortgageNotSound(message=message, field=field)


def activate_mortgage(
    *, mortgage: FloatingMortgage, on: date, actor: Actor, now: datetime
) -> FloatingMortgage:
    """Let goods come under a draft; decided by an approver who did not write it.

    What lies free at its sites, of its items, comes under it at once; what the facility had of
    other goods or elsewhere counts for nothing. Raises SamePerson, NotAllowed, NotYourFacility,
    MortgageNamesNothing, MortgageInForce, TransitionRefused, WouldUncover.
    """
    checker_id = person_of(actor, _("Activating a mortgage"))
    with covering(
        facility_id=mortgage.facility_id,
        cause="attach",
        actor=actor,
        on=on,
        now=now,
        standing_by=True,
    ) as act:
        row = locked(mortgage)
        require_lender(actor, row.facility, Role.APPROVER)
        require_other_person(actor, maker_id=row.maker_id)
        _require_names(row, on)
        row.activate(checker_id=checker_id, on=on, now=now)
        other = MortgageInForce(
            message=_("%s has a floating mortgage in force") % row.facility, field="facility"
        )
        with constraint_refusals({"facility_has_one_mortgage_in_force": other}):
            row.save()
        attach_stock(act=act, mortgage=row, on=on)
        judge_again(act, row, keep_attached=False)
        leave_trace(row, what="mortgage_activated", detail={}, actor=actor, on=on, now=now)
    return row


def _require_names(mortgage: FloatingMortgage, on: date) -> None:
    scope = scope_of(mortgage, on)
    if not scope.items or not scope.sites:
        raise MortgageNamesNothing(
            message=_(
                "%(mortgage)s names %(items)s items and %(sites)s sites; it takes one of each"
            )
            % {
                "mortgage": mortgage.number,
                "items": len(scope.items),
                "sites": len(scope.sites),
            },
            field="mortgage",
        )
