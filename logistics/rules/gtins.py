"""GS1 trade item numbers: one spelling each, and a check digit that holds."""

import re
import unicodedata

from biip.checksums import gs1_standard_check_digit
from django.utils.translation import gettext as _

from logistics.refusals import CheckDigitWrong

_LENGTHS = (8, 12, 13, 14)


def valid_gtin(text: str) -> str:
    """Return a GTIN-8, -12, -13 or -14 as 14 digits (GS1 General Specifications, 3.3.2 and 7.9).

    Raises CheckDigitWrong, with the digit that would be right.
    """
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text))
    if len(number) not in _LENGTHS or not (number.isascii() and number.isdigit()):
        raise CheckDigitWrong(
            message=_("A GTIN has 8, 12, 13 or 14 digits; %(number)s has not.") % {"number": text},
            field="gtin",
        )
    right = str(gs1_standard_check_digit(number[:-1]))
    if number[-1] != right:
        raise CheckDigitWrong(
            message=_("The GTIN %(number)s ends in %(stated)s; its check digit should be %(ok)s.")
            % {"number": number, "stated": number[-1], "ok": right},
            field="gtin",
            numbers={"check_digit": right},
        )
    return number.zfill(14)
