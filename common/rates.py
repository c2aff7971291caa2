"""A rate as a fraction of one, never as a bare number whose unit must be guessed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from common.exact import EXACT, require_decimal


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """A share or a yearly price of money: ``Rate(Decimal("0.045"))`` is 4.5 % is 450 bps."""

    fraction: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "fraction", require_decimal(self.fraction, what="rate"))

    @classmethod
    def from_percent(cls, percent: Decimal | int) -> Self:
        """Return the rate that is so many hundredths."""
        return cls(EXACT.scaleb(require_decimal(percent, what="percent"), Decimal(-2)))

    @classmethod
    def from_bps(cls, bps: Decimal | int) -> Self:
        """Return the rate that is so many ten-thousandths."""
        return cls(EXACT.scaleb(require_decimal(bps, what="bps"), Decimal(-4)))

    @property
    def percent(self) -> Decimal:
        """The rate in hundredths."""
        return EXACT.multiply(self.fraction, Decimal(100))

    @property
    def bps(self) -> Decimal:
        """The rate in ten-thousandths."""
        return EXACT.multiply(self.fraction, Decimal(10_000))

    def of(self, amount: Decimal) -> Decimal:
        """Return this share of a plain amount or quantity, exact and unrounded."""
        return EXACT.multiply(self.fraction, require_decimal(amount, what="amount"))

    def complement(self) -> "Rate":
        """Return one minus this rate: the haircut of a pledge rate and the other way round."""
        return Rate(EXACT.subtract(Decimal(1), self.fraction))

    def __add__(self, other: "Rate") -> "Rate":
        if not isinstance(other, Rate):
            return NotImplemented
        return Rate(EXACT.add(self.fraction, other.fraction))

    def __sub__(self, other: "Rate") -> "Rate":
        if not isinstance(other, Rate):
            return NotImplemented
        return Rate(EXACT.subtract(self.fraction, other.fraction))

    def __mul__(self, factor: Decimal | int) -> "Rate":
        """Scale the rate; ``Rate * Money`` is answered by Money, an amount by :meth:`of`."""
        if not isinstance(factor, Decimal | int | float):
            return NotImplemented
        return Rate(EXACT.multiply(self.fraction, require_decimal(factor, what="factor")))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Decimal | int) -> "Rate":
        return Rate(EXACT.divide(self.fraction, require_decimal(divisor, what="divisor")))

    def __neg__(self) -> "Rate":
        return Rate(EXACT.minus(self.fraction))

    def __str__(self) -> str:
        return f"{self.percent.normalize():f} %"
