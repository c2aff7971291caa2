"""Django's entry to the factoring room."""

from django.apps import AppConfig


class FactoringConfig(AppConfig):
    """Receivables from verified sales: assignment, advance, collection, reserve."""

    name = "factoring"

    def ready(self) -> None:
        """Follow advances repaid otherwise than by their invoice; measure debtors for warnings."""
        from factoring.handlers import follow_repayment
        from factoring.services.settling import advances_owed_again
        from factoring.services.undoing import take_match_back, take_use_back
        from factoring.warnings import DEBTOR_SHARE
        from lending.hooks import on_exposure_changed
        from outbox.handlers import register
        from pledges.rules.warnings import WarningRule
        from pledges.services.reversing_rooms import taken_back_by
        from pledges.states import ConversionKind
        from pledges.warning_reads import add_measure

        add_measure(WarningRule.DEBTOR_SHARE, DEBTOR_SHARE)
        register("lending.loan_repaid", follow_repayment)
        on_exposure_changed(advances_owed_again)
        taken_back_by(ConversionKind.APPLY, take_use_back)
        taken_back_by(ConversionKind.COLLECT, take_match_back)
