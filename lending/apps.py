"""Django's entry to the lending room."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    """Facilities, loans, disbursements, interest and the repayment waterfall."""

    name = "lending"
