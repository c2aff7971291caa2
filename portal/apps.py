"""Django's entry to the portal room."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Pages and commands that span the chain."""

    name = "portal"
