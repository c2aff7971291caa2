"""Server addresses as environment variables write them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

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
        # A request does not pay for a new connection; one that died is noticed and replaced.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
        "TEST": {"NAME": test_name},
    }


def database_url(settings: Mapping[str, Any], *, name: str | None = None) -> str:
    """Return the address that `database` reads as `settings`; `name` puts in another database."""
    login = quote(settings["USER"], safe="")
    if settings["PASSWORD"]:
        login += ":" + quote(settings["PASSWORD"], safe="")
    options = {"host": settings["HOST"], "port": settings["PORT"], **settings.get("OPTIONS", {})}
    # libpq reads %20, but takes a plus sign for itself.
    given = {key: value for key, value in options.items() if value}
    query = urlencode(given, quote_via=quote)
    return f"postgresql://{login}@/{quote(name or settings['NAME'])}?{query}"


def broker_with_number(url: str, number: int) -> str:
    """Return the broker's address with Redis database `number` in it.

    Redis keeps 16 databases apart; tests use their own, so that no demo's worker takes their tasks.
    """
    parts = urlsplit(url)
    if parts.scheme.endswith("+socket"):
        return f"{parts.scheme}://{parts.path}?virtual_host={number}"
    return parts._replace(path=f"/{number}").geturl()
