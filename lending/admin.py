"""The console's view of credit."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from lending.models import (
    DefaultNotice,
    Disbursement,
    Facility,
    FacilityChange,
    Loan,
    Recovery,
    Repayment,
    RepaymentAllocation,
    RepaymentReversal,
    Waiver,
    WriteOff,
    WriteOffPart,
)


@admin.register(Facility)
class FacilityAdmin(ReadOnlyAdmin):
    """Credit agreements."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "borrower", "limit", "exposure", "currency", "state")
    list_filter = ("state", "currency")
    search_fields = ("code", "name", "borrower__name", "borrower__code")
    list_select_related = ("borrower",)
    date_hierarchy = "opened_on"


@admin.register(FacilityChange)
class FacilityChangeAdmin(ReadOnlyAdmin):
    """Changes of agreed terms with maker and checker."""

    lender_path = VISIBLE_TO
    list_display = ("facility", "state", "reason", "maker", "checker", "requested_at", "decided_at")
    list_filter = ("state",)
    search_fields = ("facility__code", "reason")
    list_select_related = ("facility", "maker", "checker")
    date_hierarchy = "requested_at"


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    """Drawdowns and what is owed on them."""

    lender_path = VISIBLE_TO
    list_display = (
        "number",
        "facility",
        "product",
        "drawn",
        "owed_principal",
        "owed_interest",
        "due_on",
        "state",
    )
    list_filter = ("state", "product", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("number", "facility__code")
    list_select_related = ("facility",)
    date_hierarchy = "agreed_on"


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    """Payments out with maker and checker."""

    lender_path = VISIBLE_TO
    list_display = (
        "loan",
        "payee",
        "amount",
        "maker",
        "checker",
        "requested_at",
        "paid_on",
        "state",
    )
    list_filter = ("state", "product")
    search_fields = ("loan__number", "payee__name", "bank_reference", "purpose")
    list_select_related = ("loan", "payee", "maker", "checker")
    date_hierarchy = "requested_at"


@admin.register(Repayment)
class RepaymentAdmin(ReadOnlyAdmin):
    """Money back."""

    lender_path = VISIBLE_TO
    list_display = ("received_on", "facility", "amount", "source", "reference")
    list_filter = ("source", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("reference", "facility__code")
    list_select_related = ("facility",)
    date_hierarchy = "received_on"


@admin.register(RepaymentReversal)
class RepaymentReversalAdmin(ReadOnlyAdmin):
    """Repayments that two persons took back."""

    lender_path = VISIBLE_TO
    list_display = ("reversed_on", "repayment", "reason", "maker", "checker")
    search_fields = ("repayment__reference", "reason")
    list_select_related = ("repayment", "maker", "checker")
    date_hierarchy = "reversed_on"


@admin.register(RepaymentAllocation)
class RepaymentAllocationAdmin(ReadOnlyAdmin):
    """What each repayment paid."""

    lender_path = "repayment__tenant"
    list_display = ("repayment", "loan", "component", "amount")
    list_filter = ("component",)
    search_fields = ("loan__number", "repayment__reference")
    list_select_related = ("repayment", "loan")


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyAdmin):
    """What was forgiven within the facility's tolerance."""

    lender_path = "repayment__tenant"
    list_display = ("repayment", "loan", "component", "amount")
    list_filter = ("component",)
    search_fields = ("loan__number",)
    list_select_related = ("repayment", "loan")


@admin.register(DefaultNotice)
class DefaultNoticeAdmin(ReadOnlyAdmin):
    """Notices of default, proposed and given."""

    lender_path = VISIBLE_TO
    list_display = ("facility", "cause", "reference", "declared_on", "exposure", "state")
    list_filter = ("state", "cause")
    search_fields = ("facility__code", "reference", "reason")
    list_select_related = ("facility",)
    date_hierarchy = "proposed_at"


@admin.register(WriteOff)
class WriteOffAdmin(ReadOnlyAdmin):
    """Loans written off, with what is still claimed."""

    lender_path = VISIBLE_TO
    list_display = ("loan", "amount", "recovered", "maker", "checker", "booked_on", "state")
    list_filter = ("state",)
    search_fields = ("loan__number", "reason")
    list_select_related = ("loan", "maker", "checker")
    date_hierarchy = "requested_at"


@admin.register(WriteOffPart)
class WriteOffPartAdmin(ReadOnlyAdmin):
    """Write-offs by component."""

    lender_path = "write_off__tenant"
    list_display = ("write_off", "component", "amount")
    list_filter = ("component",)
    search_fields = ("write_off__loan__number",)
    list_select_related = ("write_off__loan",)


@admin.register(Recovery)
class RecoveryAdmin(ReadOnlyAdmin):
    """Money that came in after a write-off."""

    lender_path = "tenant"
    list_display = ("received_on", "write_off", "amount", "reference")
    search_fields = ("reference", "write_off__loan__number")
    list_select_related = ("write_off__loan",)
    date_hierarchy = "received_on"
