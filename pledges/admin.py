"""The console's view of rights, conversions and cover."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from pledges.models import (
    ActRequest,
    AllocationLine,
    AllocationProposal,
    AutoApprovalRule,
    ClaimedReceipt,
    ClaimedSerial,
    ControlEvidence,
    Conversion,
    ConversionLeg,
    ConversionStock,
    CoverRecord,
    CustodyFee,
    DisposalCase,
    DisposalChannel,
    DisposalItem,
    DisposalLot,
    EarlyWarning,
    EvidencePhoto,
    FacilityCover,
    FloatingMortgage,
    Instruction,
    InstructionLine,
    InstructionStep,
    InsurancePolicy,
    InsuredSite,
    MarginCall,
    MarginCallEntry,
    MarginCallExtension,
    MortgagedItem,
    MortgagedSite,
    Offer,
    PoolLine,
    Position,
    PositionTerm,
    PurchaseMoneyNotice,
    Registration,
    RegistrationEntry,
    Sale,
    Surplus,
    Suspension,
    WarningThreshold,
)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """The lender's claims, each on one thing."""

    lender_path = VISIBLE_TO
    list_display = ("label", "right", "facility", "quantity", "remaining", "unit", "opened_on")
    list_filter = ("right", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("id", "label", "lot__number")
    list_select_related = ("facility",)
    date_hierarchy = "opened_on"


@admin.register(PositionTerm)
class PositionTermAdmin(ReadOnlyAdmin):
    """What one unit of a position weighs in one price basis."""

    lender_path = "position__tenant"
    list_display = ("position", "basis", "market_per_unit", "lending_per_unit")
    list_filter = ("basis",)
    search_fields = ("position__label",)
    list_select_related = ("position", "basis")


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    """The journal of conversions."""

    lender_path = VISIBLE_TO
    list_display = ("occurred_at", "kind", "facility", "actor_label", "band_before", "band_after")
    list_filter = ("kind", "band_after", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("id", "actor_label", "reason", "evidence__reference")
    list_select_related = ("facility",)
    date_hierarchy = "business_date"


@admin.register(ConversionLeg)
class ConversionLegAdmin(ReadOnlyAdmin):
    """Each position's part in a conversion."""

    lender_path = "conversion__tenant"
    list_display = (
        "conversion",
        "direction",
        "position",
        "quantity",
        "market_value",
        "lending_value",
    )
    list_filter = ("direction", "conversion__kind")
    search_fields = ("position__label",)
    list_select_related = ("conversion", "position")


@admin.register(ConversionStock)
class ConversionStockAdmin(ReadOnlyAdmin):
    """Stock acts behind conversions."""

    lender_path = "conversion__tenant"
    list_display = ("conversion", "act")
    list_filter = ("conversion__kind",)
    search_fields = ("act__reference",)
    list_select_related = ("conversion", "act")


@admin.register(FacilityCover)
class FacilityCoverAdmin(ReadOnlyAdmin):
    """The band each facility is in."""

    lender_path = "tenant"
    list_display = ("facility", "band", "since", "exposure", "lending_value", "as_of")
    list_filter = ("band",)
    search_fields = ("facility__code",)
    list_select_related = ("facility",)


@admin.register(CoverRecord)
class CoverRecordAdmin(ReadOnlyAdmin):
    """Every reading of cover."""

    lender_path = "tenant"
    list_display = ("recorded_at", "facility", "cause", "exposure", "lending_value", "band")
    list_filter = ("cause", "band", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
    ordering = ("-recorded_at", "-id")
    date_hierarchy = "business_date"


@admin.register(MarginCall)
class MarginCallAdmin(ReadOnlyAdmin):
    """Margin calls and their clocks."""

    lender_path = "tenant"
    list_display = ("opened_at", "facility", "cash_needed", "due_at", "cured_at", "cure", "state")
    list_filter = ("state", "cure")
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
    date_hierarchy = "opened_on"


@admin.register(MarginCallEntry)
class MarginCallEntryAdmin(ReadOnlyAdmin):
    """The histories of margin calls."""

    lender_path = "tenant"
    list_display = ("at", "call", "kind", "need_before", "need", "due_at", "actor_label")
    list_filter = ("kind",)
    search_fields = ("call__facility__code",)
    list_select_related = ("call__facility",)
    ordering = ("-id",)


@admin.register(MarginCallExtension)
class MarginCallExtensionAdmin(ReadOnlyAdmin):
    """More time asked for, and who decided."""

    lender_path = "tenant"
    list_display = ("asked_at", "call", "due_before", "due_after", "maker", "checker", "state")
    list_filter = ("state",)
    search_fields = ("call__facility__code", "reason")
    list_select_related = ("call__facility", "maker", "checker")


@admin.register(ActRequest)
class ActRequestAdmin(ReadOnlyAdmin):
    """Reversals and goods given up: who asked, who decided."""

    lender_path = "tenant"
    list_display = ("asked_at", "facility", "kind", "maker", "checker", "state")
    list_filter = ("kind", "state")
    search_fields = ("facility__code", "reason")
    list_select_related = ("facility", "maker", "checker")


@admin.register(PoolLine)
class PoolLineAdmin(ReadOnlyAdmin):
    """What a price tick reads."""

    lender_path = "tenant"
    list_display = ("facility", "basis", "right", "market_weight", "lending_weight")
    list_filter = ("right", "basis")
    search_fields = ("facility__code",)
    list_select_related = ("facility", "basis")


@admin.register(Suspension)
class SuspensionAdmin(ReadOnlyAdmin):
    """Times in which a position counts for nothing."""

    lender_path = "position__tenant"
    list_display = ("position", "reason", "since", "lifted_at")
    list_filter = ("reason",)
    search_fields = ("position__label",)
    list_select_related = ("position",)


@admin.register(Instruction)
class InstructionAdmin(ReadOnlyAdmin):
    """Orders to custodians, from the request to the evidence."""

    lender_path = VISIBLE_TO
    list_display = ("number", "kind", "facility", "custodian", "state", "requested_at", "due_at")
    list_filter = ("state", "kind", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("id", "reason", "facility__code")
    list_select_related = ("facility", "custodian")
    date_hierarchy = "requested_on"


@admin.register(InstructionLine)
class InstructionLineAdmin(ReadOnlyAdmin):
    """The goods of each instruction."""

    lender_path = "instruction__tenant"
    list_display = ("instruction", "direction", "lot", "quantity")
    list_filter = ("direction",)
    search_fields = ("lot__number",)
    list_select_related = ("instruction", "lot__item")


@admin.register(InstructionStep)
class InstructionStepAdmin(ReadOnlyAdmin):
    """The stamps: who, when, on what, after what wait."""

    lender_path = "instruction__tenant"
    list_display = ("instruction", "step", "actor_label", "at", "waited_seconds", "reference")
    list_filter = ("step",)
    search_fields = ("actor_label", "reference", "sha256")
    list_select_related = ("instruction",)
    date_hierarchy = "at"


@admin.register(EvidencePhoto)
class EvidencePhotoAdmin(ReadOnlyAdmin):
    """Photos that came with evidence, by their hashes."""

    lender_path = "step__instruction__tenant"
    list_display = ("step", "sha256")
    search_fields = ("sha256",)
    list_select_related = ("step",)


@admin.register(AutoApprovalRule)
class AutoApprovalRuleAdmin(ReadOnlyAdmin):
    """Rules that approve instructions by themselves, every version."""

    lender_path = VISIBLE_TO
    list_display = ("facility", "kind", "version", "max_amount", "min_coverage", "state")
    list_filter = ("state", "kind", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("facility__code",)
    list_select_related = ("facility",)


@admin.register(DisposalChannel)
class DisposalChannelAdmin(ReadOnlyAdmin):
    """Ways to sell that were agreed before there was a default."""

    lender_path = "tenant"
    list_display = ("facility", "kind", "counterparty", "price_share", "valid_from", "state")
    list_filter = ("kind", "state")
    search_fields = ("facility__code", "counterparty__name", "terms")
    list_select_related = ("facility", "counterparty")


@admin.register(DisposalCase)
class DisposalCaseAdmin(ReadOnlyAdmin):
    """Enforcements, running and ended."""

    lender_path = VISIBLE_TO
    list_display = ("opened_at", "facility", "target", "exposure", "deficit", "ended_at", "state")
    list_filter = ("state", "target")
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
    date_hierarchy = "opened_on"


@admin.register(DisposalLot)
class DisposalLotAdmin(ReadOnlyAdmin):
    """What was put up for sale together."""

    lender_path = "case__tenant"
    list_display = ("case", "number", "reserve", "market_value", "opens_at", "closes_at", "state")
    list_filter = ("state",)
    search_fields = ("case__facility__code",)
    list_select_related = ("case__facility",)


@admin.register(DisposalItem)
class DisposalItemAdmin(ReadOnlyAdmin):
    """The goods and claims in each lot for sale."""

    lender_path = "lot__case__tenant"
    list_display = ("lot", "position", "quantity")
    search_fields = ("position__label",)
    list_select_related = ("lot__case__facility", "position")


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    """Offers and sealed bids; a nonce is its bidder's until the bid is opened."""

    lender_path = "lot__case__tenant"
    list_display = ("received_at", "lot", "bidder", "amount", "binding_until", "revealed_at")
    list_filter = ("channel__kind",)
    search_fields = ("bidder__name",)
    list_select_related = ("lot__case__facility", "bidder")
    date_hierarchy = "received_at"


@admin.register(Sale)
class SaleAdmin(ReadOnlyAdmin):
    """Sales in enforcement with maker and checker."""

    lender_path = "tenant"
    list_display = ("lot", "buyer", "price", "costs", "maker", "checker", "sold_on", "state")
    list_filter = ("state",)
    search_fields = ("buyer__name", "bank_reference")
    list_select_related = ("lot__case__facility", "buyer", "maker", "checker")


@admin.register(Surplus)
class SurplusAdmin(ReadOnlyAdmin):
    """What sales brought beyond the debt."""

    lender_path = "case__tenant"
    list_display = ("case", "amount", "maker", "checker", "paid_on", "state")
    list_filter = ("state",)
    search_fields = ("case__facility__code", "bank_reference")
    list_select_related = ("case__facility", "maker", "checker")


@admin.register(FloatingMortgage)
class FloatingMortgageAdmin(ReadOnlyAdmin):
    """Classes of goods that secure facilities while they move."""

    lender_path = VISIBLE_TO
    list_display = ("number", "facility", "state", "floor_value", "active_on", "crystallised_on")
    list_filter = ("state", "cause")
    search_fields = ("number", "goods_class", "facility__code")
    list_select_related = ("facility",)


@admin.register(MortgagedItem)
class MortgagedItemAdmin(ReadOnlyAdmin):
    """Items that a material manager chose for a mortgage."""

    lender_path = VISIBLE_TO
    list_display = ("mortgage", "item", "from_on", "until_on", "selected_by", "withdrawn_by")
    search_fields = ("mortgage__number", "item__code", "item__name", "reason")
    list_select_related = ("mortgage", "item", "selected_by", "withdrawn_by")


@admin.register(MortgagedSite)
class MortgagedSiteAdmin(ReadOnlyAdmin):
    """Places that a mortgage names."""

    lender_path = VISIBLE_TO
    list_display = ("mortgage", "site", "from_on", "until_on", "selected_by", "withdrawn_by")
    search_fields = ("mortgage__number", "site__code", "site__name", "reason")
    list_select_related = ("mortgage", "site", "selected_by", "withdrawn_by")


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin):
    """Security interests in public registers."""

    lender_path = VISIBLE_TO
    list_display = ("number", "register", "facility", "filed_on", "expires_on", "discharged_on")
    search_fields = ("number", "normal_number", "facility__code")
    list_select_related = ("facility",)
    date_hierarchy = "filed_on"


@admin.register(RegistrationEntry)
class RegistrationEntryAdmin(ReadOnlyAdmin):
    """What was done at the registers."""

    lender_path = "registration__tenant"
    list_display = ("registration", "act", "on", "expires_on", "actor_label")
    list_filter = ("act",)
    search_fields = ("registration__number",)
    list_select_related = ("registration",)


@admin.register(PurchaseMoneyNotice)
class PurchaseMoneyNoticeAdmin(ReadOnlyAdmin):
    """Suppliers' security interests in delivered goods."""

    lender_path = VISIBLE_TO
    list_display = ("supplier", "lot", "delivered_on", "registered_on", "last_day", "outranks")
    list_filter = ("outranks",)
    search_fields = ("number", "lot__number", "supplier__name")
    list_select_related = ("supplier", "lot__item")


@admin.register(InsurancePolicy)
class InsurancePolicyAdmin(ReadOnlyAdmin):
    """Insurance of collateral."""

    lender_path = VISIBLE_TO
    list_display = ("number", "insurer", "facility", "insured_sum", "from_on", "until_on")
    list_filter = ("lender_is_loss_payee",)
    search_fields = ("number", "insurer", "facility__code")
    list_select_related = ("facility",)


@admin.register(InsuredSite)
class InsuredSiteAdmin(ReadOnlyAdmin):
    """Places that policies name."""

    lender_path = "policy__tenant"
    list_display = ("policy", "site")
    search_fields = ("policy__number", "site__code")
    list_select_related = ("policy", "site")


@admin.register(ControlEvidence)
class ControlEvidenceAdmin(ReadOnlyAdmin):
    """Proof of the supervisors' control."""

    lender_path = VISIBLE_TO
    list_display = ("site", "kind", "reference", "facility", "taken_at", "valid_until")
    list_filter = ("kind",)
    search_fields = ("reference", "sha256", "site__code")
    list_select_related = ("site", "facility")


@admin.register(ClaimedReceipt)
class ClaimedReceiptAdmin(ReadOnlyAdmin):
    """Positions' claims on warehouse receipts."""

    lender_path = "position__tenant"
    list_display = ("receipt", "position", "placed_at", "lifted_at")
    search_fields = ("key", "receipt__number", "position__label")
    list_select_related = ("receipt", "position")


@admin.register(ClaimedSerial)
class ClaimedSerialAdmin(ReadOnlyAdmin):
    """Positions' claims on single pieces."""

    lender_path = "position__tenant"
    list_display = ("unit", "position", "placed_at", "lifted_at")
    search_fields = ("key", "unit__serial", "position__label")
    list_select_related = ("unit", "position")


@admin.register(AllocationProposal)
class AllocationProposalAdmin(ReadOnlyAdmin):
    """Plans for the pool: suggested, proposed, accepted or overtaken."""

    lender_path = VISIBLE_TO
    list_display = ("number", "facility", "made_on", "lending_before", "lending_after", "state")
    list_filter = ("state", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("facility__code", "reason")
    list_select_related = ("facility",)
    date_hierarchy = "made_on"


@admin.register(AllocationLine)
class AllocationLineAdmin(ReadOnlyAdmin):
    """What a proposal does with each lot."""

    lender_path = "proposal__tenant"
    list_display = ("proposal", "lot", "before", "after", "market_per_unit", "lending_per_unit")
    search_fields = ("lot__number",)
    list_select_related = ("proposal", "lot__item")


@admin.register(CustodyFee)
class CustodyFeeAdmin(ReadOnlyAdmin):
    """What sites charge for pledged goods."""

    lender_path = VISIBLE_TO
    list_display = ("site", "unit", "currency", "per_unit_per_day", "valid_from")
    list_filter = ("site",)
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(EarlyWarning)
class EarlyWarningAdmin(ReadOnlyAdmin):
    """What rules of early warning found, from the first day to the last."""

    lender_path = VISIBLE_TO
    list_display = (
        "first_on",
        "closed_on",
        "facility",
        "rule",
        "name",
        "subject",
        "value",
        "threshold",
    )
    list_filter = ("rule",)
    search_fields = ("name", "subject", "facility__code")
    list_select_related = ("facility",)
    date_hierarchy = "first_on"


@admin.register(WarningThreshold)
class WarningThresholdAdmin(ReadOnlyAdmin):
    """Thresholds of facilities that want their own; the others go by the defaults."""

    lender_path = "tenant"
    list_display = ("facility", "rule", "value", "active", "changed_at", "changed_by")
    list_filter = ("rule", "active")
    search_fields = ("facility__code",)
    list_select_related = ("facility",)
