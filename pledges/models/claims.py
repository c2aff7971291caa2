"""What can be claimed once on the whole platform: receipts and single pieces."""

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import Q

from common.immutability import frozen_columns
from common.triggers import RefusingTrigger
from logistics.models import SerialUnit, WarehouseReceipt
from pledges.models.position import Position

if TYPE_CHECKING:
    from collections.abc import Sequence


def _claim_guards(*columns: str) -> "Sequence[pgtrigger.Trigger]":
    return [
        frozen_columns("position", "key", "placed_at", *columns),
        RefusingTrigger(
            constraint="lifted_once",
            message="a lifted claim stays lifted",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition("OLD.lifted_at IS NOT NULL"),
        ),
        RefusingTrigger(
            constraint="rows_kept",
            message="a claim is lifted, not deleted",
            operation=pgtrigger.Delete,
        ),
    ]


class _Claim(models.Model):
    """A position's claim on one thing: one at a time, across all lenders.

    `key` is what the thing is called, in one spelling. The claim falls with its position (a
    trigger on positions sees to it).
    """

    key = models.CharField(max_length=120)
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["placed_at", "id"]


def _claimed_once(name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["key"], condition=Q(lifted_at__isnull=True), name=name)


class ClaimedReceipt(_Claim):
    """A position's claim on a warehouse receipt; `key` is the operator's number and the receipt's.

    It may go over to the parts of a divided receipt.
    """

    position = models.ForeignKey(
        Position, on_delete=models.PROTECT, related_name="claimed_receipts"
    )
    receipt = models.ForeignKey(WarehouseReceipt, on_delete=models.PROTECT, related_name="claims")

    class Meta(_Claim.Meta):
        constraints = [_claimed_once("receipt_claimed_once")]
        triggers = [*_claim_guards("receipt")]

    def __str__(self) -> str:
        return f"{self.receipt}: {self.position}"


class ClaimedSerial(_Claim):
    """A position's claim on one piece by its serial number.

    `key` is the kind's number (GTIN, else the item's code) and the serial, so that a piece
    recorded in two places is still one piece.
    """

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="claimed_serials")
    unit = models.ForeignKey(SerialUnit, on_delete=models.PROTECT, related_name="claims")

    class Meta(_Claim.Meta):
        constraints = [_claimed_once("serial_claimed_once")]
        triggers = [*_claim_guards("unit")]

    def __str__(self) -> str:
        return f"{self.unit}: {self.position}"
