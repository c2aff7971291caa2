"""Where the servers of a checkout keep their data and sockets, and as whom they run.

Usually that is `.run/servers/`. Two things can rule it out: PostgreSQL refuses to run as root and
the unprivileged user it steps down to cannot reach a checkout under /root; and a Unix socket's path
may not exceed 107 bytes. Then a private folder elsewhere takes its part, and `.run/place.json`
points to it.
"""

import json
import os
import pwd
import re
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from config.services.locks import held
from config.services.processes import Account, Record, replace_text, run_as

# sockaddr_un holds 108 bytes with the closing zero; PostgreSQL's is the longest name we use.
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"
SOCKET_PATH_BYTES = 107
# Commas and spaces mean something in host lists and addresses.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")


@dataclass(frozen=True)
class Place:
    """The folders of one checkout's servers."""

    run_dir: Path
    home: Path
    sockets: Path

    @cached_property
    def account(self) -> Account | None:
        """The user the servers run as: the home's owner when we are root, else the caller."""
        if os.geteuid() != 0:
            return None
        owner = self.home.stat()
        return Account(uid=owner.st_uid, gid=owner.st_gid)

    def folder(self, name: str) -> Path:
        """Return a private folder of the home, made for the servers' user if it is missing."""
        path = self.home / name
        _make_private(path, self.account)
        return path

    def record(self, name: str) -> Record:
        """Return the record of the process that serves `name`."""
        return Record(self.run_dir / f"{name}.json", home=self.home)


def locate(run_dir: Path) -> Place:
    """Return the checkout's place, choosing it on first use.

    Raises OSError when `run_dir` cannot be written, RuntimeError when it is somebody else's.
    """
    pointer = run_dir / "place.json"
    if (place := _read(pointer, run_dir)) and _is_private(place.sockets, place.home):
        return place
    run_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    with held(run_dir / "place.lock"):
        place = _read(pointer, run_dir)
        if place and _is_private(place.sockets, place.home):  # another command was faster
            return place
        # Sockets may be swept away with /tmp; the data stay where they are.
        home = place.home if place else _choose_home(run_dir)
        return _write(pointer, Place(run_dir, home, _choose_sockets(home)))


def _read(pointer: Path, run_dir: Path) -> Place | None:
    """Return the place noted in `pointer`, unless it is gone or another checkout's."""
    try:
        noted = json.loads(pointer.read_text())
    except (FileNotFoundError, ValueError):
        return None
    place = Place(run_dir, Path(noted["home"]), Path(noted["sockets"]))
    if noted["run_dir"] != str(run_dir) or not place.home.is_dir():
        return None
    owner = place.home.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise RuntimeError(f"{place.home} belongs to user {owner}: run as that user, or as root")
    return place


def _is_private(sockets: Path, home: Path) -> bool:
    """Tell whether the folder stands and is still the servers' own: anyone may write to /tmp."""
    try:
        found = sockets.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == home.stat().st_uid


def _write(pointer: Path, place: Place) -> Place:
    noted = {"run_dir": place.run_dir, "home": place.home, "sockets": place.sockets}
    replace_text(pointer, json.dumps({name: str(path) for name, path in noted.items()}))
    return place


def _choose_home(run_dir: Path) -> Path:
    """Return a folder the servers' user owns and can reach, inside `run_dir` if possible."""
    home = run_dir / "servers"
    account = _servers_account(home)
    try:
        _make_private(home, account)
        reachable = account is None or _can_write(home, account)
    except PermissionError:
        reachable = False
    if reachable:
        return home
    if any(home.iterdir()):
        raise RuntimeError(f"{home} holds data that the servers' user can no longer reach")
    home.rmdir()
    # Unlike /tmp, /var/tmp outlives a restart of the machine.
    return _private_folder("/var/tmp", account)


def _choose_sockets(home: Path) -> Path:
    sockets = home / "sockets"
    text = str(sockets)
    fits = len(os.fsencode(text + LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES
    account = Place(home, home, sockets).account
    if not fits or not PLAIN_PATH.fullmatch(text):
        return _private_folder("/tmp", account)
    _make_private(sockets, account)
    return sockets


def _servers_account(home: Path) -> Account | None:
    """Return whom to step down to: nobody, or whoever already owns the data; None if not root."""
    if os.geteuid() != 0:
        return None
    if home.is_dir() and (owner := home.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    try:
        user = pwd.getpwnam("nobody")
    except KeyError as error:
        raise RuntimeError("PostgreSQL refuses root and there is no user `nobody`") from error
    return Account(uid=user.pw_uid, gid=user.pw_gid)


def _make_private(path: Path, account: Account | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if account and path.stat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid)


def _private_folder(parent: str, account: Account | None) -> Path:
    path = Path(tempfile.mkdtemp(prefix="fullchain-", dir=parent))
    _make_private(path, account)
    return path


def _can_write(path: Path, account: Account) -> bool:
    """Ask the system itself: mode bits do not tell about access lists and mount options."""
    # Starting in "/" matters: the child could not even keep a working folder under /root.
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -w "$1"', "sh", str(path)],
        cwd="/",
        check=False,
        **run_as(account),
    )
    return tried.returncode == 0
