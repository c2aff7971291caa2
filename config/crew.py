"""A few processes that live and end together, and leave a trail so that others can end them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.services.processes import Record, end, last_lines

PATIENCE = 20.0  # seconds: a worker finishes the task in hand


class Crew:
    """The child processes of one supervisor, this process."""

    def __init__(self, run_dir: Path, *, env: Mapping[str, str]) -> None:
        """Supervise children with the environment `env`; trail and logs lie in `run_dir`."""
        self._run_dir = run_dir
        self._env = env
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._records = [_record(run_dir, os.getpid(), "supervisor")]
        (run_dir / "logs").mkdir(exist_ok=True)
        (run_dir / "demo").mkdir(exist_ok=True)
        self._records[0].write(os.getpid())
        _remove_old_logs(run_dir)

    def start(self, name: str, command: Sequence[str], *, keep_open: Sequence[int] = ()) -> None:
        """Start `command` (a module with arguments) as `name`, with descriptors `keep_open`."""
        with self._log(name).open("wb") as log:
            # A session of its own: the terminal's Ctrl-C reaches the supervisor alone, which
            # then ends its children in good order.
            child = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self._run_dir.parent,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=keep_open,
                start_new_session=True,
            )
        record = _record(self._run_dir, os.getpid(), name)
        record.write(child.pid)
        self._records.append(record)
        self._children[name] = child

    def fallen(self) -> str | None:
        """Return the name of a child that ended by itself, if any."""
        return next((n for n, child in self._children.items() if child.poll() is not None), None)

    def last_words(self, name: str) -> str:
        """Return the end of a child's log."""
        return last_lines(self._log(name))

    def stop(self) -> None:
        """Ask every child to end, wait, then end what is left with its own children."""
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + PATIENCE
        for child in self._children.values():
            try:
                child.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        for record in self._records:
            record.clear()

    def end_orphans(self) -> None:
        """End what killed supervisors left behind."""
        for supervisor, records in _trail(self._run_dir).items():
            if _record(self._run_dir, supervisor, "supervisor").pid() is None:
                _end_all(records)

    def _log(self, name: str) -> Path:
        return self._run_dir / "logs" / f"{name}-{os.getpid()}.log"


def stop_crews(run_dir: Path) -> int:
    """End every crew that was started from `run_dir`; return how many processes had to be told."""
    told = 0
    for supervisor, records in _trail(run_dir).items():
        # The supervisor first: it ends its children itself, in good order.
        told += _end_all([_record(run_dir, supervisor, "supervisor")], patience=2 * PATIENCE)
        told += _end_all(records)
    return told


def _remove_old_logs(run_dir: Path) -> None:
    """Remove the logs of supervisors that live no more."""
    for path in (run_dir / "logs").glob("*-*.log"):
        supervisor = int(path.stem.rpartition("-")[2])
        if _record(run_dir, supervisor, "supervisor").pid() is None:
            path.unlink()


def _end_all(records: Sequence[Record], *, patience: float = PATIENCE) -> int:
    ended = [
        end(record, ask=signal.SIGTERM, force=signal.SIGKILL, patience=patience)
        for record in records
    ]
    return sum(ended)


def _record(run_dir: Path, supervisor: int, name: str) -> Record:
    return Record(run_dir / "demo" / f"{supervisor}-{name}.json", home=run_dir)


def _trail(run_dir: Path) -> dict[int, list[Record]]:
    """Return the records of every crew, by its supervisor's pid."""
    trail: dict[int, list[Record]] = {}
    for path in sorted((run_dir / "demo").glob("*.json")):
        records = trail.setdefault(int(path.name.partition("-")[0]), [])
        records.append(Record(path, home=run_dir))
    return trail
