"""Draw each model's states from the code, so that the published diagram cannot lie."""

from django.db import models

from common.states import StateField, decorated_events, state_fields, table_of

_HEAD = "# {label}\n\nDrawn from the code by `manage.py draw_states`; do not edit.\n"


def draw_all() -> dict[str, str]:
    """Return every diagram page as file name and Markdown text, one page for each model."""
    pages: dict[str, str] = {}
    for model, field in state_fields():
        name = f"{model._meta.app_label}.{model._meta.model_name}.md"
        head = pages.get(name, _HEAD.format(label=model._meta.label))
        pages[name] = head + _section(model, field)
    return pages


def _section(model: type[models.Model], field: StateField) -> str:
    lines = "\n".join(f"    {line}" for line in _edges(model, field))
    return f"\n## {field.name}\n\n```mermaid\nstateDiagram-v2\n{lines}\n```\n"


def _edges(model: type[models.Model], field: StateField) -> list[str]:
    """Return the diagram's lines in a stable order: names, beginnings, changes, ends."""
    table = table_of(field)
    events = decorated_events(model, field)
    order = {value: number for number, value in enumerate(table.states.values)}
    changes = sorted(table.transitions, key=lambda pair: (order[pair[0]], order[pair[1]]))
    return [
        *(f"{state.value} : {state.label}" for state in table.states),
        *(f"[*] --> {value}" for value in sorted(table.initial, key=order.__getitem__)),
        *(f"{old} --> {new}: {', '.join(events.get((old, new), []))}" for old, new in changes),
        *(f"{value} --> [*]" for value in sorted(table.terminal, key=order.__getitem__)),
    ]
