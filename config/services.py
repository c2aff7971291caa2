"""Embedded PostgreSQL and Redis (interim: named servers only)."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit


def ensure_services(argv: list[str]) -> None:
    """Start or attach to the services."""


def database_settings() -> dict[str, Any]:
    """Return Django's DATABASES entry."""
    parts = urlsplit(os.environ.get("DATABASE_URL", "postgresql:///fullchain"))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": parts.username or "postgres",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "TEST": {"NAME": os.environ.get("TEST_DATABASE_NAME")},
    }


def redis_url() -> str:
    """Return the broker's address."""
    return os.environ.get("REDIS_URL", "redis://")
