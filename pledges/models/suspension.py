"""Suspensions: times in which a position secures nothing."""

import pgtrigger
from django.db import models
from django.db.models import Q

from common.immutability import frozen_columns
from common.triggers import FirmTrigger, RefusingTrigger
from pledges.models.position import Position
from pledges.states import SuspensionReason

_FOLLOW = """
    UPDATE pledges_position AS position
       SET suspended = EXISTS (SELECT FROM pledges_suspension s
                               WHERE s.position_id = position.id AND s.lifted_at IS NULL)
     WHERE position.id IN (SELECT position_id FROM changed);
    RETURN NULL;
"""


def _positions_follow() -> list[FirmTrigger]:
    return [
        FirmTrigger(
            name=name,
            when=pgtrigger.After,
            operation=operation,
            level=pgtrigger.Statement,
            referencing=pgtrigger.Referencing(new="changed"),  # type: ignore[no-untyped-call]
            func=_FOLLOW,
        )
        for name, operation in (("suspends", pgtrigger.Insert), ("restores", pgtrigger.Update))
    ]


class Suspension(models.Model):
    """Why a position counts for nothing, since when and until when; one open per reason.

    A position that is suspended for two reasons counts again when both are gone.
    """

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="suspensions")
    reason = models.CharField(max_length=12, choices=SuspensionReason.choices)
    detail = models.JSONField(default=dict, help_text="what was found, and by whom")
    since = models.DateTimeField()
    since_on = models.DateField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["position", "reason"],
                condition=Q(lifted_at__isnull=True),
                name="suspension_open_once_per_reason",
            ),
            models.CheckConstraint(
                name="suspension_reason_known", condition=Q(reason__in=SuspensionReason.values)
            ),
        ]
        triggers = [
            frozen_columns("position", "reason", "detail", "since", "since_on"),
            RefusingTrigger(
                constraint="lifted_once",
                message="a lifted suspension stays lifted",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.lifted_at IS NOT NULL"),
            ),
            RefusingTrigger(
                constraint="rows_kept",
                message="a suspension is lifted, not deleted",
                operation=pgtrigger.Delete,
            ),
            *_positions_follow(),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.get_reason_display()}"
