"""The life of an allocation proposal."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class ProposalState(TextChoices):
    """Where a proposal stands. A suggestion is nobody's yet; who proposes it is its maker."""

    SUGGESTED = "suggested", _("Suggested")
    PROPOSED = "proposed", _("Proposed")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    STALE = "stale", _("Overtaken")


_S = ProposalState
OPEN = frozenset({_S.SUGGESTED, _S.PROPOSED})

PROPOSAL_STATES = StateTable(
    states=ProposalState,
    initial={_S.SUGGESTED},
    transitions={
        (_S.SUGGESTED, _S.PROPOSED),
        (_S.SUGGESTED, _S.STALE),
        (_S.PROPOSED, _S.ACCEPTED),
        (_S.PROPOSED, _S.DECLINED),
        (_S.PROPOSED, _S.STALE),
    },
)
