"""Price data for the tests: the committed files, and the shared folder beside the checkout."""

from pathlib import Path

import pytest

from risk import hooks

ROOT = Path(__file__).resolve().parents[3]
COMMITTED_PRICES = ROOT / "data" / "prices"


def _shared_data() -> Path | None:
    """Return the nearest `shared/data` beside the checkout or one of the folders above it."""
    beside = (parent / "shared" / "data" for parent in ROOT.parents)
    return next((path for path in beside if (path / "reference_rates").is_dir()), None)


@pytest.fixture(scope="session")
def committed_prices() -> Path:
    """The price files that come with the checkout."""
    return COMMITTED_PRICES


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The shared development data; a clone without it says so and goes on."""
    path = _shared_data()
    if path is None:
        pytest.skip("needs ../shared/data (reference rates and the twelve price series)")
    return path


@pytest.fixture(autouse=True)
def _room_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the rooms above registered: their work and queries are theirs to test."""
    monkeypatch.setattr(hooks, "_prices_recorded", [])
    monkeypatch.setattr(hooks, "_rates_published", [])
