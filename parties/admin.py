"""The console's view of organisations and people."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from parties.models import AuthorityLimit, BankAccount, Organisation, Person, RoleGrant


@admin.register(Organisation)
class OrganisationAdmin(ReadOnlyAdmin):
    """Legal entities with their identifiers."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "name_zh", "kind", "country", "lei", "uscc", "gln")
    list_filter = ("kind", "country")
    search_fields = ("code", "name", "name_zh", "lei", "uscc", "gln")


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnlyAdmin):
    """Accounts on which organisations are paid."""

    lender_path = VISIBLE_TO
    list_display = ("organisation", "number", "currency", "bank_name")
    list_filter = ("currency",)
    search_fields = ("number", "organisation__name", "organisation__code")
    list_select_related = ("organisation",)


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """Colleagues who sign in."""

    lender_path = VISIBLE_TO
    list_display = ("username", "first_name", "last_name", "organisation", "is_staff", "is_active")
    list_filter = ("is_active", "is_staff", "role_grants__role")
    search_fields = ("username", "first_name", "last_name", "email")
    list_select_related = ("organisation",)
    secret = frozenset({"password"})


@admin.register(RoleGrant)
class RoleGrantAdmin(ReadOnlyAdmin):
    """Roles held."""

    lender_path = "person__organisation"
    list_display = ("person", "role")
    list_filter = ("role",)
    search_fields = ("person__username",)
    list_select_related = ("person",)


@admin.register(AuthorityLimit)
class AuthorityLimitAdmin(ReadOnlyAdmin):
    """How much one person may decide alone."""

    lender_path = "person__organisation"
    list_display = ("person", "act", "amount", "currency")
    list_filter = ("act", "currency")
    search_fields = ("person__username",)
    list_select_related = ("person",)
