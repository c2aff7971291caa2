"""Pages read through portal/queries: neither views nor boards touch a manager."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for room in ("web", "boards") for path in (ROOT / "portal" / room).glob("*.py"))
MANAGERS = {"objects", "_default_manager", "_base_manager"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_page_asks_no_manager(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asked = {node.attr: node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not MANAGERS & set(asked)
