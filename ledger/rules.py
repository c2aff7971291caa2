"""What may be posted: values only, no books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from common.exact import refuse_type
from common.money import minor_step

# numeric(24,4) holds less than this; sums over many postings must fit too.
TOO_LARGE = Decimal(10) ** 18
_LENGTHS = (("kind", 1, 40), ("reference", 0, 120), ("idempotency_key", 1, 200))


class EntryInvalid(Refusal):
    """The entry cannot be posted by anybody: no lines, or a line that moves nothing."""

    code = "entry_invalid"


class AmountInvalid(EntryInvalid):
    """The amount is not more than zero, not in whole minor units, or beyond all bounds."""

    code = "amount_invalid"


@dataclass(frozen=True, slots=True)
class Line:
    """An amount moved from the credit account to the debit account, both by code."""

    debit: str
    credit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be posted; all lines in one currency."""

    kind: str
    booked_on: date
    lines: Sequence[Line]
    reference: str = ""
    narrative: str = ""
    idempotency_key: str | None = None


def require_postable(entries: Sequence[NewEntry], currency: str) -> None:
    """Refuse the first entry that nobody could post; UnknownCurrency for no currency at all.

    Raises EntryInvalid or AmountInvalid, with the line's number and amount.
    """
    step = minor_step(currency)
    for entry in entries:
        _require_head(entry)
        for number, line in enumerate(entry.lines, start=1):
            _require_line(line, number, step, currency)


def _require_head(entry: NewEntry) -> None:
    if not entry.lines:
        raise EntryInvalid(message=_("An entry has at least one line."), field="lines")
    for field, shortest, longest in _LENGTHS:
        value = getattr(entry, field)
        if value is not None and not shortest <= len(value) <= longest:
            raise EntryInvalid(
                message=_(
                    "The %(field)s has %(shortest)s to %(longest)s characters, not %(count)s."
                )
                % {"field": field, "shortest": shortest, "longest": longest, "count": len(value)},
                field=field,
                numbers={"count": len(value), "longest": longest},
            )


def _require_line(line: Line, number: int, step: Decimal, currency: str) -> None:
    amount = line.amount
    if not isinstance(amount, Decimal):
        refuse_type(amount, what="amount")
    if not (amount.is_finite() and 0 < amount < TOO_LARGE and amount == amount.quantize(step)):
        raise AmountInvalid(
            message=_(
                "Line %(line)s moves %(amount)s %(currency)s; it must be more than zero, "
                "in steps of %(step)s."
            )
            % {"line": number, "amount": amount, "currency": currency, "step": step},
            field="amount",
            numbers={"line": number, "amount": amount, "currency": currency, "step": step},
        )
    if line.debit == line.credit:
        raise EntryInvalid(
            message=_("Line %(line)s debits and credits the same account, %(code)s.")
            % {"line": number, "code": line.debit},
            field="account",
            numbers={"line": number},
        )
