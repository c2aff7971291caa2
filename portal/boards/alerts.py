"""The alert inbox: what the desk must look at, and who has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from outbox.models import Alert
from outbox.states import Severity
from parties.actors import Actor
from portal import columns, formats
from portal.alert_words import alert_in_words, page_of, past_in_words
from portal.boards.facts import Fact
from portal.queries.alerts import count_open_alerts, list_alerts
from portal.tables import Table

ICONS = {Severity.NOTICE: "info", Severity.WARNING: "watch", Severity.URGENT: "close_out"}


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert as the inbox shows it."""

    id: int
    severity: str
    severity_label: str
    icon: str
    text: str
    href: str
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    past: str

    @property
    def is_open(self) -> bool:
        """Whether somebody must still look."""
        return self.acknowledged_at is None and not self.past


@dataclass(frozen=True, slots=True)
class AlertsBoard:
    """What the inbox shows."""

    only_open: bool
    facts: list[Fact]
    lines: list[AlertLine]
    tables: dict[str, Table]


def alerts_board(actor: Actor, *, only_open: bool) -> AlertsBoard:
    """Return the inbox of the reader's desk: the open alerts, or all."""
    lines = [_line(alert) for alert in list_alerts(actor, only_open=only_open)]
    return AlertsBoard(
        only_open=only_open,
        facts=_facts(lines, count_open_alerts(actor)),
        lines=lines,
        tables={"alerts": _table(lines)},
    )


def _line(alert: Alert) -> AlertLine:
    severity = Severity(alert.severity)
    return AlertLine(
        id=alert.pk,
        severity=severity.value,
        severity_label=str(severity.label),
        icon=ICONS[severity],
        text=alert_in_words(alert.topic, alert.payload),
        href=page_of(alert),
        raised_at=alert.raised_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        past=past_in_words(alert),
    )


def _facts(lines: Sequence[AlertLine], waiting: int) -> list[Fact]:
    opened = [line for line in lines if line.is_open]
    urgent = Counter(line.severity for line in opened)[Severity.URGENT]
    oldest = min((line.raised_at for line in opened), default=None)
    return [
        Fact(
            _("Open"),
            f"{waiting:,}",
            note=_("nobody has looked yet") if waiting else _("everything was looked at"),
            tone="warn" if waiting else "good",
        ),
        Fact(_("Urgent"), f"{urgent:,}", note=_("of the open ones"), tone="bad" if urgent else ""),
        Fact(_("Oldest"), formats.day(oldest.date() if oldest else None), note=_("still open")),
    ]


def _table(lines: Sequence[AlertLine]) -> Table:
    return Table(
        key="alerts",
        title=_("Alerts"),
        columns=[
            columns.instant(_("When"), "raised_at"),
            columns.state(_("Severity"), "severity_label"),
            columns.words(_("What happened"), "text", href=lambda line: line.href),
            columns.instant(_("Seen"), "acknowledged_at"),
            columns.text(_("By"), "acknowledged_by"),
            columns.text(_("Past"), "past"),
        ],
        rows=lines,
        empty=_("No alert waits."),
    )
