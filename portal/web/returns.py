"""Goods that come back on a credit note, entered by the lender's clerks on the invoice's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factoring.models import CreditNote, Receivable
from factoring.services.acts import CLERKS
from factoring.services.credit_notes import Note, record_return
from factoring.states import ReceivableState
from logistics.models import Lot
from parties.actors import Actor
from pledges.services.warehouse import Arrival
from portal.names import joined, name_of
from portal.queries.law import list_places
from portal.web import fields
from portal.web.acting import ActForm, Said


@dataclass(frozen=True, slots=True)
class Sold:
    """A receivable with the lots that were shipped for it."""

    receivable: Receivable
    lots: Sequence[Lot]


class TakeBack(ActForm[Sold]):
    """A credit note and what the store took in again."""

    name = "take_back"
    button = gettext_lazy("Take goods back")
    promise = gettext_lazy(
        "The buyer owes less by the note, the goods are pledged again in the store: both in one "
        "act."
    )
    number = forms.CharField(label=gettext_lazy("Number of the credit note"), max_length=60)
    amount = fields.amount(gettext_lazy("Credited"), min_value=Decimal("0.01"))
    issued_on = fields.day(gettext_lazy("Issued on"))
    reason = fields.reason()
    site = fields.OneRow(gettext_lazy("Back in the store"))
    lot_number = forms.CharField(
        label=gettext_lazy("Lot number there"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("left empty: the number they were sold from"),
    )
    reference = forms.CharField(label=gettext_lazy("Reference of the store"), max_length=70)
    occurred_at = fields.moment(gettext_lazy("Taken in at (UTC)"))

    def choose(self) -> None:
        """Ask how much came back of each lot that was sold."""
        for lot in self.subject.lots:
            label = _("Back of %(lot)s") % {"lot": joined(name_of(lot.item), lot.number)}
            field = fields.quantity(label, required=False)
            field.widget.attrs["class"] = "form-control"
            self.fields[f"back_{lot.pk}"] = field
        fields.offer_rows(self, "site", list_places(self.ask.actor), name_of)
        self.fields["amount"].help_text = self.subject.receivable.currency
        self.fields["issued_on"].initial = self.ask.today
        self.fields["occurred_at"].initial = self.ask.now

    def carry_out(self, said: Said) -> CreditNote:
        """Enter the return."""
        back = [(lot, said[f"back_{lot.pk}"]) for lot in self.subject.lots]
        note = Note(
            number=said["number"],
            amount=said["amount"],
            goods=[(lot, quantity) for lot, quantity in back if quantity],
            reason=said["reason"],
            issued_on=said["issued_on"],
        )
        store = Arrival(
            site=said["site"],
            lot_number=said["lot_number"],
            source=said["site"].operator,
            reference=said["reference"],
            occurred_at=said["occurred_at"],
        )
        return record_return(
            receivable=self.subject.receivable, note=note, store=store, **self.ask.stamp
        )

    def words(self, result: Any) -> str:
        """Name the note."""
        return _("Credit note %(number)s is entered.") % {"number": result.number}


def may_take_back(actor: Actor, sold: Sold) -> bool:
    """Tell whether the reader enters returns on the invoice as it stands."""
    lends = actor.organisation_id == sold.receivable.tenant_id and actor.has_role(*CLERKS)
    return lends and bool(sold.lots) and sold.receivable.state == ReceivableState.ASSIGNED
