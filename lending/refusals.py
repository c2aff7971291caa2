"""The answers "no" that credit services share, each with its numbers."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from common.currencies import minor_units
from common.errors import Refusal
from lending.rules import LimitUse

if TYPE_CHECKING:
    from lending.models import Facility, Loan


def figure(amount: Decimal, currency: str) -> str:
    """Return an amount as people read it, with at least its currency's decimals: 1,700,000.00."""
    exponent = amount.normalize().as_tuple().exponent
    decimals = max(minor_units(currency), -exponent if isinstance(exponent, int) else 0)
    return f"{amount:,.{decimals}f}"


class NotYourFacility(Refusal):
    """The actor does not work for the lender of this facility."""

    code = "not_your_facility"

    @classmethod
    def of(cls, facility: "Facility") -> "NotYourFacility":
        """Name the facility only: its lender is nobody else's business."""
        return cls(message=_("Facility %s is not one of your lender's.") % facility.code)


class PersonNeeded(Refusal):
    """The act needs a person who answers for it; the system itself cannot."""

    code = "person_needed"

    @classmethod
    def for_act(cls, act: str) -> "PersonNeeded":
        """Name the act."""
        return cls(message=_("%s needs a person who is signed in.") % act)


class FacilityNotActive(Refusal):
    """Nothing may be agreed or drawn under the facility now."""

    code = "facility_not_active"

    @classmethod
    def of(cls, facility: "Facility") -> "FacilityNotActive":
        """Say in which state the facility is."""
        return cls(
            message=_("Facility %(code)s is %(state)s, not active.")
            % {"code": facility.code, "state": facility.state},
            numbers={"state": facility.state},
        )


class FacilityInUse(Refusal):
    """Loans are open under the facility."""

    code = "facility_in_use"

    @classmethod
    def of(cls, facility: "Facility", loans: int) -> "FacilityInUse":
        """Say how many."""
        return cls(
            message=_("Facility %(code)s has %(loans)s open loans: repay or cancel them first.")
            % {"code": facility.code, "loans": loans},
            numbers={"loans": loans},
        )


class FacilityPastMaturity(Refusal):
    """The date lies outside the facility's life."""

    code = "facility_past_maturity"

    @classmethod
    def of(cls, facility: "Facility", day: date, *, field: str) -> "FacilityPastMaturity":
        """Say from when to when the facility runs."""
        return cls(
            message=_("Facility %(code)s runs from %(opens)s to %(matures)s, not on %(day)s.")
            % {
                "code": facility.code,
                "opens": facility.opened_on,
                "matures": facility.matures_on,
                "day": day,
            },
            field=field,
            numbers={"opens": facility.opened_on, "matures": facility.matures_on, "day": day},
        )


class ProductNotAllowed(Refusal):
    """The facility does not offer this product."""

    code = "product_not_allowed"

    @classmethod
    def of(cls, facility: "Facility", product: str) -> "ProductNotAllowed":
        """Say which products it offers."""
        return cls(
            message=_("Facility %(code)s allows %(allowed)s, not %(product)s.")
            % {
                "code": facility.code,
                "allowed": ", ".join(facility.products),
                "product": product,
            },
            field="product",
        )


class AboveLimit(Refusal):
    """Agreeing or drawing this amount would pass the facility's limit."""

    code = "above_limit"

    @classmethod
    def of(cls, use: LimitUse, asked: Decimal, currency: str) -> "AboveLimit":
        """Say limit, exposure, what is agreed but not drawn (if any), what was asked and by how
        much that is too high.
        """  # noqa: D205
        numbers = {"limit": use.limit, "exposure": use.exposure}
        text = _("limit %(limit)s, exposure %(exposure)s, asked %(asked)s, above by %(above)s")
        if use.undrawn:
            numbers["undrawn"] = use.undrawn
            text = _(
                "limit %(limit)s, exposure %(exposure)s, agreed but not drawn %(undrawn)s, "
                "asked %(asked)s, above by %(above)s"
            )
        numbers |= {"asked": asked, "above": use.above(asked)}
        shown = {name: figure(value, currency) for name, value in numbers.items()}
        return cls(message=text % shown, field="amount", numbers=numbers)

    @classmethod
    def of_principal(cls, facility: "Facility", principal: Decimal) -> "AboveLimit":
        """Say how much principal a refinancing would leave."""
        numbers = {
            "limit": facility.limit,
            "principal": principal,
            "above": principal - facility.limit,
        }
        shown = {name: figure(value, facility.currency) for name, value in numbers.items()}
        text = _("limit %(limit)s, principal would be %(principal)s, above by %(above)s")
        return cls(message=text % shown, field="amount", numbers=numbers)


