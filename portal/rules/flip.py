"""At which price of one commodity a facility's band changes, if nothing else moves.

Market and lending value of a pool are linear in one price, and so are the band lines that follow
from them (domain.md, bands): each flip price solves a linear equation.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pledges.rules.cover import band_of, line_values
from pledges.states import Band

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Pool:
    """A facility's pool as a function of one price.

    Market value = `market_rest` + `market_weight` × price; lending value likewise with
    `lending_weight` already multiplied by the pledge rate, and the glided value with
    `glided_weight` by the glided one, which is never below it.
    """

    exposure: Decimal
    market_rest: Decimal
    market_weight: Decimal
    lending_rest: Decimal
    lending_weight: Decimal
    watch_line: Decimal | None = None
    call_line: Decimal | None = None
    glided_rest: Decimal = ZERO
    glided_weight: Decimal = ZERO

    @property
    def base(self) -> tuple[Decimal, Decimal]:
        """Return rest and weight of the value that the lines go by: glided, or lending value."""
        return (
            max(self.glided_rest, self.lending_rest),
            max(self.glided_weight, self.lending_weight),
        )

    def values(self, price: Decimal) -> tuple[Decimal, Decimal]:
        """Return (market value, lending value) at a price."""
        return (
            self.market_rest + self.market_weight * price,
            self.lending_rest + self.lending_weight * price,
        )

    def band(self, price: Decimal) -> Band:
        """Return the band at a price."""
        market, lending = self.values(price)
        rest, weight = self.base
        watch, call = line_values(
            market_value=market,
            lending_value=lending,
            glided_value=rest + weight * price,
            watch_line=self.watch_line,
            call_line=self.call_line,
        )
        return band_of(
            exposure=self.exposure, lending_value=lending, watch_value=watch, call_value=call
        )


def flip_prices(pool: Pool) -> dict[Band, Decimal]:
    """Return, for each band but the calmest, the price below which it (or a worse one) holds.

    A band is missing where no price above zero reaches it.
    """
    covered = _solve(pool.exposure, pool.lending_rest, pool.lending_weight)
    glided = _least(covered, _solve(pool.exposure, *pool.base))
    watch = _least(glided, _line(pool, pool.watch_line, Decimal(1) / 3))
    call = _least(watch, _line(pool, pool.call_line, Decimal(2) / 3))
    found = {Band.WATCH: covered, Band.CALLED: watch, Band.CLOSE_OUT: call}
    return {band: price for band, price in found.items() if price is not None and price > 0}


def _line(pool: Pool, line: Decimal | None, part: Decimal) -> Decimal | None:
    """Return the price at which exposure meets a line: the facility's own or θ + part (1 − θ)."""
    if line is not None:
        return _solve(pool.exposure, pool.market_rest * line, pool.market_weight * line)
    rest, weight = pool.base
    rest += (pool.market_rest - rest) * part
    weight += (pool.market_weight - weight) * part
    return _solve(pool.exposure, rest, weight)


def _solve(exposure: Decimal, rest: Decimal, weight: Decimal) -> Decimal | None:
    """Return the price where rest + weight × price = exposure; None where none matters."""
    if weight == ZERO:
        return None if exposure <= rest else Decimal("Infinity")
    return (exposure - rest) / weight


def _least(*prices: Decimal | None) -> Decimal | None:
    """Return the lowest price: a line never lies above the calmer one."""
    return None if None in prices else min(price for price in prices if price is not None)
