"""Django's entry to the factoring room."""

from django.apps import AppConfig


class FactoringConfig(AppConfig):
    """Receivables from verified sales: assignment, advance, collection, reserve."""

    name = "factoring"

    def ready(self) -> None:
        """Follow advances that are repaid otherwise than by their invoice."""
        from factoring.handlers import follow_repayment
        from outbox.handlers import register

        register("lending.loan_repaid", follow_repayment)
