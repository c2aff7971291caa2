"""Three people walk one order from the request to its evidence, in their browsers."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import watched
from tests.browser.test_pages import grave_violations

pytestmark = pytest.mark.browser
PAPER = "ab" * 32


def test_request_approve_acknowledge_execute_and_evidence(
    open_visitor: Callable[..., BrowserContext], cookies_of: Callable[[str], Any], book_site: str
) -> None:
    def as_(name: str) -> BrowserContext:
        return open_visitor(storage_state=cookies_of(name), base_url=book_site)

    with as_("mei") as mei, watched(mei) as page:
        page.goto("/instructions/new/")
        page.locator("#id_bring").select_option(index=1)
        page.locator("#id_bring_quantity").fill("250")
        expect(page.locator("#wish-preview dl")).to_be_visible()
        page.locator("#id_reason").fill("room for the next run")
        assert grave_violations(page) == []
        page.locator(".action-form button[type=submit]").click()
        expect(page.locator(".plan-step.done")).to_have_count(1)
        address = page.url

    with as_("zhou") as zhou, watched(zhou) as page:
        page.goto("/instructions/")
        page.keyboard.press("j")
        expect(page.locator("[data-queue] a:focus")).to_have_count(1)
        decide(page, address, "Approve and send")
        expect(page.locator(".plan-step.done")).to_have_count(2)

    with as_("hao") as hao, watched(hao) as page:
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


def decide(page: Page, address: str | None, button: str) -> None:
    """Open the order, unless it is open, and press the act's button."""
    if address is not None:
        page.goto(address)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".said-one")).to_have_count(1)