class AboveAgreed(Refusal):
    """More was asked for than the loan still offers."""

    code = "above_agreed"

    @classmethod
    def of(cls, loan: "Loan", available: Decimal, asked: Decimal, currency: str) -> "AboveAgreed":
        """Say what may still be drawn."""
        return cls(
            message=_("loan %(loan)s: may still draw %(left)s, asked %(asked)s, above by %(above)s")
            % {
                "loan": loan.number,
                "left": figure(available, currency),
                "asked": figure(asked, currency),
                "above": figure(asked - available, currency),
            },
            field="amount",
            numbers={"available": available, "asked": asked, "above": asked - available},
        )


class LoanNotDrawable(Refusal):
    """The loan is finished, cancelled or past its due date."""

    code = "loan_not_drawable"

    @classmethod
    def of(cls, loan: "Loan") -> "LoanNotDrawable":
        """Say the loan's state and due date."""
        return cls(
            message=_("Loan %(loan)s is %(state)s and due on %(due)s: nothing can be drawn.")
            % {"loan": loan.number, "state": loan.state, "due": loan.due_on},
            numbers={"state": loan.state, "due_on": loan.due_on},
        )


class LoanNotOpen(Refusal):
    """The loan is repaid or cancelled."""

    code = "loan_not_open"

    @classmethod
    def of(cls, loan: "Loan") -> "LoanNotOpen":
        """Say the loan's state."""
        return cls(
            message=_("Loan %(loan)s is %(state)s.") % {"loan": loan.number, "state": loan.state},
            numbers={"state": loan.state},
        )


class LoanStillOwes(Refusal):
    """The loan cannot be ended while something is owed on it."""

    code = "loan_still_owes"

    @classmethod
    def of(cls, loan: "Loan", currency: str) -> "LoanStillOwes":
        """Say how much."""
        return cls(
            message=_("Loan %(loan)s still owes %(owed)s.")
            % {"loan": loan.number, "owed": figure(loan.owed_total, currency)},
            numbers={"owed": loan.owed_total},
        )


class PayeeIsBorrower(Refusal):
    """Order finance was to be paid to the borrower."""

    code = "payee_is_borrower"

    @classmethod
    def of(cls, loan: "Loan") -> "PayeeIsBorrower":
        """Say whom order finance pays."""
        return cls(
            message=_("Loan %s finances an order: it pays the supplier, never the borrower.")
            % loan.number,
            field="payee",
        )


class NotPayeesAccount(Refusal):
    """The bank account belongs to somebody else than the payee."""

    code = "not_payees_account"

    @classmethod
    def of(cls, number: str, payee: object) -> "NotPayeesAccount":
        """Name account and payee."""
        return cls(
            message=_("Account %(number)s does not belong to %(payee)s.")
            % {"number": number, "payee": payee},
            field="account",
        )


class WrongCurrency(Refusal):
    """The account is kept in another currency than the facility."""

    code = "wrong_currency"

    @classmethod
    def of(cls, *, expected: str, found: str) -> "WrongCurrency":
        """Say both currencies."""
        return cls(
            message=_("The facility is in %(expected)s, the account in %(found)s.")
            % {"expected": expected, "found": found},
            field="account",
            numbers={"expected": expected, "found": found},
        )


class BankReferenceMissing(Refusal):
    """A payment was confirmed without saying how the bank knows it."""

    code = "bank_reference_missing"


class NotAnAmount(Refusal):
    """The amount is not positive, or finer than the currency can be paid in."""

    code = "not_an_amount"


class MoreThanOwed(Refusal):
    """More was paid than the loans owe."""

    code = "more_than_owed"

    @classmethod
    def of(cls, *, owed: Decimal, paid: Decimal, currency: str) -> "MoreThanOwed":
        """Say what is owed and what is too much."""
        return cls(
            message=_("owed %(owed)s, paid %(paid)s, too much by %(above)s")
            % {
                "owed": figure(owed, currency),
                "paid": figure(paid, currency),
                "above": figure(paid - owed, currency),
            },
            field="amount",
            numbers={"owed": owed, "paid": paid, "above": paid - owed},
        )


class AlreadyCounted(Refusal):
    """The date lies before one to which the loan's principal or interest stands settled."""

    code = "already_counted"

    @classmethod
    def of(cls, loan: "Loan", day: date, *, earliest: date, field: str) -> "AlreadyCounted":
        """Say the earliest date that is still open."""
        return cls(
            message=_("Loan %(loan)s is settled up to %(earliest)s: %(day)s is too early.")
            % {"loan": loan.number, "earliest": earliest, "day": day},
            field=field,
            numbers={"earliest": earliest, "day": day},
        )


class NotInThisFacility(Refusal):
    """A loan was named that belongs to another facility."""

    code = "not_in_this_facility"

    @classmethod
    def of(cls, loan: "Loan", facility: "Facility") -> "NotInThisFacility":
        """Name both."""
        return cls(
            message=_("Loan %(loan)s is not under facility %(facility)s.")
            % {"loan": loan.number, "facility": facility.code},
            field="loans",
        )


class ReferenceTaken(Refusal):
    """A repayment with this reference is on record."""

    code = "reference_taken"

    @classmethod
    def of(cls, reference: str) -> "ReferenceTaken":
        """Name the reference."""
        return cls(
            message=_("A repayment with reference %s is recorded already.") % reference,
            field="reference",
        )


