"""The buyer's money: entered once, matched to its invoice, applied to the advance."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.locks import lock_one
from common.money import Money
from factoring.models import BankEntry, Collection, Receivable
from factoring.refusals import (
    AlreadyApplied,
    BankEntryDiffers,
    MoreThanOutstanding,
    NotThisFacilitysMoney,
)
from factoring.rules import ZERO
from factoring.services.acts import CLERKS, leave_trace, lock_receivable
from factoring.services.settling import settle_if_done
from factoring.states import BankEntryState
from ledger.services.posting import Line, post
from lending.models import Facility, Loan
from lending.queries import quote_payoff
from lending.refusals import WrongCurrency, require_payable
from lending.services.acts import require_lender
from lending.services.repayment import repay
from lending.states import RepaymentSource
from parties.actors import Actor
from pledges.models import Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, covering
from pledges.services.sale import apply_proceeds, collect
from pledges.states import Right


def record_bank_entry(
    *,
    facility: Facility,
    account_number: str,
    entry_reference: str,
    amount: Decimal,
    currency: str,
    booked_on: date,
    payer_name: str,
    remittance: str,
    actor: Actor,
    now: datetime,
) -> BankEntry:
    """Enter one credit on the facility's controlled account; the same entry again is the first.

    Changes no position: the money counts once it is matched. Raises BankEntryDiffers if account
    and reference are on record with other content, NotAnAmount, WrongCurrency, NotYourFacility.
    """
    require_lender(actor, facility, *CLERKS)
    if currency != facility.currency:
        raise WrongCurrency.of(expected=facility.currency, found=currency)
    require_payable(amount, currency)
    content = {
        "tenant_id": facility.tenant_id,
        "facility_id": facility.pk,
        "amount": amount,
        "currency": currency,
        "booked_on": booked_on,
        "payer_name": payer_name.strip(),
        "remittance": remittance.strip(),
    }
    entry, made = BankEntry.objects.get_or_create(
        account_number="".join(account_number.split()).upper(),
        entry_reference=entry_reference.strip(),
        defaults={**content, "recorded_at": now},
    )
    if not made and any(getattr(entry, name) != value for name, value in content.items()):
        raise BankEntryDiffers(
            message=_("Entry %(reference)s of account %(account)s is on record differently.")
            % {"reference": entry.entry_reference, "account": entry.account_number},
            field="entry_reference",
        )
    return entry


def match_collection(
    *, entry: BankEntry, receivable: Receivable, on: date, actor: Actor, now: datetime
) -> Collection:
    """Say that an entry paid an invoice, in full or in part: the debt becomes proceeds.

    Dr collection, Cr proceeds, as of the entry's day; the invoice is collected when nothing is
    outstanding. Matching again to the same invoice returns the first collection. Raises
    MoreThanOutstanding with the numbers (the entry stays unmatched), NotThisFacilitysMoney,
    TransitionRefused for an entry matched elsewhere, NotYourFacility.
    """
    with covering(
        facility_id=receivable.facility_id, cause="collect", actor=actor, on=on, now=now
    ) as act:
        require_lender(actor, act.facility, *CLERKS)
        locked = lock_receivable(receivable.pk)
        money = lock_one(BankEntry.objects.all(), entry.pk)
        before = locked.collections.filter(entry=money, taken_back_at__isnull=True).first()
        if before is not None:
            return before
        _require_match(money, locked)
        money.match()
        money.save(update_fields=["state"])
        collection = _collect(act, money, locked)
        trace_collection(
            collection, "match_collection", "collection_matched", collection.amount, act
        )
        return collection


def _require_match(entry: BankEntry, receivable: Receivable) -> None:
    if entry.facility_id != receivable.facility_id:
        raise NotThisFacilitysMoney(
            message=_("The entry came in for another facility than %s.") % receivable.facility,
            field="entry",
        )
    outstanding = _position_of(receivable).remaining
    above = entry.amount - outstanding
    if entry.state == BankEntryState.BOOKED and above > 0:
        raise MoreThanOutstanding(
            message=_(
                "%(invoice)s: outstanding %(outstanding)s, paid %(paid)s, too much by %(above)s"
            )
            % {
                "invoice": receivable.invoice_number,
                "outstanding": Money(outstanding, receivable.currency),
                "paid": Money(entry.amount, receivable.currency),
                "above": Money(above, receivable.currency),
            },
            field="amount",
            numbers={"outstanding": outstanding, "paid": entry.amount, "above": above},
        )


def _position_of(receivable: Receivable) -> Position:
    """Return the position of an assigned receivable; a CHECK holds that there is one."""
    assert receivable.position is not None
    return receivable.position


def _collect(act: CoverAct, entry: BankEntry, receivable: Receivable) -> Collection:
    position = _position_of(receivable)
    proceeds = collect(
        act=act,
        receivable=Take(position.pk, entry.amount),
        label=f"{entry.entry_reference}, {entry.payer_name or receivable.debtor.name}",
        evidence=Evidence(
            "bank_entry",
            entry.entry_reference,
            {"invoice": receivable.invoice_number, "booked_on": entry.booked_on.isoformat()},
        ),
    )
    collection = Collection.objects.create(
        entry=entry, receivable=receivable, amount=entry.amount, proceeds=proceeds
    )
    code = act.facility.code
    post(
        tenant_id=act.facility.tenant_id,
        currency=act.facility.currency,
        kind="collection_matched",
        booked_on=entry.booked_on,
        lines=[Line(f"collection:{code}", f"proceeds:{code}", entry.amount)],
        reference=entry.entry_reference,
        narrative=receivable.invoice_number,
        idempotency_key=matched_key(collection),
        actor=act.actor,
        now=act.now,
    )
    position.refresh_from_db(fields=["remaining"])
    if position.remaining == 0:
        receivable.collect()
        receivable.save(update_fields=["state"])
    return collection


def apply_collection(
    *,
    collection: Collection,
    on: date,
    actor: Actor,
    now: datetime,
    loans: Sequence[Loan] | None = None,
) -> Collection:
    """Repay with what was collected, as of the day the bank booked it; the surplus is held.

    Pays the receivable's own advance unless other loans of the facility are named, by the
    facility's waterfall, and sweeps as much from the controlled account to the lender's cash. If
    nothing is owed there nothing is applied: all is surplus, for the rebate. Raises
    AlreadyApplied, NotInThisFacility, NotYourFacility.
    """
    facility_id = collection.receivable.facility_id
    with covering(facility_id=facility_id, cause="apply", actor=actor, on=on, now=now) as act:
        require_lender(actor, act.facility, *CLERKS)
        receivable = lock_receivable(collection.receivable_id)
        fresh = Collection.objects.select_related("entry", "proceeds").get(pk=collection.pk)
        _require_unapplied(fresh, receivable)
        wanted = _loans_to_pay(receivable) if loans is None else list(loans)
        owed = sum(
            (quote_payoff(actor, loan, fresh.entry.booked_on).total for loan in wanted), ZERO
        )
        amount = min(fresh.proceeds.remaining, owed)
        if amount:
            _apply(act, fresh, wanted, amount)
            trace_collection(fresh, "apply_collection", "collection_applied", amount, act)
        settle_if_done(receivable, on=on, now=now)
        return fresh


def _require_unapplied(collection: Collection, receivable: Receivable) -> None:
    is_free = collection.repayment_id is None and collection.taken_back_at is None
    if is_free and not hasattr(receivable, "rebate"):
        return
    raise AlreadyApplied(
        message=_("%(collection)s was applied or taken back, or its surplus is being given back.")
        % {"collection": collection},
        field="collection",
    )


def _loans_to_pay(receivable: Receivable) -> list[Loan]:
    return [] if receivable.loan is None else [receivable.loan]


def _owed(act: CoverAct, loans: Sequence[Loan], on: date) -> Decimal:
    """Return what a payment of the day would have to cover on the loans, to the cent."""
    return sum((quote_payoff(act.actor, loan, on).total for loan in loans), ZERO)


def _apply(act: CoverAct, collection: Collection, loans: Sequence[Loan], amount: Decimal) -> None:
    code, entry = act.facility.code, collection.entry
    reference = f"{entry.entry_reference} {entry.account_number}"
    collection.repayment = repay(
        facility=act.facility,
        amount=amount,
        received_on=entry.booked_on,
        source=RepaymentSource.PROCEEDS,
        debit_code=f"proceeds:{code}",
        reference=reference,
        loans=loans,
        actor=act.actor,
        now=act.now,
    )
    collection.save(update_fields=["repayment"])
    apply_proceeds(
        act=act,
        proceeds=Take(collection.proceeds_id, amount),
        right=Right.REPAID,
        label=f"{entry.entry_reference}, {act.facility.code}",
        evidence=Evidence("repayment", reference, {"loans": [loan.number for loan in loans]}),
    )
    post(
        tenant_id=act.facility.tenant_id,
        currency=act.facility.currency,
        kind="proceeds_swept",
        booked_on=act.on,
        lines=[Line("cash", f"collection:{code}", amount)],
        reference=entry.entry_reference,
        narrative=str(collection.receivable),
        idempotency_key=f"{swept_key(collection)}:{collection.repayment_id}",
        actor=act.actor,
        now=act.now,
    )


def matched_key(collection: Collection) -> str:
    """Return the key of the entry that a match wrote in the books."""
    return f"collection:{collection.pk}:matched"


def swept_key(collection: Collection) -> str:
    """Return what the keys of the entries begin with that swept the proceeds to the lender."""
    return f"collection:{collection.pk}:swept"


def trace_collection(
    collection: Collection, action: str, topic: str, amount: Decimal, act: CoverAct
) -> None:
    """Leave the traces of an act on a collection."""
    leave_trace(
        collection,
        action=action,
        topic=topic,
        detail={
            "entry": collection.entry.entry_reference,
            "invoice": collection.receivable.invoice_number,
            "amount": amount,
        },
        tenant_id=act.facility.tenant_id,
        actor=act.actor,
        now=act.now,
        on=act.on,
    )
