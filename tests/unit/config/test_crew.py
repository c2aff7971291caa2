"""Processes that live together end together, even when their supervisor could not see to it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.crew import Crew, stop_crews
from config.services.processes import identity

SLEEP = ["timeit", "-n", "1", "-r", "1", "-s", "import time", "time.sleep(100)"]
# Not reached by the terminal's or the supervisor's SIGTERM.
STUBBORN = ["timeit", "-n", "1", "-r", "1", "-s"]
STUBBORN += ["import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"]
STUBBORN += ["print('deaf', flush=True); time.sleep(100)"]

# A supervisor of its own that starts one child and then waits for the end.
SUPERVISOR = """
import os, signal, sys, time
from pathlib import Path
from config.crew import Crew
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
crew = Crew(Path(sys.argv[1]), env=os.environ)
crew.start("child", {child!r})
try:
    print("ready", flush=True)
    time.sleep(100)
finally:
    crew.stop()
"""
ROOT = Path(__file__).resolve().parents[3]


def supervisor(run_dir: Path) -> subprocess.Popen[str]:
    code = SUPERVISOR.format(child=SLEEP)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(run_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def child_pids(run_dir: Path) -> list[int]:
    paths = sorted((run_dir / "demo").glob("*-child.json"))
    return [json.loads(path.read_text())["pid"] for path in paths]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while identity(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return identity(pid) is None


def test_children_end_with_their_crew(tmp_path: Path) -> None:
    crew = Crew(tmp_path, env=os.environ)
    crew.start("child", SLEEP)
    (pid,) = child_pids(tmp_path)

    assert crew.fallen() is None
    crew.stop()

    assert identity(pid) is None
    assert list((tmp_path / "demo").iterdir()) == []


def test_a_deaf_child_is_killed_after_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.crew.PATIENCE", 0.2)
    crew = Crew(tmp_path, env=os.environ)
    crew.start("child", STUBBORN)
    (pid,) = child_pids(tmp_path)
    while "deaf" not in crew.last_words("child"):
        time.sleep(0.05)

    crew.stop()

    assert identity(pid) is None


def test_a_fallen_child_is_named_with_its_last_words(tmp_path: Path) -> None:
    crew = Crew(tmp_path, env=os.environ)
    crew.start("child", ["no_such_module"])
    (pid,) = child_pids(tmp_path)

    assert gone(pid)
    assert crew.fallen() == "child"
    assert "No module named no_such_module" in crew.last_words("child")
    crew.stop()


def test_children_get_the_crew_environment(tmp_path: Path) -> None:
    crew = Crew(tmp_path, env=os.environ | {"DEMO": "1"})
    crew.start("child", ["timeit", "-n1", "-r1", "import os; print('demo', os.environ['DEMO'])"])
    (pid,) = child_pids(tmp_path)

    assert gone(pid)
    assert "demo 1" in crew.last_words("child")
    crew.stop()


def test_stop_ends_a_crew_through_its_supervisor(tmp_path: Path) -> None:
    with supervisor(tmp_path) as process:
        (child,) = child_pids(tmp_path)

        assert stop_crews(tmp_path) == 1
        assert process.wait(timeout=10) == 0
    assert identity(child) is None
    assert stop_crews(tmp_path) == 0


def test_stop_and_the_next_crew_end_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    for clean_up in (stop_crews, lambda path: Crew(path, env=os.environ).end_orphans()):
        with supervisor(tmp_path) as process:
            (child,) = child_pids(tmp_path)
            process.kill()
        assert identity(child) is not None

        clean_up(tmp_path)

        assert gone(child)


def test_another_crews_children_are_no_orphans(tmp_path: Path) -> None:
    with supervisor(tmp_path) as process:
        (child,) = child_pids(tmp_path)

        Crew(tmp_path, env=os.environ).end_orphans()

        assert identity(child) is not None
        process.send_signal(signal.SIGTERM)


def test_logs_of_ended_crews_make_room_for_the_next(tmp_path: Path) -> None:
    with supervisor(tmp_path) as living:
        ended = tmp_path / "logs" / "child-4194305.log"
        ended.touch()

        Crew(tmp_path, env=os.environ)

        logs = [path.name for path in (tmp_path / "logs").iterdir()]
        assert logs == [f"child-{living.pid}.log"]
        living.terminate()
