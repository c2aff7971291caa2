"""Events to be worked on, and the journal of who did what."""

from outbox.models.audit import AuditEntry
from outbox.models.event import Event

__all__ = ["AuditEntry", "Event"]
