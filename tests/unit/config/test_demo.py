"""The demo finds a free port and keeps it."""

import pytest

from config.demo import listen, main, welcome
from portal.story.cast import DEMO_PASSWORD


def test_the_next_free_port_is_taken() -> None:
    with listen("127.0.0.1", 18_000) as first:
        taken = first.getsockname()[1]
        with listen("127.0.0.1", taken) as second:
            assert second.getsockname()[1] > taken


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.demo.PORTS_TRIED", 1)
    with (
        listen("127.0.0.1", 18_000) as first,
        pytest.raises(SystemExit, match=r"no free port from \d+ to \d+"),
    ):
        listen("127.0.0.1", first.getsockname()[1])


@pytest.mark.parametrize("port", ["http", "-1", "8000x"])
def test_a_port_must_be_a_number(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match="PORT must be a number"):
        main([])


def test_other_words_are_refused() -> None:
    with pytest.raises(SystemExit, match="usage"):
        main(["restart"])


def test_newcomers_are_told_where_and_as_whom() -> None:
    text = welcome("http://127.0.0.1:8000/")

    assert "http://127.0.0.1:8000/" in text
    assert DEMO_PASSWORD in text
    assert "  lin      Lin Yue, Harbour Supply Bank: Preparer, Operations\n" in text
    assert text.endswith("Stop: Ctrl-C")
