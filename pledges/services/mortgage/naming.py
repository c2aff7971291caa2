"""What a mortgage names: items that a material manager selects, and sites."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from lending.refusals import NotYourFacility
from lending.services.acts import person_of, require_lender
from logistics.models import Item, Site
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_role
from pledges.models import FloatingMortgage, MortgagedItem, MortgagedSite
from pledges.services.cover import CoverAct, covering
from pledges.services.mortgage.acts import (
    NamedAlready,
    NoPriceFormula,
    NotNamed,
    is_in_force,
    leave_trace,
    locked,
    require_not_ended,
    require_reason,
)
from pledges.services.mortgage.attachment import attach_stock
from pledges.services.mortgage.scope import judge_again
from pledges.services.valuation import money_bases


@contextmanager
def _changing(
    mortgage: FloatingMortgage, actor: Actor, on: date, now: datetime
) -> Iterator[tuple[CoverAct, FloatingMortgage]]:
    with covering(
        facility_id=mortgage.facility_id,
        cause="attach",
        actor=actor,
        on=on,
        now=now,
        standing_by=True,
    ) as act:
        row = locked(mortgage)
        require_not_ended(row)
        yield act, row
        if is_in_force(row):
            judge_again(act, row)


def _require_material_manager(actor: Actor, mortgage: FloatingMortgage) -> int:
    """Return the person; the borrower's people choose the goods, the lender's may write it down."""
    person_id = person_of(actor, _("Choosing goods"))
    facility = mortgage.facility
    if actor.organisation_id not in (facility.borrower_id, facility.tenant_id):
        raise NotYourFacility.of(facility)
    require_role(actor, Role.PREPARER, Role.OPERATIONS, Role.APPROVER, Role.RISK_OFFICER)
    return person_id


def select_item(
    *,
    mortgage: FloatingMortgage,
    item: Item,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> MortgagedItem:
    """Choose an item for the class of goods from a day on; the borrower's material manager does.

    What lies free of it at the named sites comes under a mortgage in force at once. Raises
    NamedAlready, NoPriceFormula, ReasonMissing, MortgageEnded, NotYourFacility, NotAllowed.
    """
    words = require_reason(reason)
    with _changing(mortgage, actor, on, now) as (act, row):
        person_id = _require_material_manager(actor, row)
        _require_formula(item)
        with constraint_refusals({"mortgageditem_days_do_not_overlap": _named(item.name)}):
            named = MortgagedItem.objects.create(
                mortgage=row,
                item=item,
                from_on=on,
                reason=words,
                selected_by_id=person_id,
                selected_at=now,
            )
        if is_in_force(row):
            attach_stock(act=act, mortgage=row, on=on, item_id=item.pk)
        leave_trace(
            row, what="mortgage_item_selected", detail={"item": item.code},
            actor=actor, on=on, now=now, reason=words,
        )  # fmt: skip
    return named


def _require_formula(item: Item) -> None:
    money_bases([item.currency])
    if item.premium == 0 and not item.contents.exists():
        raise NoPriceFormula(
            message=_("%(item)s has no price formula: it would secure nothing")
            % {"item": item.name},
            field="item",
        )


def _named(name: str) -> NamedAlready:
    return NamedAlready(
        message=_("%(name)s is named already on some of these days") % {"name": name},
        field="from_on",
    )


def withdraw_item(
    *, named: MortgagedItem, reason: str, on: date, actor: Actor, now: datetime
) -> MortgagedItem:
    """Take an item off the list from a day on. What is attached of it stays attached.

    Raises NotNamed, ReasonMissing, MortgageEnded, NotYourFacility, NotAllowed.
    """
    words = require_reason(reason)
    with _changing(named.mortgage, actor, on, now) as (_act, row):
        person_id = _require_material_manager(actor, row)
        current = MortgagedItem.objects.select_related("item").get(pk=named.pk)
        _withdraw(current, words, person_id, on, now)
        leave_trace(
            row, what="mortgage_item_withdrawn", detail={"item": current.item.code},
            actor=actor, on=on, now=now, reason=words,
        )  # fmt: skip
    return current


def _withdraw(
    named: MortgagedItem | MortgagedSite, reason: str, person_id: int, on: date, now: datetime
) -> None:
    if named.until_on is not None or on < named.from_on:
        raise NotNamed(
            message=_("%(name)s is not named on %(on)s") % {"name": named, "on": on.isoformat()},
            field="on",
        )
    named.until_on, named.withdrawn_by_id = on, person_id
    named.withdrawn_at, named.withdrawal_reason = now, reason
    named.save(update_fields=["until_on", "withdrawn_by", "withdrawn_at", "withdrawal_reason"])


def add_site(
    *, mortgage: FloatingMortgage, site: Site, reason: str, on: date, actor: Actor, now: datetime
) -> MortgagedSite:
    """Name a site from a day on; the lender does. Goods that lie there come under the mortgage.

    Raises NamedAlready, ReasonMissing, MortgageEnded, NotYourFacility, NotAllowed.
    """
    words = require_reason(reason)
    with _changing(mortgage, actor, on, now) as (act, row):
        require_lender(actor, row.facility, Role.PREPARER, Role.RISK_OFFICER, Role.APPROVER)
        with constraint_refusals({"mortgagedsite_days_do_not_overlap": _named(site.name)}):
            named = MortgagedSite.objects.create(
                mortgage=row,
                site=site,
                from_on=on,
                reason=words,
                selected_by_id=person_of(actor, _("Naming a site")),
                selected_at=now,
            )
        if is_in_force(row):
            attach_stock(act=act, mortgage=row, on=on, site_id=site.pk)
        leave_trace(
            row, what="mortgage_site_added", detail={"site": site.code},
            actor=actor, on=on, now=now, reason=words,
        )  # fmt: skip
    return named


def withdraw_site(
    *, named: MortgagedSite, reason: str, on: date, actor: Actor, now: datetime
) -> MortgagedSite:
    """Name a site no longer, from a day on: what lies there counts for nothing, and stays held.

    Raises NotNamed, ReasonMissing, MortgageEnded, NotYourFacility, NotAllowed, WouldUncover.
    """
    words = require_reason(reason)
    with _changing(named.mortgage, actor, on, now) as (act, row):
        act.standing_by = False
        require_lender(actor, row.facility, Role.PREPARER, Role.RISK_OFFICER, Role.APPROVER)
        current = MortgagedSite.objects.select_related("site").get(pk=named.pk)
        _withdraw(current, words, person_of(actor, _("Naming a site")), on, now)
        leave_trace(
            row, what="mortgage_site_withdrawn", detail={"site": current.site.code},
            actor=actor, on=on, now=now, reason=words,
        )  # fmt: skip
    return current
