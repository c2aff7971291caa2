"""What instructions refuse, by name."""

from common.errors import Refusal


class GoodsPromised(Refusal):
    """Other pending instructions promise the goods; whose they are is not said."""

    code = "goods_promised"


class SeveralCustodians(Refusal):
    """One instruction goes to one custodian."""

    code = "several_custodians"


class NotAParty(Refusal):
    """Only the facility's borrower or lender may ask, and only their people may take back."""

    code = "not_a_party"


class NotYourInstruction(Refusal):
    """The order was sent to another custodian, or there is none."""

    code = "not_your_instruction"


class CallIsOpen(Refusal):
    """A margin call is open, and the cover would not allow the release."""

    code = "margin_call_open"


class InstructionExpired(Refusal):
    """The order is too old to be carried out: price and need were those of then."""

    code = "instruction_expired"


class ReasonNeeded(Refusal):
    """A "no" says why."""

    code = "reason_needed"


class EvidenceMissing(Refusal):
    """Evidence names its document and the SHA-256 of its content."""

    code = "evidence_missing"
