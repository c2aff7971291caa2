"""Names in the reader's language."""

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from parties.models import Person
from pledges.models import Position


def localised(name: str, name_zh: str) -> str:
    """Return the Chinese name to Chinese readers where there is one."""
    chinese = (get_language() or "").startswith("zh")
    return name_zh if chinese and name_zh else name


def name_of(thing: object) -> str:
    """Return the localised name of an organisation, site, item or commodity."""
    return localised(str(getattr(thing, "name", thing)), str(getattr(thing, "name_zh", "") or ""))


def person_name(person: Person | None) -> str:
    """Return a person's full name, or what the person signs in with."""
    return "" if person is None else person.get_full_name() or person.username


def joined(*parts: str) -> str:
    """Return the parts of a label with the language's comma."""
    return str(_(", ")).join(part for part in parts if part)


# What `label_of` reads; bring it along with select_related.
LABELLED = (
    "lot__item",
    "lot__site",
    "order_claim__stage__financing__order__supplier",
    "receivable__debtor",
)


def label_of(position: Position) -> str:
    """Return the thing behind a position in the reader's language; its own label otherwise."""
    lot = position.lot
    if lot is not None:
        return joined(name_of(lot.item), lot.number, name_of(lot.site))
    claim = getattr(position, "order_claim", None)
    if claim is not None:
        order = claim.stage.financing.order
        return joined(order.number, name_of(order.supplier))
    receivable = getattr(position, "receivable", None)
    if receivable is not None:
        return joined(receivable.invoice_number, name_of(receivable.debtor))
    return position.label
