"""Folders that stand for checkouts in good and awkward places, cleaned of servers afterwards."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.services import stop_services
from config.services.places import locate

MakeRunDir = Callable[[str], Path]

# Where a checkout may stand, below a temporary folder.
SITUATIONS = {
    "plain": "checkout",
    "closed": "closed/checkout",  # like /root: PostgreSQL's user cannot enter
    "deep": "/".join(["a-folder-with-a-long-name"] * 5),  # sockets would exceed 107 bytes
    "odd": "Möbel, Töpfe & Co",  # what host lists and addresses would misread
}


@pytest.fixture
def make_run_dir() -> Iterator[MakeRunDir]:
    """Make the `.run` folder of a new checkout in one of the `SITUATIONS`."""
    with ExitStack() as stack:

        def make(situation: str) -> Path:
            top = Path(tempfile.mkdtemp(prefix="fullchain-test-"))
            top.chmod(0o755)
            stack.callback(shutil.rmtree, top)
            checkout = top / SITUATIONS[situation]
            checkout.mkdir(parents=True)
            if situation == "closed":
                checkout.parent.chmod(0o700)
            stack.callback(remove_servers, checkout / ".run")
            return checkout / ".run"

        yield make


@pytest.fixture
def run_dir(make_run_dir: MakeRunDir) -> Path:
    """The `.run` folder of a new checkout in an ordinary place."""
    return make_run_dir("plain")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing for long and ends with the test."""
    command = ["/bin/sh", "-c", "echo; exec sleep 1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def remove_servers(run_dir: Path) -> None:
    """Stop what runs and remove the folders outside the checkout too."""
    if not run_dir.is_dir():
        return
    stop_services(run_dir=run_dir)
    place = locate(run_dir)
    shutil.rmtree(place.home)
    shutil.rmtree(place.sockets, ignore_errors=True)
