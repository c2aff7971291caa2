from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from common.errors import Refusal
from ledger import invariants as ledger
from lending import invariants as lending
from logistics import invariants as logistics
from pledges import invariants as pledges
from pledges.models import Position
from tests.factories.instructions import Counter, make_counter
from tests.factories.lending import make_drawn_loan
from tests.factories.pledges import Vault, fingerprint, make_vault


@pytest.fixture(autouse=True)
def invariants_hold(request):
    """Prove what these rooms promise on what each database test leaves behind.

    Not the deals' promises: here money claims are made without the books of their invoices.
    """
    marked = request.node.get_closest_marker
    if not marked("django_db") or marked("tampers"):
        yield
        return
    request.getfixturevalue("db")  # so that this ends before the transaction does
    yield
    assert breaches() == []


def breaches() -> list[tuple[str, tuple[str, str]]]:
    """Return each breach with its invariant's name."""
    rules = [*pledges.INVARIANTS, *lending.INVARIANTS, *logistics.INVARIANTS, *ledger.INVARIANTS]
    return [(rule.name, row) for rule in rules for row in rule.breaches()]


@pytest.fixture
def vault(db) -> Vault:
    """A facility of 2,000,000 USD, its people, a factory and a warehouse, nothing in them."""
    return make_vault()


@contextmanager
def refusal(kind: type[Refusal], *, changes: str = "") -> Iterator[list[Refusal]]:
    """Expect the refusal, and that nothing at all was changed; it is put into the list."""
    before = fingerprint()
    caught: list[Refusal] = []
    with pytest.raises(kind) as info:
        yield caught
    caught.append(info.value)
    assert fingerprint() == before


@pytest.fixture
def counter(vault: Vault) -> Counter:
    """The people who work on the vault's instructions."""
    return make_counter(vault)


@pytest.fixture
def stored(counter: Counter) -> Position:
    """4,000 kg of alpha in pledge (lends 1,000,000) against 540,000 owed."""
    position = counter.vault.pledge(4_000)
    make_drawn_loan(counter.vault.desk, principal=Decimal(540_000))
    return position
