"""States of price overrides, runs of feeds and held prices, and the pairs that may follow."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class OverrideState(TextChoices):
    """Life of a price set by hand: asked for by one person, decided by another."""

    REQUESTED = "requested", _("Requested")
    APPLIED = "applied", _("In force")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


OVERRIDE_STATES = StateTable(
    states=OverrideState,
    initial={OverrideState.REQUESTED},
    transitions={
        (OverrideState.REQUESTED, OverrideState.APPLIED),
        (OverrideState.REQUESTED, OverrideState.REFUSED),
        (OverrideState.REQUESTED, OverrideState.WITHDRAWN),
    },
)


class RunState(TextChoices):
    """Life of one run of a feed."""

    REQUESTED = "requested", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


RUN_STATES = StateTable(
    states=RunState,
    initial={RunState.REQUESTED},
    transitions={
        (RunState.REQUESTED, RunState.RUNNING),
        (RunState.RUNNING, RunState.DONE),
        (RunState.RUNNING, RunState.FAILED),
    },
)


class HoldState(TextChoices):
    """Life of a price that was not believed at once."""

    HELD = "held", _("Held")
    DOUBTED = "doubted", _("To be refused")
    CONFIRMED = "confirmed", _("Confirmed")
    REFUSED = "refused", _("Refused")
    OVERTAKEN = "overtaken", _("Overtaken")


HOLD_STATES = StateTable(
    states=HoldState,
    initial={HoldState.HELD},
    transitions={
        (HoldState.HELD, HoldState.DOUBTED),
        (HoldState.HELD, HoldState.CONFIRMED),
        (HoldState.HELD, HoldState.OVERTAKEN),
        (HoldState.DOUBTED, HoldState.HELD),
        (HoldState.DOUBTED, HoldState.REFUSED),
        (HoldState.DOUBTED, HoldState.OVERTAKEN),
    },
)
