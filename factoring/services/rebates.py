"""Give the reserve back: asked for by one person, paid by another from the controlled account."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from common.money import Money
from factoring.models import Rebate, Receivable
from factoring.refusals import NotCollected, NothingToRebate, RebateDiffers
from factoring.services.acts import leave_trace, lock_receivable
from factoring.services.settling import held, settle_if_done
from factoring.states import ReceivableState
from ledger.services.posting import Line, post
from lending.refusals import LoanStillOwes
from lending.services.acts import lock_facility, person_of, require_lender
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.sale import apply_proceeds
from pledges.states import Right


def request_rebate(*, receivable: Receivable, actor: Actor, now: datetime) -> Rebate:
    """Ask for what is left of the buyer's payment to be given back to the seller.

    The amount is what the controlled account holds for the invoice once its advance is repaid:
    reserve − fees − interest (domain.md, factoring). Raises NotCollected, LoanStillOwes (apply
    the collections first), NothingToRebate, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Asking for a rebate"))
    with transaction.atomic():
        facility = lock_facility(receivable.facility_id)
        require_lender(actor, facility, Role.PREPARER)
        locked = lock_receivable(receivable.pk)
        _require_over(locked)
        amount = held(locked)
        nothing = NothingToRebate(
            message=_("%s: nothing is left to give back, or it was asked for already")
            % locked.invoice_number,
            field="receivable",
        )
        if amount == 0:
            raise nothing
        with constraint_refusals({"factoring_rebate_receivable_id_key": nothing}):
            rebate = Rebate.objects.create(
                receivable=locked, amount=amount, maker_id=maker_id, requested_at=now
            )
        _trace(rebate, "request_rebate", "rebate_requested", actor=actor, now=now)
        return rebate


def _require_over(receivable: Receivable) -> None:
    if receivable.state == ReceivableState.ASSIGNED and receivable.position is not None:
        outstanding = receivable.position.remaining
        raise NotCollected(
            message=_("%(invoice)s: the buyer still owes %(outstanding)s")
            % {
                "invoice": receivable.invoice_number,
                "outstanding": Money(outstanding, receivable.currency),
            },
            field="receivable",
            numbers={"outstanding": outstanding},
        )
    if receivable.loan is not None and receivable.loan.owed_total:
        raise LoanStillOwes.of(receivable.loan, receivable.currency)


def pay_rebate(
    *, rebate: Rebate, bank_reference: str, on: date, actor: Actor, now: datetime
) -> Rebate:
    """Pay a rebate from the controlled account: proceeds are released, Dr proceeds Cr collection.

    The checker is another person than the maker, with authority for the amount; the facility
    must be covered afterwards. The receivable is settled by it. Raises SamePerson,
    BeyondAuthority, WouldUncover, RebateDiffers, TransitionRefused, NotYourFacility.
    """
    facility_id = rebate.receivable.facility_id
    with covering(
        facility_id=facility_id,
        cause="apply",
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.COVERED,
    ) as act:
        locked = lock_receivable(rebate.receivable_id)
        fresh = lock_one(Rebate.objects.select_related("receivable"), rebate.pk)
        checker_id = _require_hands(act, fresh)
        fresh.pay(checker_id=checker_id, paid_on=on, bank_reference=bank_reference.strip())
        _release(act, fresh, locked)
        fresh.save()
        _trace(fresh, "pay_rebate", "rebate_paid", actor=actor, now=now, on=on)
        settle_if_done(locked, on=on, now=now)
        return fresh


def _require_hands(act: CoverAct, rebate: Rebate) -> int:
    checker_id = person_of(act.actor, _("Paying a rebate"))
    require_lender(act.actor, act.facility, Role.APPROVER)
    require_other_person(act.actor, maker_id=rebate.maker_id)
    require_authority(act.actor, Act.DISBURSE, rebate.amount, act.facility.currency)
    return checker_id


def _release(act: CoverAct, rebate: Rebate, receivable: Receivable) -> None:
    _require_same(rebate.amount, held(receivable), receivable.currency)
    open_collections = receivable.collections.select_related("proceeds").filter(
        proceeds__remaining__gt=0
    )
    for collection in open_collections.order_by("pk"):
        apply_proceeds(
            act=act,
            proceeds=Take(collection.proceeds_id, collection.proceeds.remaining),
            right=Right.RELEASED,
            label=f"{receivable.invoice_number}, {act.facility.borrower.name}",
            evidence=Evidence(
                "rebate", rebate.bank_reference, {"invoice": receivable.invoice_number}
            ),
            maker_id=rebate.maker_id,
        )
    code = act.facility.code
    post(
        tenant_id=act.facility.tenant_id,
        currency=act.facility.currency,
        kind="rebate_paid",
        booked_on=act.on,
        lines=[Line(f"proceeds:{code}", f"collection:{code}", rebate.amount)],
        reference=rebate.bank_reference,
        narrative=receivable.invoice_number,
        idempotency_key=f"rebate:{rebate.pk}:paid",
        actor=act.actor,
        now=act.now,
    )


def _require_same(asked: Decimal, left: Decimal, currency: str) -> None:
    if asked != left:
        raise RebateDiffers(
            message=_("%(left)s are left, %(asked)s were to be given back")
            % {"left": Money(left, currency), "asked": Money(asked, currency)},
            field="rebate",
            numbers={"left": left, "asked": asked},
        )


def _trace(
    rebate: Rebate,
    action: str,
    topic: str,
    *,
    actor: Actor,
    now: datetime,
    on: date | None = None,
) -> None:
    leave_trace(
        rebate,
        action=action,
        topic=topic,
        detail={"invoice": rebate.receivable.invoice_number, "amount": rebate.amount},
        tenant_id=rebate.receivable.tenant_id,
        actor=actor,
        now=now,
        on=on,
    )
