"""Papers and photos that were handed in before: one load of goods shown for another."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from outbox.states import Severity
from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from pledges.services.stamps import alert_sides


def note_reuse(*, instruction: Instruction, hashes: Collection[str], now: datetime) -> int:
    """Alert the lenders if a document or photo served another instruction; return how many.

    Each lender's alert names its own instructions only. Two queries and one statement a lender.
    """
    evidenced = Q(steps__step=InstructionState.EVIDENCED)
    earlier = (
        Instruction.objects.filter(
            evidenced & (Q(steps__sha256__in=hashes) | Q(steps__photos__sha256__in=hashes))
        )
        .exclude(pk=instruction.pk)
        .distinct()
        .order_by("pk")
    )
    others = list(earlier)
    if not others:
        return 0
    # One alert a lender: of its instruction that is newest.
    newest = {other.tenant_id: other for other in others} | {instruction.tenant_id: instruction}
    return sum(
        alert_sides(
            own,
            topic="pledges.evidence_reused",
            key=f"instruction:{instruction.pk}:evidence_reused",
            organisation_ids={tenant_id},
            payload={},
            now=now,
            severity=Severity.URGENT,
        )
        for tenant_id, own in newest.items()
    )
