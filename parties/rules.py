"""Identifiers of organisations and accounts: one spelling each, and check digits that hold.

Sources: ISO 17442 with ISO/IEC 7064 MOD 97-10 (LEI), GB 32100-2015 (unified social credit code),
GS1 General Specifications 7.9.1 (GLN), ISO 13616 (IBAN).
"""

import re
import unicodedata

from biip.checksums import gs1_standard_check_digit
from django.utils.translation import gettext as _
from stdnum import iban
from stdnum.cn import uscc
from stdnum.iso7064 import mod_97_10

from common.errors import Refusal

_USCC_LETTERS = "0-9A-HJ-NP-RTUWXY"  # no I, O, S, V, Z: they look like digits
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_USCC = re.compile(rf"[{_USCC_LETTERS}]{{2}}[0-9]{{6}}[{_USCC_LETTERS}]{{10}}")
_GLN = re.compile(r"[0-9]{13}")
_ACCOUNT_NUMBER = re.compile(r"[A-Z0-9]{5,34}")
_LIKE_AN_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


class InvalidIdentifier(Refusal):
    """The identifier is misspelt; the message says which part, and what it should be."""

    code = "invalid_identifier"


def one_spelling(text: str) -> str:
    """Return an identifier without spaces and hyphens, in plain capitals (full-width ones too)."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()


def lei_check_digits(first_18: str) -> str:
    """Return the two check digits of an LEI from the characters before them."""
    return str(mod_97_10.calc_check_digits(first_18))


def uscc_check_character(first_17: str) -> str:
    """Return the check character of a unified social credit code from those before it."""
    return str(uscc.calc_check_digit(first_17))


def gln_check_digit(first_12: str) -> str:
    """Return the check digit of a GLN from the digits before it."""
    return str(gs1_standard_check_digit(first_12))


def valid_lei(text: str) -> str:
    """Return the LEI in its one spelling; InvalidIdentifier if it is none."""
    number = one_spelling(text)
    _require_shape("lei", "LEI", number, 20, _LEI, _("letters and digits, the last two digits"))
    _require_check("lei", "LEI", number, lei_check_digits(number[:18]))
    return number


def valid_uscc(text: str) -> str:
    """Return the unified social credit code in its one spelling; InvalidIdentifier if it is none.

    The first two places take letters too (GB 32100 registers village collectives under N), which
    python-stdnum's own check would refuse.
    """
    number = one_spelling(text)
    form = _("digits in places 3 to 8, elsewhere digits and letters other than I, O, S, V, Z")
    _require_shape("uscc", "USCC", number, 18, _USCC, form)
    _require_check("uscc", "USCC", number, uscc_check_character(number[:17]))
    return number


def valid_gln(text: str) -> str:
    """Return the GLN in its one spelling; InvalidIdentifier if it is none."""
    number = one_spelling(text)
    _require_shape("gln", "GLN", number, 13, _GLN, _("digits only"))
    _require_check("gln", "GLN", number, gln_check_digit(number[:12]))
    return number


def valid_account_number(text: str) -> str:
    """Return a bank account's number in its one spelling; what looks like an IBAN must be one."""
    number = one_spelling(text)
    if not _ACCOUNT_NUMBER.fullmatch(number):
        raise InvalidIdentifier(
            message=_("An account number has 5 to 34 letters and digits; %(number)s has not.")
            % {"number": text},
            field="number",
        )
    if _LIKE_AN_IBAN.fullmatch(number) and not iban.is_valid(number):
        _refuse_iban(number)
    return number


def _refuse_iban(number: str) -> None:
    should_be = str(iban.calc_check_digits(number))
    if number[2:4] != should_be:
        message = _(
            "The IBAN %(number)s has the check digits %(stated)s; they should be %(right)s."
        ) % {"number": number, "stated": number[2:4], "right": should_be}
    else:
        message = _("The IBAN %(number)s has not the form its country uses.") % {"number": number}
    raise InvalidIdentifier(message=message, field="number", numbers={"check_digits": should_be})


def _require_shape(
    field: str, name: str, number: str, length: int, shape: re.Pattern[str], form: str
) -> None:
    if len(number) != length:
        message = _("Each %(name)s has %(length)s characters; %(number)s has %(count)s.")
    elif not shape.fullmatch(number):
        message = _("Each %(name)s has %(form)s; %(number)s has not.")
    else:
        return
    parts = {
        "name": name,
        "length": length,
        "number": number,
        "count": len(number),
        "form": form,
    }
    raise InvalidIdentifier(
        message=message % parts, field=field, numbers={"length": len(number), "expected": length}
    )


def _require_check(field: str, name: str, number: str, should_be: str) -> None:
    stated = number[-len(should_be) :]
    if stated == should_be:
        return
    if len(should_be) == 1:
        message = _("%(name)s %(number)s ends in %(stated)s; the check digit should be %(ok)s.")
    else:
        message = _("%(name)s %(number)s ends in %(stated)s; the check digits should be %(ok)s.")
    raise InvalidIdentifier(
        message=message % {"name": name, "number": number, "stated": stated, "ok": should_be},
        field=field,
        numbers={"check_digits": should_be},
    )
