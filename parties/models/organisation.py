"""Organisations and the bank accounts they are paid on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField
from parties.roles import OrganisationKind

if TYPE_CHECKING:
    from parties.actors import Actor


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Reads of organisations."""

    def visible_to(self, actor: Actor) -> OrganisationQuerySet:
        """Everybody signed in may see whom they can deal with; names are not secrets here."""
        return self if actor.is_known else self.none()


class Organisation(models.Model):
    """A legal entity, found by its LEI, unified social credit code or GS1 location number."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=24, choices=OrganisationKind.choices)
    country = models.CharField(max_length=2)
    lei = models.CharField(_("LEI"), max_length=20, unique=True, null=True, blank=True)
    uscc = models.CharField(_("USCC"), max_length=18, unique=True, null=True, blank=True)
    gln = models.CharField(_("GLN"), max_length=13, unique=True, null=True, blank=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="organisation_has_an_identifier",
                condition=Q(lei__isnull=False) | Q(uscc__isnull=False) | Q(gln__isnull=False),
            ),
            models.CheckConstraint(
                name="organisation_kind_known", condition=Q(kind__in=OrganisationKind.values)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BankAccount(models.Model):
    """An account an organisation is paid on, in one currency."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="bank_accounts"
    )
    number = models.CharField(max_length=34)
    currency = CurrencyField()
    bank_name = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number", "currency"], name="bank_account_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} {self.number}"
