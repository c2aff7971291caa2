"""What must always hold of events and of the journal."""

from common.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="no_event_given_up",
        sentence="No event's work was given up",
        sql="""
            SELECT id, topic || ': ' || last_error FROM outbox_event
             WHERE state = 'dead' ORDER BY id
        """,
    ),
    Invariant(
        name="every_attempt_has_a_lease",
        sentence="Every event in work says until when, and which attempt it is",
        sql="""
            SELECT id, topic FROM outbox_event
             WHERE state = 'running' AND (lease_until IS NULL OR attempts = 0) ORDER BY id
        """,
    ),
]
