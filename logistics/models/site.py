"""Sites: the places where goods lie in a custodian's hands."""

from django.db import models
from django.db.models import Q

from logistics.states import SiteKind
from parties.models import Organisation


class Site(models.Model):
    """A place run by one organisation, the custodian of what lies there."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    operator = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sites")
    kind = models.CharField(max_length=12, choices=SiteKind.choices)
    gln = models.CharField(max_length=13, unique=True, null=True, blank=True)
    address = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="site_kind_known", condition=Q(kind__in=SiteKind.values))
        ]

    def __str__(self) -> str:
        return self.name
