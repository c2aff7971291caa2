"""Feeds: where prices come from, which series they carry, and what each run of them brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from parties.models import Organisation
from risk.feeds.registry import AdapterName, PriceKind
from risk.models.commodity import Commodity
from risk.states import RUN_STATES, RunState

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("feedrun", "state", RUN_STATES)


class FeedQuerySet(models.QuerySet["Feed"]):
    """Reads of feeds."""

    def visible_to(self, actor: Actor) -> FeedQuerySet:
        """Show a house its own feeds; the prices they bring are everybody's."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class Feed(models.Model):
    """One source of prices: how it is asked, when, and by whose care.

    Keys are not here: they come from the environment (risk/feeds/registry.py). `complete_only`
    refuses a day's batch that lacks a series or holds a row that is no price. `next_run_at` is
    when the clock looks at it again, after a failure with back-off.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    adapter = models.CharField(max_length=12, choices=AdapterName.choices)
    settings = models.JSONField(default=dict, blank=True)
    kind = models.CharField(max_length=10, choices=PriceKind.choices, default=PriceKind.SPOT)
    calendar = models.CharField(
        max_length=2, blank=True, help_text="country of its holidays; empty: Monday to Friday"
    )
    expected_at = models.TimeField(help_text="UTC; when the day's prices are usually there")
    poll_minutes = models.PositiveSmallIntegerField(
        null=True, help_text="looks again after so long; empty: once a business day"
    )
    complete_only = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="in a row, until now")
    created_at = models.DateTimeField()

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="feed_adapter_known", condition=Q(adapter__in=AdapterName.values)
            ),
            models.CheckConstraint(name="feed_kind_known", condition=Q(kind__in=PriceKind.values)),
            models.CheckConstraint(
                name="feed_polls_every_minute_at_most",
                condition=Q(poll_minutes__isnull=True) | Q(poll_minutes__gte=1),
            ),
            models.CheckConstraint(
                name="feed_settings_are_an_object", condition=Q(settings__contains={})
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="feed_due_first", condition=Q(active=True))
        ]
        triggers = [frozen_columns("tenant", "code", "adapter", "created_at")]

    def __str__(self) -> str:
        return self.name


class FeedSeries(models.Model):
    """One series of a feed and the commodity whose price it is.

    `confirms_only` makes it a second source: its prices are not recorded, they confirm.
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="series")
    series = models.CharField(max_length=80, help_text="as the source calls it")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="feed_series")
    currency = CurrencyField()
    unit = models.CharField(max_length=60, help_text="what a price buys, as in price files")
    confirms_only = models.BooleanField(default=False)

    class Meta:
        ordering = ["feed", "series"]
        verbose_name_plural = "feed series"
        constraints = [
            models.UniqueConstraint(fields=["feed", "series"], name="feed_series_fed_once"),
            models.UniqueConstraint(fields=["feed", "commodity"], name="feed_commodity_fed_once"),
            models.CheckConstraint(name="feed_series_has_name", condition=~Q(series="")),
        ]

    def __str__(self) -> str:
        return f"{self.feed}: {self.series}"


class FeedBody(models.Model):
    """A parcel as it came, compressed, once for each content."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the bytes")
    size = models.PositiveIntegerField(help_text="bytes before compression")
    packed = models.BinaryField(help_text="zlib")
    stored_at = models.DateTimeField()

    class Meta:
        ordering = ["-stored_at"]
        verbose_name_plural = "feed bodies"
        triggers = append_only()

    def __str__(self) -> str:
        return self.digest[:12]


class FeedRun(StateModel):
    """One look at a feed: asked for, under way, and what it brought.

    A run that is under way holds a lease; only one run of a feed is. `parcels` lists name, digest
    and size of what was fetched, `problems` the first refusals.
    """

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="runs")
    state = StateField(RUN_STATES, max_length=9)
    asked_by = models.CharField(max_length=160)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    step = models.CharField(max_length=12, blank=True)
    accepted = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    latest_on = models.DateField(null=True, help_text="newest day the source spoke of")
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=300, blank=True)
    parcels = models.JSONField(default=list)
    problems = models.JSONField(default=list)

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["feed"],
                condition=Q(state=RunState.RUNNING),
                name="feed_run_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["feed"], condition=Q(state=RunState.REQUESTED), name="feed_run_waits_once"
            ),
            models.CheckConstraint(
                name="feed_run_under_way_has_lease",
                condition=~Q(state=RunState.RUNNING)
                | Q(started_at__isnull=False, lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="feed_run_ends_after_it_starts",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
            models.CheckConstraint(
                name="feed_run_failed_for_a_reason",
                condition=Q(state=RunState.FAILED) ^ Q(error_code=""),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [models.Index(fields=["feed", "-requested_at"], name="feed_run_latest_first")]
        triggers = [*_GUARDS.triggers, frozen_columns("feed", "asked_by", "requested_at")]

    def __str__(self) -> str:
        return f"{self.feed} {self.requested_at:%Y-%m-%d %H:%M}"

    @transition(field=state, source=RunState.REQUESTED, target=RunState.RUNNING)
    def start(self, *, now: datetime, lease_until: datetime) -> None:
        """Take the feed's only place."""
        self.started_at, self.lease_until, self.step = now, lease_until, "fetching"

    @transition(field=state, source=RunState.RUNNING, target=RunState.DONE)
    def finish(self, *, now: datetime) -> None:
        """End well."""
        self.ended_at, self.step = now, ""

    @transition(field=state, source=RunState.RUNNING, target=RunState.FAILED)
    def fail(self, *, code: str, message: str, now: datetime) -> None:
        """End without having recorded anything more."""
        self.ended_at, self.step = now, ""
        self.error_code, self.error = code, message[:300]

    @property
    def counts(self) -> dict[str, Any]:
        """What the run brought, by outcome."""
        names = ("accepted", "duplicate", "superseded", "quarantined", "refused")
        return {name: getattr(self, name) for name in names}
