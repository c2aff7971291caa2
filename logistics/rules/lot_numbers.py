"""One spelling of a lot's number, so that the same goods are not two lots.

Typists and scanners write the number on one pallet as "CU-2016-001", "cu 2016 001" or with
full-width digits. A second lot under another spelling could be pledged a second time, while two
numbers that wrongly count as one only add their goods up: so spaces, dashes and underscores do
not count. Full stops, slashes and every other sign do.
"""

import unicodedata

# Unicode categories: separators, controls and formats (zero-width signs), dashes, underscores.
_IGNORED = ("Z", "Cc", "Cf", "Pd", "Pc")
_MINUS_SIGN = "\N{MINUS SIGN}"


def normal_lot_number(number: str) -> str:
    """Return the number in NFKC, upper case, without spaces, dashes and invisible signs.

    Empty where nothing remains. A fixed point: the normal number of a normal number is itself.
    """
    normal = _once(number)
    # Signs that were apart may combine once a space between them is gone.
    while (again := _once(normal)) != normal:
        normal = again
    return normal


def _once(number: str) -> str:
    upper = unicodedata.normalize("NFKC", number).upper()
    kept = (sign for sign in unicodedata.normalize("NFKC", upper) if not _ignored(sign))
    return "".join(kept)


def _ignored(sign: str) -> bool:
    return sign == _MINUS_SIGN or unicodedata.category(sign).startswith(_IGNORED)
