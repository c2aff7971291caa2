"""Django's entry to the orders room."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Purchase orders and their staged financing."""

    name = "orders"
