"""Organisations and the bank accounts they are paid on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField
from common.immutability import frozen_columns
from parties.roles import OrganisationKind

if TYPE_CHECKING:
    from parties.actors import Actor


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Reads of organisations."""

    def visible_to(self, actor: Actor) -> OrganisationQuerySet:
        """Everybody signed in may see whom they can deal with; names are not secrets here."""
        return self if actor.is_known else self.none()


class Organisation(models.Model):
    """A legal entity, found by its LEI, unified social credit code or GS1 location number.

    The database holds the identifiers' shape, the registering service their check digits.
    """

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=24, choices=OrganisationKind.choices)
    country = models.CharField(max_length=2)
    lei = models.CharField(_("LEI"), max_length=20, null=True, blank=True)  # noqa: DJ001  (unique)
    uscc = models.CharField(_("USCC"), max_length=18, null=True, blank=True)  # noqa: DJ001
    gln = models.CharField(_("GLN"), max_length=13, null=True, blank=True)  # noqa: DJ001

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="organisation_code_taken_once"),
            models.UniqueConstraint(fields=["lei"], name="organisation_lei_taken_once"),
            models.UniqueConstraint(fields=["uscc"], name="organisation_uscc_taken_once"),
            models.UniqueConstraint(fields=["gln"], name="organisation_gln_taken_once"),
            models.CheckConstraint(
                name="organisation_has_an_identifier",
                condition=Q(lei__isnull=False) | Q(uscc__isnull=False) | Q(gln__isnull=False),
            ),
            models.CheckConstraint(
                name="organisation_kind_known", condition=Q(kind__in=OrganisationKind.values)
            ),
            models.CheckConstraint(name="organisation_named", condition=~Q(name="") & ~Q(code="")),
            models.CheckConstraint(
                name="organisation_country_is_iso_3166", condition=Q(country__regex=r"^[A-Z]{2}$")
            ),
            # ISO 17442, GB 32100-2015 (no I, O, S, V, Z) and the GS1 General Specifications.
            models.CheckConstraint(
                name="organisation_lei_well_formed",
                condition=Q(lei__isnull=True) | Q(lei__regex=r"^[A-Z0-9]{18}[0-9]{2}$"),
            ),
            models.CheckConstraint(
                name="organisation_uscc_well_formed",
                condition=Q(uscc__isnull=True)
                | Q(uscc__regex=r"^[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}$"),
            ),
            models.CheckConstraint(
                name="organisation_gln_well_formed",
                condition=Q(gln__isnull=True) | Q(gln__regex=r"^[0-9]{13}$"),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BankAccountQuerySet(models.QuerySet["BankAccount"]):
    """Reads of bank accounts."""

    def visible_to(self, actor: Actor) -> BankAccountQuerySet:
        """Leave lenders the accounts they may have to pay, everybody else their own."""
        if actor.sees_everything or actor.organisation_kind == OrganisationKind.LENDER:
            return self
        if actor.organisation_id is None:
            return self.none()
        return self.filter(organisation_id=actor.organisation_id)


class BankAccount(models.Model):
    """An account an organisation is paid on, in one currency.

    It is never pointed elsewhere: a payee who changes banks gets a new account, so that a payment
    already approved cannot be turned to another number.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="bank_accounts"
    )
    number = models.CharField(max_length=34)
    currency = CurrencyField()
    bank_name = models.CharField(max_length=120)

    objects = BankAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number", "currency"], name="bank_account_number_unique"
            ),
            models.CheckConstraint(
                name="bank_account_number_well_formed",
                condition=Q(number__regex=r"^[A-Z0-9]{5,34}$"),
            ),
        ]
        triggers = [
            frozen_columns(
                "organisation", "number", "currency", constraint="never_pointed_elsewhere"
            )
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} {self.number}"
