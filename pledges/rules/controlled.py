"""How much must stay when goods leave: the one rule of release and of outflow.

interfaces.md section 5: remaining value ≥ max(minimum controlled value, exposure ÷ pledge rate).
The second part is the same as E ≤ ΣLV of what remains, each good at its own pledge rate.
"""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


def exposure_allowed(*, lending_value: Decimal, factor: Decimal) -> Decimal:
    """Return the exposure that may stand after goods have left: factor × ΣLV, to the cent."""
    return (lending_value * factor).quantize(CENT, ROUND_HALF_EVEN)


def goods_short(*, controlled: Decimal, required: Decimal, exposure: Decimal) -> Decimal:
    """Return the market value of goods that would be missing; nobody who owes nothing is bound."""
    return max(Decimal(0), required - controlled) if exposure else Decimal(0)


def is_abnormal(*, outflow: Decimal, controlled: Decimal, share: Decimal) -> bool:
    """Tell whether an outflow is more than a share of what was controlled before it."""
    return outflow > share * (controlled + outflow)
