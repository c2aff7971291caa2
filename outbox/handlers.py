"""Who works on which topic. The apps above register in their AppConfig.ready, in every process.

A handler is called as ``handler(event=event, now=now)`` inside the transaction that marks the
event done: what it writes and the mark stand or fall together. It must not do what cannot be
rolled back (send, pay), and it must accept events of one aggregate in any order: a retried one
comes late.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from outbox.models import Event


class Handler(Protocol):
    """A function that does an event's work."""

    def __call__(self, *, event: Event, now: datetime) -> None:
        """Do the work; any exception means: roll back and try again later."""
        ...


_registered: dict[str, list[Handler]] = {}


def register(topic: str, handler: Handler) -> None:
    """Let ``handler`` work on every event of ``topic``; registering it twice changes nothing."""
    handlers = _registered.setdefault(topic, [])
    if handler not in handlers:
        handlers.append(handler)


def handlers_of(topic: str) -> tuple[Handler, ...]:
    """Return the handlers of a topic in order of registration."""
    return tuple(_registered.get(topic, ()))


def handled_topics() -> list[str]:
    """Return the topics that somebody works on."""
    return sorted(_registered)


@contextmanager
def only_handlers(handlers: dict[str, list[Handler]]) -> Iterator[None]:
    """Put these handlers in place of the registered ones inside the block; for tests."""
    before = dict(_registered)
    _registered.clear()
    _registered.update(handlers)
    try:
        yield
    finally:
        _registered.clear()
        _registered.update(before)