class NumberTaken(Refusal):
    """The lender has a loan or facility of this number or code."""

    code = "number_taken"

    @classmethod
    def of(cls, number: str, *, field: str) -> "NumberTaken":
        """Name it."""
        return cls(message=_("%s is in use already.") % number, field=field)


class TermsUnsound(Refusal):
    """Terms that contradict themselves or leave something out."""

    code = "terms_unsound"


def require_payable(amount: Decimal, currency: str, *, field: str = "amount") -> None:
    """Refuse an amount that is not positive or not in whole minor units of the currency."""
    numbers = {"amount": amount, "decimals": minor_units(currency)}
    if not amount.is_finite() or amount <= 0:
        message = _("An amount must be more than zero, not %s.") % amount
        raise NotAnAmount(message=message, field=field, numbers=numbers)
    if amount != round(amount, minor_units(currency)):
        message = _("%(currency)s is paid with %(decimals)s decimals; %(amount)s has more.")
        raise NotAnAmount(
            message=message % {"currency": currency, **numbers}, field=field, numbers=numbers
        )


class DefaultStands(Refusal):
    """The facility has a notice of default already, proposed or given."""

    code = "default_stands"

    @classmethod
    def of(cls, facility: "Facility") -> "DefaultStands":
        """Name the facility."""
        return cls(
            message=_("A notice of default stands on facility %s already.") % facility.code,
            field="facility",
        )


class NothingUnpaid(Refusal):
    """No loan of the facility was unpaid when due."""

    code = "nothing_unpaid"

    @classmethod
    def of(cls, facility: "Facility", on: date) -> "NothingUnpaid":
        """Say on which day was looked."""
        return cls(
            message=_("No loan of facility %(code)s is unpaid after its due date on %(on)s.")
            % {"code": facility.code, "on": on},
            field="cause",
        )


class NotInDefault(Refusal):
    """The act is for a facility in default; this one is not."""

    code = "not_in_default"

    @classmethod
    def of(cls, facility: "Facility") -> "NotInDefault":
        """Say in which state the facility is."""
        return cls(
            message=_("Facility %(code)s is %(state)s, not in default.")
            % {"code": facility.code, "state": facility.get_state_display()},
            numbers={"state": facility.state},
        )


class StillUnpaid(Refusal):
    """A default is not healed while a loan is overdue."""

    code = "still_unpaid"

    @classmethod
    def of(cls, facility: "Facility", overdue: Decimal) -> "StillUnpaid":
        """Say how much is overdue."""
        return cls(
            message=_("Facility %(code)s: %(overdue)s %(currency)s are overdue.")
            % {
                "code": facility.code,
                "overdue": figure(overdue, facility.currency),
                "currency": facility.currency,
            },
            numbers={"overdue": overdue},
        )


class ReasonMissing(Refusal):
    """The act needs its evidence and its reason in words."""

    code = "reason_missing"

    @classmethod
    def of(cls, field: str) -> "ReasonMissing":
        """Name the field that is empty."""
        return cls(message=_("Say on what evidence, and why."), field=field)


class WriteOffAsked(Refusal):
    """The loan's write-off was asked for, or booked, already."""

    code = "write_off_asked"

    @classmethod
    def of(cls, loan: "Loan") -> "WriteOffAsked":
        """Name the loan."""
        return cls(
            message=_("The write-off of loan %s was asked for already.") % loan.number,
            field="loan",
        )


class LoanOwesNothing(Refusal):
    """There is nothing to write off."""

    code = "loan_owes_nothing"

    @classmethod
    def of(cls, loan: "Loan") -> "LoanOwesNothing":
        """Name the loan and its state."""
        return cls(
            message=_("Loan %(loan)s is %(state)s and owes nothing that could be written off.")
            % {"loan": loan.number, "state": loan.get_state_display()},
            field="loan",
        )


class MoreThanClaimed(Refusal):
    """More came in than is still claimed."""

    code = "more_than_claimed"

    @classmethod
    def of(cls, *, claimed: Decimal, paid: Decimal, currency: str) -> "MoreThanClaimed":
        """Say both, and by how much it is too much."""
        return cls(
            message=_("Claimed %(claimed)s %(currency)s, received %(paid)s: %(above)s too much.")
            % {
                "claimed": figure(claimed, currency),
                "paid": figure(paid, currency),
                "above": figure(paid - claimed, currency),
                "currency": currency,
            },
            field="amount",
            numbers={"claimed": claimed, "paid": paid, "above": paid - claimed},
        )


class RepaymentNotReversible(Refusal):
    """The repayment was taken back already, or another act undoes it, or its loan has ended."""

    code = "repayment_not_reversible"

    @classmethod
    def of(cls, why: str) -> "RepaymentNotReversible":
        """Say why, in a sentence."""
        return cls(message=why, field="repayment")
