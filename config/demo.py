"""`python -m config.demo [stop]`: the whole platform in the foreground, for one person's look.

Prepares the database (migrations, the story), then runs web, worker and beat until Ctrl-C. Several
may run at once in one checkout: each serves its own port, and one of them runs worker and beat.
"""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import NoReturn

import django
from django.core.management import CommandError, call_command
from django.db import connections

from config.crew import Crew, stop_crews
from config.services import RUN_DIR, ensure_services
from config.services.locks import held, try_hold

FIRST_PORT = 8000
PORTS_TRIED = 100
WEB_PATIENCE = 60.0  # seconds until the first answer
GLANCE = 0.5  # seconds between two looks at the processes


def main(argv: list[str]) -> int:
    """Run the demo, or stop every demo of this checkout; return the exit status."""
    match argv:
        case []:
            return run(host=os.environ.get("LISTEN", "127.0.0.1"), port=_wanted_port())
        case ["stop"]:
            print("stopped demo processes:", stop_crews(RUN_DIR) or "none")  # noqa: T201
            return 0
        case _:
            raise SystemExit("usage: python -m config.demo [stop]")


def run(*, host: str, port: int) -> int:
    """Prepare, serve on the first free port from `port`, and stay until a signal or a failure."""
    _on_signals(_leave)
    ensure_services(["demo"])
    shift = prepare()
    crew = Crew(
        RUN_DIR,
        env=os.environ | {"DEMO": "1", "CLOCK_SHIFT_SECONDS": str(shift.total_seconds())},
    )
    try:
        with listen(host, port) as listener:
            _start_web(crew, listener)
            address = _address(listener)
        _wait_for(address, crew)
        print(welcome(address), flush=True)  # noqa: T201
        return _watch(crew)
    finally:
        _on_signals(signal.SIG_IGN)
        crew.stop()


def prepare() -> timedelta:
    """Migrate and tell the story; return how far its clock stands from the machine's.

    A second demo waits for the first one to finish this. Leaves the process with one line if
    either is refused.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with held(RUN_DIR / "demo.lock"):
        try:
            call_command("migrate", verbosity=0)
            call_command("story")
            _show_a_feed()
            return _story_now() - datetime.now(UTC)
        except CommandError as error:
            raise SystemExit(f"The demo cannot be prepared: {error}") from error
        finally:
            connections.close_all()


def _show_a_feed() -> None:
    """Set up a drop folder with one file, once: the last day's metals, one with a slipped digit."""
    from portal.story.feed import leave_prices  # needs Django set up

    leave_prices(now=_story_now())


def _story_now() -> datetime:
    """Return the instant at which the story, or what people did after it, stands still."""
    from portal.queries.dates import last_act  # needs Django set up

    return last_act() + timedelta(minutes=1)


def welcome(address: str) -> str:
    """Return what a newcomer needs to know: where to look, as whom, and how to stop."""
    from portal.story.cast import DEMO_PASSWORD, ORGANISATIONS, PEOPLE  # needs Django set up

    employers = {code: name for code, name, *_ in ORGANISATIONS}
    logins = [
        f"  {username:8} {name}, {employers[code]}: {', '.join(str(role.label) for role in roles)}"
        for username, name, code, roles, *_ in PEOPLE
    ]
    lines = ["", f"Fullchain runs at {address}", f"Sign in with password {DEMO_PASSWORD} as"]
    return "\n".join([*lines, *logins, "Logs: .run/logs/   Stop: Ctrl-C"])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the first free port from `port`.

    Bound here and handed to the web server: no one can take the port in between.
    Leaves the process when none of the next hundred is free.
    """
    for candidate in range(port, port + PORTS_TRIED):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise SystemExit(f"no free port from {port} to {port + PORTS_TRIED - 1}")


def _wanted_port() -> int:
    text = os.environ.get("PORT") or str(FIRST_PORT)
    if not text.isdigit():
        raise SystemExit(f"PORT must be a number, not {text!r}")
    return int(text)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"


def _start_web(crew: Crew, listener: socket.socket) -> None:
    command = ["gunicorn", "config.wsgi", "--bind", f"fd://{listener.fileno()}"]
    # Threads, because browsers talk to it directly and some of them slowly.
    command += ["--workers", "2", "--threads", "4", "--no-control-socket"]
    crew.start("web", command, keep_open=[listener.fileno()])


def _start_tasks(crew: Crew) -> None:
    crew.start("worker", ["celery", "-A", "config", "worker", "--concurrency", "2", "-l", "INFO"])
    schedule = str(RUN_DIR / "beat-schedule")
    crew.start("beat", ["celery", "-A", "config", "beat", "--schedule", schedule, "--pidfile", ""])


def _wait_for(address: str, crew: Crew) -> None:
    """Wait until the address answers at all; any status will do, a redirect to sign in included."""
    deadline = time.monotonic() + WEB_PATIENCE
    while time.monotonic() < deadline and not crew.fallen():
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The web server does not answer:\n{crew.last_words('web')}")


def _watch(crew: Crew) -> int:
    """Stay until one of the crew falls; take over worker and beat when nobody runs them."""
    leading = None
    while not (fallen := crew.fallen()):
        if leading is None and (leading := try_hold(RUN_DIR / "tasks.lock")) is not None:
            crew.end_orphans()
            _start_tasks(crew)
        time.sleep(GLANCE)
    print(f"{fallen} ended by itself:\n{crew.last_words(fallen)}", file=sys.stderr)  # noqa: T201
    return 1


def _on_signals(handler: signal.Handlers | Callable[[int, FrameType | None], NoReturn]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
