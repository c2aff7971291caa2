"""Alerts in words: one entry per topic, worded from the payload's figures.

To add a topic, add one line to `WORDS`: the sentence with its blanks, and how each blank of the
payload is written if not as it stands. The Chinese goes into the catalogue. A topic without an
entry is still told, by its name and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outbox.models import Alert
from pledges.instruction_states import InstructionState
from pledges.states import Reminder
from portal import formats
from portal.call_words import end_in_words
from risk.models import HoldReason

Format = Callable[[Any], str]


def as_money(value: Any) -> str:
    """Write an amount that the payload holds as text."""
    return formats.money(Decimal(str(value)))


def as_number(value: Any) -> str:
    """Write a quantity that the payload holds as text."""
    return formats.number(Decimal(str(value)))


def as_percent(value: Any) -> str:
    """Write a share that the payload holds as text."""
    return formats.percent(Decimal(str(value)))


def as_day(value: Any) -> str:
    """Write a date that the payload holds in ISO 8601."""
    return formats.day(date.fromisoformat(str(value)[:10]))


def as_instant(value: Any) -> str:
    """Write an instant that the payload holds in ISO 8601."""
    return formats.instant(datetime.fromisoformat(str(value)))


def as_price(value: Any) -> str:
    """Write a price that the payload holds as text."""
    return formats.price(Decimal(str(value))) if value != "" else formats.EMPTY


def as_days(value: Any) -> str:
    """Write a number of days that the payload holds as text, whole."""
    return formats.number(Decimal(str(value)), 0)


def as_hold_reason(value: Any) -> str:
    """Write why a price is held."""
    return str(HoldReason(str(value)).label)


def as_instruction_state(value: Any) -> str:
    """Write the state of an instruction."""
    return str(InstructionState(str(value)).label).lower()


def as_reminder(value: Any) -> str:
    """Write which reminder of a margin call it is."""
    return str(Reminder(str(value)).label)


def as_end(value: Any) -> str:
    """Write what ended a margin call."""
    return end_in_words(str(value))


@dataclass(frozen=True, slots=True)
class AlertWords:
    """A topic's sentence; `figures` says how blanks are written that do not stand as they are."""

    sentence: str | Promise
    figures: Mapping[str, Format] = field(default_factory=dict)


_CALL: dict[str, Format] = {"need": as_money, "cured": as_money, "due_at": as_instant}

_SHARES: dict[str, Format] = {"value": as_percent, "threshold": as_percent}
_DAYS: dict[str, Format] = {"value": as_days, "threshold": as_days}
_PRICE: dict[str, Format] = {
    "price": as_price,
    "previous": as_price,
    "on": as_day,
    "reason": as_hold_reason,
}

