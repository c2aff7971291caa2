"""Working by keys, playing the story, previewing a price, printing, and charts that fail."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import watched
from tests.browser.served import PAGES
from tests.browser.test_pages import grave_violations, wait_until_drawn, wider_than_window

pytestmark = pytest.mark.browser


def test_chinese_pages_fit_their_window(
    open_visitor: Callable[..., BrowserContext],
    cookies_of: Callable[[str], Any],
    addresses: dict[str, str],
) -> None:
    with open_visitor(storage_state=cookies_of("mei")) as visitor, watched(visitor) as page:
        wide = {}
        for name in PAGES:
            page.goto(addresses[name])
            wait_until_drawn(page)
            assert page.locator("html").get_attribute("lang") == "zh-hans", name
            if pixels := wider_than_window(page):
                wide[name] = pixels
        assert wide == {}


def test_each_page_answers_before_it_lists(lender_page: Page, addresses: dict[str, str]) -> None:
    for name in set(PAGES) - {"search"}:
        lender_page.goto(addresses[name])
        box = lender_page.locator(".answer").first.bounding_box()
        assert box is not None, name
        assert box["y"] < 260, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_over_a_page_shuts_nobody_out(
    theme: str, reader: Callable[[str], BrowserContext], addresses: dict[str, str]
) -> None:
    with watched(reader(theme)) as page:
        page.goto(addresses["map"] + "?at=2011-11-20")
        page.locator(".block:not(.passed)").first.click()
        page.wait_for_selector(".side-title")
        assert grave_violations(page) == []

        page.goto(addresses["home"])
        page.keyboard.press("/")
        page.keyboard.type("copper")
        page.wait_for_selector("dialog .search-hit")
        assert grave_violations(page) == []


def test_search_works_by_keys_alone(lender_page: Page, addresses: dict[str, str]) -> None:
    lender_page.goto(addresses["loans"])
    lender_page.keyboard.press("Control+k")
    lender_page.keyboard.type("PO-1043")
    lender_page.wait_for_selector("dialog .search-hit")
    lender_page.keyboard.press("ArrowDown")
    lender_page.keyboard.press("Enter")
    expect(lender_page.locator("h1")).to_have_text("Order PO-1043")


def test_steps_lead_from_change_to_change(lender_page: Page, addresses: dict[str, str]) -> None:
    page = lender_page
    page.goto(addresses["map"])
    at = page.locator("[data-at-text]")
    expect(at).not_to_be_empty()
    page.get_by_role("slider", name="Time of the map").press("Home")
    expect(at).to_have_text("13 Jun 2011 23:59 UTC")

    page.get_by_role("button", name="Next change").click()
    expect(at).to_have_text("22 Jun 2011 11:00 UTC")
    expect(page.locator("[data-event-text]")).to_contain_text("paid in advance")
    expect(page.locator(".block[aria-label^='Order claims, Jiangnan']")).to_have_count(1)
    expect(page.locator("#table-positions")).to_contain_text("345,600.00")


def test_the_story_plays_and_pauses(lender_page: Page, addresses: dict[str, str]) -> None:
    page = lender_page
    page.goto(addresses["map"] + "?at=2011-06-20")
    at = page.locator("[data-at-text]")
    expect(at).to_have_text("20 Jun 2011 23:59 UTC")
    page.get_by_role("button", name="Play").click()
    expect(at).to_have_text("11 Jul 2011 11:00 UTC")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_colours_say_the_band_with_its_word(lender_page: Page, addresses: dict[str, str]) -> None:
    lender_page.goto(addresses["map"] + "?at=2011-09-23")
    lender_page.wait_for_selector(".block")
    lender_page.get_by_label("Colour by").select_option("band")
    expect(lender_page.locator(".block.tone-called").first).to_be_attached()
    expect(lender_page.locator("[data-facts]")).to_contain_text("Called")


def test_the_price_preview_follows_the_slider(lender_page: Page, addresses: dict[str, str]) -> None:
    lender_page.goto(addresses["copper"])
    lender_page.wait_for_selector("#what-if dl")
    lender_page.get_by_label("Change of the price").press("Home")
    expect(lender_page.locator("#what-if")).to_contain_text("(-80 %)")


def test_a_chart_that_fails_says_so_and_is_tried_again(
    lender_page: Page, addresses: dict[str, str]
) -> None:
    lender_page.route("**/waterfall.json", lambda route: route.abort())
    lender_page.goto(addresses["facility"])
    chart = lender_page.locator("figure[data-chart=waterfall]")
    expect(chart).to_contain_text("could not be loaded")
    lender_page.unroute("**/waterfall.json")
    chart.get_by_role("button", name="Try again").click()
    expect(chart).to_have_class(re.compile("ready"))


def test_paper_leaves_the_frame_out(lender_page: Page, addresses: dict[str, str]) -> None:
    lender_page.goto(addresses["facility"])
    lender_page.emulate_media(media="print")
    for part in (".navbar-vertical", ".topbar", ".panel-tools"):
        expect(lender_page.locator(part).first).to_be_hidden()
    expect(lender_page.locator(".answer").first).to_be_visible()
