"""Write events and journal entries with the business transaction; deliver events after it."""

from outbox.services.audit import record
from outbox.services.events import NewEvent, emit, emit_many

__all__ = ["NewEvent", "emit", "emit_many", "record"]
