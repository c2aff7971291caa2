"""A server that speaks the feeds' protocols on a real socket, and feeds set up against it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as clock_time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from parties.actors import Actor, system_actor
from risk.models import Feed, FeedRun
from risk.services.feed_runs import request_due, run_feed
from risk.services.feeds import FeedTerms, Mapped, define_feed

SYSTEM: Actor = system_actor("tests")
SEVEN = clock_time(7)


@dataclass
class Answer:
    """What the server says to one address."""

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: int | None = None  # bytes after which the connection breaks

    def bytes(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


Route = Answer | Callable[[dict[str, str]], Answer]


@dataclass
class FeedServer:
    """Answers by path; `asked` keeps path, query and headers of every request."""

    url: str
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)


@contextmanager
def feed_server() -> Iterator[FeedServer]:
    """Serve on a free port of this machine until the block ends."""
    served: list[FeedServer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            served[0].asked.append((parts.path, query, dict(self.headers)))
            route = served[0].routes.get(parts.path, Answer({"error": "no route"}, 404))
            self.give(route if isinstance(route, Answer) else route(query))

        def give(self, answer: Answer) -> None:
            time.sleep(answer.wait)
            body = answer.bytes()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: answer.cut])

        def log_message(self, *args: object) -> None:
            """Keep the tests' output clean."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.append(FeedServer(f"http://127.0.0.1:{httpd.server_address[1]}"))
    try:
        yield served[0]
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


# --- recorded shapes ----------------------------------------------------------------------------


def fred_series(series: str, units: str = "Dollars per Barrel") -> dict[str, Any]:
    """Return FRED's description of a series, in its shape of 2024."""
    one = {
        "id": series,
        "realtime_start": "2020-04-24",
        "realtime_end": "2020-04-24",
        "title": "Crude Oil Prices: West Texas Intermediate (WTI) - Cushing, Oklahoma",
        "observation_start": "1986-01-02",
        "observation_end": "2020-04-20",
        "frequency": "Daily",
        "frequency_short": "D",
        "units": units,
        "units_short": "$ per Barrel",
        "seasonal_adjustment": "Not Seasonally Adjusted",
        "last_updated": "2020-04-22 12:01:06-05",
        "popularity": 84,
    }
    return {"realtime_start": "2020-04-24", "realtime_end": "2020-04-24", "seriess": [one]}


def fred_observations(prices: dict[str, str]) -> dict[str, Any]:
    """Return FRED's observations: text, "." where there is none."""
    rows = [
        {"realtime_start": "2020-04-24", "realtime_end": "2020-04-24", "date": on, "value": value}
        for on, value in prices.items()
    ]
    return {
        "realtime_start": "2020-04-24",
        "realtime_end": "2020-04-24",
        "observation_start": "1600-01-01",
        "observation_end": "9999-12-31",
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": len(rows),
        "offset": 0,
        "limit": 100000,
        "observations": rows,
    }


def eia_rows(
    prices: dict[str, str | None], *, series: str = "RWTC", units: str = "$/BBL"
) -> list[dict[str, Any]]:
    """Return rows of EIA's petroleum spot prices."""
    return [
        {
            "period": on,
            "duoarea": "YCUOK",
            "area-name": "NA",
            "product": "EPCWTI",
            "product-name": "WTI Crude Oil",
            "process": "PF4",
            "process-name": "Spot Price FOB",
            "series": series,
            "series-description": "Cushing, OK WTI Spot Price FOB (Dollars per Barrel)",
            "value": value,
            "units": units,
        }
        for on, value in prices.items()
    ]


def eia_answer(rows: list[dict[str, Any]], total: int | None = None) -> dict[str, Any]:
    """Return EIA's answer around rows; it writes the total as text."""
    return {
        "response": {
            "total": str(len(rows) if total is None else total),
            "dateFormat": "YYYY-MM-DD",
            "frequency": "daily",
            "data": rows,
            "description": "Spot prices for crude oil and petroleum products.",
        },
        "request": {"command": "/v2/petroleum/pri/spt/data/", "params": {"frequency": "daily"}},
        "apiVersion": "2.1.8",
    }


# --- feeds --------------------------------------------------------------------------------------


def make_feed(
    *,
    tenant_id: int,
    series: list[Mapped],
    now: datetime,
    code: str = "desk",
    adapter: str = "http_json",
    settings: dict[str, Any] | None = None,
    **terms: Any,
) -> Feed:
    """Set a feed up by the real service."""
    return define_feed(
        code=code,
        name=code.title(),
        adapter=adapter,
        series=series,
        terms=FeedTerms(expected_at=SEVEN, settings=settings or {}, **terms),
        actor=SYSTEM,
        now=now,
        tenant_id=tenant_id,
    )


def run_now(feed: Feed, now: datetime) -> FeedRun:
    """Let the clock find a feed due, and run it."""
    Feed.objects.filter(pk=feed.pk).update(next_run_at=now)
    assert feed.pk in request_due(now=now)
    run = run_feed(feed_id=feed.pk, actor=SYSTEM, now=now)
    assert run is not None
    feed.refresh_from_db()
    return run


def quotes(prices: dict[str, Any], series: str = "CU") -> list[dict[str, Any]]:
    """Return rows of the plain JSON that `http_json` and the drop folder take."""
    return [{"series": series, "date": on, "price": _plain(price)} for on, price in prices.items()]


def _plain(price: Any) -> Any:
    return str(price) if isinstance(price, Decimal) else price


def at(text: str) -> datetime:
    """Return an instant in UTC from ISO text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
