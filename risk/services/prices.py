"""Recording prices: whole histories from files, and ticks as they come.

Prices are never overwritten. A different price for a day that has one is a correction: a new
revision that supersedes the old. Zero and negative prices are data (oil was sold at -36.98); what
they lend is decided where rates are read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from parties.actors import Actor
from risk import hooks
from risk.models import Commodity, PriceBatch
from risk.price_files import PriceFile, RowProblem, keep_denomination, read_price_file
from risk.queries import similar_codes
from risk.services.recording import (
    NewPrice,
    PriceRefused,
    batch_of,
    lock_priced,
    means,
    price_of,
    record,
    sort_out,
)

__all__ = [
    "FileImport",
    "FuturePrice",
    "Observation",
    "OlderThanRecorded",
    "PriceRefused",
    "UnknownCommodity",
    "WrongDenomination",
    "import_price_file",
    "import_prices",
    "record_prices",
]


class UnknownCommodity(PriceRefused):
    """No commodity has this code."""

    code = "unknown_commodity"


class WrongDenomination(PriceRefused):
    """Another currency or unit than the commodity is priced in."""

    code = "wrong_denomination"


class FuturePrice(PriceRefused):
    """A price of a day that has not come."""

    code = "future_price"


class OlderThanRecorded(PriceRefused):
    """The same source has given a newer price already: this tick comes too late."""

    code = "older_than_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One commodity's price in a tick. Currency and unit default to the commodity's own."""

    commodity: str
    price: Decimal
    currency: str | None = None
    unit: str | None = None


@dataclass(slots=True)
class FileImport:
    """What became of one file: rows by outcome, and why rows were refused."""

    file: str
    commodity: str
    accepted: int = 0
    duplicate: int = 0
    corrected: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    batch: PriceBatch | None = None

    @property
    def refused(self) -> int:
        """How many problems kept rows out."""
        return len(self.problems)

    @property
    def status(self) -> str:
        """One word: "accepted" if any row was new, "refused" if none is in, or "duplicate"."""
        if self.accepted + self.corrected:
            return "accepted"
        return "duplicate" if self.duplicate else "refused"


def import_prices(
    *, paths: Iterable[Path], source: str, actor: Actor, now: datetime
) -> list[FileImport]:
    """Record price files, each in a transaction of its own; the file's stem is the commodity.

    Good rows go in and bad rows are reported. A row that is recorded already is a duplicate, a
    different price for a recorded day is a correction. The same file again changes nothing, even
    after later corrections.

    Raises:
        OSError: a file cannot be opened.

    """
    today = now.date()
    return [
        import_price_file(
            file=read_price_file(path, today=today), source=source, actor=actor, now=now
        )
        for path in paths
    ]


def import_price_file(*, file: PriceFile, source: str, actor: Actor, now: datetime) -> FileImport:
    """Record the rows of one file that was read already; see `import_prices`."""
    outcome = FileImport(file.name, file.code, problems=file.problems)
    with hooks.moving_market(now=now):
        commodity = lock_priced([file.code]).get(file.code)
        if commodity is None:
            file.refuse(1, "file", "unknown_commodity", _unknown_text(file.code))
            return outcome
        rows = _file_prices(file, commodity)
        if rows:
            _import_rows(outcome, rows, source, actor, now)
    return outcome


def record_prices(
    *,
    observations: Sequence[Observation],
    source: str,
    as_of: date,
    actor: Actor,
    now: datetime,
    reference: str = "",
) -> PriceBatch:
    """Record one tick: the prices of several commodities on one day, all or none.

    The same tick again returns its batch and changes nothing. A feed whose price may come back to
    an earlier value within the day gives each message its own `reference`. Callbacks of
    `hooks.on_prices_recorded` run in the same transaction, for the commodities that changed.

    Raises:
        UnknownCommodity: a code that no priced commodity has.
        WrongDenomination: another currency or unit than the commodity's.
        FuturePrice: `as_of` is after the day of `now`.
        OlderThanRecorded: the source has given a newer price of one of the commodities.
        PriceRefused: no observations, a commodity twice, or a price that cannot be kept exactly.

    """
    _check_tick(observations, as_of, now)
    with hooks.moving_market(now=now):
        commodities = lock_priced([seen.commodity for seen in observations])
        prices = [_observed(seen, commodities, as_of) for seen in observations]
        batch, is_new = batch_of(prices, source, as_of, reference, actor, now)
        if not is_new:
            return batch
        _refuse_older(commodities.values(), source, as_of)
        record(batch=batch, prices=sort_out(prices).changed, actor=actor, now=now)
    return batch