WORDS: dict[str, AlertWords] = {
    "risk.price_held": AlertWords(
        gettext_lazy(
            "A price is in quarantine: %(commodity)s of %(on)s, %(previous)s → %(price)s "
            "%(currency)s (%(reason)s)"
        ),
        _PRICE,
    ),
    "risk.price_fell_far": AlertWords(
        gettext_lazy(
            "%(commodity)s fell far on %(on)s, %(previous)s → %(price)s %(currency)s, and that "
            "counts at once: set the price by hand if it is wrong"
        ),
        _PRICE,
    ),
    "risk.feed_fails": AlertWords(
        gettext_lazy("Feed %(feed)s fails, %(failures)s in a row: %(error)s")
    ),
    "pledges.warning_rate_fell": AlertWords(
        gettext_lazy(
            "%(facility)s: the pledge rate of %(subject)s has fallen by %(value)s in four weeks"
        ),
        _SHARES,
    ),
    "pledges.warning_coverage_falls": AlertWords(
        gettext_lazy("%(facility)s: coverage has fallen by %(value)s from its best in four weeks"),
        _SHARES,
    ),
    "pledges.warning_commodity_share": AlertWords(
        gettext_lazy("%(facility)s: %(value)s of the cover is %(subject)s"), _SHARES
    ),
    "pledges.warning_site_share": AlertWords(
        gettext_lazy("%(facility)s: %(value)s of the goods are at %(subject)s"), _SHARES
    ),
    "pledges.warning_debtor_share": AlertWords(
        gettext_lazy("%(facility)s: %(value)s of the receivables are owed by %(subject)s"), _SHARES
    ),
    "pledges.warning_slow_goods": AlertWords(
        gettext_lazy("%(facility)s: %(subject)s has been held for %(value)s days on average"),
        _DAYS,
    ),
    "pledges.warning_loan_due": AlertWords(
        gettext_lazy("%(facility)s: loan %(subject)s falls due in %(value)s days"), _DAYS
    ),
    "pledges.warning_facility_matures": AlertWords(
        gettext_lazy("%(facility)s matures in %(value)s days and owes money"), _DAYS
    ),
    "pledges.warning_feed_late": AlertWords(
        gettext_lazy("Feed %(subject)s has been awaited for %(value)s days"),
        {"value": as_number},
    ),
    "pledges.warning_feed_repeats": AlertWords(
        gettext_lazy("Feed %(subject)s repeats %(value)s of its last sixty prints"), _SHARES
    ),
    "pledges.warning_price_waits": AlertWords(
        gettext_lazy("The price of %(subject)s has been in quarantine for %(value)s days"),
        _DAYS,
    ),
    "pledges.sell_out_near": AlertWords(
        gettext_lazy(
            "%(item)s: free stock for about %(likely)s days (%(early)s to %(late)s), %(pledged)s "
            "pledged; %(proposal)s would free %(freed)s"
        ),
        {"pledged": as_number, "freed": as_number},
    ),
    "pledges.sell_out_unavoidable": AlertWords(
        gettext_lazy(
            "%(item)s: free stock for about %(likely)s days (%(early)s to %(late)s), %(pledged)s "
            "pledged; nothing else can take its place"
        ),
        {"pledged": as_number},
    ),
    "pledges.double_claim_refused": AlertWords(
        gettext_lazy(
            "%(thing)s at %(site)s was offered to you, but is claimed already: the pledge was "
            "refused"
        )
    ),
    "pledges.double_claim_met": AlertWords(
        gettext_lazy(
            "%(thing)s at %(site)s, which secures you, was offered a second time; the offer was "
            "refused"
        )
    ),
    "pledges.instruction_step_late": AlertWords(
        gettext_lazy("%(number)s waits too long: it is %(state)s and was due %(due_at)s"),
        {"due_at": as_instant, "state": as_instruction_state},
    ),
    "pledges.promise_broken": AlertWords(
        gettext_lazy("%(number)s was not executed within four hours; it was due %(due_at)s"),
        {"due_at": as_instant},
    ),
    "pledges.instruction_expired": AlertWords(
        gettext_lazy("%(number)s was not executed in time and moves nothing any more")
    ),
    "pledges.instruction_failed": AlertWords(
        gettext_lazy("%(number)s was refused when it was to be executed; nothing was moved")
    ),
    "pledges.instruction_declined": AlertWords(
        gettext_lazy("The custodian declined %(number)s: %(reason)s")
    ),
    "pledges.instruction_withdrawn": AlertWords(
        gettext_lazy("%(number)s is withdrawn, do not execute it: %(reason)s")
    ),
    "pledges.abnormal_outflow": AlertWords(
        gettext_lazy(
            "%(outflow)s %(currency)s left floating mortgage %(mortgage)s within %(days)s days; "
            "%(controlled)s %(currency)s stay, and more than %(share)s of the whole alerts"
        ),
        {"outflow": as_money, "controlled": as_money, "share": as_percent},
    ),
    "pledges.mortgage_crystallised": AlertWords(
        gettext_lazy("Floating mortgage %(mortgage)s of %(facility)s crystallised: goods are held")
    ),
    "pledges.evidence_reused": AlertWords(
        gettext_lazy("A document or photo of %(number)s was handed in for other goods as well")
    ),
    "pledges.goods_lost": AlertWords(
        gettext_lazy(
            "%(label)s: %(quantity)s %(unit)s are gone (%(evidence)s) and were written off"
        ),
        {"quantity": as_number, "unit": formats.unit_label},
    ),
    "pledges.receipt_cancelled": AlertWords(
        gettext_lazy("Receipt %(receipt)s is void: %(thing)s lends nothing until another is shown")
    ),
    "pledges.registration_expires": AlertWords(
        gettext_lazy("Registration %(number)s of %(facility)s runs out in %(days)s days"),
    ),
    "pledges.registration_expired": AlertWords(
        gettext_lazy("Registration %(number)s of %(facility)s has run out on %(expires_on)s"),
        {"expires_on": as_day},
    ),
    "pledges.policy_expires": AlertWords(
        gettext_lazy("Insurance policy %(number)s of %(facility)s runs out in %(days)s days"),
    ),
    "pledges.policy_expired": AlertWords(
        gettext_lazy("Insurance policy %(number)s of %(facility)s has run out on %(expires_on)s"),
        {"expires_on": as_day},
    ),
    "pledges.insurance_lapsed": AlertWords(
        gettext_lazy(
            "%(positions)s positions of %(facility)s at %(site)s lend nothing: no insurance in "
            "force pays the lender"
        ),
    ),
    "pledges.insurance_gap": AlertWords(
        gettext_lazy(
            "Goods of %(facility)s are worth %(value)s %(currency)s, insured for %(insured)s: "
            "short by %(gap)s"
        ),
        {"value": as_money, "insured": as_money, "gap": as_money},
    ),
    "pledges.control_lapsed": AlertWords(
        gettext_lazy(
            "%(positions)s positions of %(facility)s at %(site)s lend nothing: the last evidence "
            "of control has run out"
        ),
    ),
    "pledges.control_runs_out": AlertWords(
        gettext_lazy(
            "Evidence of control at %(site)s for %(facility)s is good until %(last_day)s only"
        ),
        {"last_day": as_day},
    ),
    "pledges.purchase_money": AlertWords(
        gettext_lazy(
            "%(supplier)s registered its security in %(thing)s on %(registered_on)s, in time: it "
            "ranks before you"
        ),
        {"registered_on": as_day},
    ),
    "pledges.purchase_money_late": AlertWords(
        gettext_lazy(
            "%(supplier)s registered its security in %(thing)s on %(registered_on)s, too late to "
            "rank before you"
        ),
        {"registered_on": as_day},
    ),
    "pledges.margin_call_opened": AlertWords(
        gettext_lazy(
            "Margin call on %(code)s: %(need)s %(currency)s in cash needed until %(due_at)s"
        ),
        _CALL,
    ),
    "pledges.margin_call_reminded": AlertWords(
        gettext_lazy(
            "%(reminder)s: the margin call on %(code)s needs %(need)s %(currency)s until %(due_at)s"
        ),
        {**_CALL, "reminder": as_reminder},
    ),
    "pledges.margin_call_partly_cured": AlertWords(
        gettext_lazy(
            "The margin call on %(code)s is cured by %(cured)s; %(need)s %(currency)s are left"
        ),
        _CALL,
    ),
    "pledges.margin_call_escalated": AlertWords(
        gettext_lazy("The margin call on %(code)s is escalated: %(need)s %(currency)s needed"),
        _CALL,
    ),
    "pledges.margin_call_extended": AlertWords(
        gettext_lazy("The margin call on %(code)s has time until %(due_at)s"), _CALL
    ),
    "pledges.margin_call_ran_out": AlertWords(
        gettext_lazy(
            "The clock of the margin call on %(code)s ran out with %(need)s %(currency)s needed: "
            "it may be enforced"
        ),
        _CALL,
    ),
    "pledges.margin_call_cured": AlertWords(
        gettext_lazy("Margin call on %(code)s: %(cure)s"), {**_CALL, "cure": as_end}
    ),
    "pledges.default_declared": AlertWords(
        gettext_lazy("%(facility)s is in default: %(exposure)s %(currency)s are owed"),
        {"exposure": as_money},
    ),
}

