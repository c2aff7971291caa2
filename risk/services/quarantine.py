"""People's part in quarantine: one asks that a held price be confirmed or refused, another does."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import NotAllowed, require_other_person
from risk.models import HeldPrice, PriceOverride
from risk.services.held_prices import lock_hold, trace
from risk.services.houses import house_person
from risk.services.overrides import request_override
from risk.states import HoldState, OverrideState


class HoldSettled(Refusal):
    """Somebody, or time, has decided on this price already."""

    code = "hold_settled"


class ConfirmationWaiting(Refusal):
    """A second person has been asked to confirm this price already."""

    code = "confirmation_waiting"


class ReasonMissing(Refusal):
    """Whoever doubts a price says why."""

    code = "reason_missing"


def ask_confirmation(*, hold: HeldPrice, reason: str, actor: Actor, now: datetime) -> PriceOverride:
    """Ask a second person to confirm a held price: a price override that they apply or refuse.

    Raises HoldSettled, ConfirmationWaiting, and what `request_override` raises.
    """
    with transaction.atomic():
        locked = _mine(hold, actor)
        if locked.state != HoldState.HELD:
            raise HoldSettled(message=_("This price has been decided on, or is to be refused."))
        if locked.override and locked.override.state == OverrideState.REQUESTED:
            raise ConfirmationWaiting(message=_("A second person has been asked already."))
        override = request_override(
            commodity=locked.commodity,
            price=locked.price,
            on=locked.observed_on,
            reason=reason,
            actor=actor,
            now=now,
        )
        locked.override = override
        locked.save(update_fields=["override"])
    return override


def ask_refusal(*, hold: HeldPrice, note: str, actor: Actor, now: datetime) -> HeldPrice:
    """Ask a second person to hold a price for wrong. Raises NotAllowed, TransitionRefused."""
    maker_id = house_person(actor, Role.PREPARER, Role.RISK_OFFICER)
    if not note.strip():
        raise ReasonMissing(message=_("Say why the price is wrong."), field="note")
    with transaction.atomic():
        locked = _mine(hold, actor)
        locked.doubt(maker_id=maker_id, note=note.strip())
        locked.save()
        trace(locked, "doubt_price", actor, now)
    return locked


def refuse_hold(*, hold: HeldPrice, actor: Actor, now: datetime) -> HeldPrice:
    """Hold a price for wrong, as another person asked: nothing was changed by it, nothing will be.

    Raises SamePerson, NotAllowed, TransitionRefused.
    """
    checker_id = house_person(actor, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(hold, actor)
        require_other_person(actor, maker_id=locked.maker_id or 0)
        locked.refuse(checker_id=checker_id, now=now)
        locked.save()
        trace(locked, "refuse_price", actor, now)
    return locked


def keep_holding(*, hold: HeldPrice, actor: Actor, now: datetime) -> HeldPrice:
    """Do not refuse a price after all; it stays held. Raises NotAllowed, TransitionRefused."""
    house_person(actor, Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(hold, actor)
        locked.undoubt()
        locked.save()
        trace(locked, "keep_price_held", actor, now)
    return locked


def _mine(hold: HeldPrice, actor: Actor) -> HeldPrice:
    locked = lock_hold(hold)
    if locked.tenant_id != actor.organisation_id:
        raise NotAllowed(message=_("This price came by another house's feed."))
    return locked
