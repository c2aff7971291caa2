"""A report made by mistake, put right by its opposite: the first one stays in the journal."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from logistics.models import StockAct, StockEvent
from logistics.refusals import NotReversible
from logistics.services.acts import Report, add_events, close_act, open_act
from logistics.services.locking import lock_lots
from logistics.services.lots import require_free
from logistics.states import REVERSIBLE, StockActKind, StockEventKind
from parties.actors import Actor


@transaction.atomic
def reverse_act(*, act: StockAct, reason: str, actor: Actor, now: datetime) -> StockAct:
    """Move back what a report moved, in the name of who reported it; return the reversing act.

    Reversed a second time it returns the first reversal. Raises NotReversible for what was
    shipped (return it) or counted (count again), and NotFree when the goods are no longer where
    the report brought them, or are claimed there.
    """
    _require_reversible(act)
    legs = list(act.events.select_related("lot__site", "lot__item"))
    report = Report(
        kind=StockActKind.REVERSED,
        service="reverse_act",
        content={"reverses": act.pk},
        source=act.source,
        reference=f"REV-{act.pk}",
        occurred_at=now,
        evidence={"reason": reason, "reference": act.reference},
        reverses=act,
        actor=actor,
        now=now,
    )
    reversal, told_before = open_act(report, sites=[leg.lot.site for leg in legs])
    if not told_before:
        close_act(reversal, report, _move_back(reversal, legs))
    return reversal


def _require_reversible(act: StockAct) -> None:
    if act.kind in REVERSIBLE:
        return
    raise NotReversible(
        message=_(
            "%(act)s is not reversed: what was shipped is returned, what was counted is "
            "counted again"
        )
        % {"act": act},
        field="act",
    )


def _move_back(reversal: StockAct, legs: Sequence[StockEvent]) -> list[StockEvent]:
    lots = {lot.pk: lot for lot in lock_lots(leg.lot_id for leg in legs)}
    for leg in legs:
        if leg.quantity > 0:
            require_free(lots[leg.lot_id], leg.quantity)
    return add_events(
        reversal, [(lots[leg.lot_id], StockEventKind.REVERSED, -leg.quantity) for leg in legs]
    )
