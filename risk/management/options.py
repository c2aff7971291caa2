"""Option types that the commands share."""

from argparse import ArgumentTypeError
from datetime import date


def iso_date(text: str) -> date:
    """Return the date an option names.

    Raises:
        ArgumentTypeError: not an ISO date; the command line says so.

    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a date such as 2021-12-31"
        raise ArgumentTypeError(message) from None


def names(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def holdings(text: str) -> dict[str, float]:
    """Return values by code from "gold_comex=30,wti=70".

    Raises:
        ArgumentTypeError: not such a list; the command line says so.

    """
    try:
        return {code: float(value) for code, value in (one.split("=") for one in names(text))}
    except ValueError:
        message = f"{text!r} is not a list such as gold_comex=30,wti=70"
        raise ArgumentTypeError(message) from None
