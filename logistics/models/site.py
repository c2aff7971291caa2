"""Sites: the places where goods lie in a custodian's hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.immutability import frozen_columns
from logistics.states import SiteKind
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class SiteQuerySet(models.QuerySet["Site"]):
    """Reads of sites."""

    def visible_to(self, actor: Actor) -> SiteQuerySet:
        """Everybody signed in may look up a place; what lies there is the secret."""
        return self if actor.is_known else self.none()


class Site(models.Model):
    """A place run by one organisation, the custodian of what lies there."""

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    operator = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sites")
    kind = models.CharField(max_length=12, choices=SiteKind.choices)
    gln = models.CharField(max_length=13, null=True, blank=True)  # noqa: DJ001  (unique)
    address = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="site_code_taken_once"),
            models.UniqueConstraint(fields=["gln"], name="site_gln_taken_once"),
            models.CheckConstraint(name="site_named", condition=~Q(name="") & ~Q(code="")),
            models.CheckConstraint(
                name="site_gln_well_formed",
                condition=Q(gln__isnull=True) | Q(gln__regex=r"^[0-9]{13}$"),
            ),
            models.CheckConstraint(
                name="site_country_is_iso_3166", condition=Q(country__regex=r"^[A-Z]{2}$")
            ),
            models.CheckConstraint(name="site_kind_known", condition=Q(kind__in=SiteKind.values)),
        ]
        # The operator answers for the lots that lie here; another one runs another site.
        triggers = [frozen_columns("code", "operator", constraint="identity_frozen")]

    def __str__(self) -> str:
        return self.name
