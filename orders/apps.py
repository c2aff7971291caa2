"""Django's entry to the orders room."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Purchase orders and their staged financing."""

    name = "orders"

    def ready(self) -> None:
        """Follow payments that the bank or a lender's clerk settled in lending itself."""
        from lending.hooks import on_exposure_changed
        from orders.handlers import follow_payment
        from orders.services.returns import payments_returned
        from outbox.handlers import register

        for topic in ("lending.disbursement_paid", "lending.disbursement_refused"):
            register(topic, follow_payment)
        on_exposure_changed(payments_returned)
