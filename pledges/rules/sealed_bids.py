"""Sealed bids: committed to before the opening, shown after it, the highest wins."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


def commitment(*, amount: Decimal, nonce: str, bidder: str) -> str:
    """Return what a bidder leaves before the opening: SHA-256 of "amount|nonce|bidder" in hex.

    The amount has four decimals, the bidder is an organisation's code; text is UTF-8. The nonce
    keeps the amount from being guessed, the code keeps others from handing in the same envelope.
    The database computes the same (trigger `offer_opens_as_committed`).
    """
    return hashlib.sha256(f"{amount:.4f}|{nonce}|{bidder}".encode()).hexdigest()


def is_opened_by(sealed: str, *, amount: Decimal, nonce: str, bidder: str) -> bool:
    """Tell whether amount and nonce are those that a bidder committed to."""
    shown = commitment(amount=amount, nonce=nonce, bidder=bidder)
    return hmac.compare_digest(sealed, shown)


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid that has been opened."""

    key: int
    amount: Decimal
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who won, at what price, and what the second highest would have paid."""

    winner: Bid
    second: Decimal | None


def outcome(bids: Iterable[Bid], *, reserve: Decimal) -> Outcome | None:
    """Return the result of an auction: the highest bid from the reserve on, the earlier on a tie.

    None if nobody reached the reserve: then there is no sale. The second price is that of the
    next bid, whether it reached the reserve or not.
    """
    ranked = sorted(bids, key=lambda bid: (-bid.amount, bid.committed_at, bid.key))
    if not ranked or ranked[0].amount < reserve:
        return None
    return Outcome(ranked[0], ranked[1].amount if len(ranked) > 1 else None)
