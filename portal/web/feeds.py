"""Feeds: their health, one feed with its runs, and what a risk officer does to them."""

from __future__ import annotations

from dataclasses import replace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parties.roles import OrganisationKind, Role
from portal.boards.feeds import feed_board, feeds_board
from portal.queries.feeds import get_feed, is_under_way, latest_run
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, page, show, working_page
from risk.feeds.registry import AdapterName, PriceKind
from risk.models import Feed, FeedRun
from risk.services.feeds import FeedTerms, Mapped, change_feed, define_feed, request_run
from risk.tasks import send_to_worker

_SERIES_HELP = gettext_lazy(
    "One a line: SERIES = commodity code. A line that begins with ? only confirms."
)


class TermsForm(ActForm[Feed | None]):
    """How and when a feed is asked."""

    feed_name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    settings = forms.JSONField(
        label=gettext_lazy("Settings"),
        required=False,
        help_text=gettext_lazy("JSON; keys of sources are set in the environment, never here"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    series = forms.CharField(
        label=gettext_lazy("Series"), help_text=_SERIES_HELP, widget=forms.Textarea({"rows": 3})
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind of price"), choices=PriceKind.choices)
    expected_at = forms.TimeField(label=gettext_lazy("Expected at (UTC)"), initial="21:00")
    calendar = forms.CharField(
        label=gettext_lazy("Holidays of country"), max_length=2, required=False
    )
    poll_minutes = forms.IntegerField(
        label=gettext_lazy("Look again every (minutes)"),
        min_value=1,
        max_value=1440,
        required=False,
    )
    complete_only = forms.BooleanField(
        label=gettext_lazy("Only whole days, with every series"), required=False
    )

    def terms(self, said: Said) -> FeedTerms:
        """Return the terms as said."""
        return FeedTerms(
            expected_at=said["expected_at"],
            settings=said["settings"] or {},
            kind=said["kind"],
            calendar=said["calendar"].upper(),
            poll_minutes=said["poll_minutes"],
            complete_only=said["complete_only"],
        )

    def clean_series(self) -> list[Mapped]:
        """Return the series of the lines."""
        lines = [line.strip() for line in self.cleaned_data["series"].splitlines()]
        found = []
        for line in filter(None, lines):
            series, sign, commodity = line.removeprefix("?").partition("=")
            if not sign:
                raise forms.ValidationError(_("%s: write SERIES = commodity") % line)
            found.append(
                Mapped(
                    series=series.strip(),
                    commodity=commodity.strip(),
                    confirms_only=line.startswith("?"),
                )
            )
        return found


class SetUp(TermsForm):
    """A new feed."""

    name, button = "set-up", gettext_lazy("Set up a feed")
    code = forms.SlugField(label=gettext_lazy("Code"), max_length=40)
    adapter = forms.ChoiceField(label=gettext_lazy("Adapter"), choices=AdapterName.choices)
    field_order = ("code", "feed_name", "adapter")

    def carry_out(self, said: Said) -> Feed:
        """Set it up."""
        return define_feed(
            code=said["code"],
            name=said["feed_name"],
            adapter=said["adapter"],
            series=said["series"],
            terms=self.terms(said),
            actor=self.ask.actor,
            now=self.ask.now,
        )


class RunNow(ActForm[Feed]):
    """A look at the feed at once."""

    name, button = "run", gettext_lazy("Run now")

    def carry_out(self, said: Said) -> FeedRun:
        """Ask for it, and tell a worker."""
        run = request_run(feed=self.subject, actor=self.ask.actor, now=self.ask.now)
        send_to_worker(run.feed_id)
        return run


class Pause(ActForm[Feed]):
    """No more looks by the clock."""

    name, button = "pause", gettext_lazy("Pause")

    def carry_out(self, said: Said) -> Feed:
        """Pause it."""
        return change_feed(feed=self.subject, actor=self.ask.actor, now=self.ask.now, active=False)


class Resume(ActForm[Feed]):
    """Looks by the clock again."""

    name, button = "resume", gettext_lazy("Resume")

    def carry_out(self, said: Said) -> Feed:
        """Resume it."""
        return change_feed(feed=self.subject, actor=self.ask.actor, now=self.ask.now, active=True)


@working_page
def feeds(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the health of the house's feeds; a risk officer sets new ones up."""
    kinds = (SetUp,) if _manages(ask) else ()
    tried = attempt(request, ask, None, kinds)
    if tried.succeeded:
        return done(request, tried.words(), "portal:feeds")
    board = replace(feeds_board(ask.actor, now=ask.now), forms=tried.forms(None))
    return show(request, ask, "portal/feeds.html", board, status=tried.status)


@working_page
def feed(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Show one feed with its runs; a risk officer runs, pauses and resumes it."""
    one = get_feed(ask.actor, code)
    kinds: tuple[type[ActForm[Feed]], ...] = ()
    if _manages(ask) and one.tenant_id == ask.actor.organisation_id:
        kinds = (RunNow, Pause if one.active else Resume)
    tried = attempt(request, ask, one, kinds)
    if tried.succeeded:
        return done(request, tried.words(), "portal:feed", code=code)
    board = replace(feed_board(one, now=ask.now), forms=tried.forms(one))
    return show(request, ask, "portal/feed.html", board, status=tried.status)


@page
def progress(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Tell how far the feed's latest run is; the page asks again until it has ended."""
    one = get_feed(ask.actor, code)
    run = latest_run(one)
    context = {"feed": one, "run": run, "running": is_under_way(run)}
    return render(request, "portal/parts/feed_run.html", context)


def _manages(ask: Ask) -> bool:
    is_lender = ask.actor.organisation_kind == OrganisationKind.LENDER
    return is_lender and ask.actor.has_role(Role.RISK_OFFICER)
