"""The portal room."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Django's entry to the portal room."""

    name = "portal"
