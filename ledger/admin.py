"""The console's view of the books."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from ledger.models import Account, BalanceSnapshot, Entry, Posting


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts of the chart that were opened."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "kind", "currency")
    list_filter = ("kind", "currency")
    search_fields = ("code", "name")


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Journal entries."""

    lender_path = VISIBLE_TO
    list_display = (
        "id",
        "booked_on",
        "kind",
        "reference",
        "narrative",
        "line_count",
        "actor_label",
    )
    list_filter = ("kind",)
    search_fields = ("reference", "narrative", "idempotency_key")
    ordering = ("-booked_on", "-id")
    date_hierarchy = "booked_on"


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Lines of the journal: from, to, how much."""

    lender_path = "tenant"
    list_display = ("entry", "line_no", "debit_account", "credit_account", "amount", "currency")
    list_filter = ("currency",)
    search_fields = ("debit_account__code", "credit_account__code", "entry__reference")
    list_select_related = ("entry", "debit_account", "credit_account")
    ordering = ("-entry_id", "line_no")


@admin.register(BalanceSnapshot)
class BalanceSnapshotAdmin(ReadOnlyAdmin):
    """Balances summed up to a posting."""

    lender_path = "account__tenant"
    list_display = ("account", "through_posting_id", "debit", "credit", "taken_at")
    search_fields = ("account__code",)
    list_select_related = ("account",)
    date_hierarchy = "taken_at"
