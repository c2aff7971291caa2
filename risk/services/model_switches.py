"""Switch a commodity's rate model: asked for by a risk officer, put in force by another person."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from outbox.services import audit
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import NotAllowed, require_other_person
from risk.models import Commodity, CommodityKind, RateModelSwitch
from risk.rate_models.codes import RateModelCode
from risk.services.houses import house_person


class SameModel(Refusal):
    """The model asked for is in force already, or is none."""

    code = "same_model"


class SwitchWaiting(Refusal):
    """Another switch of this commodity has not been decided yet."""

    code = "switch_waiting"


class ModelMovedOn(Refusal):
    """The model that was to be replaced has been replaced since."""

    code = "model_moved_on"


class ReasonNeeded(Refusal):
    """A switch says why."""

    code = "reason_needed"


def request_switch(
    *, commodity: Commodity, model: str, reason: str, actor: Actor, now: datetime
) -> RateModelSwitch:
    """Ask for another model; nothing changes yet.

    Raises SameModel, ReasonNeeded, SwitchWaiting, NotAllowed.
    """
    maker_id = house_person(actor, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = lock_one(Commodity.objects.filter(kind=CommodityKind.COMMODITY), commodity.pk)
        _require_possible(locked, model, reason)
        with constraint_refusals({"rate_model_switch_open_once": _waiting}):
            switch = RateModelSwitch.objects.create(
                tenant_id=actor.organisation_id or 0,
                commodity=locked,
                model_before=locked.rate_model,
                model_after=model,
                reason=reason.strip(),
                maker_id=maker_id,
                requested_at=now,
            )
        _trace(switch, "request_rate_model", "rate_model_requested", actor, now)
        return switch


def apply_switch(*, switch: RateModelSwitch, actor: Actor, now: datetime) -> RateModelSwitch:
    """Put the model in force from the next publication on.

    A risk officer or approver of the maker's house other than the maker. Raises SamePerson,
    ModelMovedOn, TransitionRefused, NotAllowed.
    """
    checker_id = house_person(actor, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(switch, actor)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.apply(checker_id=checker_id, now=now)
        moved = {"ratemodelswitch_applies_to_the_model_it_names": _moved_on}
        with constraint_refusals(moved):
            locked.save()
        _trace(locked, "apply_rate_model", "rate_model_switched", actor, now)
        return locked


def refuse_switch(
    *, switch: RateModelSwitch, note: str, actor: Actor, now: datetime
) -> RateModelSwitch:
    """Leave the model as it is, by the word of another person than the maker."""
    checker_id = house_person(actor, Role.APPROVER, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(switch, actor)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id, note=note, now=now)
        locked.save()
        _trace(locked, "refuse_rate_model", "rate_model_refused", actor, now)
        return locked


def withdraw_switch(
    *, switch: RateModelSwitch, note: str, actor: Actor, now: datetime
) -> RateModelSwitch:
    """Take a request back; any risk officer of the house may."""
    house_person(actor, Role.RISK_OFFICER)
    with transaction.atomic():
        locked = _mine(switch, actor)
        locked.withdraw(note=note, now=now)
        locked.save()
        _trace(locked, "withdraw_rate_model", "rate_model_withdrawn", actor, now)
        return locked


def _mine(switch: RateModelSwitch, actor: Actor) -> RateModelSwitch:
    """Lock the switch, its commodity before it: a publication reads the model under that lock."""
    lock_one(Commodity.objects.all(), switch.commodity_id)
    locked = lock_one(RateModelSwitch.objects.select_related("commodity"), switch.pk)
    if locked.tenant_id != actor.organisation_id:
        raise NotAllowed(message=_("This model was asked for by another house."))
    return locked


def _require_possible(commodity: Commodity, model: str, reason: str) -> None:
    if model not in RateModelCode.values or model == commodity.rate_model:
        raise SameModel(
            message=_("%(code)s is computed by %(model)s already.")
            % {"code": commodity.code, "model": commodity.rate_model},
            field="model",
            numbers={"model": model},
        )
    if not reason.strip():
        raise ReasonNeeded(message=_("Say why another model is to be used."), field="reason")


def _waiting() -> SwitchWaiting:
    return SwitchWaiting(message=_("A switch of this commodity waits for its decision already."))


def _moved_on() -> ModelMovedOn:
    return ModelMovedOn(message=_("The model has changed since this was asked for: ask again."))


def _trace(switch: RateModelSwitch, action: str, topic: str, actor: Actor, now: datetime) -> None:
    detail = {
        "switch": switch.pk,
        "commodity": switch.commodity.code,
        "model_before": switch.model_before,
        "model_after": switch.model_after,
        "state": switch.state,
    }
    audit.record(
        action=f"risk.{action}",
        actor=actor,
        object_type="risk.ratemodelswitch",
        object_id=switch.pk,
        at=now,
        tenant_id=switch.tenant_id,
        detail=detail,
        reason=switch.note or switch.reason,
    )
    told = NewEvent(
        topic=f"risk.{topic}",
        aggregate="rate_model_switch",
        aggregate_id=switch.pk,
        payload=detail,
        tenant_id=switch.tenant_id,
    )
    emit_many([told], now=now)
