"""The end of a case: goods that cannot be had, the deficit recorded, the surplus given back."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from common.money import Money
from ledger.services.posting import Line, post
from lending.refusals import BankReferenceMissing, ReasonMissing
from lending.services.acts import person_of, require_lender
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person
from pledges.measure import unit_values, worth
from pledges.models import DisposalCase, Position, Surplus
from pledges.services.conversion import Evidence, Take, convert, take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.disposal.acts import (
    CHECKERS,
    MAKERS,
    ZERO,
    enforcing,
    fresh_cover,
    leave_trace,
    lock_case,
    require_selling,
    withdraw_lots,
)
from pledges.services.disposal.refusals import NoSurplus, StillForSale, SurplusDiffers
from pledges.services.disposal.restoring import saleable_positions
from pledges.services.disposal.sell_lot import realised_makes
from pledges.services.sale import apply_proceeds
from pledges.states import CaseState, ConversionKind, Right


def give_up_goods(
    *,
    case: DisposalCase,
    goods: Sequence[Take],
    reason: str,
    maker: Actor,
    on: date,
    actor: Actor,
    now: datetime,
) -> list[Position]:
    """Write off goods or claims that cannot be had: they are gone, refused, or worth nothing.

    `actor` approves what `maker` found, with authority to write off their market value. The
    positions end as written off. Raises SamePerson, BeyondAuthority, ReasonMissing,
    CaseNotSelling, NotEnoughLeft, NotInThisFacility, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(maker, _("Giving goods up"))
    person_of(actor, _("Approving that goods are given up"))
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(maker, act.facility, *MAKERS)
        require_lender(actor, act.facility, *CHECKERS)
        require_other_person(actor, maker_id=maker_id)
        if not reason.strip():
            raise ReasonMissing.of("reason")
        locked = lock_case(case.pk)
        require_selling(locked)
        _require_authority(act, goods)
        taken = take(act=act, kind=ConversionKind.ENFORCE, takes=goods)
        made = convert(
            act=act,
            kind=ConversionKind.ENFORCE,
            taken=taken,
            makes=realised_makes(taken, Right.WRITTEN_OFF),
            evidence=Evidence("disposal_given_up", str(locked.pk)),
            maker_id=maker_id,
            reason=reason.strip(),
        )
        detail = {"case": locked.pk, "positions": [str(one.pk) for one in made]}
        _trace(locked, "give_up_goods", "disposal_goods_given_up", act, detail)
        return made


def _require_authority(act: CoverAct, goods: Sequence[Take]) -> None:
    values = unit_values(as_of=act.priced_on, position_ids=[one.position_id for one in goods])
    given_up = worth(values, {one.position_id: one.quantity for one in goods})
    require_authority(act.actor, Act.WRITE_OFF, given_up, act.facility.currency)


def settle_case(*, case: DisposalCase, on: date, actor: Actor, now: datetime) -> DisposalCase:
    """End a case that owes nothing, or has nothing left to sell: then its deficit is recorded.

    The deficit stays owed until it is written off, and claimed after that. Raises StillForSale,
    CaseNotSelling, NotYourFacility, NotAllowed.
    """
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CHECKERS)
        locked = lock_case(case.pk)
        require_selling(locked)
        exposure = fresh_cover(act).exposure
        left = saleable_positions(act.facility) if exposure else []
        if left:
            raise StillForSale(
                message=_("%(count)s positions can still be sold or collected; %(owed)s are owed.")
                % {"count": len(left), "owed": Money(exposure, act.facility.currency)},
                field="case",
                numbers={"positions": len(left), "owed": exposure},
            )
        withdraw_lots(locked)
        locked.settle(deficit=exposure, now=now)
        locked.save(update_fields=["state", "deficit", "ended_at"])
        detail = {"case": locked.pk, "deficit": exposure}
        _trace(locked, "settle_disposal", "disposal_settled", act, detail)
        return locked


def held_for(case: DisposalCase) -> Decimal:
    """Return what stands in the controlled account from a case's sales (one query)."""
    held = Position.objects.filter(sale__lot__case=case).values_list("remaining", flat=True)
    return sum(held, ZERO)


