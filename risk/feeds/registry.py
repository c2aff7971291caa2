"""The adapters by name, the settings each needs, and where their keys come from."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from risk.feeds.akshare import Akshare
from risk.feeds.drop_folder import DropFolder
from risk.feeds.eia import Eia
from risk.feeds.fred import Fred
from risk.feeds.http_json import FIELDS, HttpJson
from risk.feeds.interface import Adapter


class AdapterName(TextChoices):
    """How a feed gets its prices."""

    DROP_FOLDER = "drop_folder", _("Drop folder")
    HTTP_JSON = "http_json", _("HTTP JSON")
    FRED = "fred", _("FRED")
    EIA = "eia", _("EIA")
    AKSHARE = "akshare", _("akshare")


class PriceKind(TextChoices):
    """What an observation is."""

    SETTLEMENT = "settlement", _("Settlement")
    SPOT = "spot", _("Spot")
    SURVEY = "survey", _("Survey")
    APPRAISAL = "appraisal", _("Appraisal")


@dataclass(frozen=True, slots=True)
class Known:
    """An adapter with the settings it takes; the needed ones come first."""

    adapter: Adapter
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    key: str = ""


ADAPTERS: Mapping[str, Known] = {
    AdapterName.DROP_FOLDER: Known(DropFolder(), (), ("fields", "date_format")),
    AdapterName.HTTP_JSON: Known(
        HttpJson(),
        ("url",),
        ("rows", "fields", "date_format", "key_header", "key_param", "since"),
    ),
    AdapterName.FRED: Known(Fred(), (), ("since",), "FRED_API_KEY"),
    AdapterName.EIA: Known(Eia(), ("route",), ("since",), "EIA_API_KEY"),
    AdapterName.AKSHARE: Known(Akshare(), (), ("since",)),
}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ROUTE = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*/?")


def key_variable(adapter: str, code: str) -> str:
    """Return the environment variable of a feed's key.

    Fixed by adapter and code: whoever sets a feed up must not name a variable of their choice,
    because its value would be sent to an address of their choice.
    """
    return ADAPTERS[adapter].key or f"FEED_KEY_{code.upper().replace('-', '_')}"


def key_of(adapter: str, code: str) -> str:
    """Return a feed's key from the environment; empty if there is none."""
    return os.environ.get(key_variable(adapter, code), "")


def settings_problem(adapter: str, given: Any) -> str:
    """Return what is wrong with an adapter's settings; nothing if they will do."""
    if not isinstance(given, dict):
        return str(_("settings are an object of names and values"))
    return next((problem for problem in _problems(ADAPTERS[adapter], given) if problem), "")


def _problems(known: Known, given: dict[str, Any]) -> Iterator[str]:
    missing = [name for name in known.needed if not given.get(name)]
    yield str(_("missing: %s")) % ", ".join(missing) if missing else ""
    unknown = sorted(given.keys() - {*known.needed, *known.optional})
    yield str(_("not known here: %s")) % ", ".join(unknown) if unknown else ""
    texts = {name: value for name, value in given.items() if name != "fields"}
    odd = sorted(name for name, value in texts.items() if not isinstance(value, str))
    yield str(_("not a text: %s")) % ", ".join(odd) if odd else ""
    fields = given.get("fields", {})
    if not isinstance(fields, dict) or not set(fields) <= set(FIELDS):
        yield str(_("fields may name %s")) % ", ".join(FIELDS)
    if "route" in given and not _ROUTE.fullmatch(given["route"]):
        yield str(_("a route is like petroleum/pri/spt"))
    if "since" in given and not _DAY.fullmatch(given["since"]):
        yield str(_("since is a date such as 2015-01-01"))
