"""The day's look at what runs out: registrations, policies, evidence; sums that are too small."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from lending.models import Facility
from lending.states import FacilityState
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.measure import unit_values
from pledges.models import ControlEvidence, InsurancePolicy, Registration
from pledges.rules.jurisdictions import law_of, lead_reached
from pledges.services.site_duties import AT_A_SITE, insured_sites, review_sites

CONTROL_LEADS = (3,)


def watch_the_law(*, on: date, actor: Actor, now: datetime) -> int:
    """Alert to what runs out, once for each lead, and review the places; return the new alerts.

    A second run on a day finds nothing new.
    """
    with transaction.atomic():
        review_sites(on=on, actor=actor, now=now)
        return raise_alerts(
            [*_registrations(on), *_policies(on), *_control(on), *_gaps(on)], now=now
        )


def _registrations(on: date) -> Iterable[NewAlert]:
    standing = Registration.objects.filter(discharged_on__isnull=True)
    for one in standing.select_related("facility").exclude(facility__state=FacilityState.CLOSED):
        left = (one.expires_on - on).days
        leads = law_of(one.facility.jurisdiction).alarm_leads
        yield from _running_out("registration", one, one.expires_on, left, leads)


def _policies(on: date) -> Iterable[NewAlert]:
    standing = InsurancePolicy.objects.filter(ended_on__isnull=True, from_on__lte=on)
    for one in standing.select_related("facility").exclude(facility__state=FacilityState.CLOSED):
        left = (one.until_on - on).days
        leads = law_of(one.facility.jurisdiction).alarm_leads
        yield from _running_out("policy", one, one.until_on, left, leads)


def _running_out(
    kind: str,
    one: Registration | InsurancePolicy,
    ends: date,
    left: int,
    leads: Iterable[int],
) -> Iterable[NewAlert]:
    lead = 0 if left <= 0 else lead_reached(left, tuple(leads))
    if lead is None:
        return
    yield NewAlert(
        organisation_id=one.tenant_id,
        topic=f"pledges.{kind}_expires" if lead else f"pledges.{kind}_expired",
        aggregate="facility",
        aggregate_id=one.facility_id,
        key=f"{kind}:{one.pk}:{ends}:{lead}",
        severity=Severity.WARNING if lead else Severity.URGENT,
        payload={
            "number": one.number,
            "facility": one.facility.code,
            "expires_on": ends,
            "days": left,
        },
    )


def _control(on: date) -> Iterable[NewAlert]:
    """Alert where the last evidence for a place is about to run out."""
    latest: dict[tuple[int, int], ControlEvidence] = {}
    demanding = ControlEvidence.objects.filter(
        facility__control_required=True, valid_until__gte=on - timedelta(days=1)
    ).exclude(facility__state=FacilityState.CLOSED)
    for one in demanding.select_related("facility", "site").order_by("valid_until", "pk"):
        latest[one.facility_id, one.site_id] = one
    for one in latest.values():
        left = (one.valid_until - on).days
        if lead_reached(left, CONTROL_LEADS) is None:
            continue
        yield NewAlert(
            organisation_id=one.tenant_id,
            topic="pledges.control_runs_out",
            aggregate="facility",
            aggregate_id=one.facility_id,
            key=f"control:{one.pk}",
            payload={
                "site": one.site.name,
                "facility": one.facility.code,
                "last_day": one.valid_until,
            },
        )


def _gaps(on: date) -> Iterable[NewAlert]:
    """Alert, once a week, where goods at insured places are worth more than the policies' sums."""
    demanding = Facility.objects.filter(insurance_required=True).order_by("pk")
    for facility in demanding.exclude(state=FacilityState.CLOSED):
        insured = sum(
            InsurancePolicy.objects.filter(
                facility=facility, from_on__lte=on, until_on__gt=on, lender_is_loss_payee=True
            )
            .exclude(ended_on__lte=on)
            .values_list("insured_sum", flat=True),
            Decimal(0),
        )
        value = insured_goods_value(facility, on=on)
        if insured and value > insured:
            yield NewAlert(
                organisation_id=facility.tenant_id,
                topic="pledges.insurance_gap",
                aggregate="facility",
                aggregate_id=facility.pk,
                key=f"insurance_gap:{facility.pk}:{on:%G-%V}",
                payload={
                    "facility": facility.code,
                    "insured": insured,
                    "value": value,
                    "gap": value - insured,
                    "currency": facility.currency,
                },
            )


def insured_goods_value(facility: Facility, *, on: date) -> Decimal:
    """Return the market value of the facility's goods at insured places (three queries)."""
    at = insured_sites(facility.pk, on=on)
    goods = facility.positions.live().filter(right__in=AT_A_SITE, lot__site_id__in=at)
    remaining = dict(goods.values_list("pk", "remaining"))
    values = unit_values(as_of=on, position_ids=list(remaining))
    total = sum((values[pk].market * remaining[pk] for pk in values), Decimal(0))
    return round(total, 2)
