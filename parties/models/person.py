"""People: they sign in, belong to one organisation and hold roles in it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parties.actors import Actor
from parties.models.organisation import Organisation
from parties.roles import Role


class Theme(models.TextChoices):
    """How the pages look to a person."""

    AUTO = "auto", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class PersonQuerySet(models.QuerySet["Person"]):
    """Reads of people."""

    def visible_to(self, actor: Actor) -> PersonQuerySet:
        """Leave colleagues each other, the platform all, others none."""
        if actor.sees_everything:
            return self
        if actor.organisation_id is None:
            return self.none()
        return self.filter(organisation_id=actor.organisation_id)


class PersonManager(UserManager["Person"]):
    """Django's manager of users, with the reads of people."""

    def get_queryset(self) -> PersonQuerySet:
        """Return the reads of people."""
        return PersonQuerySet(self.model, using=self._db)

    def visible_to(self, actor: Actor) -> PersonQuerySet:
        """Leave colleagues each other, the platform all, others none."""
        return self.get_queryset().visible_to(actor)


class Person(AbstractUser):
    """Somebody who signs in for an organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="people", null=True, blank=True
    )
    language = models.CharField(max_length=10, default="en")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.AUTO)

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(name="person_theme_known", condition=Q(theme__in=Theme.values)),
        ]

    def as_actor(self) -> Actor:
        """Return the person as one who acts, for rooms below that do not know the class."""
        return Actor.of(self)


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
