"""Every invariant of every room, gathered for `verify` and for the story's checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from common.invariants import Invariant


@dataclass(frozen=True, slots=True)
class Proof:
    """One invariant's verdict: the rows that break it, none if it holds."""

    room: str
    invariant: Invariant
    breaches: list[tuple[str, str]]

    @property
    def holds(self) -> bool:
        """Tell whether nothing breaks the invariant."""
        return not self.breaches


def all_invariants() -> list[tuple[str, Invariant]]:
    """Return the invariants of all installed rooms, each with its room's name."""
    found = []
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "invariants"):
            module = import_module(f"{config.name}.invariants")
            found += [(config.label, one) for one in getattr(module, "INVARIANTS", [])]
    return found


def prove_all() -> Iterator[Proof]:
    """Run every invariant's query and yield its verdict."""
    for room, invariant in all_invariants():
        yield Proof(room, invariant, invariant.breaches())
