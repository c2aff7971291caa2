"""Reads of a facility's floating mortgage: what it names, what it controls, what flows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from lending.models import Facility
from logistics.models import Item, Site
from outbox.models import Alert
from parties.actors import Actor
from pledges.measure import controlled_value
from pledges.models import ConversionLeg, FloatingMortgage, MortgagedItem, MortgagedSite
from pledges.states import ConversionKind, Direction

# What changed the weight of the goods in each price basis, day by day; what stood at the end of
# each asked day, at the prices of that day. Suspensions are of now and are left out of the past.
_HISTORY = """
WITH deltas AS (
    SELECT t.basis_id, p.opened_on AS day, sum(p.quantity * t.market_per_unit) AS weight
    FROM pledges_position p JOIN pledges_positionterm t ON t.position_id = p.id
    WHERE p.facility_id = %(facility)s
      AND p."right" IN ('floating_mortgage', 'pledge', 'in_transit')
    GROUP BY 1, 2
    UNION ALL
    SELECT t.basis_id, c.business_date, -sum(l.quantity * t.market_per_unit)
    FROM pledges_conversionleg l
    JOIN pledges_conversion c ON c.id = l.conversion_id
    JOIN pledges_position p ON p.id = l.position_id
    JOIN pledges_positionterm t ON t.position_id = p.id
    WHERE p.facility_id = %(facility)s AND l.direction = 'consumed'
      AND p."right" IN ('floating_mortgage', 'pledge', 'in_transit')
    GROUP BY 1, 2
)
SELECT day, coalesce((
    SELECT round(sum(d.weight * q.unit_price), 2)
    FROM deltas d JOIN risk_quotes(day) q ON q.commodity_id = d.basis_id AND q.fresh
    WHERE d.day <= asked.day), 0)
FROM unnest(%(days)s::date[]) AS asked(day) ORDER BY day
"""
INFLOWS = (ConversionKind.ATTACH, ConversionKind.DELIVER)


@dataclass(frozen=True, slots=True)
class FlowDay:
    """What came under the mortgage on a day and what left it, at the market."""

    on: date
    came: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class StandingDay:
    """What the controlled goods were worth at the end of a day."""

    on: date
    controlled: Decimal


def get_mortgage(actor: Actor, facility: Facility) -> FloatingMortgage | None:
    """Return the facility's latest mortgage, if it has one."""
    found = FloatingMortgage.objects.visible_to(actor).filter(facility=facility)
    people = ("facility__tenant", "facility__borrower", "maker", "checker", "crystallised_by")
    return found.select_related(*people).order_by("-drafted_at", "-pk").first()


def list_named_items(mortgage: FloatingMortgage) -> list[MortgagedItem]:
    """Return the items the mortgage named, those in force first."""
    rows = mortgage.items.select_related("item", "selected_by", "withdrawn_by")
    return sorted(rows, key=lambda row: (row.until_on is not None, row.item.name))


def list_named_sites(mortgage: FloatingMortgage) -> list[MortgagedSite]:
    """Return the sites the mortgage named, those in force first."""
    rows = mortgage.sites.select_related("site__operator", "selected_by", "withdrawn_by")
    return sorted(rows, key=lambda row: (row.until_on is not None, row.site.name))


def list_flows(mortgage: FloatingMortgage) -> list[FlowDay]:
    """Return the days on which goods came or left, the latest first (one query)."""
    legs = ConversionLeg.objects.filter(conversion__facility_id=mortgage.facility_id)
    came = Q(direction=Direction.PRODUCED, conversion__kind__in=INFLOWS)
    left = Q(direction=Direction.CONSUMED, conversion__kind=ConversionKind.OUTFLOW)
    rows = (
        legs.filter(came | left)
        .values_list("conversion__business_date")
        .annotate(
            came=Sum("market_value", filter=came, default=Decimal(0)),
            left=Sum("market_value", filter=left, default=Decimal(0)),
        )
        .order_by("-conversion__business_date")
    )
    return [FlowDay(*row) for row in rows]


def list_standing(mortgage: FloatingMortgage, days: list[date]) -> list[StandingDay]:
    """Return what the controlled goods were worth at the end of each day (one query)."""
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"facility": mortgage.facility_id, "days": days})
        return [StandingDay(*row) for row in cursor.fetchall()]


def get_controlled(mortgage: FloatingMortgage, as_of: date) -> Decimal:
    """Return what the controlled goods that count are worth."""
    return controlled_value(as_of=as_of, facility_id=mortgage.facility_id)


def list_mortgage_alerts(actor: Actor, mortgage: FloatingMortgage) -> list[Alert]:
    """Return the alerts of the reader's desk about the mortgage, the latest first."""
    topics = ("pledges.abnormal_outflow", "pledges.mortgage_crystallised")
    found = Alert.objects.visible_to(actor).filter(
        topic__in=topics, payload__mortgage=mortgage.number
    )
    return list(found[:50])


def list_items_to_choose(actor: Actor) -> QuerySet[Item]:
    """Return the catalogue."""
    return Item.objects.visible_to(actor).order_by("name")


def list_sites_to_name(actor: Actor) -> QuerySet[Site]:
    """Return the places."""
    return Site.objects.visible_to(actor).order_by("name")


def list_items_in_force(actor: Actor, mortgage: FloatingMortgage) -> QuerySet[MortgagedItem]:
    """Return the items on the list of a mortgage the reader may see."""
    seen = FloatingMortgage.objects.visible_to(actor).filter(pk=mortgage.pk)
    rows = MortgagedItem.objects.filter(mortgage__in=seen, until_on__isnull=True)
    return rows.select_related("mortgage", "item")


def list_sites_in_force(actor: Actor, mortgage: FloatingMortgage) -> QuerySet[MortgagedSite]:
    """Return the sites named by a mortgage the reader may see."""
    seen = FloatingMortgage.objects.visible_to(actor).filter(pk=mortgage.pk)
    rows = MortgagedSite.objects.filter(mortgage__in=seen, until_on__isnull=True)
    return rows.select_related("mortgage", "site")
