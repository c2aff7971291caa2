"""Two commands under one lock run one after the other."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_commands_wait_for_one_another(tmp_path: Path) -> None:
    lock, journal = tmp_path / "new" / "probe.lock", tmp_path / "journal"
    script = f"echo in >> {journal}; sleep 0.3; echo out >> {journal}"
    command = [sys.executable, "config/alone.py", str(lock), "sh", "-c", script]

    both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]

    assert [process.wait(timeout=30) for process in both] == [0, 0]
    assert journal.read_text().split() == ["in", "out", "in", "out"]


def test_the_commands_failure_is_passed_on(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "config/alone.py",
        str(tmp_path / "probe.lock"),
        "sh",
        "-c",
        "exit 7",
    ]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 7
