"""Every text of the portal is said in Chinese, with the same blanks."""

import ast
import re
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"
BLANK = re.compile(r"%\(\w+\)[sd]")
TRANSLATORS = {"_", "gettext", "gettext_lazy", "ngettext"}
TAG = re.compile(r"""\{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""")


def texts_of_code(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if named and node.func.id in TRANSLATORS and isinstance(node.args[0], ast.Constant):
            found.add(node.args[0].value)
    return found


def texts_of_template(path: Path) -> set[str]:
    return {double or single for double, single in TAG.findall(path.read_text())}


def test_every_text_of_the_portal_has_its_chinese():
    wanted = set()
    for path in (ROOT / "portal").rglob("*.py"):
        wanted |= texts_of_code(path)
    for folder in (ROOT / "portal/templates", ROOT / "templates"):
        for path in folder.rglob("*.html"):
            wanted |= texts_of_template(path)
    said = {e.msgid for e in polib.pofile(str(CATALOGUE)) if e.translated()}

    assert len(wanted) > 400
    assert wanted - said == set()


def test_translations_keep_their_blanks():
    for entry in polib.pofile(str(CATALOGUE)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert set(BLANK.findall(text)) == set(BLANK.findall(entry.msgid)), entry.msgid
                assert "fuzzy" not in entry.flags
