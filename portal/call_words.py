"""Margin calls in words: the lines of their history, and what a part of a cure came from."""

from __future__ import annotations

from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from pledges.models import MarginCallEntry
from pledges.states import CallEntryKind, Reminder
from portal import formats
from portal.names import joined
from portal.queries.events import Event
from portal.words import cause_in_words

# After the acts of the same instant, as the other events of a call.
_RANK = 3
_ICONS = {
    CallEntryKind.CURED: "check",
    CallEntryKind.PARTLY_CURED: "coins",
    CallEntryKind.ESCALATED: "close_out",
    CallEntryKind.RAN_OUT: "close_out",
}


def entry_in_words(entry: MarginCallEntry) -> str:
    """Return what a line tells: "Partly cured: 180,000.00 left, by cash 100,000.00"."""
    kind = CallEntryKind(entry.kind)
    need, due = formats.money(entry.need), formats.instant(entry.due_at)
    if kind == CallEntryKind.OPENED:
        return _("Opened: %(need)s needed until %(due)s") % {"need": need, "due": due}
    if kind == CallEntryKind.REMINDED:
        return _("%(reminder)s: both desks reminded of %(need)s until %(due)s") % {
            "reminder": Reminder(entry.reminder).label,
            "need": need,
            "due": due,
        }
    if kind == CallEntryKind.EXTENDED:
        return _("Extended until %(due)s: %(reason)s") % {"due": due, "reason": entry.reason}
    if kind == CallEntryKind.RAN_OUT:
        return _("The clock ran out with %(need)s needed: it may be enforced") % {"need": need}
    if kind == CallEntryKind.ESCALATED:
        return _("Escalated with %(need)s needed") % {"need": need}
    return joined(str(kind.label), _("%(need)s left") % {"need": need}, parts_in_words(entry))


def parts_in_words(entry: MarginCallEntry) -> str:
    """Return what changed the need: "cash 100,000.00, interest and fees −6.25"."""
    parts = [
        (_("cash"), entry.by_cash),
        (_("goods"), entry.by_goods),
        (_("price"), entry.by_price),
        (_("interest and fees"), entry.by_charges),
    ]
    return str(_(", ")).join(f"{name} {_signed(part)}" for name, part in parts if part)


def _signed(part: Decimal) -> str:
    return ("+" if part > 0 else "−") + formats.money(abs(part))


def entry_event(entry: MarginCallEntry) -> Event:
    """Return the line as the journals show it."""
    kind = CallEntryKind(entry.kind)
    return Event(
        at=entry.at,
        rank=_RANK,
        kind="call",
        icon=_ICONS.get(kind, "called"),
        text=entry_in_words(entry),
        who=entry.actor_label,
        evidence=entry.repayment.reference
        if entry.repayment
        else cause_in_words(entry.cause)
        if entry.conversion
        else "",
        href=reverse("portal:lineage", args=[position])
        if entry.conversion and (position := _position(entry))
        else "",
    )


def _position(entry: MarginCallEntry) -> str:
    legs = list(entry.conversion.legs.all()) if entry.conversion else []
    made = [leg for leg in legs if leg.direction == "produced"] or legs
    return str(made[0].position_id) if made else ""
