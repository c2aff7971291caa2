"""The menu by node of the chain."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.queries.shell import Shell


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu."""

    label: str
    icon: str
    url: str
    active: bool
    count: int = 0
    count_title: str = ""


def build_menu(request: HttpRequest, shell: Shell) -> tuple[tuple[Entry, ...], ...]:
    """Return the groups of the menu with the present page marked.

    Partners without a facility see goods and prices: the rest would be empty for them.
    """
    here = _Here(request)
    goods = (
        here.entry(_("Orders"), "order", "orders", "order"),
        here.entry(_("Materials & production"), "factory", "materials", "mortgage"),
        here.entry(_("Inventory"), "box", "inventory", "lot"),
        here.entry(_("Receipts"), "invoice", "receipts", "receipt", "receipt_new"),
        here.entry(_("Shipments"), "truck", "shipments", "shipment", "shipment_new"),
        here.entry(_("Receivables"), "invoice", "receivables", "receivable"),
    )
    instructions = here.entry(
        _("Instructions"),
        "truck",
        "instructions",
        "instruction",
        "instruction_new",
        "instruction_statistics",
        count=shell.waiting_instructions,
    )
    alerts = here.entry(_("Alerts"), "info", "alerts", count=shell.open_alerts)
    prices = here.entry(_("Prices"), "chart", "prices", "price", "rate_models")
    if shell.facility is None:
        control = here.entry(_("Control of the goods"), "bank", "control")
        return (goods, (alerts, instructions, control, prices), here.console())
    work = (
        alerts,
        here.entry(_("Early warnings"), "watch", "warnings"),
        here.entry(_("Margin calls"), "bell", "calls", "call", count=shell.open_calls),
        instructions,
        here.entry(_("Allocation"), "down", "allocation", "proposal", "sell_out"),
        here.entry(_("Disposals"), "close_out", "disposals", "disposal"),
        here.entry(_("Changes"), "person", "four_eyes"),
    )
    what_if = here.entry(_("What if"), "play", "stress")
    feeds = here.entry(_("Price feeds"), "timeline", "feeds", "feed", "held_prices")
    money = (here.entry(_("Loans"), "coins", "loans", "loan"), prices, what_if, feeds)
    return (here.overview(shell.facility.pk), work, goods, money, here.console())


class _Here:
    def __init__(self, request: HttpRequest) -> None:
        match = request.resolver_match
        self.name = match.url_name if match else ""
        self.staff = request.user.is_staff

    def entry(self, label: str, icon: str, *names: str, count: int = 0, **kwargs: int) -> Entry:
        title = ngettext("%(count)s open", "%(count)s open", count) % {"count": count}
        return Entry(
            label=label,
            icon=icon,
            url=reverse(f"portal:{names[0]}", kwargs=kwargs or None),
            active=self.name in names,
            count=count,
            count_title=title if count else "",
        )

    def overview(self, facility_id: int) -> tuple[Entry, ...]:
        at = {"facility_id": facility_id}
        return (
            self.entry(_("Home"), "home", "home"),
            self.entry(_("Supply-chain map"), "map", "map", "lineage", **at),
            self.entry(_("Facility"), "shield", "facility", "rules", "channels", **at),
            self.entry(_("Timeline"), "timeline", "timeline", "conversion", **at),
            self.entry(_("Legal & insurance"), "bank", "legal", "control", **at),
        )

    def console(self) -> tuple[Entry, ...]:
        if not self.staff:
            return ()
        return (
            Entry(label=_("Console"), icon="console", url=reverse("admin:index"), active=False),
        )
