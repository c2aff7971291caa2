"""States of price overrides, and the pairs that may follow each other."""

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
