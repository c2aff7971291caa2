"""Every page of the story, in both themes: whole, at home, within its window, open to all."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import WINDOW, watched
from tests.browser.reading import fact_amounts
from tests.browser.served import PAGES

pytestmark = pytest.mark.browser

SMALLER = {"width": 1280, "height": 720}
LOADING = "figure[data-chart]:not(.ready), .chain-map:not(:has(svg))"
GRAVE = {"serious", "critical"}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What a page tells with: drawn, or in rows that a heading or a caption names.
CHART = "figure[data-chart] [role=img][aria-label]"
TABLE = "table[aria-labelledby], table:has(caption)"
SHOWN = dict.fromkeys(PAGES, TABLE) | {
    "home": f"{CHART}, [data-small-map][aria-label]",
    "facility": CHART,
    "map": "[data-map-room] svg[role=group]",
    "timeline": CHART,
    "copper": CHART,
    "rate_models": CHART,
    "prices": CHART,
    "instruction_new": "form.action-form",
    "receipt_new": "form.action-form",
    "shipment_new": "form.action-form",
    "feeds": "form.action-form, .empty",
    "held_prices": ".alert-list .event, section.panel .empty",
    "four_eyes": "form.action-form",
    "channels": f"{TABLE}, section.panel .empty",
    "alerts": ".alert-list .event, section.panel .empty",
    "search": "form[role=search] .search-hit",
    "lineage": "svg.dag[aria-labelledby]",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(
    name: str,
    theme: str,
    reader: Callable[[str], BrowserContext],
    addresses: dict[str, str],
) -> None:
    with watched(reader(theme)) as page:
        answer = page.goto(addresses[name])
        wait_until_drawn(page)

        assert answer is not None
        assert answer.status == 200
        assert page.locator("html").get_attribute("data-bs-theme") == theme
        assert page.locator("h1").count() == 1
        assert page.locator("#content").locator(SHOWN[name]).count() > 0
        assert wider_than_window(page) == []
        assert grave_violations(page) == []


def wait_until_drawn(page: Page) -> None:
    """Wait for the charts: those that have data are ready, the others say that they have none."""
    page.wait_for_function(
        """(loading) => [...document.querySelectorAll(loading)].every((one) => {
            const state = one.querySelector(".chart-state");
            return state && state.textContent === state.dataset.empty;
        })""",
        arg=LOADING,
    )


def wider_than_window(page: Page) -> list[tuple[int, int]]:
    """Return the windows that the page does not fit, with the pixels it is too wide."""
    found = []
    for size in (SMALLER, WINDOW):
        page.set_viewport_size(size)
        if (pixels := page.evaluate(OVERFLOW)) > 0:
            found.append((size["width"], pixels))
    return found


def grave_violations(page: Page) -> list[str]:
    """Return axe's serious and critical findings, one line per element."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]} {[one['message'] for one in node['any']]}"
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def test_what_may_be_drawn_is_the_lesser_bound_less_the_exposure(
    lender_page: Page, addresses: dict[str, str]
) -> None:
    lender_page.goto(addresses["facility"])
    shown = fact_amounts(lender_page)

    assert shown["Exposure"] > 0
    assert shown["Can draw now"] == (
        min(shown["Limit"], shown["Lending value"]) - shown["Exposure"]
    )
