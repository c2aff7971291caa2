"""A repayment that was booked by mistake, or bounced, and was taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.immutability import append_only
from common.triggers import FirmTrigger
from lending.models.repayment import Repayment
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority

if TYPE_CHECKING:
    from parties.actors import Actor

_OF = "lending_repayment r WHERE r.id = NEW.repayment_id"


class RepaymentReversalQuerySet(models.QuerySet["RepaymentReversal"]):
    """Reads of reversals of repayments."""

    def visible_to(self, actor: Actor) -> RepaymentReversalQuerySet:
        """Whoever sees the repayment sees that it was taken back."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(repayment__facility__borrower_id=own))


class RepaymentReversal(models.Model):
    """The word of two persons that a repayment never was: once for each, never changed.

    What it had paid is owed again, with the interest from the day it had counted; see
    `lending.services.repayment_reversal`. A refinancing is not taken back: no money came in.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    repayment = models.OneToOneField(Repayment, on_delete=models.PROTECT, related_name="reversal")
    reversed_on = models.DateField()
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    objects = RepaymentReversalQuerySet.as_manager()

    class Meta:
        ordering = ["reversed_on", "id"]
        constraints = [
            models.CheckConstraint(
                name="repayment_reversal_checked_by_another_person",
                condition=~Q(maker=F("checker")),
            ),
            models.CheckConstraint(name="repayment_reversal_says_why", condition=~Q(reason="")),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="undoes_money_of_its_lender",
                message="money that came in is taken back by its lender, on its day or later",
                source=f"SELECT 1 FROM {_OF} AND r.tenant_id = NEW.tenant_id "
                "AND r.source <> 'refinance' AND r.received_on <= NEW.reversed_on",
            ),
            WithinAuthority(
                Act.DISBURSE,
                amount=f"SELECT r.amount FROM {_OF}",
                currency="SELECT f.currency FROM lending_facility f "
                f"WHERE f.id = (SELECT r.facility_id FROM {_OF})",
                operation=pgtrigger.Insert,
            ),
            FirmTrigger(
                name="takes_its_repayment_back",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="""
                    UPDATE lending_repayment SET reversed_at = NEW.recorded_at
                     WHERE id = NEW.repayment_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repayment} taken back on {self.reversed_on}"
