"""Every invariant of every room, proved on what a test leaves behind."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps


def breaches() -> dict[str, list[tuple[str, str]]]:
    """Return the invariants that do not hold, each with its offending rows; none is well."""
    found = {}
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.invariants") is None:
            continue
        module = import_module(f"{config.name}.invariants")
        # The common room has such a module, too: it says what an invariant is.
        for rule in getattr(module, "INVARIANTS", []):
            if rows := rule.breaches():
                found[rule.name] = rows
    return found