# --- one file ---------------------------------------------------------------------------------


def _unknown_text(code: str) -> str:
    """Return what to do about a code that no commodity has."""
    similar = similar_codes(code)
    hint = f"did you mean {' or '.join(similar)}? " if similar else ""
    return (
        f"no commodity has the code {code!r} (the file's name without .csv); {hint}"
        "rename the file or define the commodity first"
    )


def _file_prices(file: PriceFile, commodity: Commodity) -> list[NewPrice]:
    """Return the file's rows as prices of the commodity; others become problems."""
    expected = commodity.quotation
    units: dict[str, bool] = {}

    def is_unit(text: str) -> bool:
        if text not in units:
            units[text] = means(text, commodity)
        return units[text]

    keep_denomination(file, currency=commodity.currency, is_unit=is_unit, unit=str(expected))
    prices: list[NewPrice] = []
    for row in file.rows:
        try:
            prices.append(price_of(commodity, row.observed_on, row.price, row.unit))
        except PriceRefused as refusal:
            file.refuse(row.line, "price", refusal.code, refusal.message)
    return prices


def _import_rows(
    outcome: FileImport, rows: list[NewPrice], source: str, actor: Actor, now: datetime
) -> None:
    """Write what is new in a file's rows, and tell the rooms above if the latest price changed."""
    last_on = rows[-1].observed_on
    batch, is_new = batch_of(rows, source, last_on, "", actor, now)
    outcome.batch, outcome.duplicate = batch, len(rows)
    if not is_new:
        return
    sorted_out = sort_out(rows)
    outcome.accepted = len(sorted_out.new)
    outcome.corrected = len(sorted_out.corrections)
    outcome.duplicate = sorted_out.duplicates
    record(batch=batch, prices=sorted_out.changed, actor=actor, now=now)


# --- one tick ---------------------------------------------------------------------------------


def _check_tick(observations: Sequence[Observation], as_of: date, now: datetime) -> None:
    """Refuse a tick that is wrong in itself."""
    if as_of > now.date():
        raise FuturePrice(
            message=_("%(as_of)s has not come yet; today is %(today)s")
            % {"as_of": as_of, "today": now.date()},
            field="as_of",
            numbers={"as_of": as_of, "today": now.date()},
        )
    codes = [seen.commodity for seen in observations]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice or not codes:
        raise PriceRefused(
            message=_("a tick names one commodity or more, each once; twice: %(codes)s")
            % {"codes": ", ".join(twice) or "-"},
            field="observations",
            numbers={"count": len(codes)},
        )


def _observed(seen: Observation, commodities: dict[str, Commodity], as_of: date) -> NewPrice:
    """Return an observation as a price."""
    commodity = commodities.get(seen.commodity)
    if commodity is None:
        raise UnknownCommodity(
            message=_unknown_text(seen.commodity),
            field="commodity",
            numbers={"commodity": seen.commodity},
        )
    own_unit = str(commodity.quotation)
    unit = own_unit if seen.unit is None else seen.unit
    currency = commodity.currency if seen.currency is None else seen.currency
    if currency != commodity.currency or not means(unit, commodity):
        raise WrongDenomination(
            message=_("%(code)s is priced in %(currency)s per %(unit)s, not %(other)s per %(what)s")
            % {
                "code": commodity.code,
                "currency": commodity.currency,
                "unit": own_unit,
                "other": currency,
                "what": unit,
            },
            field="unit" if currency == commodity.currency else "currency",
            numbers={"currency": currency, "unit": unit},
        )
    return price_of(commodity, as_of, seen.price, unit)


def _refuse_older(commodities: Iterable[Commodity], source: str, as_of: date) -> None:
    """Refuse a tick that comes after a newer one of its source."""
    newer = (
        Commodity.objects.filter(pk__in=[commodity.pk for commodity in commodities])
        .filter(prices__observed_on__gt=as_of, prices__batch__source=source)
        .order_by("-prices__observed_on")
        .values_list("code", "prices__observed_on")
        .first()
    )
    if newer is not None:
        raise OlderThanRecorded(
            message=_("%(source)s has given %(code)s of %(newer)s already; this is of %(as_of)s")
            % {"source": source, "code": newer[0], "newer": newer[1], "as_of": as_of},
            field="as_of",
            numbers={"commodity": newer[0], "newer": newer[1], "as_of": as_of},
        )
