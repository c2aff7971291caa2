"""The embedded Redis: Celery's broker, on a Unix socket only."""

import signal
import socket
import time
from pathlib import Path

from config.services.binaries import redis_program
from config.services.places import Place
from config.services.processes import PAUSE, end, fresh_log, last_lines, launch

NAME = "redis"
START_PATIENCE = 60.0  # seconds
STOP_PATIENCE = 30.0

# A broker may not forget (append-only file, nothing evicted), and needs no network.
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


def url(place: Place) -> str:
    """Return the broker's address in the form kombu reads."""
    return f"redis+socket://{_socket(place)}?virtual_host=0"


def answers(place: Place) -> bool:
    """Tell whether the server replies; False while it still loads its file."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(str(_socket(place)))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def start(place: Place) -> None:
    """Start the server. The caller holds the services' lock.

    Raises RuntimeError with the log's end on failure.
    """
    # One of ours that lives but does not answer would write the same file: end it first.
    stop(place)
    log_path = place.run_dir / "redis.log"
    command = [str(redis_program(place)), *_options(place)]
    with fresh_log(log_path) as log:
        pid = launch(command, log=log, cwd=place.folder("redis"), account=place.account)
    place.record(NAME).write(pid)
    if not _wait_until_ready(place):
        raise RuntimeError(f"Redis did not start:\n{last_lines(log_path)}")


def stop(place: Place) -> bool:
    """Stop the server this checkout started; tell whether there was one."""
    # On SIGTERM Redis writes its file out before it leaves.
    return end(place.record(NAME), ask=signal.SIGTERM, force=signal.SIGKILL, patience=STOP_PATIENCE)


def _socket(place: Place) -> Path:
    return place.sockets / "redis.sock"


def _options(place: Place) -> list[str]:
    settings = SETTINGS | {"unixsocket": str(_socket(place)), "dir": str(place.folder("redis"))}
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _wait_until_ready(place: Place) -> bool:
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        if answers(place):
            return True
        if place.record(NAME).pid() is None:
            return False
        time.sleep(PAUSE)
    return False
