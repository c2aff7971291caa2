"""People: they sign in, belong to one organisation and hold roles in it."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from parties.models.organisation import Organisation
from parties.roles import Role


class Person(AbstractUser):
    """Somebody who signs in for an organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="people", null=True, blank=True
    )
    language = models.CharField(max_length=10, default="en")
    theme = models.CharField(max_length=10, default="auto")


class RoleGrant(models.Model):
    """One role held by one person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], name="role_granted_once"),
            models.CheckConstraint(name="role_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"
