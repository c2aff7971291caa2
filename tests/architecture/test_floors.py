"""Every room of the house has its floor in the import contracts."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Rooms hold what runs; tests look at them from outside.
OUTSIDE = {"tests"}


def contracts() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def packages() -> set[str]:
    return {path.parent.name for path in ROOT.glob("*/__init__.py")} - OUTSIDE


def test_every_package_is_watched() -> None:
    watched = contracts()["importlinter"]["root_packages"].split()

    assert set(watched) == packages()


def test_every_package_stands_on_exactly_one_floor() -> None:
    floors = contracts()["importlinter:contract:floors"]["layers"].replace("|", " ").split()

    assert sorted(floors) == sorted(packages())


def test_every_app_keeps_order_inside() -> None:
    ordered = contracts()["importlinter:contract:inside"]["containers"].split()

    # common is a box of mechanisms and config binds the rooms: neither has the rooms' inner layers.
    assert set(ordered) == packages() - {"common", "config"}
