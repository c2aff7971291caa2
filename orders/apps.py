"""The orders room."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Django's entry to the orders room."""

    name = "orders"
