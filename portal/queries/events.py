"""The journal of a facility in words: conversions, payments, repayments and margin calls."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Min, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Disbursement, Facility, Repayment
from lending.states import DisbursementState
from parties.actors import Actor
from pledges.models import Conversion, ConversionLeg, MarginCallEntry
from pledges.states import CallEntryKind, Direction
from portal import formats
from portal.call_words import call_event
from portal.event import Event
from portal.names import LABELLED, label_of, name_of
from portal.words import Act, Part, cover_change, evidence_in_words, tell

# Rank of events of one instant: money out, then what it bought, then what followed.
_PAYMENT, _CONVERSION, _REPAYMENT = range(3)


def list_events(
    actor: Actor,
    facility: Facility,
    *,
    since: datetime | None = None,
    last: int | None = None,
) -> list[Event]:
    """Return what happened, newest first (seven queries), at most `last` of each kind."""
    # Several conversions may share an instant; their legs were written in the order they happened.
    conversions = _conversions(actor, facility).annotate(written=Min("legs__id"))
    conversions = conversions.order_by("-occurred_at", "-written")
    payments = _payments(actor, facility).order_by("-instructed_at")
    repayments = _repayments(actor, facility).order_by("-recorded_at")
    calls = _call_entries(actor, facility).order_by("-at", "-id")
    if since is not None:
        conversions = conversions.filter(occurred_at__gte=since)
        payments = payments.filter(instructed_at__gte=since)
        repayments = repayments.filter(Q(recorded_at__gte=since) | Q(reversed_at__gte=since))
        calls = calls.filter(at__gte=since)
    events = [conversion_event(one) for one in conversions[:last]][::-1]
    events += [_payment_event(one) for one in payments[:last]]
    paid = list(repayments[:last])
    events += [_repayment_event(one) for one in paid]
    events += [_reversal_event(one) for one in paid if one.reversed_at is not None]
    events += [call_event(entry) for entry in calls[:last]][::-1]
    return sorted(events, key=lambda event: (event.at, event.rank))[::-1][:last]


def _conversions(actor: Actor, facility: Facility) -> QuerySet[Conversion]:
    return with_legs(Conversion.objects.visible_to(actor).filter(facility=facility))


def with_legs(conversions: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """Bring the legs and what they stand on along (one query more)."""
    legs = ConversionLeg.objects.select_related(
        *(f"position__{path}" for path in LABELLED)
    ).order_by("id")
    return conversions.prefetch_related(Prefetch("legs", legs))


def _payments(actor: Actor, facility: Facility) -> QuerySet[Disbursement]:
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    return Disbursement.objects.filter(
        loan__facility__in=visible,
        state__in=[DisbursementState.INSTRUCTED, DisbursementState.PAID],
    ).select_related("loan", "payee", "checker")


def _repayments(actor: Actor, facility: Facility) -> QuerySet[Repayment]:
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    # What proceeds repaid is told by the conversion that applied them.
    cash = Repayment.objects.filter(facility__in=visible).exclude(source="proceeds")
    return cash.select_related("reversal__checker")


def _call_entries(actor: Actor, facility: Facility) -> QuerySet[MarginCallEntry]:
    """Return the lines of the calls' histories, but for what prices alone did to a need."""
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    by_price = Q(kind=CallEntryKind.PARTLY_CURED, by_cash=0, by_goods=0, by_write_off=0)
    return (
        MarginCallEntry.objects.filter(call__facility__in=visible)
        .exclude(by_price | Q(kind=CallEntryKind.DEEPENED))
        .select_related("call", "conversion", "repayment")
        .prefetch_related("conversion__legs")
    )


def act_of(conversion: Conversion) -> Act:
    """Return the conversion as the words need it; its legs are loaded."""
    parts: dict[str, list[Part]] = {Direction.CONSUMED: [], Direction.PRODUCED: []}
    for leg in conversion.legs.all():
        parts[leg.direction].append(part_of(leg))
    return Act(conversion.kind, parts[Direction.CONSUMED], parts[Direction.PRODUCED])


def part_of(leg: ConversionLeg) -> Part:
    """Return a leg as the words need it."""
    position, lot = leg.position, leg.position.lot
    return Part(
        right=position.right,
        thing=name_of(lot.item) if lot else label_of(position),
        place=name_of(lot.site) if lot else "",
        quantity=leg.quantity,
        unit=position.unit,
        is_money=lot is None,
    )


def first_position(conversion: Conversion) -> uuid.UUID | None:
    """Return a position to follow: what was made, or else what was taken."""
    legs = list(conversion.legs.all())
    made = [leg for leg in legs if leg.direction == Direction.PRODUCED]
    return (made or legs)[0].position_id if legs else None


def conversion_event(conversion: Conversion) -> Event:
    """Return the event of a conversion with its legs loaded."""
    position = first_position(conversion)
    before = (conversion.exposure_before, conversion.lending_value_before)
    after = (conversion.exposure_after, conversion.lending_value_after)
    return Event(
        at=conversion.occurred_at,
        rank=_CONVERSION,
        kind=conversion.kind,
        icon="lineage",
        text=tell(act_of(conversion)),
        who=conversion.actor_label,
        evidence=evidence_in_words(conversion.evidence),
        href=reverse("portal:lineage", args=[position]) if position else "",
        cover=cover_change(before=before, after=after),
        band=conversion.band_after,
        exposure=conversion.exposure_after,
        lending_value=conversion.lending_value_after,
    )


def _payment_event(payment: Disbursement) -> Event:
    text = _("%(amount)s drawn on %(loan)s and paid to %(payee)s") % {
        "amount": formats.money(payment.amount),
        "loan": payment.loan.number,
        "payee": name_of(payment.payee),
    }
    checker = payment.checker
    return Event(
        at=payment.instructed_at or payment.requested_at,
        rank=_PAYMENT,
        kind="draw",
        icon="bank",
        text=text,
        who=(checker.get_full_name() or checker.username) if checker else "",
        evidence=payment.bank_reference,
        href=reverse("portal:loan", args=[payment.loan_id]),
    )


def _repayment_event(repayment: Repayment) -> Event:
    refinanced = repayment.source == "refinance"
    text = (
        _("%(amount)s of older loans refinanced by a new one")
        if refinanced
        else _("%(amount)s repaid in cash")
    )
    return Event(
        at=repayment.recorded_at,
        rank=_REPAYMENT,
        kind="repay",
        icon="coins",
        text=text % {"amount": formats.money(repayment.amount)},
        who="",
        evidence="" if refinanced else repayment.reference,
        href=reverse("portal:loans"),
    )


def _reversal_event(repayment: Repayment) -> Event:
    reversal = repayment.reversal
    text = _("%(amount)s taken back: the repayment of %(day)s never came (%(reason)s)")
    return Event(
        at=reversal.recorded_at,
        rank=_REPAYMENT,
        kind="unpay",
        icon="coins",
        text=text
        % {
            "amount": formats.money(repayment.amount),
            "day": formats.day(repayment.received_on),
            "reason": reversal.reason,
        },
        who=reversal.checker.get_full_name() or reversal.checker.username,
        evidence=repayment.reference,
        href=reverse("portal:loans"),
    )
