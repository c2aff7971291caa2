"""From model rates to published rates."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.governance import publish, publish_path


@pytest.mark.parametrize(
    ("model", "previous", "days", "expected"),
    [
        (0.86124, None, 1, "0.8612"),
        (0.86126, None, 1, "0.8613"),
        (0.8549, "0.86", 1, "0.8549"),  # 0.51 points lower: falls at once
        (0.8551, "0.86", 1, "0.86"),  # 0.49 points lower: stays
        (0.855, "0.86", 1, "0.86"),  # exactly 0.5 points: stays
        (0.70, "0.86", 1, "0.70"),
        (0.8620, "0.86", 1, "0.8620"),
        (0.90, "0.86", 1, "0.8625"),  # rises a quarter point a day
        (0.90, "0.86", 3, "0.8675"),
        (0.90, "0.86", 0, "0.86"),
        (0.0, "0.86", 1, "0"),
        (0.003, "0.0050", 1, "0.0050"),
    ],
)
def test_falls_at_once_and_rises_slowly(
    model: float, previous: str | None, days: int, expected: str
) -> None:
    before = None if previous is None else Decimal(previous)
    assert publish(model, before, days=days) == Decimal(expected)


def test_a_lowered_cap_acts_at_once() -> None:
    assert publish(0.858, Decimal("0.86"), cap=Decimal("0.858")) == Decimal("0.858")
    assert publish(0.90, Decimal("0.86"), cap=Decimal("0.90")) == Decimal("0.8625")


def test_a_rate_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model rate 1\.2 is not between 0 and 1"):
        publish(1.2, None)


def test_a_path_skips_missing_rows_and_counts_from_before_an_interruption() -> None:
    path = publish_path(np.array([np.nan, 0.80, 0.0, 0.79, np.nan, 0.81]))
    assert np.isnan(path[[0, 4]]).all()
    assert path[[1, 2, 3, 5]].tolist() == [0.80, 0.0, 0.79, 0.7925]


def test_a_path_lets_a_rate_rise_with_the_days_between() -> None:
    path = publish_path(np.array([0.80, 0.90, 0.90]), days=np.array([1, 3, 1]))
    assert path.tolist() == [0.80, 0.8075, 0.81]


@given(st.floats(0, 1), st.integers(1, 10_000), st.integers(0, 30))
def test_published_rates_stay_within_the_rule(model: float, bps: int, days: int) -> None:
    previous = Decimal(bps) / 10_000
    published = publish(model, previous, days=days)
    assert published * 10_000 == int(published * 10_000)
    assert published <= previous + Decimal("0.0025") * days
    assert float(published) <= max(model, float(previous)) + 0.00005
    # Never more than half a point above the model, save for rounding.
    assert float(published) - model <= 0.00505
