"""A receipt is issued, divided, handed on and pledged; its goods travel and come in, by keys."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_instructions import at_work
from tests.browser.test_pages import grave_violations

pytestmark = pytest.mark.browser


def test_issue_split_pledge_ship_and_arrive(browser: Browser, book_site: str) -> None:
    with at_work(browser, book_site, "hao") as page:
        page.goto("/receipts/new/")
        choose(page, "#id_issue-lot", "A1-2011-05")
        fill(page, "issue", quantity="400", number="YT-2012-9", description="phones, boxed")
        assert grave_violations(page) == []
        page.get_by_role("button", name="Issue the receipt").press("Enter")
        expect(page.locator(".said-one")).to_have_text("Receipt YT-2012-9 is issued.")
        page.get_by_role("link", name="YT-2012-9", exact=True).press("Enter")
        fill(page, "split", parts="YT-2012-9-A 100\nYT-2012-9-B 299")
        send(page, "split")
        expect(page.locator("#act-split .field-error")).to_contain_text("its 2 parts for 399")
        page.locator("#id_split-parts").fill("YT-2012-9-A 100\nYT-2012-9-B 300")
        send(page, "split")
        expect(page.locator("#table-tree tbody tr")).to_have_count(2)
        page.get_by_role("link", name="YT-2012-9-A").press("Enter")
        page.wait_for_url(re.compile(r"/receipts/\d+/$"))
        expect(page.locator("h1")).to_contain_text("YT-2012-9-A")
        address = page.url

    with at_work(browser, book_site, "mei") as page:  # who reads Chinese
        page.goto(address)
        open_act(page, "transfer")
        choose(page, "#id_transfer-to", "海港")
        fill(page, "transfer", reason="质押")
        send(page, "transfer")
        expect(page.locator(".said-one")).to_have_count(1)

    with at_work(browser, book_site, "lin") as page:
        page.goto(address)
        open_act(page, "pledge")
        assert grave_violations(page) == []
        send(page, "pledge")
        expect(page.locator("#table-claims tbody tr")).to_have_count(1)
        page.goto("/shipments/new/")
        choose(page, "#id_ship-goods", "A1-2011-05.*: 100 pcs")
        choose(page, "#id_ship-destination", "Longhua")
        fill(page, "ship", bill_number="BS-2012-9", reference="LOAD-9")
        page.get_by_role("button", name="Enter the loading").press("Enter")
        expect(page.locator("h1")).to_have_text("Bill of lading BS-2012-9")
        address = page.url

    with at_work(browser, book_site, "hao") as page:
        page.goto(address)
        fill(page, "arrive", quantity="100", reference="WR-LH-9")
        send(page, "arrive")
        expect(page.locator(".answer")).to_contain_text("Ended")
        expect(page.locator("#title-acts")).to_have_count(0)
        assert grave_violations(page) == []


def open_act(page: Page, name: str) -> None:
    """Unfold one of the page's acts, if it is folded up."""
    act = page.locator(f"details#act-{name}")
    if act.count() and act.get_attribute("open") is None:
        act.locator("summary").press("Enter")


def fill(page: Page, name: str, **said: str) -> None:
    """Fill fields of one act."""
    open_act(page, name)
    for field, value in said.items():
        page.locator(f"#id_{name}-{field}").fill(value)


def choose(page: Page, field: str, words: str) -> None:
    """Choose the first option whose words match."""
    option = page.locator(f"{field} option").filter(has_text=re.compile(words)).first
    page.locator(field).select_option(value=option.get_attribute("value"))


def send(page: Page, name: str) -> None:
    """Press an act's button by keyboard."""
    page.locator(f"#act-{name} button[type=submit]").press("Enter")