# What an alert is about -> the page that shows it, by its one key.
PAGES: dict[str, str] = {
    "allocation_proposal": "portal:proposal",
    "facility": "portal:facility",
    "pledges.instruction": "portal:instruction",
    "lot": "portal:lot",
    "margin_call": "portal:call",
    "position": "portal:lineage",
    "order": "portal:order",
    "loan": "portal:loan",
    "receivable": "portal:receivable",
    "feed": "portal:feed",
    "commodity": "portal:price",
    "receipt": "portal:receipt",
}


# What ended an alert's thing, by the topic of the happening.
ENDS: dict[str, str | Promise] = {
    "pledges.margin_call_cured": gettext_lazy("the margin call ended"),
    "pledges.default_healed": gettext_lazy("the default was healed"),
    "pledges.warning_gone": gettext_lazy("the warning no longer holds"),
}


def past_in_words(alert: Alert) -> str:
    """Return why an alert is past: what ended, when and by whom; empty while it stands."""
    if alert.ended_at is None:
        return ""
    return _("past: %(what)s, %(when)s, %(who)s") % {
        "what": ENDS.get(alert.ended_with, alert.ended_with),
        "when": formats.instant(alert.ended_at),
        "who": alert.ended_by,
    }


class _Blanks(dict[str, str]):
    """The payload's figures; what is missing is a dash, not an error on a page."""

    def __missing__(self, name: str) -> str:
        return formats.EMPTY


def alert_in_words(topic: str, payload: Mapping[str, Any]) -> str:
    """Return the alert's sentence in the reader's language."""
    words = WORDS.get(topic)
    if words is None:
        return _unknown(topic, payload)
    figures = {name: _written(value, words.figures.get(name)) for name, value in payload.items()}
    return str(words.sentence) % _Blanks(figures)


def _written(value: Any, how: Format | None) -> str:
    if value is None:
        return formats.EMPTY
    with suppress(ValueError, InvalidOperation):  # an odd payload is shown as it is
        return how(value) if how else str(value)
    return str(value)


def _unknown(topic: str, payload: Mapping[str, Any]) -> str:
    name = topic.rsplit(".", 1)[-1].replace("_", " ").capitalize()
    plain = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in payload.items()
        if isinstance(value, str | int | Decimal)
    ]
    return str(_(", ")).join([name, *plain])


# Things without a page of their own -> the page that lists them.
LISTS: dict[str, str] = {"held_price": "portal:held_prices", "feed_health": "portal:feeds"}


def page_of(alert: Alert) -> str:
    """Return the address of the page about the alert's thing; empty if it has none."""
    if alert.aggregate in LISTS:
        return reverse(LISTS[alert.aggregate])
    name = PAGES.get(alert.aggregate)
    if name is not None:
        with suppress(NoReverseMatch):
            return reverse(name, args=[alert.aggregate_id])
    return ""
