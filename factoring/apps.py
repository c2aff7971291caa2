"""Django's entry to the factoring room."""

from django.apps import AppConfig


class FactoringConfig(AppConfig):
    """Receivables from verified sales: assignment, advance, collection, reserve."""

    name = "factoring"

    def ready(self) -> None:
        """Follow advances that are repaid otherwise than by their invoice."""
        from factoring.handlers import follow_repayment
        from factoring.services.settling import advances_owed_again
        from lending.hooks import on_exposure_changed
        from outbox.handlers import register

        register("lending.loan_repaid", follow_repayment)
        on_exposure_changed(advances_owed_again)
