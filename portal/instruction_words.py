"""Instructions in words: their clocks, waits, goods and steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from pledges.instruction_states import InstructionState, LineDirection
from pledges.models import Instruction, InstructionLine
from portal import formats
from portal.names import joined, name_of

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_S = InstructionState


def duration(seconds: int | float | Decimal | None) -> str:
    """Return a length of time in its two largest units: "1 h 15 min", "45 s", "2 d 3 h"."""
    if seconds is None:
        return formats.EMPTY
    whole = int(seconds)
    if whole < MINUTE:
        return _("%(count)s s") % {"count": whole}
    if whole < HOUR:
        return _("%(count)s min") % {"count": whole // MINUTE}
    if whole < DAY:
        return _("%(hours)s h %(minutes)s min") % {
            "hours": whole // HOUR,
            "minutes": whole % HOUR // MINUTE,
        }
    return _("%(days)s d %(hours)s h") % {"days": whole // DAY, "hours": whole % DAY // HOUR}


def time_left(due_at: datetime | None, now: datetime) -> str:
    """Say how long a clock has still to run, or by how much it ran out."""
    if due_at is None:
        return formats.EMPTY
    seconds = (due_at - now).total_seconds()
    if seconds < 0:
        return _("%(time)s late") % {"time": duration(-seconds)}
    return _("%(time)s left") % {"time": duration(seconds)}


def clock_tone(due_at: datetime | None, now: datetime) -> str:
    """Return how urgent a clock looks: bad when it ran out, warn in its last quarter of an hour."""
    if due_at is None:
        return ""
    seconds = (due_at - now).total_seconds()
    return "bad" if seconds < 0 else "warn" if seconds < 15 * MINUTE else ""


def line_in_words(line: InstructionLine) -> str:
    """Return a line's goods: "4,000 pcs Aurora One phone, A1-2011-05"."""
    lot = line.lot
    return joined(
        f"{formats.quantity(line.quantity, lot.item.unit)} {name_of(lot.item)}", lot.number
    )


def goods_in_words(instruction: Instruction) -> str:
    """Return what is given and what is brought, in one line."""
    sides = {
        side: str(_("; ")).join(
            line_in_words(line) for line in instruction.lines.all() if line.direction == side
        )
        for side in (LineDirection.GIVE, LineDirection.BRING)
    }
    given, brought = sides[LineDirection.GIVE], sides[LineDirection.BRING]
    if given and brought:
        return _("%(given)s for %(brought)s") % {"given": given, "brought": brought}
    return given or brought


def title_of(instruction: Instruction) -> str:
    """Return what it asks, with its number."""
    return f"{instruction.get_kind_display()} · {instruction.number}"


def next_step(instruction: Instruction) -> str:
    """Say who must do what now; empty where nothing waits."""
    custodian = name_of(instruction.custodian)
    words = {
        _S.REQUESTED: _("The lender decides"),
        _S.INSTRUCTED: _("%(custodian)s acknowledges") % {"custodian": custodian},
        _S.ACKNOWLEDGED: _("%(custodian)s executes") % {"custodian": custodian},
        _S.EXECUTED: _("%(custodian)s gives evidence") % {"custodian": custodian},
    }
    return words.get(InstructionState(instruction.state), "")


def objection_in_words(code: str) -> str:
    """Say why no rule approved it by itself."""
    words = {
        "amount": _("the amount is above the rule’s"),
        "coverage": _("coverage afterwards is below the rule’s"),
        "rating": _("the custodian’s record is too short or too late"),
        "not_valid_today": _("the rule is not valid today"),
        "same_person": _("who asks stands behind the rule"),
    }
    return words.get(code, _("the person behind the rule may not approve it"))
