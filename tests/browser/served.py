"""The told story behind a real web server: gunicorn in a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from common.clock import SystemClock
from config.celery import app
from config.services import addresses
from portal.story.calendar import CLOSE, END, at
from tests import storybook

PATIENCE = 90.0  # seconds until the first answer on a busy machine

# What a page is called in the tests, its address, and where its number is found.
PAGES = {
    "home": ("/", None),
    "facility": ("/facilities/{}/", "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'"),
    "map": ("/facilities/{}/map/", "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'"),
    "timeline": (
        "/facilities/{}/timeline/",
        "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'",
    ),
    "orders": ("/orders/", None),
    "order": ("/orders/{}/", "SELECT id FROM orders_purchaseorder WHERE number = 'PO-1043'"),
    "materials": ("/materials/", None),
    "mortgage": ("/materials/mortgage/", None),
    "inventory": ("/inventory/", None),
    "lot": ("/lots/{}/", "SELECT id FROM logistics_lot WHERE number = 'A1-2011-05'"),
    "receivables": ("/receivables/", None),
    "receivable": (
        "/receivables/{}/",
        "SELECT id FROM factoring_receivable WHERE invoice_number = 'INV-2012-0124'",
    ),
    "loans": ("/loans/", None),
    "loan": ("/loans/{}/", "SELECT id FROM lending_loan WHERE number = 'PL-0829'"),
    "instructions": ("/instructions/", None),
    "instruction": ("/instructions/{}/", "SELECT min(id) FROM pledges_instruction"),
    "instruction_new": ("/instructions/new/", None),
    "instruction_statistics": ("/instructions/statistics/", None),
    "legal": (
        "/facilities/{}/legal/",
        "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'",
    ),
    "rules": (
        "/facilities/{}/rules/",
        "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'",
    ),
    "channels": (
        "/facilities/{}/channels/",
        "SELECT id FROM lending_facility WHERE code = 'AURORA-2011'",
    ),
    "shipments": ("/shipments/", None),
    "shipment_new": ("/shipments/new/", None),
    "shipment": ("/shipments/{}/", "SELECT min(id) FROM logistics_shipment"),
    "control": ("/control/", None),
    "receipts": ("/receipts/", None),
    "receipt_new": ("/receipts/new/", None),
    "receipt": ("/receipts/{}/", "SELECT min(id) FROM logistics_warehousereceipt"),
    "allocation": ("/allocation/", None),
    "sell_out": ("/sell-out/", None),
    "alerts": ("/alerts/", None),
    "feeds": ("/feeds/", None),
    "warnings": ("/early-warnings/", None),
    "held_prices": ("/held-prices/", None),
    "four_eyes": ("/changes/", None),
    "calls": ("/margin-calls/", None),
    "call": ("/margin-calls/{}/", "SELECT min(id) FROM pledges_margincall"),
    "disposals": ("/disposals/", None),
    "disposal": ("/disposals/{}/", "SELECT min(id) FROM pledges_disposalcase"),
    "prices": ("/prices/", None),
    "copper": ("/prices/copper_comex/", None),
    "rate_models": ("/prices/copper_comex/models/", None),
    "search": ("/search/?q=PO-10", None),
    "conversion": (
        "/conversions/{}/",
        "SELECT id FROM pledges_conversion WHERE kind = 'pledge' ORDER BY occurred_at, id LIMIT 1",
    ),
    "lineage": (
        "/positions/{}/",
        """SELECT id FROM pledges_position WHERE "right" = 'repaid' ORDER BY label LIMIT 1""",
    ),
}


def find_addresses(book: str) -> dict[str, str]:
    """Return the address of every page of `PAGES` in one copy of the story."""
    connection = psycopg2.connect(storybook.url_of(book))
    try:
        cursor = connection.cursor()
        found = {}
        for name, (address, query) in PAGES.items():
            if query:
                cursor.execute(query)
            found[name] = address.format(*(cursor.fetchone() if query else ()))
        return found
    finally:
        connection.close()


@contextmanager
def serve(book: str, *, log: Path) -> Iterator[str]:
    """Serve one copy of the story as the demo does; give the address without a last slash."""
    # Bound here and handed over: no other test process can take the port in between.
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        command = ["gunicorn", "config.wsgi", "--bind", f"fd://{listener.fileno()}"]
        command += ["--workers", "1", "--threads", "2", "--no-control-socket"]
        child = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=storybook.ROOT,
            env=_environment(book),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            _wait_for(f"{address}/sign-in/", child, log)
            yield address
        finally:
            child.terminate()
            child.wait(timeout=PATIENCE)


def _environment(book: str) -> dict[str, str]:
    return os.environ | {
        addresses.DATABASE: storybook.url_of(book),
        addresses.BROKER: app.conf.broker_url,
        "DEMO": "1",
        "DEBUG": "",
        # As in the demonstration: pages stand in the evening of the story's last day.
        "CLOCK_SHIFT_SECONDS": str((at(END, CLOSE) - SystemClock().now()).total_seconds()),
    }


def _wait_for(address: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and child.poll() is None:
        try:
            # The socket listens already: this waits for the first answer.
            urllib.request.urlopen(address, timeout=PATIENCE).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"The web server does not answer:\n{log.read_text()}")
