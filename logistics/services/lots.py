"""Finding, opening and testing lots under lock; shared by the acts that change stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from common.exact import require_decimal
from logistics.models import Item, Lot, Site
from logistics.refusals import (
    AlreadyClaimed,
    LotDiffers,
    LotNumberNotPossible,
    LotRepeated,
    NotFree,
    QuantityNotPossible,
    ShareNotPossible,
)
from logistics.rules.lot_numbers import normal_lot_number
from logistics.rules.quantities import fits_the_column, is_countable, show
from logistics.services.locking import lock_lots
from parties.models import Organisation

LOT_NUMBER_LENGTH = 60
SHARE_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLot:
    """A lot as a report describes it; it may exist already, then it must be like this."""

    item: Item
    owner: Organisation
    number: str
    normal_number: str
    quality_deduction: Decimal

    @property
    def key(self) -> tuple[int, str]:
        """What tells the lots of one site apart."""
        return self.item.pk, self.normal_number


def described_lot(
    *, item: Item, owner: Organisation, number: str, quality_deduction: Decimal
) -> NewLot:
    """Return a checked description; raises LotNumberNotPossible or ShareNotPossible."""
    written = number.strip()
    normal = normal_lot_number(written)
    if not normal or len(written) > LOT_NUMBER_LENGTH or len(normal) > LOT_NUMBER_LENGTH:
        raise LotNumberNotPossible(
            message=_("A lot's number has letters or digits and at most %(most)s signs.")
            % {"most": LOT_NUMBER_LENGTH},
            field="lot_number",
            numbers={"lot_number": number},
        )
    return NewLot(
        item=item,
        owner=owner,
        number=written,
        normal_number=normal,
        quality_deduction=require_share(quality_deduction, field="quality_deduction"),
    )


def lots_at(
    site: Site, wanted: Sequence[NewLot], *, opened_on: date, leaving: Sequence[int] = ()
) -> tuple[list[Lot], dict[int, Lot]]:
    """Lock, and open where needed, the wanted lots of a site, together with the leaving ones.

    Returns the wanted lots in their order and every lot by id. Existing lots are locked in one
    go by id; a new one has a higher id than any of them, so the order holds. Raises LotDiffers
    where the number stands for other goods, LotRepeated where two descriptions mean one lot.
    """
    keys = {new.key for new in wanted}
    if len(keys) != len(wanted):
        raise LotRepeated(
            message=_("A report names each lot once, however its number is written."),
            field="lot_number",
        )
    known = _ids(site, wanted)
    lots = {lot.pk: lot for lot in lock_lots([*leaving, *known.values()])}
    missing = [new for new in wanted if new.key not in known]
    if missing:
        _open(site, missing, opened_on)
        known = _ids(site, wanted)
        # Somebody else may have opened one between the two looks: it is locked like the others.
        fresh = lock_lots(pk for pk in known.values() if pk not in lots)
        lots |= {lot.pk: lot for lot in fresh}
    found = [lots[known[new.key]] for new in wanted]
    for lot, new in zip(found, wanted, strict=True):
        _check_same(lot, new)
    return found, lots


def _ids(site: Site, wanted: Sequence[NewLot]) -> dict[tuple[int, str], int]:
    rows = Lot.objects.filter(
        site=site, normal_number__in={new.normal_number for new in wanted}
    ).values_list("item_id", "normal_number", "pk")
    keys = {new.key for new in wanted}
    return {(item, number): pk for item, number, pk in rows if (item, number) in keys}


def _open(site: Site, missing: Sequence[NewLot], opened_on: date) -> None:
    Lot.objects.bulk_create(
        (
            Lot(
                site=site,
                item=new.item,
                owner=new.owner,
                number=new.number,
                normal_number=new.normal_number,
                quality_deduction=new.quality_deduction,
                received_on=opened_on,
            )
            for new in missing
        ),
        ignore_conflicts=True,
    )


def _check_same(lot: Lot, new: NewLot) -> None:
    if lot.owner_id != new.owner.pk:
        # Whose goods they are is not told: the one who asks may be a stranger to them.
        raise LotDiffers(
            message=_("%(number)s is a lot of another owner at %(site)s")
            % {"number": new.number, "site": lot.site},
            field="lot_number",
        )
    if lot.quality_deduction != new.quality_deduction:
        raise LotDiffers(
            message=_(
                "%(number)s at %(site)s has a quality deduction of %(known)s, not %(told)s: "
                "goods of another quality are another lot"
            )
            % {
                "number": new.number,
                "site": lot.site,
                "known": f"{lot.quality_deduction.normalize():f}",
                "told": f"{new.quality_deduction.normalize():f}",
            },
            field="quality_deduction",
            numbers={"known": lot.quality_deduction, "told": new.quality_deduction},
        )


def require_free(lot: Lot, asked: Decimal) -> None:
    """Raise NotFree unless so much of a locked lot is on hand and unclaimed."""
    if asked > lot.free:
        raise _not_free(NotFree, "%(figures)s", lot, asked)


def claimed_refusal(lot: Lot, asked: Decimal) -> NotFree:
    """Return the refusal of a claim on a lot that has too little free, in neutral words."""
    if asked > lot.on_hand:
        return _not_free(NotFree, "%(figures)s", lot, asked)
    return _not_free(AlreadyClaimed, _("These goods are claimed already. %(figures)s"), lot, asked)


def _not_free(kind: type[NotFree], words: str, lot: Lot, asked: Decimal) -> NotFree:
    figures = {"free": lot.free, "asked": asked, "short": asked - lot.free}
    shown = {name: show(value, lot.item.unit) for name, value in figures.items()}
    told = _("%(lot)s: free %(free)s, asked %(asked)s, short %(short)s")
    return kind(
        message=words % {"figures": told % {"lot": lot.number, **shown}},
        field="quantity",
        numbers={"lot": lot.pk, "unit": lot.item.unit, **figures},
    )


def require_quantity(quantity: Decimal, *, item: Item, field: str = "quantity") -> Decimal:
    """Return a quantity of an item that can be counted: positive, 6 decimals, whole pieces.

    Raises QuantityNotPossible, and UnknownUnit if the item's unit is none; TypeError for a float.
    """
    return _quantity(quantity, item=item, field=field, least=None)


def require_count(quantity: Decimal, *, item: Item, field: str = "quantity") -> Decimal:
    """Return what a count may find: like `require_quantity`, or nothing."""
    if quantity == 0:
        return Decimal(0)
    return _quantity(quantity, item=item, field=field, least=_("zero or more"))


def _quantity(quantity: Decimal, *, item: Item, field: str, least: str | None) -> Decimal:
    quantity = require_amount(quantity, name=item.code, field=field, least=least)
    if not is_countable(quantity, item.unit):
        raise QuantityNotPossible(
            message=_("%(item)s is counted in whole pieces, not %(told)s")
            % {"item": item.code, "told": show(quantity, item.unit)},
            field=field,
            numbers={"quantity": quantity},
        )
    return quantity


def require_amount(
    quantity: Decimal, *, name: str, field: str = "quantity", least: str | None = None
) -> Decimal:
    """Return a positive quantity that its column can hold; raises QuantityNotPossible.

    `name` says of what. TypeError for a float.
    """
    if not isinstance(quantity, Decimal) or quantity.is_finite():
        quantity = require_decimal(quantity, what=field)
    if not fits_the_column(quantity) or quantity <= 0:
        raise QuantityNotPossible(
            message=_("%(name)s: a quantity is %(least)s, with at most 6 decimals; not %(told)s")
            % {"name": name, "least": least or _("more than zero"), "told": quantity},
            field=field,
            numbers={"quantity": quantity},
        )
    return quantity


def require_share(
    share: Decimal, *, field: str, above: bool = False, below_one: bool = False
) -> Decimal:
    """Return a share between 0 and 1 (without the bounds where asked), to 8 decimals.

    Raises ShareNotPossible; TypeError for a float.
    """
    share = require_decimal(share, what=field)
    outside = share < 0 or share > 1 or (above and share == 0) or (below_one and share == 1)
    if outside or share != round(share, SHARE_PLACES):
        raise ShareNotPossible(
            message=_("%(field)s is a share between 0 and 1 with at most 8 decimals, not %(told)s")
            % {"field": field, "told": share},
            field=field,
            numbers={field: share},
        )
    return share


def by_lot(goods: Sequence[tuple[Lot, Decimal]]) -> Mapping[int, Decimal]:
    """Return the quantity by lot; two claims on one lot leave it together."""
    totals: dict[int, Decimal] = {}
    for lot, quantity in goods:
        asked = require_quantity(quantity, item=lot.item)
        totals[lot.pk] = totals.get(lot.pk, Decimal(0)) + asked
    return totals
