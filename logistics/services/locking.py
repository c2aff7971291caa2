"""Locks on lots: after the facility, before accounts, and always in order of their ids."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from common.locks import lock_in_order
from logistics.models import Lot
from logistics.refusals import UnknownLot


def lock_lots(ids: Iterable[int]) -> list[Lot]:
    """Lock the lots against other writers and return them as they now are, in order of their ids.

    An id given twice is locked once. Sites and items come along, unlocked. Raises UnknownLot if
    one does not exist. Must run inside ``transaction.atomic``.
    """
    wanted = set(ids)
    lots = lock_in_order(Lot.objects.select_related("site", "item").filter(pk__in=wanted))
    if len(lots) != len(wanted):
        raise UnknownLot(message=_("There is no such lot."), field="lot")
    return lots
