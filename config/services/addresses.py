"""Server addresses as environment variables write them."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DATABASE = "DATABASE_URL"
BROKER = "REDIS_URL"

SCHEMES = ("postgres", "postgresql")


def database(url: str, *, test_name: str | None = None) -> dict[str, Any]:
    """Return Django's settings for the PostgreSQL address `url`.

    Understands libpq's form: percent-escapes, `?host=/socket/folder`, and further parameters
    (`sslmode`, `options`), which are handed to libpq. Raises ValueError for another scheme or for
    an address without a database name.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES or not name:
        raise ValueError(f"{DATABASE} must look like postgresql://user:password@host:5432/name")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    port = options.pop("port", None) or parts.port or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": options,
        "TEST": {"NAME": test_name},
    }
