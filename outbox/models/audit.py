"""The journal of who did what to which thing, when and why."""

from __future__ import annotations

from typing import Protocol, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.immutability import append_only


class Doer(Protocol):
    """What the journal wants to know of an actor (parties.actors.Actor is one)."""

    @property
    def label(self) -> str:
        """Its name, as the journal prints it."""
        ...

    @property
    def person_id(self) -> int | None:
        """Which person, or None for the system."""
        ...

    @property
    def organisation_id(self) -> int | None:
        """For which organisation, or None for the system."""
        ...


class Reader(Doer, Protocol):
    """A doer who also reads."""

    @property
    def sees_everything(self) -> bool:
        """Whether no scope applies."""
        ...


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Reads of the journal."""

    def visible_to(self, actor: Reader) -> Self:
        """Show a lender what happened on its books, and everybody their own acts."""
        if actor.sees_everything:
            return self
        if actor.organisation_id is None:
            return self.none()
        own = Q(organisation_id=actor.organisation_id)
        return self.filter(own | Q(tenant_id=actor.organisation_id))


class AuditEntry(models.Model):
    """One act. Rows are only ever added: the database refuses the rest."""

    action = models.CharField(max_length=80)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=160)
    organisation_id = models.BigIntegerField(null=True)
    tenant_id = models.BigIntegerField(null=True, help_text="the lender whose books it touched")
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    at = models.DateTimeField(help_text="when it was done, by the edge's clock")
    business_date = models.DateField(null=True)
    detail = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_of_object"),
            models.Index(fields=["tenant_id", "at"], name="audit_of_tenant"),
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label}: {self.action}"
