"""Why a proposal is not kept, not decided or not carried out."""

from common.errors import Refusal


class NothingToChange(Refusal):
    """The pool already stands as the allocation would have it."""

    code = "nothing_to_change"


class FiguresMoved(Refusal):
    """The plan that was looked at is not the plan of this moment."""

    code = "figures_moved"


class ProposalOvertaken(Refusal):
    """Prices, exposure or lots moved since, and the plan no longer fits."""

    code = "proposal_overtaken"


class ReasonMissing(Refusal):
    """Turning a proposal down takes a reason."""

    code = "reason_missing"
