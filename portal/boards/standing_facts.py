"""Facts about a facility's standing that several pages begin with."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lending.models import Facility
from pledges.states import Band
from portal import formats
from portal.boards.facts import Fact, money_fact
from portal.queries.cover import Standing

TONES = {Band.COVERED: "good", Band.WATCH: "warn", Band.CALLED: "warn", Band.CLOSE_OUT: "bad"}


def headroom_fact(facility: Facility, standing: Standing) -> Fact:
    """Say what may still be drawn and which of the two bounds it."""
    cover = standing.cover
    bound = (
        _("min(limit, lending value) − exposure; the lending value binds")
        if cover.lending_value < cover.limit
        else _("min(limit, lending value) − exposure; the limit binds")
    )
    return money_fact(_("Can draw now"), cover.headroom, facility.currency, note=bound, tone="lead")


def blocked_fact(facility: Facility, standing: Standing) -> Fact:
    """Say what keeps the borrower from drawing more."""
    cover, currency = standing.cover, facility.currency
    texts: dict[str, tuple[str, str]] = {
        "state": (str(facility.get_state_display()), _("The facility is not active")),
        "band": (str(Band(cover.band).label), _("Nothing may be drawn or released in this band")),
        "lending_value": (
            _("Lending value"),
            _("%(gap)s %(currency)s of the limit lie idle: bring goods or receivables")
            % {
                "gap": formats.large_money(cover.limit - max(cover.lending_value, cover.exposure)),
                "currency": currency,
            },
        ),
        "limit": (
            _("Limit"),
            _("%(gap)s %(currency)s of lending value beyond it")
            % {"gap": formats.large_money(cover.lending_value - cover.limit), "currency": currency},
        ),
    }
    value, note = texts[standing.blocked_by]
    tone = "bad" if standing.blocked_by in {"state", "band"} else ""
    return Fact(_("More is blocked by"), value, note=note, tone=tone)


def cover_fact(facility: Facility, standing: Standing) -> Fact:
    """Coverage ΣLV ÷ E with its exact parts."""
    cover = standing.cover
    needed = formats.money(1 / facility.release_factor)
    since = formats.day(standing.since.date()) if standing.since else ""
    return Fact(
        _("Cover"),
        formats.ratio(cover.lending_value, cover.exposure),
        note=_("since %(when)s; giving goods back needs %(needed)s")
        % {"when": since, "needed": needed},
        exact=f"{formats.money(cover.lending_value)} ÷ {formats.money(cover.exposure)}",
        tone=TONES[cover.band],
        band=cover.band,
    )
