"""Kinds of organisation and roles of people, in the field's words."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrganisationKind(TextChoices):
    """What an organisation is to the chain."""

    LENDER = "lender", _("Lender")
    MANUFACTURER = "manufacturer", _("Manufacturer")
    SUPPLIER = "supplier", _("Supplier")
    CONTRACT_MANUFACTURER = "contract_manufacturer", _("Contract manufacturer")
    WAREHOUSE_OPERATOR = "warehouse_operator", _("Warehouse operator")
    CARRIER = "carrier", _("Carrier")
    BUYER = "buyer", _("Buyer")
    PLATFORM = "platform", _("Platform")


class Role(TextChoices):
    """What a person may do for the organisation."""

    PREPARER = "preparer", _("Preparer")
    APPROVER = "approver", _("Approver")
    RISK_OFFICER = "risk_officer", _("Risk officer")
    OPERATIONS = "operations", _("Operations")
    AUDITOR = "auditor", _("Auditor")
    PARTNER = "partner", _("Partner")


class Act(TextChoices):
    """Acts that an authority limit can bound."""

    DISBURSE = "disburse", _("Pay out money")
    RELEASE = "release", _("Release goods")
    WRITE_OFF = "write_off", _("Write off")
    SET_LIMIT = "set_limit", _("Set a limit")
    OVERRIDE_PRICE = "override_price", _("Override a price")
