"""Processes are known by more than their number."""

import os
import signal
import subprocess
from pathlib import Path

from config.services.processes import Record, command_line, end, identity


def test_a_process_has_one_identity_while_it_lives(sleeper: subprocess.Popen[bytes]) -> None:
    living = identity(sleeper.pid)
    assert living
    assert living == identity(sleeper.pid)
    assert "sleep" in command_line(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    # Dead, not yet waited for: the pid exists and means nobody.
    assert identity(sleeper.pid) is None
    sleeper.wait()
    assert identity(sleeper.pid) is None
    assert command_line(sleeper.pid) == ""


def test_a_record_holds_for_one_process_in_one_place(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Record(tmp_path / "probe.json", home=tmp_path)
    record.write(sleeper.pid)

    assert record.pid() == sleeper.pid
    assert Record(record.path, home=tmp_path / "elsewhere").pid() is None
    sleeper.kill()
    sleeper.wait()
    assert record.pid() is None


def test_an_unreadable_record_names_nobody(tmp_path: Path) -> None:
    record = Record(tmp_path / "probe.json", home=tmp_path)
    assert record.pid() is None
    record.path.write_text("{half")
    assert record.pid() is None


def test_ending_spares_a_process_that_got_the_pid_later(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Record(tmp_path / "probe.json", home=tmp_path)
    record.write(sleeper.pid)
    record.path.write_text(record.path.read_text().replace(identity(sleeper.pid) or "", "earlier"))

    assert not end(record, ask=signal.SIGTERM, force=signal.SIGKILL, patience=1)
    assert sleeper.poll() is None
    assert not record.path.exists()
