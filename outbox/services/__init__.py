"""Write events, alerts and journal entries with the transaction; deliver events after it."""

from outbox.services.audit import record
from outbox.services.events import NewEvent, emit, emit_many

__all__ = ["NewEvent", "emit", "emit_many", "record"]
