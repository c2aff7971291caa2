"""The console's view of receivables."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from factoring.models import BankEntry, Collection, Rebate, Receivable, ReceivableLine


@admin.register(Receivable)
class ReceivableAdmin(ReadOnlyAdmin):
    """Assigned invoices."""

    lender_path = VISIBLE_TO
    list_display = ("invoice_number", "seller", "debtor", "face", "currency", "due_on", "state")
    list_filter = ("state", "currency", ("debtor", admin.RelatedOnlyFieldListFilter))
    search_fields = ("invoice_number", "buyer_order", "debtor__name", "seller__name")
    list_select_related = ("seller", "debtor")
    date_hierarchy = "issued_on"


@admin.register(ReceivableLine)
class ReceivableLineAdmin(ReadOnlyAdmin):
    """Lines of invoices."""

    lender_path = "receivable__tenant"
    list_display = ("receivable", "item", "quantity", "unit_price", "amount")
    search_fields = ("receivable__invoice_number", "item__code")
    list_select_related = ("receivable", "item")


@admin.register(BankEntry)
class BankEntryAdmin(ReadOnlyAdmin):
    """Credits on the controlled accounts."""

    lender_path = VISIBLE_TO
    list_display = ("booked_on", "entry_reference", "payer_name", "amount", "currency", "state")
    list_filter = ("state", "currency", ("facility", admin.RelatedOnlyFieldListFilter))
    search_fields = ("entry_reference", "payer_name", "remittance", "account_number")
    date_hierarchy = "booked_on"


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    """Bank entries matched to receivables."""

    lender_path = "receivable__tenant"
    list_display = ("entry", "receivable", "amount", "repayment")
    search_fields = ("entry__entry_reference", "receivable__invoice_number")
    list_select_related = ("entry", "receivable", "repayment")


@admin.register(Rebate)
class RebateAdmin(ReadOnlyAdmin):
    """Reserves given back."""

    lender_path = "receivable__tenant"
    list_display = ("receivable", "amount", "maker", "checker", "paid_on", "state")
    list_filter = ("state",)
    search_fields = ("receivable__invoice_number", "bank_reference")
    list_select_related = ("receivable", "maker", "checker")
