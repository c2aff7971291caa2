"""Events to be worked on, alerts to be looked at, and the journal of who did what."""

from outbox.models.alert import Alert
from outbox.models.audit import AuditEntry
from outbox.models.event import Event

__all__ = ["Alert", "AuditEntry", "Event"]
