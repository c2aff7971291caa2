"""Margin calls in words: the lines of their history, and what a part of a cure came from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.models import MarginCall, MarginCallEntry
from pledges.states import CallEntryKind, Cure, Reminder
from portal import formats
from portal.event import Event
from portal.names import joined
from portal.words import cause_in_words

# After the acts of the same instant, as the other events of a call.
_RANK = 3
_ICONS = {
    CallEntryKind.CURED: "check",
    CallEntryKind.PARTLY_CURED: "coins",
    CallEntryKind.ESCALATED: "close_out",
    CallEntryKind.RAN_OUT: "close_out",
}
_SENTENCES: dict[CallEntryKind, str | Promise] = {
    CallEntryKind.OPENED: gettext_lazy("Opened: %(need)s needed until %(due)s"),
    CallEntryKind.REMINDED: gettext_lazy(
        "%(reminder)s: both desks reminded of %(need)s until %(due)s"
    ),
    CallEntryKind.EXTENDED: gettext_lazy("Extended until %(due)s: %(reason)s"),
    CallEntryKind.RAN_OUT: gettext_lazy(
        "The clock ran out with %(need)s needed: it may be enforced"
    ),
    CallEntryKind.ESCALATED: gettext_lazy("Escalated with %(need)s needed"),
}


def entry_in_words(entry: MarginCallEntry) -> str:
    """Return what a line tells: "Partly cured: 180,000.00 left, by cash 100,000.00"."""
    kind = CallEntryKind(entry.kind)
    if kind in (CallEntryKind.CURED, CallEntryKind.PARTLY_CURED, CallEntryKind.DEEPENED):
        return _change_in_words(entry, kind)
    told = {
        "need": formats.money(entry.need),
        "due": formats.instant(entry.due_at),
        "reminder": Reminder(entry.reminder).label if entry.reminder else "",
        "reason": entry.reason,
    }
    return str(_SENTENCES[kind]) % told


def _change_in_words(entry: MarginCallEntry, kind: CallEntryKind) -> str:
    if kind == CallEntryKind.CURED:
        return joined(end_in_words(entry.call.cure), parts_in_words(entry))
    left = _("%(need)s left") % {"need": formats.money(entry.need)}
    return joined(str(kind.label), left, parts_in_words(entry))


def parts_in_words(entry: MarginCallEntry) -> str:
    """Return what changed the need: "cash 100,000.00, interest and fees −6.25"."""
    parts = [
        (_("cash"), entry.by_cash),
        (_("goods"), entry.by_goods),
        (_("price"), entry.by_price),
        (_("interest and fees"), entry.by_charges),
        (_("written off"), entry.by_write_off),
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


def call_event(entry: MarginCallEntry) -> Event:
    """Return the line as a facility's journal shows it, leading to the call."""
    return replace(
        entry_event(entry),
        text=_("Margin call: %(line)s") % {"line": entry_in_words(entry)},
        href=reverse("portal:call", args=[entry.call_id]),
    )


def cure_in_words(cure: str) -> str:
    """Return what cured a call."""
    words = {
        Cure.GOODS: _("goods"),
        Cure.CASH: _("cash"),
        Cure.PRICE: _("the price"),
        Cure.MIXED: _("cash and goods"),
        Cure.WRITE_OFF: _("write-off"),
    }
    return words[Cure(cure)] if cure else ""


def state_in_words(call: MarginCall) -> str:
    """Return where a call stands, or how it ended."""
    return end_in_words(call.cure) if call.cured_at else str(call.get_state_display())


def end_in_words(cure: str) -> str:
    """Return how a call ended: a write-off cures nothing, what was needed left the books."""
    if cure == Cure.WRITE_OFF:
        return _("Ended by write-off")
    return _("Cured by %(cure)s") % {"cure": cure_in_words(cure)}


def _position(entry: MarginCallEntry) -> str:
    legs = list(entry.conversion.legs.all()) if entry.conversion else []
    made = [leg for leg in legs if leg.direction == "produced"] or legs
    return str(made[0].position_id) if made else ""
