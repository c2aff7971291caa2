"""`python -m config.catalogues FILE.po…`: compile translations without GNU gettext's msgfmt."""

import sys
from pathlib import Path

import polib


def compile_catalogue(source: Path) -> Path:
    """Write the `.mo` file beside `source` and return its path.

    Fuzzy and empty entries are left out, as msgfmt does. Raises OSError on a malformed file.
    """
    target = source.with_suffix(".mo")
    polib.pofile(str(source)).save_as_mofile(str(target))
    return target


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        compile_catalogue(Path(argument))
