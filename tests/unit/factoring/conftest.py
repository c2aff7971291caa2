import pytest

from tests.proofs import breaches


@pytest.fixture(autouse=True)
def invariants_hold(request):
    """Prove every invariant of every room on what each database test leaves behind."""
    if not request.node.get_closest_marker("django_db"):
        yield
        return
    request.getfixturevalue("db")  # so that this ends before the transaction does
    yield
    assert breaches() == {}
