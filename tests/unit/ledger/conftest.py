"""A lender's books, and the short way to post to them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ledger.services.posting import Line, post
from parties.actors import system_actor
from tests.factories.parties import make_lender

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


class Books:
    """Posts to one lender's books."""

    actor = system_actor("test")

    def __init__(self, lender):
        self.lender = lender
        self.tenant_id = lender.pk

    def move(self, debit, credit, amount, *, on=date(2016, 3, 1), currency="USD", **more):
        lines = [Line(debit, credit, Decimal(amount))]
        return self.post(*lines, on=on, currency=currency, **more)

    def post(self, *lines, on=date(2016, 3, 1), currency="USD", kind="test", **more):
        return post(
            tenant_id=self.tenant_id,
            currency=currency,
            kind=kind,
            booked_on=on,
            lines=lines,
            actor=self.actor,
            now=NOW,
            **more,
        )


@pytest.fixture
def books(db):
    return Books(make_lender())


@pytest.fixture
def other_books(db):
    return Books(make_lender())
