"""Reads of receivables and of the controlled account; each takes the actor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from factoring.models import BankEntry, Collection, CreditNote, Rebate, Receivable
from factoring.rules import DILUTION_MONTHS, ZERO, Dilution, Standing, mentions, months_before
from factoring.states import BankEntryState, ReceivableState
from ledger.models import Posting
from lending.models import Facility, Loan
from parties.actors import Actor


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A receivable that an entry may have paid, and why; the higher the score the likelier."""

    receivable: Receivable
    score: int
    reasons: tuple[str, ...]


def list_receivables(*, actor: Actor, states: Sequence[str] | None = None) -> QuerySet[Receivable]:
    """Return the receivables the actor may see, oldest first, with parties, loan and position."""
    receivables = Receivable.objects.visible_to(actor).select_related(
        "facility", "seller", "debtor", "loan", "position"
    )
    return receivables if states is None else receivables.filter(state__in=states)


def get_receivable(*, actor: Actor, receivable_id: int) -> Receivable:
    """Return one receivable with lines and collections; DoesNotExist if it is not the actor's."""
    return (
        list_receivables(actor=actor)
        .prefetch_related("lines__item", "collections__entry", "collections__proceeds")
        .get(pk=receivable_id)
    )


def list_overdue(*, actor: Actor, on: date) -> QuerySet[Receivable]:
    """Return the receivables that the buyer should have paid before a day, the latest first."""
    unpaid = list_receivables(actor=actor, states=[ReceivableState.ASSIGNED])
    return unpaid.filter(due_on__lt=on).order_by("due_on", "id")


def get_standing(*, actor: Actor, receivable: Receivable) -> Standing:
    """Return how a receivable stands: face, collected, credited, advance, charges, what is held.

    Receivable.DoesNotExist if the actor may not see it. Five queries.
    """
    seen = list_receivables(actor=actor).get(pk=receivable.pk)
    sums = seen.collections.filter(taken_back_at__isnull=True).aggregate(
        collected=Sum("amount"), held=Sum("proceeds__remaining")
    )
    credited = CreditNote.objects.filter(receivable=seen).aggregate(sum=Sum("amount"))["sum"]
    loan = seen.loan
    return Standing(
        face=seen.face,
        collected=sums["collected"] or ZERO,
        credited=credited or ZERO,
        advanced=loan.drawn if loan else ZERO,
        charged=_charged(loan) if loan else ZERO,
        owed=loan.owed_total if loan else ZERO,
        held=sums["held"] or ZERO,
    )


def _charged(loan: Loan) -> Decimal:
    """Return the interest, penalty, fees and costs that the books charged a loan so far, net."""
    codes = [f"{word}:{loan.number}" for word in ("interest", "penalty", "fees", "costs")]
    postings = Posting.objects.filter(tenant_id=loan.tenant_id)
    charged = postings.filter(debit_account__code__in=codes)
    undone = postings.filter(
        credit_account__code__in=codes, debit_account__code__endswith="_income"
    )
    total = charged.aggregate(sum=Sum("amount"))["sum"] or ZERO
    return total - (undone.aggregate(sum=Sum("amount"))["sum"] or ZERO)


def list_bank_entries(
    *, actor: Actor, state: str | None = BankEntryState.BOOKED
) -> QuerySet[BankEntry]:
    """Return the entries of the controlled accounts the actor may see; the unmatched by default."""
    entries = BankEntry.objects.visible_to(actor).select_related("facility")
    return entries if state is None else entries.filter(state=state)


def list_collections(*, actor: Actor) -> QuerySet[Collection]:
    """Return the collections of the receivables the actor may see, in order of matching."""
    return Collection.objects.filter(
        receivable__in=Receivable.objects.visible_to(actor)
    ).select_related("entry", "receivable", "proceeds", "repayment")


def list_credit_notes(*, actor: Actor) -> QuerySet[CreditNote]:
    """Return the credit notes on the receivables the actor may see, the latest first."""
    notes = CreditNote.objects.visible_to(actor).select_related("receivable__debtor", "seller")
    return notes.prefetch_related("lines__item", "lines__position").order_by("-issued_on", "-id")


def get_dilution(*, actor: Actor, facility: Facility, on: date) -> Dilution:
    """Return what was invoiced and what was credited under a facility in three months to a day.

    Dilution of domain.md: returns ÷ sales, rolling. Facility.DoesNotExist if it is not the
    actor's. Three queries.
    """
    seen = Facility.objects.visible_to(actor).get(pk=facility.pk)
    rolling = {"issued_on__gt": months_before(on, DILUTION_MONTHS), "issued_on__lte": on}
    sold = seen.receivables.filter(**rolling).aggregate(sum=Sum("face"))["sum"]
    notes = CreditNote.objects.filter(receivable__facility=seen, **rolling)
    return Dilution(sold=sold or ZERO, credited=notes.aggregate(sum=Sum("amount"))["sum"] or ZERO)


def list_rebates(*, actor: Actor, state: str | None = None) -> QuerySet[Rebate]:
    """Return the rebates of the receivables the actor may see, in order of the requests."""
    rebates = (
        Rebate.objects.filter(receivable__in=Receivable.objects.visible_to(actor))
        .select_related("receivable__facility", "maker", "checker")
        .order_by("requested_at", "id")
    )
    return rebates if state is None else rebates.filter(state=state)


def suggest_matches(*, actor: Actor, entry: BankEntry, at_most: int = 5) -> list[Suggestion]:
    """Return the open receivables that an entry may have paid, the likeliest first.

    By what the remittance names (invoice, buyer's order), by the amount, by the payer's name; an
    entry larger than what is outstanding cannot be matched and is not suggested. Two queries.
    """
    seen = list_bank_entries(actor=actor, state=None).get(pk=entry.pk)
    unpaid = list_receivables(actor=actor, states=[ReceivableState.ASSIGNED]).filter(
        facility_id=seen.facility_id, position__remaining__gte=seen.amount
    )
    found = [_suggest(seen, receivable) for receivable in unpaid]
    ranked = sorted(found, key=lambda one: (-one.score, one.receivable.due_on, one.receivable.pk))
    return [one for one in ranked if one.score][:at_most]


def _suggest(entry: BankEntry, receivable: Receivable) -> Suggestion:
    position = receivable.position
    outstanding = position.remaining if position else ZERO
    order = receivable.buyer_order.upper()
    signs = [
        (8, _("names the invoice"), mentions(entry.remittance, receivable.normal_number)),
        (4, _("pays all that is outstanding"), entry.amount == outstanding),
        (
            2,
            _("names the buyer's order"),
            bool(order) and order in entry.remittance.upper(),
        ),
        (1, _("comes from the debtor"), _same_name(entry.payer_name, receivable.debtor.name)),
    ]
    return Suggestion(
        receivable=receivable,
        score=sum(weight for weight, _reason, holds in signs if holds),
        reasons=tuple(reason for _weight, reason, holds in signs if holds),
    )


def _same_name(one: str, other: str) -> bool:
    return "".join(one.casefold().split()) == "".join(other.casefold().split())
