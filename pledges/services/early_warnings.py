"""Early warnings: raised once while they stand, closed with their alert when they no longer do."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from lending.models import Facility
from outbox.services import audit
from outbox.services.alerts import NewAlert, end_alerts, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from parties.roles import OrganisationKind, Role
from parties.services.authority import NotAllowed, require_role
from pledges.models import EarlyWarning, WarningThreshold
from pledges.rules.warnings import MEASURES, OF_FACILITIES, OF_FEEDS, WarningRule
from pledges.warning_reads import Found, read_warnings
from risk.feed_health import GRACE, FeedHealth, feed_health
from risk.models import Feed, HeldPrice

_DAY = timedelta(days=1)
_STEP = Decimal("0.0001")


class ThresholdOutOfRange(Refusal):
    """A threshold that would warn of everything or of nothing."""

    code = "threshold_out_of_range"


def watch_facilities(*, on: date, actor: Actor, now: datetime) -> int:
    """Look at every facility by every rule; return how many warnings are new.

    Statements are constant in the number of facilities. A second run on a day finds nothing new.
    """
    with transaction.atomic():
        return _keep(list(read_warnings(on=on)), OF_FACILITIES, on=on, actor=actor, now=now)


def watch_feeds(*, on: date, actor: Actor, now: datetime) -> int:
    """Look at every feed and every price in quarantine; return how many warnings are new."""
    with transaction.atomic():
        health = feed_health(list(Feed.objects.filter(active=True)), now=now)
        found = [*_of_feeds(health), *_waiting(now)]
        return _keep(found, OF_FEEDS, on=on, actor=actor, now=now)


def set_threshold(
    *,
    facility: Facility,
    rule: str,
    value: Decimal,
    active: bool,
    actor: Actor,
    now: datetime,
) -> WarningThreshold:
    """Set from which value on a rule warns of a facility, or switch the rule off for it.

    By a risk officer of the facility's lender. Raises NotAllowed, ThresholdOutOfRange.
    """
    require_role(actor, Role.RISK_OFFICER)
    if actor.organisation_kind != OrganisationKind.LENDER or (
        actor.organisation_id != facility.tenant_id
    ):
        raise NotAllowed(message=_("This facility is another house's."))
    highest = Decimal(1) if MEASURES[WarningRule(rule)].share else Decimal(3650)
    if rule not in OF_FACILITIES or not 0 < value <= highest:
        raise ThresholdOutOfRange(
            message=_("%(value)s is not between 0 and %(highest)s")
            % {"value": value, "highest": highest},
            field="value",
            numbers={"highest": highest},
        )
    with transaction.atomic():
        threshold, _new = WarningThreshold.objects.update_or_create(
            facility=facility,
            rule=rule,
            defaults={
                "tenant_id": facility.tenant_id,
                "value": value,
                "active": active,
                "changed_at": now,
                "changed_by": actor.label,
            },
        )
        audit.record(
            action="pledges.set_warning_threshold",
            actor=actor,
            object_type="lending.facility",
            object_id=facility.pk,
            at=now,
            tenant_id=facility.tenant_id,
            detail={"rule": rule, "value": str(value), "active": active},
        )
    return threshold


# --- feeds --------------------------------------------------------------------------------------


def _of_feeds(health: Iterable[FeedHealth]) -> Iterable[Found]:
    for one in health:
        if one.is_late and one.late_by is not None:
            yield _of_feed(WarningRule.FEED_LATE, one.feed, one.late_by / _DAY, GRACE / _DAY)
        if one.repeats:
            bound = float(MEASURES[WarningRule.FEED_REPEATS].default)
            yield _of_feed(WarningRule.FEED_REPEATS, one.feed, one.repeated, bound)


def _of_feed(rule: WarningRule, feed: Feed, value: float, bound: float) -> Found:
    return Found(
        rule, feed.tenant_id, None, "", feed.code, feed.name, _decimal(value), _decimal(bound)
    )


def _waiting(now: datetime) -> Iterable[Found]:
    """Yield the prices that nobody has decided on for a day."""
    bound = MEASURES[WarningRule.PRICE_WAITS].default
    old = HeldPrice.objects.standing().filter(held_at__lte=now - int(bound) * _DAY)
    for hold in old.select_related("commodity"):
        waited = _decimal((now - hold.held_at) / _DAY)
        name = f"{hold.commodity.name} {hold.observed_on}"
        yield Found(
            WarningRule.PRICE_WAITS, hold.tenant_id, None, "", str(hold.pk), name, waited, bound
        )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_STEP)


# --- standing and closed ------------------------------------------------------------------------


def _keep(
    found: list[Found],
    rules: Collection[WarningRule],
    *,
    on: date,
    actor: Actor,
    now: datetime,
) -> int:
    """Bring the standing warnings of some rules to what was found; return how many are new."""
    before = {
        (one.tenant_id, one.facility_id, one.rule, one.subject): one
        for one in EarlyWarning.objects.standing().filter(rule__in=rules).select_for_update()
    }
    now_found = {
        (one.tenant_id, one.facility_id, one.rule.value, one.subject): one for one in found
    }
    fresh = [one for key, one in now_found.items() if key not in before]
    still = [(before[key], one) for key, one in now_found.items() if key in before]
    for warning, one in still:
        warning.value, warning.threshold = one.value, one.threshold
        warning.last_on = max(on, warning.first_on)
    EarlyWarning.objects.bulk_update(
        [warning for warning, _one in still], ["value", "threshold", "last_on"]
    )
    _close([one for key, one in before.items() if key not in now_found], on, actor, now)
    _open(fresh, on, now)
    return len(fresh)


def _open(fresh: list[Found], on: date, now: datetime) -> None:
    """Write new warnings and raise one alert each."""
    opened = EarlyWarning.objects.bulk_create(
        EarlyWarning(
            tenant_id=one.tenant_id,
            facility_id=one.facility_id,
            rule=one.rule,
            subject=one.subject,
            name=one.name,
            value=one.value,
            threshold=one.threshold,
            first_on=on,
            last_on=on,
        )
        for one in fresh
    )
    raise_alerts(
        [_alert(one, warning) for one, warning in zip(fresh, opened, strict=True)], now=now
    )


def _alert(one: Found, warning: EarlyWarning) -> NewAlert:
    is_feed = one.facility_id is None
    return NewAlert(
        organisation_id=one.tenant_id,
        topic=f"pledges.warning_{one.rule}",
        aggregate="feed_health" if is_feed else "facility",
        aggregate_id=one.subject if is_feed else one.facility_id,
        key=_key(warning),
        severity=Severity.WARNING if is_feed else Severity.NOTICE,
        payload={
            "facility": one.facility,
            "subject": one.name or one.subject,
            "value": one.value,
            "threshold": one.threshold,
        },
    )


def _close(gone: list[EarlyWarning], on: date, actor: Actor, now: datetime) -> None:
    """Close what no longer holds, and the alerts that nobody has looked at."""
    for warning in gone:
        warning.closed_on = max(on, warning.last_on)
    EarlyWarning.objects.bulk_update(gone, ["closed_on"])
    end_alerts(
        keys=[_key(warning) for warning in gone],
        ended_with="pledges.warning_gone",
        actor=actor,
        now=now,
    )


def _key(warning: EarlyWarning) -> str:
    return f"warning:{warning.pk}"
