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
        from orders.services.undoing import take_delivery_back
        from outbox.handlers import register
        from pledges.services.reversing_rooms import taken_back_by
        from pledges.states import ConversionKind

        for topic in ("lending.disbursement_paid", "lending.disbursement_refused"):
            register(topic, follow_payment)
        on_exposure_changed(payments_returned)
        taken_back_by(ConversionKind.DELIVER, take_delivery_back)
