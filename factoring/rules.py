"""Pure calculations of factoring: one invoice number, lines that tie, advance, reserve, rebate."""

import calendar
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from common.exact import EXACT
from common.money import ROUND_DOWN, ROUND_HALF_UP, round_money

ZERO = Decimal(0)
PRICE_STEP = Decimal("0.00000001")
DILUTION_MONTHS = 3
_MINUS_SIGN = "\N{MINUS SIGN}"


def normal_invoice_number(number: str) -> str:
    """Return the number in NFKC, upper case, without spaces and invisible signs, with one dash.

    "inv 001", "ＩＮＶ００１" and "INV001" are one invoice, and so are "A–1" and "A-1"; "A-1" and
    "A1" are two: sellers do number so. Empty where nothing remains. A fixed point.
    """
    normal = _squeezed(number)
    # A space that goes may leave an accent beside its letter: the two are one sign then.
    while (again := _squeezed(normal)) != normal:
        normal = again
    return normal


def _squeezed(text: str) -> str:
    return "".join(sign for sign in _folded(text) if not sign.isspace())


def mentions(text: str, normal_number: str) -> bool:
    """Tell whether a text names the invoice, however spaced, and not only a longer number."""
    spaced = r"\s*".join(re.escape(sign) for sign in normal_number)
    pattern = rf"(?<![^\W_]){spaced}(?![^\W_])"
    return bool(normal_number) and re.search(pattern, _folded(text)) is not None


def _folded(text: str) -> str:
    upper = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    return "".join(_plain(sign) for sign in upper)


def _plain(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Pd" or sign == _MINUS_SIGN:
        return "-"
    if category.startswith("Z") or sign.isspace():
        return " "
    return "" if category in ("Cc", "Cf") else sign


def is_price(price: Decimal) -> bool:
    """Tell whether a unit price is positive and has at most 8 decimals."""
    return price.is_finite() and price > 0 and price == EXACT.quantize(price, PRICE_STEP)


def line_amount(quantity: Decimal, unit_price: Decimal, currency: str) -> Decimal:
    """Return what an invoice line makes in whole minor units; halves go up."""
    return round_money(EXACT.multiply(quantity, unit_price), currency, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Gap:
    """An item of which the invoice and the goods that leave do not name the same quantity."""

    item_id: int
    invoiced: Decimal
    leaving: Decimal

    @property
    def off(self) -> Decimal:
        """Return how much more is invoiced than leaves; negative if less."""
        return self.invoiced - self.leaving


def quantities_by_item(quantities: Iterable[tuple[int, Decimal]]) -> dict[int, Decimal]:
    """Return the sum per item id."""
    totals: dict[int, Decimal] = {}
    for item_id, quantity in quantities:
        totals[item_id] = totals.get(item_id, ZERO) + quantity
    return totals


def gaps(*, invoiced: Mapping[int, Decimal], leaving: Mapping[int, Decimal]) -> list[Gap]:
    """Return where an invoice does not tie to the goods; nothing if it ties in every item."""
    found = (
        Gap(item_id, invoiced.get(item_id, ZERO), leaving.get(item_id, ZERO))
        for item_id in sorted(invoiced.keys() | leaving.keys())
    )
    return [gap for gap in found if gap.off]


def highest_advance(face: Decimal, advance_rate: Decimal, currency: str) -> Decimal:
    """Return face × rate in whole minor units, never rounded up."""
    return round_money(EXACT.multiply(face, advance_rate), currency, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a receivable stands, in its currency (domain.md, factoring).

    `credited` is what credit notes took off the face, `advanced` what its loan has drawn,
    `charged` the interest and fees the loan was charged, `owed` what the loan owes now, `held`
    what stands in the controlled account for it.
    """

    face: Decimal
    collected: Decimal
    advanced: Decimal
    charged: Decimal
    owed: Decimal
    held: Decimal
    credited: Decimal = ZERO

    @property
    def outstanding(self) -> Decimal:
        """Return what the buyer still owes."""
        return self.face - self.collected - self.credited

    @property
    def reserve(self) -> Decimal:
        """Return what was kept back when the advance was paid: face − advance."""
        return self.face - self.advanced

    @property
    def rebate(self) -> Decimal:
        """Return what the seller will get back as things stand.

        Reserve − deductions − fees and interest (domain.md, factoring).
        """
        return self.reserve - self.credited - self.charged


@dataclass(frozen=True, slots=True)
class Dilution:
    """How much of what was invoiced came to nothing, over a rolling time, in one currency."""

    sold: Decimal
    credited: Decimal

    @property
    def share(self) -> Decimal:
        """Return credit notes ÷ sales; 0 where nothing was sold."""
        return EXACT.divide(self.credited, self.sold) if self.sold else ZERO


def months_before(day: date, months: int) -> date:
    """Return the same day of an earlier month, or that month's last day where it is shorter."""
    years, month = divmod(day.month - 1 - months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
