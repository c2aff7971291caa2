"""Processes, known by more than a number: a pid alone may by now belong to somebody else."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PAUSE = 0.05  # seconds between two looks at a process or a server


@dataclass(frozen=True)
class Account:
    """The user a server runs as; None for "the one who calls"."""

    uid: int
    gid: int


def run_as(account: Account | None) -> dict[str, Any]:
    """Return the arguments that make `subprocess` step down to `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def identity(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid; None if it is dead."""
    if BOOT_ID.exists():
        return _linux_identity(pid)
    return _ps(pid, "lstart=") or None


def _linux_identity(pid: int) -> str | None:
    try:
        # The command name, in brackets, may hold spaces; the fixed fields come after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    # A dead child nobody has waited for yet still has a pid but serves nobody.
    return None if state in "ZX" else f"{BOOT_ID.read_text().strip()}:{started}"


def command_line(pid: int) -> str:
    """Return the words process `pid` was started with, or nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "" if BOOT_ID.exists() else _ps(pid, "args=")


def _ps(pid: int, column: str) -> str:
    found = subprocess.run(
        ["ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def launch(command: list[str], *, log: IO[bytes], cwd: Path, account: Account | None) -> int:
    """Start `command` detached from this process and its terminal; return its pid.

    A shell in between starts it in the background and ends at once, so that the server becomes
    the init process's child: it outlives us and we never have to wait for it.
    """
    shell = ["/bin/sh", "-c", '"$@" </dev/null >&2 & echo $!', "sh", *command]
    started = subprocess.run(
        shell,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=cwd,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        start_new_session=True,
        check=True,
        **run_as(account),
    )
    return int(started.stdout)


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, whoever owns the one it replaces."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def fresh_log(path: Path) -> IO[bytes]:
    """Open an empty log file of our own; an older one may be another user's."""
    path.unlink(missing_ok=True)
    return path.open("wb")


class Record:
    """The file that remembers which process this checkout started for one server."""

    def __init__(self, path: Path, *, home: Path) -> None:
        """Keep the record in `path`; `home` guards against a copied checkout's record."""
        self.path = path
        self.home = home

    def write(self, pid: int) -> None:
        """Remember process `pid`."""
        data = {"pid": pid, "identity": identity(pid), "home": str(self.home)}
        replace_text(self.path, json.dumps(data))

    def pid(self) -> int | None:
        """Return the pid if that very process still lives, else None."""
        try:
            data = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        same_place = data["home"] == str(self.home)
        alive = data["identity"] is not None and identity(data["pid"]) == data["identity"]
        return int(data["pid"]) if same_place and alive else None

    def clear(self) -> None:
        """Forget the process."""
        self.path.unlink(missing_ok=True)


def end(record: Record, *, ask: signal.Signals, force: signal.Signals, patience: float) -> bool:
    """End the recorded process: `ask`, wait `patience` seconds, then `force`.

    Returns whether a process was ended. Nothing is signalled unless its identity still matches.
    """
    pid = record.pid()
    if pid is None:
        record.clear()
        return False
    for name in (ask, force):
        os.kill(pid, name)
        if wait_for_end(record, patience=patience):
            break
    record.clear()
    return True


def wait_for_end(record: Record, *, patience: float) -> bool:
    """Wait until the recorded process is gone; False after `patience` seconds."""
    deadline = time.monotonic() + patience
    while record.pid() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def last_lines(path: Path, *, count: int = 8) -> str:
    """Return the end of a server's log, for an error message."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
