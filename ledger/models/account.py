"""Accounts: one per lender, code and currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField
from common.immutability import frozen_columns
from common.triggers import RefusingTrigger
from parties.models import Organisation
from parties.roles import OrganisationKind

if TYPE_CHECKING:
    from decimal import Decimal

    from parties.actors import Actor


class AccountKind(models.TextChoices):
    """The four kinds of account; a lender's capital is outside these books."""

    ASSET = "asset", _("Asset")
    LIABILITY = "liability", _("Liability")
    INCOME = "income", _("Income")
    EXPENSE = "expense", _("Expense")

    @property
    def is_debit_kind(self) -> bool:
        """Whether a debit makes the balance larger."""
        return self in (AccountKind.ASSET, AccountKind.EXPENSE)

    def signed(self, debit: Decimal, credit: Decimal) -> Decimal:
        """Return the balance as people of this kind of account read it: growth is positive."""
        return debit - credit if self.is_debit_kind else credit - debit


class AccountQuerySet(models.QuerySet["Account"]):
    """Reads of accounts."""

    def visible_to(self, actor: Actor) -> AccountQuerySet:
        """Leave a lender's people their lender's books, the platform all, others none."""
        if actor.sees_everything:
            return self
        if actor.organisation_kind != OrganisationKind.LENDER:
            return self.none()
        return self.filter(tenant_id=actor.organisation_id)


class Account(models.Model):
    """One account of a lender's books, in one currency; opened by its first posting."""

    tenant = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    code = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=9, choices=AccountKind.choices)
    currency = CurrencyField()

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["tenant", "code", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code", "currency"], name="account_opened_once"
            ),
            models.CheckConstraint(
                name="account_kind_known", condition=Q(kind__in=AccountKind.values)
            ),
        ]
        triggers = [
            frozen_columns("id", "tenant", "code", "kind", "currency"),
            RefusingTrigger(
                constraint="never_deleted",
                message="accounts are never deleted",
                operation=pgtrigger.Delete,
            ),
            RefusingTrigger(
                constraint="never_emptied",
                message="accounts are never deleted",
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.currency}"
