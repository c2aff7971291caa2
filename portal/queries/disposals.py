"""Disposals: the cases a reader may see, and everything about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Prefetch
from django.http import Http404

from lending.models import DefaultNotice, Facility, Loan, RepaymentAllocation, WriteOff
from lending.queries import list_facilities
from lending.states import OWING, NoticeState, WriteOffState
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind
from pledges.measure import UnitValue, measure, unit_values
from pledges.models import (
    ActRequest,
    DisposalCase,
    DisposalChannel,
    DisposalItem,
    DisposalLot,
    Offer,
    Position,
    Sale,
    Surplus,
)
from pledges.rules.cover import Cover
from pledges.rules.liquidation import Plan
from pledges.services.disposal.restoring import plan_restoring, saleable_positions
from pledges.states import CaseState, ParcelState, SaleState
from portal.queries.conversions import list_case_requests


def list_cases(actor: Actor) -> list[DisposalCase]:
    """Return the cases of the reader's facilities, the newest first, with their sales."""
    lots = DisposalLot.objects.prefetch_related(
        Prefetch("sales", queryset=Sale.objects.filter(state=SaleState.DONE))
    )
    return list(
        DisposalCase.objects.visible_to(actor)
        .select_related("facility__borrower", "notice")
        .prefetch_related(Prefetch("lots", queryset=lots))
        .order_by("-opened_at", "-id")
    )


def list_notices(actor: Actor) -> list[DefaultNotice]:
    """Return the notices of default that stand, and proposals of the reader's own house."""
    standing = (NoticeState.PROPOSED, NoticeState.DECLARED)
    rows = DefaultNotice.objects.visible_to(actor).filter(state__in=standing)
    return list(rows.select_related("facility", "maker", "heal_maker").order_by("-proposed_at"))


def get_notice(actor: Actor, notice_id: object) -> DefaultNotice:
    """Return one notice; 404 for strangers."""
    rows = DefaultNotice.objects.visible_to(actor).select_related("facility")
    notice = rows.filter(pk=_number(notice_id)).first()
    if notice is None:
        raise Http404
    return notice


def list_channels(actor: Actor, facility: Facility) -> list[DisposalChannel]:
    """Return the channels agreed or proposed for a facility the reader may see."""
    rows = DisposalChannel.objects.filter(facility__in=list_facilities(actor), facility=facility)
    return list(rows.select_related("counterparty").order_by("pk"))


def list_claims(actor: Actor) -> list[WriteOff]:
    """Return what was written off and is claimed all the same."""
    rows = WriteOff.objects.visible_to(actor).select_related("loan__facility__borrower")
    return list(rows.order_by("-requested_at"))


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case with all that its page tells; live values are those of `priced_on`.

    Lots and bids of a case that has ended are judged by the prices of its last day: `judged_on`.
    """

    case: DisposalCase
    cover: Cover
    priced_on: date
    judged_on: date
    positions: Sequence[Position]
    values: dict[UUID, UnitValue]
    values_judged: dict[UUID, UnitValue]
    plan: Plan
    lots: Sequence[DisposalLot]
    offers: Sequence[Offer]
    sales: Sequence[Sale]
    allocations: Sequence[RepaymentAllocation]
    channels: Sequence[DisposalChannel]
    write_offs: Sequence[WriteOff]
    surplus: Surplus | None
    requests: Sequence[ActRequest]
    # What is chosen from while the case sells: who may buy; once it is settled: what still owes.
    houses: Sequence[Organisation]
    owing: Sequence[Loan]

    def worth_of(self, lot: DisposalLot) -> Decimal:
        """Return a lot's market value on the day it is judged by, to the cent."""
        items: Sequence[DisposalItem] = list(lot.items.all())
        parts = (self.values_judged[item.position_id].market * item.quantity for item in items)
        return sum(parts, Decimal(0)).quantize(Decimal("0.01"))


def get_case(actor: Actor, case_id: int) -> DisposalCase:
    """Return one case with its facility and notice; 404 for strangers."""
    cases = DisposalCase.objects.visible_to(actor).filter(pk=case_id)
    case = cases.select_related("facility__borrower", "notice", "maker", "checker").first()
    if case is None:
        raise Http404
    return case


def read_case(actor: Actor, case_id: int, *, net_share: Decimal, as_of: date) -> CaseFile:
    """Return a case's file; 404 for strangers. A constant number of queries."""
    case = get_case(actor, case_id)
    facility = case.facility
    positions = saleable_positions(facility)
    lots = list(case.lots.prefetch_related("items__position"))
    judged_on = case.ended_at.date() if case.ended_at else as_of
    sold = {item.position_id for lot in lots for item in lot.items.all()}
    cover = measure(as_of=as_of, facility_ids=[facility.pk])[facility.pk]
    sales = list(
        Sale.objects.filter(lot__case=case)
        .select_related("lot", "buyer", "proceeds", "repayment", "maker", "checker")
        .order_by("pk")
    )
    write_offs = [one for one in list_claims(actor) if one.loan.facility_id == facility.pk]
    return CaseFile(
        case=case,
        cover=cover,
        priced_on=as_of,
        positions=positions,
        judged_on=judged_on,
        values=unit_values(as_of=as_of, position_ids={one.pk for one in positions}),
        values_judged=unit_values(as_of=judged_on, position_ids=sold),
        plan=plan_restoring(
            facility=facility, shortfall=cover.shortfall, net_share=net_share, as_of=as_of
        ),
        lots=lots,
        offers=_offers(case),
        sales=sales,
        allocations=list(
            RepaymentAllocation.objects.filter(
                repayment__in=[sale.repayment_id for sale in sales if sale.repayment_id]
            ).order_by("pk")
        ),
        channels=list_channels(actor, facility),
        write_offs=write_offs,
        surplus=Surplus.objects.filter(case=case).first(),
        requests=list_case_requests(actor, case),
        houses=_houses(actor) if case.state == CaseState.SELLING else [],
        owing=_owing(facility, write_offs) if case.state == CaseState.SETTLED else [],
    )


def _owing(facility: Facility, write_offs: Sequence[WriteOff]) -> list[Loan]:
    """Return the loans that owe and that nobody has asked to write off."""
    asked = {one.loan_id for one in write_offs if one.state != WriteOffState.REFUSED}
    rows = facility.loans.filter(state__in=OWING).exclude(pk__in=asked)
    return list(rows.order_by("pk"))


def _houses(actor: Actor) -> list[Organisation]:
    """Return the houses that may buy: everybody but the platform."""
    rows = Organisation.objects.visible_to(actor).exclude(kind=OrganisationKind.PLATFORM)
    return list(rows.order_by("name"))


def _offers(case: DisposalCase) -> list[Offer]:
    rows = Offer.objects.filter(lot__case=case).select_related("lot", "bidder", "channel")
    return list(rows.select_related("channel__counterparty").order_by("lot__number", "pk"))


def priced_on(actor: Actor, facility: Facility, fallback: date) -> date:
    """Return the day whose prices judge a facility now: its last reading's, or the business day."""
    visible = list_facilities(actor).filter(pk=facility.pk).select_related("cover").first()
    cover = getattr(visible, "cover", None)
    return max(cover.as_of, fallback) if cover else fallback


def open_lots(file: CaseFile) -> list[DisposalLot]:
    """Return the lots that are for sale now."""
    return [lot for lot in file.lots if lot.state == ParcelState.OFFERED]


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else 0
