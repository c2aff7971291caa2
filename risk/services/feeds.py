"""Setting feeds up: by a risk officer of the house that answers for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.calendars import BusinessCalendar
from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from outbox.services import audit
from parties.actors import Actor
from parties.roles import OrganisationKind, Role
from parties.services.authority import NotAllowed, require_role
from risk.feeds.registry import PriceKind, settings_problem
from risk.models import Commodity, CommodityKind, Feed, FeedRun, FeedSeries
from risk.services.feed_runs import next_look
from risk.services.recording import means
from risk.states import RunState

_HOUSES = (OrganisationKind.LENDER, OrganisationKind.PLATFORM)
_CHANGEABLE = frozenset(
    {
        "name",
        "settings",
        "kind",
        "calendar",
        "expected_at",
        "poll_minutes",
        "complete_only",
        "active",
    }
)


class FeedRefused(Refusal):
    """A feed that could not work as it is set up."""

    code = "feed_refused"


class FeedExists(Refusal):
    """The code is another feed's already."""

    code = "feed_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One series of a feed. Unit and currency default to the commodity's own."""

    series: str
    commodity: str
    unit: str = ""
    currency: str = ""
    confirms_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTerms:
    """How and when a feed is asked; `Feed` says what each means. expected_at: UTC."""

    expected_at: time
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = PriceKind.SPOT
    calendar: str = ""
    poll_minutes: int | None = None
    complete_only: bool = False


def define_feed(
    *,
    code: str,
    name: str,
    adapter: str,
    series: Sequence[Mapped],
    terms: FeedTerms,
    actor: Actor,
    now: datetime,
    tenant_id: int | None = None,
) -> Feed:
    """Set a feed up for the actor's house; it is looked at for the first time at once.

    tenant_id: the house, for the system alone.

    Raises FeedRefused, FeedExists, NotAllowed.
    """
    feed = Feed(
        tenant_id=_house_of(actor, tenant_id),
        code=code,
        name=name,
        adapter=adapter,
        settings=dict(terms.settings),
        kind=terms.kind,
        calendar=terms.calendar,
        expected_at=terms.expected_at,
        poll_minutes=terms.poll_minutes,
        complete_only=terms.complete_only,
        next_run_at=now,
        created_at=now,
    )
    _check(feed)
    taken = FeedExists(message=_("There is a feed %s already.") % code, field="code")
    with transaction.atomic(), constraint_refusals({"risk_feed_code_key": taken}):
        feed.save(force_insert=True)
        _map(feed, series)
        _trace("define_feed", feed, {"series": [one.series for one in series]}, actor, now)
    return feed


def change_feed(
    *,
    feed: Feed,
    actor: Actor,
    now: datetime,
    series: Sequence[Mapped] | None = None,
    **changes: Any,
) -> Feed:
    """Change how a feed is asked, when, or which series it carries; prices recorded stay.

    changes: name, settings, kind, calendar, expected_at, poll_minutes, complete_only, active.

    Raises FeedRefused, NotAllowed, and TypeError for a change of anything else.
    """
    if unknown := sorted(changes.keys() - _CHANGEABLE):
        raise TypeError(f"not to be changed: {', '.join(unknown)}")
    with transaction.atomic():
        locked = _mine(feed, actor)
        before = {name: str(getattr(locked, name)) for name in sorted(changes)}
        for name, value in changes.items():
            setattr(locked, name, value)
        _check(locked)
        locked.failures, locked.next_run_at = 0, next_look(locked, now)
        locked.save()
        if series is not None:
            locked.series.all().delete()
            _map(locked, series)
        after = {name: str(value) for name, value in changes.items()}
        _trace("change_feed", locked, {"before": before, "after": after}, actor, now)
    return locked


def request_run(*, feed: Feed, actor: Actor, now: datetime) -> FeedRun:
    """Ask for a run now; the one that waits already, if there is one. Raises NotAllowed."""
    with transaction.atomic():
        locked = _mine(feed, actor)
        waiting = FeedRun.objects.filter(feed=locked, state=RunState.REQUESTED).first()
        if waiting is None:
            waiting = FeedRun.objects.create(feed=locked, asked_by=actor.label, requested_at=now)
            _trace("request_feed_run", locked, {"run": waiting.pk}, actor, now)
    return waiting


def _house_of(actor: Actor, tenant_id: int | None) -> int:
    require_role(actor, Role.RISK_OFFICER)
    if actor.is_system and tenant_id is not None:
        return tenant_id
    if actor.organisation_id is None or actor.organisation_kind not in _HOUSES:
        raise NotAllowed(message=_("Feeds are set up by people of a lender or of the platform."))
    return actor.organisation_id


def _mine(feed: Feed, actor: Actor) -> Feed:
    locked = lock_one(Feed.objects.all(), feed.pk)
    if _house_of(actor, locked.tenant_id) != locked.tenant_id:
        raise NotAllowed(message=_("This feed is another house's."))
    return locked


def _check(feed: Feed) -> None:
    """Refuse what could never run."""
    problem, at = settings_problem(feed.adapter, feed.settings), "settings"
    if not problem and feed.calendar:
        try:
            BusinessCalendar(feed.calendar)
        except NotImplementedError:  # how the tables say that they lack a country
            problem, at = _("no holidays are known for %s") % feed.calendar, "calendar"
    if problem:
        raise FeedRefused(message=problem, field=at)


def _map(feed: Feed, series: Sequence[Mapped]) -> None:
    """Write the series of a feed, refused where one could not be its commodity's price."""
    if not series:
        raise FeedRefused(message=_("A feed carries one series or more."), field="series")
    codes = {one.commodity for one in series}
    priced = Commodity.objects.filter(code__in=codes, kind=CommodityKind.COMMODITY)
    commodities = {commodity.code: commodity for commodity in priced}
    rows = [_row(feed, one, commodities.get(one.commodity)) for one in series]
    twice = FeedRefused(
        message=_("Each series and each commodity stands once in a feed."), field="series"
    )
    with constraint_refusals({"feed_series_fed_once": twice, "feed_commodity_fed_once": twice}):
        FeedSeries.objects.bulk_create(rows)


def _row(feed: Feed, one: Mapped, commodity: Commodity | None) -> FeedSeries:
    if commodity is None:
        raise FeedRefused(
            message=_("No commodity %s has a price of its own.") % one.commodity, field="series"
        )
    unit = one.unit or str(commodity.quotation)
    currency = one.currency or commodity.currency
    if currency != commodity.currency or not means(unit, commodity):
        figures = {
            "commodity": commodity.code,
            "currency": commodity.currency,
            "unit": str(commodity.quotation),
        }
        raise FeedRefused(
            message=_("%(commodity)s is priced in %(currency)s per %(unit)s.") % figures,
            field="series",
        )
    return FeedSeries(
        feed=feed,
        series=one.series,
        commodity=commodity,
        currency=currency,
        unit=unit,
        confirms_only=one.confirms_only,
    )


def _trace(action: str, feed: Feed, detail: dict[str, Any], actor: Actor, now: datetime) -> None:
    audit.record(
        action=f"risk.{action}",
        actor=actor,
        object_type="risk.feed",
        object_id=feed.pk,
        at=now,
        business_date=now.date(),
        tenant_id=feed.tenant_id,
        detail=detail | {"feed": feed.code},
    )
