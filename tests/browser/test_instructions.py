"""Three people walk one order from the request to its evidence, in their browsers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WINDOW, sign_in, watched
from tests.browser.test_pages import grave_violations

pytestmark = pytest.mark.browser
PAPER = "ab" * 32


def test_request_approve_acknowledge_execute_and_evidence(browser: Browser, book_site: str) -> None:
    with at_work(browser, book_site, "mei") as page:
        page.goto("/instructions/new/")
        page.locator("#id_bring").select_option(index=1)
        page.locator("#id_bring_quantity").fill("250")
        expect(page.locator("#wish-preview dl")).to_be_visible()
        page.locator("#id_reason").fill("room for the next run")
        assert grave_violations(page) == []
        page.locator(".action-form button[type=submit]").click()
        expect(page.locator(".plan-step.done")).to_have_count(1)
        address = page.url

    with at_work(browser, book_site, "zhou") as page:
        page.goto("/instructions/")
        page.keyboard.press("j")
        expect(page.locator("[data-queue] a:focus")).to_have_count(1)
        decide(page, address, "Approve and send")
        expect(page.locator(".plan-step.done")).to_have_count(2)

    with at_work(browser, book_site, "hao") as page:
        decide(page, address, "Acknowledge")
        expect(page.locator(".plan-step.done")).to_have_count(3)
        decide(page, address, "Execute")
        expect(page.locator(".plan-step.done")).to_have_count(4)
        assert grave_violations(page) == []
        page.locator("#id_evidence-reference").fill("WR-250")
        page.locator("#id_evidence-sha256").fill(PAPER)
        decide(page, None, "Give evidence")
        expect(page.locator(".plan-step.done")).to_have_count(5)
        expect(page.locator("#table-stamps tbody tr")).to_have_count(5)


@contextmanager
def at_work(browser: Browser, site: str, name: str) -> Iterator[Page]:
    """Give a page of one person of the story, who reads English."""
    options = {"viewport": WINDOW, "locale": "en-GB", "reduced_motion": "reduce"}
    with browser.new_context(base_url=site, **options) as visitor, watched(visitor) as page:
        sign_in(page, name)
        page.wait_for_url(lambda address: "sign-in" not in address)
        yield page


def decide(page: Page, address: str | None, button: str) -> None:
    """Open the order, unless it is open, and press the act's button."""
    if address is not None:
        page.goto(address)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".said-one")).to_have_count(1)
