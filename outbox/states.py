"""Life of an event between the commit that wrote it and the end of its work."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class EventState(TextChoices):
    """Where an event's work stands."""

    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DEAD = "dead", _("Dead")


EVENT_TRANSITIONS = frozenset(
    {
        ("pending", "running"),
        ("pending", "done"),
        ("running", "done"),
        ("running", "pending"),
        ("running", "dead"),
        ("dead", "pending"),
    }
)
EVENT_STATES = StateTable(
    states=EventState, initial={EventState.PENDING}, transitions=EVENT_TRANSITIONS
)


class Severity(TextChoices):
    """How soon somebody must look."""

    NOTICE = "notice", _("Notice")
    WARNING = "warning", _("Warning")
    URGENT = "urgent", _("Urgent")
