import pytest

from lending import hooks
from lending.invariants import INVARIANTS


@pytest.fixture(autouse=True)
def only_lending(monkeypatch):
    """Lending by itself: the rooms above judge cover, which these tests have none of."""
    monkeypatch.setattr(hooks, "_callbacks", [])


@pytest.fixture(autouse=True)
def invariants_hold(request):
    """Prove every invariant of the room on what each database test leaves behind."""
    if not request.node.get_closest_marker("django_db"):
        yield
        return
    request.getfixturevalue("db")  # so that this ends before the transaction does
    yield
    assert {rule.name: rule.breaches() for rule in INVARIANTS} == {
        rule.name: [] for rule in INVARIANTS
    }
