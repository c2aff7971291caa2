"""Bar charts of a few series over names: what many lists begin with."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from portal import formats
from portal.tables import Text


def bars(
    *,
    names: Sequence[str],
    series: Sequence[tuple[Text, str, Sequence[Decimal]]],
    unit: str,
) -> dict[str, Any]:
    """Return a stacked bar chart: each series has a name, a colour word and one value a name.

    The colour words are those of portal.css without their dashes ("right-pledge", "exposure").
    """
    shown = any(value for _name, _colour, values in series for value in values)
    return {
        "names": list(names) if shown else [],
        "unit": unit,
        "series": [
            {
                "name": str(name),
                "colour": colour,
                "values": [float(value) for value in values],
                "texts": [formats.money(value) for value in values],
            }
            for name, colour, values in series
        ],
    }
