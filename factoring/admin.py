"""The console's view of receivables."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from factoring.models import (
    BankEntry,
    Collection,
    CreditNote,
    CreditNoteLine,
    Rebate,
    Receivable,
    ReceivableLine,
)


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
    list_display = ("entry", "receivable", "amount", "repayment", "taken_back_at")
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


@admin.register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    """Credit notes for goods that came back."""

    lender_path = VISIBLE_TO
    list_display = ("number", "receivable", "amount", "reason", "issued_on")
    search_fields = ("number", "receivable__invoice_number", "reason")
    list_select_related = ("receivable",)
    date_hierarchy = "issued_on"


@admin.register(CreditNoteLine)
class CreditNoteLineAdmin(ReadOnlyAdmin):
    """Goods that came back."""

    lender_path = "credit_note__tenant"
    list_display = ("credit_note", "item", "quantity")
    search_fields = ("credit_note__number", "item__code")
    list_select_related = ("credit_note", "item")
