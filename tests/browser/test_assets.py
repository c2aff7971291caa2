"""What the pages load comes from this site, and it loads."""

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Page

ASSETS = ("tabler/css/tabler.min.css", "tabler/js/tabler.min.js", "echarts/echarts.min.js")
ASSETS += ("htmx/htmx.min.js",)

PROBE = """async (addresses) => {
    const globals = [];
    for (const address of addresses) {
        await new Promise((loaded, failed) => {
            const script = document.createElement("script");
            script.src = address; script.onload = loaded; script.onerror = failed;
            document.head.append(script);
        });
    }
    return [typeof window.tabler, window.echarts.version[0], window.htmx.version[0]];
}"""


@pytest.mark.parametrize("asset", ASSETS)
def test_the_set_up_installs_what_pages_load(asset: str) -> None:
    assert finders.find(asset) is not None


@pytest.mark.browser
def test_scripts_load_and_run(page: Page) -> None:
    page.goto("/static/tabler/css/tabler.min.css")
    scripts = [f"/static/{asset}" for asset in ASSETS if asset.endswith(".js")]

    assert page.evaluate(PROBE, scripts) == ["object", "6", "2"]