def request_surplus(*, case: DisposalCase, on: date, actor: Actor, now: datetime) -> Surplus:
    """Ask for what the sales brought beyond the debt to be given back to the borrower.

    Raises NoSurplus (also if it was asked for), NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Asking for a surplus"))
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *MAKERS)
        locked = lock_case(case.pk)
        amount = held_for(locked) if locked.state == CaseState.SETTLED else ZERO
        nothing = NoSurplus(
            message=_("The case left nothing to give back, or it was asked for already."),
            field="case",
        )
        if amount == 0:
            raise nothing
        with constraint_refusals({"pledges_surplus_case_id_key": nothing}):
            surplus = Surplus.objects.create(
                case=locked, amount=amount, maker_id=maker_id, requested_at=now
            )
        detail = {"case": locked.pk, "amount": amount}
        _trace(locked, "request_surplus", "disposal_surplus_requested", act, detail)
        return surplus


def pay_surplus(
    *, surplus: Surplus, bank_reference: str, on: date, actor: Actor, now: datetime
) -> Surplus:
    """Give the surplus back from the controlled account: Dr proceeds Cr collection.

    By another person than asked, with authority to pay it out; the facility must be covered
    after it. Raises SamePerson, BeyondAuthority, WouldUncover, SurplusDiffers,
    BankReferenceMissing, TransitionRefused, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Paying a surplus"))
    with covering(
        facility_id=surplus.case.facility_id,
        cause="apply",
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.COVERED,
    ) as act:
        require_lender(actor, act.facility, Role.APPROVER)
        case = lock_case(surplus.case_id)
        locked = lock_one(Surplus.objects.all(), surplus.pk)
        require_other_person(actor, maker_id=locked.maker_id)
        require_authority(actor, Act.DISBURSE, locked.amount, act.facility.currency)
        reference = bank_reference.strip()
        if not reference:
            raise BankReferenceMissing(
                message=_("A paid surplus needs the bank's reference."), field="bank_reference"
            )
        locked.pay(checker_id=checker_id, paid_on=on, bank_reference=reference)
        _give_back(act, case, locked)
        locked.save()
        detail = {"case": case.pk, "amount": locked.amount}
        _trace(case, "pay_surplus", "disposal_surplus_paid", act, detail)
        return locked


def _give_back(act: CoverAct, case: DisposalCase, surplus: Surplus) -> None:
    left = held_for(case)
    if left != surplus.amount:
        raise SurplusDiffers(
            message=_("%(left)s are left, %(asked)s were to be given back")
            % {
                "left": Money(left, act.facility.currency),
                "asked": Money(surplus.amount, act.facility.currency),
            },
            field="surplus",
            numbers={"left": left, "asked": surplus.amount},
        )
    held = Position.objects.filter(sale__lot__case=case, remaining__gt=0).order_by("pk")
    for proceeds in held:
        apply_proceeds(
            act=act,
            proceeds=Take(proceeds.pk, proceeds.remaining),
            right=Right.RELEASED,
            label=f"{surplus.bank_reference}, {act.facility.borrower.name}",
            evidence=Evidence("disposal_surplus", surplus.bank_reference, {"case": case.pk}),
            maker_id=surplus.maker_id,
        )
    code = act.facility.code
    post(
        tenant_id=act.facility.tenant_id,
        currency=act.facility.currency,
        kind="disposal_surplus",
        booked_on=act.on,
        lines=[Line(f"proceeds:{code}", f"collection:{code}", surplus.amount)],
        reference=surplus.bank_reference,
        narrative=str(case),
        idempotency_key=f"surplus:{surplus.pk}:paid",
        actor=act.actor,
        now=act.now,
    )


def _trace(
    case: DisposalCase, action: str, topic: str, act: CoverAct, detail: dict[str, object]
) -> None:
    leave_trace(
        case,
        action=action,
        topic=topic,
        facility=act.facility,
        detail=detail,
        actor=act.actor,
        now=act.now,
        on=act.on,
    )
