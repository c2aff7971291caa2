"""Numbers as pages show them."""

from decimal import Decimal

from playwright.sync_api import Locator, Page


def amount(text: str) -> Decimal:
    """Return the number in a text such as "1,234.50 USD"."""
    return Decimal(text.split(maxsplit=1)[0].replace(",", "").replace("−", "-"))


def fact_amounts(page: Page) -> dict[str, Decimal]:
    """Return the amounts at the top of a page by label, to the cent."""
    return {
        fact.locator(".fact-label").inner_text(): exact(fact.locator(".fact-value"))
        for fact in page.locator(".answer .fact").all()
        if fact.locator(".unit").count()
    }


def exact(value: Locator) -> Decimal:
    """Return an amount to the cent, which stands beside a rounded headline."""
    rounded = value.locator(".exact")
    if rounded.count() == 0:
        return amount(value.inner_text())
    # Tabler's tooltips take the title over once the page's scripts have run.
    text = rounded.get_attribute("title") or rounded.get_attribute("data-bs-original-title")
    return amount(text or "")
