"""Coming in, being kept out, reading in Chinese, leaving."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import sign_in, watched

pytestmark = pytest.mark.browser


def test_demo_login_fills_the_form_and_leads_home(page: Page) -> None:
    page.goto("/sign-in/")
    page.locator("button.person", has_text="Zhou Ming").click()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("h1")).to_have_text("Home")
    expect(page.locator(".topbar")).to_contain_text("Zhou Ming")


def test_wrong_password_is_refused_with_words(page: Page) -> None:
    sign_in(page, "zhou", password="gold-to-straw")

    expect(page).to_have_url(re.compile(r"/sign-in/$"))
    expect(page.get_by_role("alert")).to_contain_text("correct")
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/$"))


def test_signing_out_closes_the_pages(page: Page, addresses: dict[str, str]) -> None:
    sign_in(page, "zhou")
    page.locator(".topbar-end .dropdown-toggle", has_text="Zhou Ming").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/sign-in/$"))

    page.goto(addresses["facility"])
    expect(page).to_have_url(re.compile(r"/sign-in/\?next="))


def test_language_is_a_button_away_and_back(page: Page) -> None:
    sign_in(page, "audit")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    in_english = page.locator(".navbar-nav").inner_text()

    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    assert page.locator(".navbar-nav").inner_text() != in_english

    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.locator(".navbar-nav").inner_text() == in_english


@pytest.mark.parametrize("name", ["facility", "map", "timeline"])
def test_warehouse_keeper_does_not_learn_that_the_facility_exists(
    name: str,
    open_visitor: Callable[..., BrowserContext],
    cookies_of: Callable[[str], Any],
    addresses: dict[str, str],
) -> None:
    with open_visitor(storage_state=cookies_of("hao")) as visitor, watched(visitor) as page:
        answer = page.goto(addresses[name])

        assert answer is not None
        assert answer.status == 404
        assert "Aurora" not in page.content()
