"""Getting a parcel from a server: allowed hosts only, bounded in time and size, no secret told."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from risk.feeds.interface import FeedAsk, FeedError, Parcel, unreadable

MAX_BODY = 8 * 1024 * 1024  # twenty years of daily prices of many series fit in
TELL = 200  # characters of a refusal that are kept


def get(
    ask: FeedAsk,
    name: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Parcel:
    """Return the body at an address.

    Redirects are not followed: they could lead where no feed may go. Raises FeedError.
    """
    _require_allowed(url)
    query = httpx.QueryParams(dict(params)) if params else None
    try:
        with (
            httpx.Client(timeout=_timeout(), follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, params=query, headers=dict(headers or {})) as answer,
        ):
            body = _body(answer)
    except httpx.TimeoutException as error:
        raise _too_slow() from error
    except httpx.HTTPError as error:
        # The error's own text may hold the address with its key: its kind says enough.
        raise FeedError(
            "unreachable", _("the source cannot be reached (%s)") % type(error).__name__
        ) from None
    if answer.status_code != httpx.codes.OK:
        raise _refused(answer, _without_key(body.decode(errors="replace"), ask.key), ask.now)
    return Parcel(name, body)


def decode(parcel: Parcel) -> Any:
    """Return a parcel's JSON with exact decimals; FeedError where it is cut off or no JSON."""
    try:
        return json.loads(parcel.body, parse_float=Decimal, parse_constant=Decimal)
    except ValueError as error:
        raise unreadable(f"{parcel.name}: {error}") from error


def _require_allowed(url: str) -> None:
    """Refuse an address whose host the operator has not allowed."""
    host = urlsplit(url).hostname or ""
    if host not in settings.FEED_HOSTS:
        message = _("%s is not among the hosts that feeds may ask (FEED_HOSTS)") % (host or url)
        raise FeedError("host_not_allowed", message, again=False)


def _timeout() -> httpx.Timeout:
    return httpx.Timeout(settings.FEED_TIMEOUT_SECONDS, connect=5.0)


def _body(answer: httpx.Response) -> bytes:
    """Read a body within the deadline and the size that feeds may use."""
    deadline = time.monotonic() + settings.FEED_DEADLINE_SECONDS
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BODY:
            message = _("the answer is larger than %d MB") % (MAX_BODY // 1024**2)
            raise FeedError("too_large", message, again=False)
        if time.monotonic() > deadline:
            raise _too_slow()
    return bytes(body)


def _too_slow() -> FeedError:
    return FeedError("timeout", _("the source did not answer in time"))


def _without_key(text: str, key: str) -> str:
    return text.replace(key, "***") if key else text


def _refused(answer: httpx.Response, text: str, now: datetime) -> FeedError:
    """Return what a status other than 200 means."""
    status = answer.status_code
    told = _("the source answers %(status)d: %(text)s") % {
        "status": status,
        "text": " ".join(text.split())[:TELL],
    }
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return FeedError("rate_limited", told, retry_after=_retry_after(answer, now))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return FeedError("server_error", told, retry_after=_retry_after(answer, now))
    return FeedError("refused_by_source", told, again=False)


def _retry_after(answer: httpx.Response, now: datetime) -> float | None:
    """Return the seconds of a Retry-After, given as a number or a date; None without one."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - now).total_seconds())
