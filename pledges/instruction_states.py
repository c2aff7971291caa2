"""Instructions to a custodian: what they ask, how they live, and the rules that approve them."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class InstructionKind(TextChoices):
    """What the custodian is asked to do with goods."""

    PLEDGE = "pledge", _("Hold goods for the lender")
    RELEASE = "release", _("Give goods back")
    SUBSTITUTE = "substitute", _("Swap goods")


class LineDirection(TextChoices):
    """Whether a line's goods leave the pledge or come into it."""

    GIVE = "give", _("Given back")
    BRING = "bring", _("Brought in")


class InstructionState(TextChoices):
    """Where an instruction stands; each state but the first is reached by one stamp."""

    REQUESTED = "requested", _("Requested")
    INSTRUCTED = "instructed", _("Sent to the custodian")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    EXECUTED = "executed", _("Executed")
    EVIDENCED = "evidenced", _("Evidenced")
    REFUSED = "refused", _("Refused by the lender")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    DECLINED = "declined", _("Declined by the custodian")
    FAILED = "failed", _("Refused at execution")
    EXPIRED = "expired", _("Expired")


_S = InstructionState

# While it waits, its goods are promised: no second instruction may promise them.
PENDING = frozenset({_S.REQUESTED, _S.INSTRUCTED, _S.ACKNOWLEDGED})
WAITING = PENDING | {_S.EXECUTED}
DONE = frozenset({_S.EXECUTED, _S.EVIDENCED})
DECIDED_BY_LENDER = frozenset({_S.INSTRUCTED, _S.ACKNOWLEDGED, _S.FAILED, _S.DECLINED}) | DONE
STOPPED = frozenset({_S.REFUSED, _S.WITHDRAWN, _S.DECLINED, _S.FAILED, _S.EXPIRED})
# The four steps of the promise, in order.
STEPS = (_S.INSTRUCTED, _S.ACKNOWLEDGED, _S.EXECUTED, _S.EVIDENCED)

INSTRUCTION_STATES = StateTable(
    states=InstructionState,
    initial={_S.REQUESTED},
    transitions={
        (_S.REQUESTED, _S.INSTRUCTED),
        (_S.REQUESTED, _S.REFUSED),
        (_S.REQUESTED, _S.WITHDRAWN),
        (_S.REQUESTED, _S.EXPIRED),
        (_S.INSTRUCTED, _S.ACKNOWLEDGED),
        (_S.INSTRUCTED, _S.DECLINED),
        (_S.INSTRUCTED, _S.WITHDRAWN),
        (_S.INSTRUCTED, _S.EXPIRED),
        (_S.ACKNOWLEDGED, _S.EXECUTED),
        (_S.ACKNOWLEDGED, _S.FAILED),
        (_S.ACKNOWLEDGED, _S.DECLINED),
        (_S.ACKNOWLEDGED, _S.WITHDRAWN),
        (_S.ACKNOWLEDGED, _S.EXPIRED),
        (_S.EXECUTED, _S.EVIDENCED),
    },
)


class RuleState(TextChoices):
    """Life of one version of a rule that approves instructions by itself."""

    PROPOSED = "proposed", _("Proposed")
    IN_FORCE = "in_force", _("In force")
    REFUSED = "refused", _("Refused")
    ENDED = "ended", _("Ended")


RULE_STATES = StateTable(
    states=RuleState,
    initial={RuleState.PROPOSED},
    transitions={
        (RuleState.PROPOSED, RuleState.IN_FORCE),
        (RuleState.PROPOSED, RuleState.REFUSED),
        (RuleState.IN_FORCE, RuleState.ENDED),
    },
)
