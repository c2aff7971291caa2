"""Money: a decimal amount and its currency, rounded in one place, split without loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from fractions import Fraction
from typing import overload

from common.currencies import MINOR_UNITS, UnknownCurrency, minor_units
from common.exact import EXACT, refuse_type, require_decimal
from common.rates import Rate

__all__ = [
    "MINOR_UNITS",
    "ROUND_CEILING",
    "ROUND_DOWN",
    "ROUND_FLOOR",
    "ROUND_HALF_EVEN",
    "ROUND_HALF_UP",
    "ROUND_UP",
    "CurrencyMismatch",
    "Money",
    "UnknownCurrency",
    "allocate",
    "minor_step",
    "minor_units",
    "round_money",
]


class CurrencyMismatch(ValueError):  # noqa: N818
    """Two amounts in different currencies were added, subtracted, divided or compared."""


def minor_step(currency: str) -> Decimal:
    """Return the smallest payable amount of a currency: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-minor_units(currency))


def round_money(amount: Decimal, currency: str, mode: str) -> Decimal:
    """Return ``amount`` in whole minor units of ``currency``; the one place where money is rounded.

    ``mode`` is one of the ROUND_ constants of this module, named at the call so that each
    rounding is a decision that a reader can see.
    """
    return require_decimal(amount, what="amount").quantize(
        minor_step(currency), rounding=mode, context=EXACT
    )


def allocate(amount: Decimal, weights: Sequence[Decimal], *, step: Decimal) -> list[Decimal]:
    """Split ``amount`` by ``weights`` in multiples of ``step``: the parts sum to it exactly.

    Largest remainder: each part is first cut down to the step, then the steps left over go to the
    parts that lost most, the earlier one on a tie. A negative amount is split like its opposite.
    A zero weight gets nothing. ValueError if a weight is negative, if all are zero, or if the
    amount is not a multiple of the step (round it first: this function never rounds).
    """
    shares = [Fraction(require_decimal(weight, what="weight")) for weight in weights]
    total = sum(shares, Fraction(0))
    if total == 0 or any(share < 0 for share in shares):
        raise ValueError("weights must be zero or more, and at least one must be more")
    steps = Fraction(require_decimal(amount, what="amount")) / Fraction(step)
    if steps.denominator != 1:
        raise ValueError(f"{amount} is not a multiple of {step}")
    counts = _largest_remainder(abs(steps.numerator), [share / total for share in shares])
    sign = -1 if steps < 0 else 1
    return [EXACT.multiply(Decimal(sign * count), step) for count in counts]


def _largest_remainder(units: int, shares: Sequence[Fraction]) -> list[int]:
    exact = [units * share for share in shares]
    counts = [int(part) for part in exact]
    by_loss = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for index in by_loss[: units - sum(counts)]:
        counts[index] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency; no operation rounds but :meth:`rounded`, which names the mode."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", require_decimal(self.amount, what="amount"))
        minor_units(self.currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing of a currency."""
        return cls(Decimal(0), currency)

    def rounded(self, mode: str) -> "Money":
        """Return the amount in whole minor units, by :func:`round_money`."""
        return Money(round_money(self.amount, self.currency, mode), self.currency)

    def allocate(self, weights: Sequence[Decimal]) -> list["Money"]:
        """Split into parts in minor units that sum to this amount; see :func:`allocate`."""
        parts = allocate(self.amount, weights, step=minor_step(self.currency))
        return [Money(part, self.currency) for part in parts]

    def _amount_of(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self} and {other} are in different currencies")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(EXACT.add(self.amount, self._amount_of(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(EXACT.subtract(self.amount, self._amount_of(other)), self.currency)

    def __mul__(self, factor: Decimal | int | Rate) -> "Money":
        return Money(EXACT.multiply(self.amount, _factor(factor)), self.currency)

    __rmul__ = __mul__

    @overload
    def __truediv__(self, divisor: "Money") -> Decimal: ...
    @overload
    def __truediv__(self, divisor: Decimal | int | Rate) -> "Money": ...
    def __truediv__(self, divisor: "Money | Decimal | int | Rate") -> "Money | Decimal":
        """Divide by a number or a rate (money), or by money of the same currency (a ratio)."""
        if isinstance(divisor, Money):
            return EXACT.divide(self.amount, self._amount_of(divisor))
        return Money(EXACT.divide(self.amount, _factor(divisor)), self.currency)

    def __neg__(self) -> "Money":
        return Money(EXACT.minus(self.amount), self.currency)

    def __abs__(self) -> "Money":
        return Money(EXACT.abs(self.amount), self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._amount_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._amount_of(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._amount_of(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._amount_of(other)

    def __str__(self) -> str:
        decimals = max(minor_units(self.currency), -_exponent(self.amount.normalize(EXACT)))
        return f"{self.amount:,.{decimals}f} {self.currency}"


def _factor(value: Decimal | int | Rate) -> Decimal:
    if isinstance(value, Rate):
        return value.fraction
    if not isinstance(value, Decimal | int):
        refuse_type(value, what="factor")
    return require_decimal(value, what="factor")


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
