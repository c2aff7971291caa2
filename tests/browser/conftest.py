"""The told story in a real Chromium; nothing is fetched from elsewhere."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from portal.story.cast import DEMO_PASSWORD
from tests import storybook
from tests.browser.served import find_addresses, serve

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT = 15_000  # milliseconds for one step of the page
WINDOW = {"width": 1440, "height": 900}


def chromium_path() -> str:
    """Return the browser's program: `CHROMIUM`, or the first one the machine has."""
    named = os.environ.get("CHROMIUM")
    found = named or next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if not found:
        pytest.fail("No Chromium: apt-get install chromium, or set CHROMIUM=/path/to/chromium")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run, which knows no host but this machine."""
    # Chromium's own sandbox refuses root and needs more than containers' small /dev/shm.
    arguments = ["--disable-dev-shm-usage"]
    arguments += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def served_book(told: str) -> Iterator[str]:
    """The copy of the story that is served; sign-ins and preferences are all that changes."""
    with storybook.copied("served") as name:
        yield name


@pytest.fixture(scope="session")
def site(served_book: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the served story."""
    with serve(served_book, log=tmp_path_factory.mktemp("site") / "web.log") as address:
        yield address


@pytest.fixture
def book_site(book: str, tmp_path: Path) -> Iterator[str]:
    """The address of a copy of the story that a test may write in."""
    with serve(book, log=tmp_path / "web.log") as address:
        yield address


@pytest.fixture(scope="session")
def addresses(served_book: str) -> dict[str, str]:
    """The story's pages by name."""
    return find_addresses(served_book)


@pytest.fixture(scope="session")
def open_visitor(browser: Browser, site: str) -> Callable[..., BrowserContext]:
    """Make a fresh visitor: own cookies, a laptop's window, addresses relative to the site."""

    def make(**options: Any) -> BrowserContext:
        chosen = {"viewport": WINDOW, "locale": "en-GB", "reduced_motion": "reduce"} | options
        visitor = browser.new_context(base_url=site, **chosen)
        visitor.set_default_timeout(TIMEOUT)
        return visitor

    return make


@pytest.fixture(scope="session")
def cookies_of(open_visitor: Callable[..., BrowserContext]) -> Callable[[str], Any]:
    """Sign a person of the story in once, through the form; return the storage state."""
    kept: dict[str, Any] = {}

    def sign_in_once(username: str) -> Any:
        if username not in kept:
            with open_visitor() as visitor:
                sign_in(visitor.new_page(), username)
                kept[username] = visitor.storage_state()
        return kept[username]

    return sign_in_once


@pytest.fixture(scope="session")
def reader(
    open_visitor: Callable[..., BrowserContext], cookies_of: Callable[[str], Any]
) -> Iterator[Callable[[str], BrowserContext]]:
    """The lender's preparer in one theme; kept for the run, so that files come from the cache."""
    kept: dict[str, BrowserContext] = {}
    with ExitStack() as opened:

        def visitor(theme: str) -> BrowserContext:
            if theme not in kept:
                fresh = open_visitor(color_scheme=theme, storage_state=cookies_of("lin"))
                kept[theme] = opened.enter_context(fresh)
            return kept[theme]

        yield visitor


@pytest.fixture
def page(open_visitor: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page of a stranger."""
    with open_visitor() as visitor, watched(visitor) as page:
        yield page


@pytest.fixture
def lender_page(reader: Callable[[str], BrowserContext]) -> Iterator[Page]:
    """A page of the lender's preparer in the light theme."""
    with watched(reader("light")) as page:
        yield page


# Refusals have a status of their own; htmx logs a request that a newer one, or another page,
# took the place of.
HARMLESS = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")


@contextmanager
def watched(visitor: BrowserContext) -> Iterator[Page]:
    """Open a page that fails on script errors, refused content and foreign requests."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(HARMLESS):
            complaints.append(message.text)

    def look(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.hostname != "127.0.0.1":
            complaints.append(f"foreign request: {request.url}")

    page = visitor.new_page()
    page.on("console", listen)
    page.on("request", look)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    finally:
        page.close()
    assert complaints == []


def sign_in(page: Page, username: str, password: str = DEMO_PASSWORD) -> None:
    """Fill the form and send it."""
    page.goto("/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", password)
    page.click("#sign-in-button")
