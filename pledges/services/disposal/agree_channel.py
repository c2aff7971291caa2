"""Agree beforehand how collateral would be sold: proposed by one person, agreed by another."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import lock_facility, person_of, require_lender
from parties.actors import Actor
from parties.models import Organisation
from parties.services.authority import require_other_person
from pledges.models import DisposalChannel
from pledges.services.disposal.acts import CHECKERS, MAKERS, leave_trace
from pledges.services.disposal.refusals import ChannelUnsound
from pledges.states import ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTerms:
    """What is agreed: who buys how, at which share of market value at least, from when to when."""

    kind: str
    terms: str
    valid_from: date
    valid_until: date | None = None
    counterparty: Organisation | None = None
    price_share: Decimal | None = None


def propose_channel(
    *, facility: Facility, terms: ChannelTerms, actor: Actor, now: datetime
) -> DisposalChannel:
    """Write a channel down; it can be used once another person agreed, before any default.

    Raises ChannelUnsound with the field at fault, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Proposing a channel"))
    require_lender(actor, facility, *MAKERS)
    _require_sound(terms)
    with transaction.atomic():
        channel = DisposalChannel.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            kind=ChannelKind(terms.kind),
            counterparty=terms.counterparty,
            price_share=terms.price_share,
            terms=terms.terms.strip(),
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            maker_id=maker_id,
            proposed_at=now,
        )
        _trace(channel, "propose_channel", "disposal_channel_proposed", actor, now)
        return channel


def _require_sound(terms: ChannelTerms) -> None:
    named = terms.kind in (ChannelKind.BUY_BACK, ChannelKind.AGREED_BUYER)
    share = terms.price_share
    until = terms.valid_until
    checks = (
        ("kind", terms.kind in ChannelKind.values, _("There is no such channel.")),
        ("terms", bool(terms.terms.strip()), _("Say what is agreed.")),
        ("counterparty", not named or terms.counterparty is not None, _("Say who buys.")),
        (
            "price_share",
            (share is None and terms.kind != ChannelKind.BUY_BACK)
            or (share is not None and share > 0),
            _("A buy-back says at which share of market value it buys."),
        ),
        ("valid_until", until is None or until > terms.valid_from, _("It ends after it begins.")),
    )
    for field, sound, message in checks:
        if not sound:
            raise ChannelUnsound(message=message, field=field)


def agree_channel(
    *, channel: DisposalChannel, on: date, actor: Actor, now: datetime
) -> DisposalChannel:
    """Agree to a channel, by another person than its maker.

    Raises SamePerson, TransitionRefused, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Agreeing to a channel"))
    with transaction.atomic():
        facility = lock_facility(channel.facility_id)
        require_lender(actor, facility, *CHECKERS)
        locked = _lock(channel)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.agree(checker_id=checker_id, on=on)
        locked.save()
        _trace(locked, "agree_channel", "disposal_channel_agreed", actor, now, on=on)
        return locked


def refuse_channel(*, channel: DisposalChannel, actor: Actor, now: datetime) -> DisposalChannel:
    """Turn a proposed channel down."""
    checker_id = person_of(actor, _("Refusing a channel"))
    with transaction.atomic():
        facility = lock_facility(channel.facility_id)
        require_lender(actor, facility, *CHECKERS)
        locked = _lock(channel)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id)
        locked.save()
        _trace(locked, "refuse_channel", "disposal_channel_refused", actor, now)
        return locked


def end_channel(
    *, channel: DisposalChannel, on: date, actor: Actor, now: datetime
) -> DisposalChannel:
    """Use an agreed channel no more from a day on."""
    with transaction.atomic():
        facility = lock_facility(channel.facility_id)
        require_lender(actor, facility, *CHECKERS)
        locked = _lock(channel)
        locked.end(on=on)
        locked.save()
        _trace(locked, "end_channel", "disposal_channel_ended", actor, now, on=on)
        return locked


def _lock(channel: DisposalChannel) -> DisposalChannel:
    return lock_one(DisposalChannel.objects.select_related("facility"), channel.pk)


def _trace(
    channel: DisposalChannel,
    action: str,
    topic: str,
    actor: Actor,
    now: datetime,
    *,
    on: date | None = None,
) -> None:
    leave_trace(
        channel,
        action=action,
        topic=topic,
        facility=channel.facility,
        detail={"channel": str(channel), "state": channel.state},
        actor=actor,
        now=now,
        on=on,
    )
