"""Translations compile without GNU gettext."""

import gettext
from pathlib import Path

from config.catalogues import compile_catalogue

SOURCE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"

msgid "Pledge"
msgstr "质押"

msgctxt "goods"
msgid "%d lot"
msgid_plural "%d lots"
msgstr[0] "%d 批"

#, fuzzy
msgid "Release"
msgstr "也许"
"""


def test_a_catalogue_compiles_to_what_gettext_reads(tmp_path: Path) -> None:
    source = tmp_path / "django.po"
    source.write_text(SOURCE)

    target = compile_catalogue(source)

    assert target == tmp_path / "django.mo"
    with target.open("rb") as file:
        texts = gettext.GNUTranslations(file)
    assert texts.gettext("Pledge") == "质押"
    assert texts.npgettext("goods", "%d lot", "%d lots", 3) == "%d 批"
    # Nobody has confirmed a fuzzy translation.
    assert texts.gettext("Release") == "Release"
