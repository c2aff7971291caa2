"""The console's view of credit."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from lending.models import Disbursement, Facility, Loan, Repayment, RepaymentAllocation, Waiver


@admin.register(Facility)
class FacilityAdmin(ReadOnlyAdmin):
    """Credit agreements."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "borrower", "limit", "exposure", "currency", "state")
    list_filter = ("state", "currency")
    search_fields = ("code", "name", "borrower__name", "borrower__code")
    list_select_related = ("borrower",)
    date_hierarchy = "opened_on"


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
