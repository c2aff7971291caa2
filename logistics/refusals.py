"""What the logistics room refuses, by name."""

from common.errors import Refusal


class NotFree(Refusal):
    """More was asked of a lot than is on hand and free of claims."""

    code = "not_free"


class AlreadyClaimed(NotFree):
    """The goods are there, but claimed; by whom is not said."""

    code = "already_claimed"


class HoldTooSmall(Refusal):
    """More was to be taken from a claim than it holds."""

    code = "hold_too_small"


class UnknownHold(Refusal):
    """No claim goes by this reference."""

    code = "unknown_hold"


class HoldReferenceTaken(Refusal):
    """The position has its claim already."""

    code = "hold_reference_taken"


class UnknownLot(Refusal):
    """There is no such lot."""

    code = "unknown_lot"


class QuantityNotPossible(Refusal):
    """A quantity of zero or less, with more decimals than are counted, or of half a piece."""

    code = "quantity_not_possible"


class ShareNotPossible(Refusal):
    """A share that is not between its bounds, or has more than 8 decimals."""

    code = "share_not_possible"


class AmountNotPossible(Refusal):
    """An amount below zero, or with more than 4 decimals."""

    code = "amount_not_possible"


class InTheFuture(Refusal):
    """What has not happened yet is not reported."""

    code = "in_the_future"


class ReferenceMissing(Refusal):
    """A report without a reference (or with one of more than 80 signs) could not be told again."""

    code = "reference_missing"


class ReferenceReused(Refusal):
    """The custodian's reference stands for another report."""

    code = "reference_reused"


class NotTheCustodian(Refusal):
    """Stock is reported by who keeps it."""

    code = "not_the_custodian"


class SpeaksForAnother(Refusal):
    """A partner reports in its own name only."""

    code = "speaks_for_another"


class LotNumberNotPossible(Refusal):
    """A lot's number is missing or too long."""

    code = "lot_number_not_possible"


class LotDiffers(Refusal):
    """The number stands for a lot of another owner or quality at this site."""

    code = "lot_differs"


class NothingToReport(Refusal):
    """A report without any goods, or a move to where the goods are."""

    code = "nothing_to_report"


class LotRepeated(Refusal):
    """One report names a lot twice."""

    code = "lot_repeated"


class NoBill(Refusal):
    """The product has no bill of materials."""

    code = "no_bill"


class ProductionDoesNotTie(Refusal):
    """What was consumed is not what the bill asks, within its losses."""

    code = "production_does_not_tie"


class NotInThisRun(Refusal):
    """The goods are not in process in this run."""

    code = "not_in_this_run"


class RunKnown(Refusal):
    """The site has a run of this number."""

    code = "run_known"


class MaterialElsewhere(Refusal):
    """The material does not lie where production took place."""

    code = "material_elsewhere"


class MaterialOfAnother(Refusal):
    """The material belongs to somebody else than the product would."""

    code = "material_of_another"


class CountBelowClaims(Refusal):
    """The count found less than is claimed."""

    code = "count_below_claims"


class NotTheCarriersVehicle(Refusal):
    """Goods are loaded into a vehicle or container that their carrier runs."""

    code = "not_the_carriers_vehicle"


class DocumentNotPossible(Refusal):
    """A document of title has a number, and covers the goods of one owner."""

    code = "document_not_possible"


class DocumentTaken(Refusal):
    """The carrier's number stands for another shipment, however it is written."""

    code = "document_of_title_taken"


class NotReversible(Refusal):
    """Such a report is not put right by its opposite, or it was reversed already."""

    code = "stock_act_not_reversible"


class MoreThanShipped(Refusal):
    """More came back than had left."""

    code = "more_than_shipped"


class CodeTaken(Refusal):
    """The code or number stands for another item or site."""

    code = "code_taken"


class CodeNotPossible(Refusal):
    """A code is letters, digits, dashes and underscores, at most 40; a name is not empty."""

    code = "code_not_possible"


class CheckDigitWrong(Refusal):
    """A GS1 number whose length or check digit cannot be."""

    code = "check_digit_wrong"


class UnknownCommodity(Refusal):
    """No commodity goes by this code."""

    code = "unknown_commodity"


class UnknownMaterial(Refusal):
    """No item goes by this code, or it is the product itself."""

    code = "unknown_material"


class BillKnown(Refusal):
    """The product has a bill; past production is judged by it."""

    code = "bill_known"


class ReceiptNumberNotPossible(Refusal):
    """A receipt's or serial number is missing or too long."""

    code = "receipt_number_not_possible"


class ReceiptNumberTaken(Refusal):
    """The operator has issued a receipt of this number, in whatever spelling."""

    code = "receipt_number_taken"


class ReceiptsBeyondGoods(Refusal):
    """Receipts would stand for more goods than lie there."""

    code = "receipts_beyond_goods"


class ReceiptOutstanding(Refusal):
    """Goods leave only when the receipts for them have been surrendered."""

    code = "receipt_outstanding"


class PartsDiffer(Refusal):
    """The parts do not add up to the whole, or what is to be joined is not alike."""

    code = "parts_differ"


class NotTheHolder(Refusal):
    """Only its holder hands a receipt on or gives it back."""

    code = "not_the_holder"


class SerialsDiffer(Refusal):
    """A serial number is given twice, or there are more of them than pieces."""

    code = "serials_differ"
