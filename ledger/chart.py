"""The chart of accounts: what a code's first word says about the account it opens.

A code is a word of the chart (``cash``) or a word and a subject (``principal:L-2016-001``).
Accounts are opened by their first posting, so the chart is the only place that knows their kinds.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from common.errors import Refusal
from ledger.models.account import AccountKind

CODE_LENGTH = 80
_ASSET, _LIABILITY = AccountKind.ASSET, AccountKind.LIABILITY
_INCOME, _EXPENSE = AccountKind.INCOME, AccountKind.EXPENSE


class UnknownAccount(Refusal):
    """The chart has no account of this code."""

    code = "unknown_account"


@dataclass(frozen=True, slots=True)
class ChartLine:
    """What accounts of one word are: their kind, their name, and whether each has a subject."""

    kind: AccountKind
    name: str
    has_subject: bool


CHART: dict[str, ChartLine] = {
    "cash": ChartLine(_ASSET, "Cash at bank", has_subject=False),
    # Credited when a payment is instructed, debited when the bank confirms it: what cash will lose.
    "clearing": ChartLine(_ASSET, "Payments instructed, not yet confirmed", has_subject=False),
    "principal": ChartLine(_ASSET, "Principal of", has_subject=True),
    "interest": ChartLine(_ASSET, "Interest receivable on", has_subject=True),
    "penalty": ChartLine(_ASSET, "Penalty interest receivable on", has_subject=True),
    "fees": ChartLine(_ASSET, "Fees receivable on", has_subject=True),
    "costs": ChartLine(_ASSET, "Costs receivable on", has_subject=True),
    "collection": ChartLine(_ASSET, "Controlled collection account of", has_subject=True),
    "proceeds": ChartLine(_LIABILITY, "Proceeds held for", has_subject=True),
    "suspense": ChartLine(_LIABILITY, "Money not yet attributed", has_subject=False),
    "interest_income": ChartLine(_INCOME, "Interest income", has_subject=False),
    "penalty_income": ChartLine(_INCOME, "Penalty interest income", has_subject=False),
    "fee_income": ChartLine(_INCOME, "Fee income", has_subject=False),
    "recovery_income": ChartLine(_INCOME, "Recovered after write-off", has_subject=False),
    "waiver_expense": ChartLine(_EXPENSE, "Claims waived", has_subject=False),
    "write_off_expense": ChartLine(_EXPENSE, "Claims written off", has_subject=False),
}


def describe(code: str) -> tuple[AccountKind, str]:
    """Return the kind and the name of the account of a code; UnknownAccount if there is none."""
    word, colon, subject = code.partition(":")
    line = CHART.get(word)
    well_formed = line is not None and line.has_subject == bool(subject) == bool(colon)
    if line is None or not well_formed or len(code) > CODE_LENGTH:
        raise UnknownAccount(
            message=_("The chart of accounts has no %(code)s.") % {"code": code}, field="account"
        )
    return line.kind, f"{line.name} {subject}".rstrip()
