"""The supply-chain map by keyboard, through time, and without scripts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal import formats
from tests.browser.conftest import watched
from tests.browser.reading import amount, exact, fact_amounts

pytestmark = pytest.mark.browser

ASKED = "new URLSearchParams(location.search)"
FOCUSED = "document.activeElement.closest('.block')?.dataset.key"


@pytest.fixture
def chain(lender_page: Page, addresses: dict[str, str]) -> Page:
    """The map, drawn."""
    lender_page.goto(addresses["map"])
    lender_page.locator(".block").first.wait_for()
    expect(lender_page.locator("[data-at-text]")).not_to_be_empty()
    return lender_page


def test_keys_walk_between_blocks_and_open_one(chain: Page) -> None:
    chain.focus("#map-colour")
    chain.keyboard.press("Tab")
    first = chain.evaluate(FOCUSED)
    chain.keyboard.press("ArrowRight")
    second = chain.evaluate(FOCUSED)
    assert first
    assert second
    assert second != first

    chain.keyboard.press("ArrowLeft")
    chain.keyboard.press("Enter")
    side = chain.locator("[data-side]")
    expect(side).to_be_focused()
    assert side.locator(".side-list li").count() > 0
    assert "×" in side.locator(".side-formula").first.inner_text()

    chain.keyboard.press("Escape")
    expect(side).to_be_empty()
    assert chain.evaluate(FOCUSED)


def test_panel_adds_up_to_its_block(chain: Page) -> None:
    block = chain.locator(".block:not(.passed)").first
    block.focus()
    chain.keyboard.press("Enter")
    side = chain.locator("[data-side]")
    side.locator("h2").wait_for()
    market, lending = map(amount, side.locator(".side-sums strong").all_inner_texts())

    words = block.get_attribute("aria-label") or ""
    assert f"Market value {formats.large_money(market)} " in words
    assert f"Lending value {formats.large_money(lending)} " in words


def test_time_moves_by_the_slider(chain: Page) -> None:
    chain.wait_for_function(f"() => {ASKED}.has('at')")  # the map rests at the end of the story
    at, latest = chain.locator("[data-at-text]"), chain.evaluate(f"{ASKED}.get('at')")
    facts_at_the_end = fact_amounts(chain)

    chain.locator("input.strip-range").press("PageDown")
    chain.wait_for_function(f"(latest) => {ASKED}.get('at') < latest", arg=latest)
    earlier, facts_earlier = at.inner_text(), fact_amounts(chain)
    assert facts_earlier != facts_at_the_end

    chain.reload()
    expect(at).to_have_text(earlier)
    assert fact_amounts(chain) == facts_earlier


def test_tables_tell_the_same_without_scripts(
    open_visitor: Callable[..., BrowserContext],
    cookies_of: Callable[[str], Any],
    addresses: dict[str, str],
) -> None:
    visitor = open_visitor(java_script_enabled=False, storage_state=cookies_of("lin"))
    with visitor, watched(visitor) as page:
        page.goto(addresses["map"])
        shown = fact_amounts(page)
        rows = page.locator("#table-positions tbody tr").all()
        markets = [exact(row.locator("td").nth(2)) for row in rows]
        lending = [exact(row.locator("td").nth(4)) for row in rows]

        assert page.locator("#table-positions table:has(caption)").count() > 0
        assert sum(markets, Decimal(0)) == shown["Stands in the chain"]
        assert page.locator("[data-needs-script]").is_hidden()
        assert len(lending) == len(markets) > 0
