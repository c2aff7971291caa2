"""What the factoring room refuses, by name."""

from common.errors import Refusal


class InvoiceAlreadyFinanced(Refusal):
    """The seller's invoice of this number backs an advance; whose is not said."""

    code = "invoice_already_financed"


class InvoiceUnsound(Refusal):
    """An invoice without number or lines, to the seller itself, or with impossible dates."""

    code = "invoice_unsound"


class InvoicePastDue(Refusal):
    """The invoice is due already: there is no time left to finance."""

    code = "invoice_past_due"


class InvoiceDoesNotAdd(Refusal):
    """The face that was stated is not the sum of the lines."""

    code = "invoice_does_not_add"


class InvoiceDoesNotTie(Refusal):
    """The invoice names other goods, or other quantities, than leave."""

    code = "invoice_does_not_tie"


class AdvanceTooHigh(Refusal):
    """More was asked than face × advance rate."""

    code = "advance_too_high"


class BankEntryDiffers(Refusal):
    """The account's entry of this reference is on record with other content."""

    code = "bank_entry_differs"


class NotThisFacilitysMoney(Refusal):
    """The entry came in for another facility than the receivable's."""

    code = "not_this_facilitys_money"


class MoreThanOutstanding(Refusal):
    """The entry is more than the buyer still owes on the invoice; it stays unmatched."""

    code = "more_than_outstanding"


class CreditNoteUnsound(Refusal):
    """A credit note without number, reason or goods, or of an impossible day."""

    code = "credit_note_unsound"


class CreditNoteDiffers(Refusal):
    """The seller's credit note of this number is on record with other content."""

    code = "credit_note_differs"


class NotSoldOnIt(Refusal):
    """Other goods came back than were sold on the invoice, or more of them."""

    code = "not_sold_on_it"


class AlreadyApplied(Refusal):
    """The collection has repaid what it could, or its surplus is being given back."""

    code = "already_applied"


class NotCollected(Refusal):
    """The buyer has not paid in full."""

    code = "not_collected"


class NothingToRebate(Refusal):
    """Nothing is left of what the buyer paid, or its rebate was asked for already."""

    code = "nothing_to_rebate"


class RebateDiffers(Refusal):
    """What is left is not what was asked to be given back."""

    code = "rebate_differs"


class NothingToTakeBack(Refusal):
    """The collection was taken back already, or has repaid nothing."""

    code = "nothing_to_take_back"

    @classmethod
    def of(cls, why: str) -> "NothingToTakeBack":
        """Say which, in a sentence."""
        return cls(message=why, field="collection")


class RebateStands(Refusal):
    """A rebate was asked for or paid on the receivable: the money is no longer all there."""

    code = "rebate_stands"
