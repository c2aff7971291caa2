"""Early warnings: what stands, what stood, and from which values on the rules warn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from parties.roles import OrganisationKind
from pledges.models import EarlyWarning, WarningThreshold
from pledges.rules.warnings import MEASURES, OF_FACILITIES, WarningRule
from portal import columns, formats
from portal.boards.facts import Fact
from portal.queries.warnings import list_warnings, thresholds_of
from portal.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Threshold:
    """One rule as it goes for a facility."""

    rule: WarningRule
    value: Decimal
    active: bool
    own: bool


@dataclass(frozen=True, slots=True)
class WarningsBoard:
    """What the page shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    forms: list[Any] = field(default_factory=list)


def warnings_board(actor: Actor, facility: Facility | None) -> WarningsBoard:
    """Return the house's warnings, and the thresholds of the facility in view for its lender."""
    rows = list_warnings(actor)
    standing = [one for one in rows if one.closed_on is None]
    tables = {
        "warnings": _table("warnings", _("Standing"), standing, _("No rule warns of anything.")),
        "closed": _table("closed", _("No longer so"), rows[len(standing) :], _("Nothing was.")),
    }
    if facility is not None and actor.organisation_kind == OrganisationKind.LENDER:
        tables["thresholds"] = _thresholds_table(facility, thresholds_of(facility))
    return WarningsBoard(facts=_facts(standing), tables=tables)


def in_figures(rule: str, value: Decimal) -> str:
    """Write a rule's value: a share or days."""
    if MEASURES[WarningRule(rule)].share:
        return formats.percent(value)
    return _("%s days") % formats.number(value, 1)


def _facts(standing: Sequence[EarlyWarning]) -> list[Fact]:
    facilities = {one.facility_id for one in standing if one.facility_id}
    feeds = sum(1 for one in standing if one.facility_id is None)
    oldest = min((one.first_on for one in standing), default=None)
    return [
        Fact(
            _("Standing"),
            f"{len(standing):,}",
            note=_("each with one alert"),
            tone="warn" if standing else "good",
        ),
        Fact(_("Facilities"), f"{len(facilities):,}", note=_("with a warning")),
        Fact(
            _("Feeds and prices"),
            f"{feeds:,}",
            note=_("late, repeating or waiting"),
            href=reverse("portal:feeds"),
        ),
        Fact(_("Oldest"), formats.day(oldest), note=_("still so")),
    ]


def _table(key: str, title: str, rows: Sequence[EarlyWarning], empty: str) -> Table:
    return Table(
        key=key,
        title=title,
        columns=[
            columns.day(_("Since"), "first_on"),
            columns.day(_("Until"), "closed_on"),
            columns.text(
                _("Facility"), lambda one: one.facility.code if one.facility else "", href=_page
            ),
            columns.state(_("Warning"), lambda one: str(WarningRule(one.rule).label)),
            columns.words(_("Subject"), lambda one: one.name or one.subject),
            Column(
                _("Value"),
                lambda one: one.value,
                show_row=lambda one: in_figures(one.rule, one.value),
                numeric=True,
            ),
            Column(
                _("Threshold"),
                lambda one: one.threshold,
                show_row=lambda one: in_figures(one.rule, one.threshold),
                numeric=True,
            ),
        ],
        rows=rows,
        empty=empty,
    )


def _page(one: EarlyWarning) -> str:
    if one.facility_id is None:
        return ""
    return reverse("portal:facility", kwargs={"facility_id": one.facility_id})


def _thresholds_table(facility: Facility, own: Mapping[str, WarningThreshold]) -> Table:
    rows = [
        Threshold(
            rule=rule,
            value=own[rule].value if rule in own else MEASURES[rule].default,
            active=own[rule].active if rule in own else True,
            own=rule in own,
        )
        for rule in OF_FACILITIES
    ]
    return Table(
        key="thresholds",
        title=_("Thresholds of %s") % facility.code,
        columns=[
            columns.text(_("Rule"), lambda one: str(one.rule.label)),
            Column(
                _("Warns"),
                lambda one: one.value,
                show_row=lambda one: (
                    (_("at %s or less") if MEASURES[one.rule].at_most else _("from %s on"))
                    % in_figures(one.rule, one.value)
                ),
                numeric=True,
            ),
            columns.state(_("State"), lambda one: _("On") if one.active else _("Off")),
            columns.text(
                _("Set"), lambda one: _("for this facility") if one.own else _("by default")
            ),
        ],
        rows=rows,
        empty=_("There are no rules."),
    )
