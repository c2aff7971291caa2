"""What the law of a place asks of a lender, as parameters that counsel has to confirm.

Which one applies is a term of the facility, agreed by two people. No statute is cited here:
numbers and wording are to be checked before they are printed anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lending.states import Jurisdiction


@dataclass(frozen=True, slots=True)
class LawOfPlace:
    """Duties and periods; days are calendar days."""

    register: str | Promise
    registration_required: bool
    term_days: int
    alarm_leads: Sequence[int] = (90, 30, 7)
    purchase_money_days: int = 10
    notice_to_debtor: bool = True
    notice_to_earlier_lenders: bool = False


LAWS: dict[str, LawOfPlace] = {
    Jurisdiction.CHINA: LawOfPlace(
        register=_("Unified register of movable property and rights"),
        registration_required=True,
        term_days=1_825,
    ),
    Jurisdiction.US_UCC: LawOfPlace(
        register=_("State filing office, financing statement"),
        registration_required=True,
        term_days=1_825,
        purchase_money_days=20,
        notice_to_earlier_lenders=True,
    ),
    Jurisdiction.GENERIC: LawOfPlace(
        register=_("Register of security interests"),
        registration_required=False,
        term_days=1_825,
    ),
}


def law_of(jurisdiction: str) -> LawOfPlace:
    """Return the parameters of a facility's jurisdiction."""
    return LAWS[jurisdiction]


def lead_reached(days_left: int, leads: Sequence[int]) -> int | None:
    """Return the tightest lead that has been reached, None before the first and after the end."""
    reached = [lead for lead in leads if days_left <= lead]
    return min(reached) if reached and days_left >= 0 else None
