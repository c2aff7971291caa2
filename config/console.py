"""The console's menu: the way back to the portal, then the rooms from the order to the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The way of the goods and of the money; what stands in no list here comes last.
ROOMS: dict[str, tuple[StrOrPromise, str]] = {
    "orders": (_("Orders"), "shopping_cart"),
    "logistics": (_("Goods"), "inventory_2"),
    "pledges": (_("Rights and cover"), "shield"),
    "factoring": (_("Receivables"), "receipt_long"),
    "lending": (_("Credit"), "payments"),
    "ledger": (_("Books"), "menu_book"),
    "risk": (_("Prices and rates"), "show_chart"),
    "parties": (_("Parties and people"), "groups"),
    "outbox": (_("Events and journal"), "history"),
    "common": (_("Requests"), "key"),
    "portal": (_("Story"), "auto_stories"),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu's groups, one per room that the reader may see."""
    apps = {app["app_label"]: app for app in admin.site.get_app_list(request)}
    order = [*(room for room in ROOMS if room in apps), *sorted(apps.keys() - ROOMS.keys())]
    # Never the present page, though every address begins with the portal's.
    portal = {
        "title": _("Back to the portal"),
        "icon": "arrow_back",
        "link": reverse("portal:home"),
        "active": False,
    }
    return [{"items": [portal]}, *(_group(apps[room]) for room in order)]


def _group(app: dict[str, Any]) -> dict[str, Any]:
    title, icon = ROOMS.get(app["app_label"], (app["name"], "table"))
    items = [
        {"title": str(table["name"]).capitalize(), "icon": icon, "link": table["admin_url"]}
        for table in app["models"]
        if table["admin_url"]
    ]
    return {"title": title, "collapsible": True, "items": items}
