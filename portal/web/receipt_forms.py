"""What can be done with a warehouse receipt: issued, divided, joined, handed on, ended, pledged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from logistics.services.receipt_parts import merge_receipts, split_receipt
from logistics.services.receipts import (
    WRITERS,
    ReceiptTerms,
    cancel_receipt,
    issue_receipt,
    surrender_receipt,
    transfer_receipt,
)
from logistics.states import Negotiability, ReceiptState
from parties.actors import Actor
from parties.roles import OrganisationKind
from pledges.services.double_pledge import claim_or_alarm
from pledges.services.receipt_pledges import pledge_held_receipt, present_held_receipt
from pledges.services.registrations import FILERS
from portal import formats
from portal.names import joined, label_of, name_of
from portal.queries.receipts import (
    Outside,
    ReceiptDetail,
    list_alike,
    list_houses,
    list_pledging,
    list_unpapered,
)
from portal.web import fields
from portal.web.acting import ActForm, Said

TEXT: dict[str, Any] = {"max_length": 120, "required": False}


class Issue(ActForm[list[Outside]]):
    """A new receipt with all that the operator writes on it; out of lots that have room for one."""

    name = "issue"
    button = gettext_lazy("Issue the receipt")
    lot = fields.OneRow(gettext_lazy("Goods"))
    quantity = fields.quantity(gettext_lazy("Quantity"))
    number = forms.CharField(label=gettext_lazy("Number"), max_length=60)
    description = forms.CharField(label=gettext_lazy("Description of the goods"), max_length=300)
    negotiability = forms.ChoiceField(
        label=gettext_lazy("Goods due"),
        choices=Negotiability.choices,
        initial=Negotiability.TO_ORDER,
    )
    packages = forms.IntegerField(label=gettext_lazy("Packages"), min_value=1, required=False)
    marks = forms.CharField(label=gettext_lazy("Marks"), **(TEXT | {"max_length": 200}))
    grade = forms.CharField(label=gettext_lazy("Grade"), **(TEXT | {"max_length": 80}))
    keeps_until = fields.day(gettext_lazy("Keeps until"), required=False)
    place = forms.CharField(label=gettext_lazy("Place of issue"), **TEXT)
    operator_licence = forms.CharField(
        label=gettext_lazy("Operator’s licence"), **(TEXT | {"max_length": 80})
    )
    signature_reference = forms.CharField(label=gettext_lazy("Signature"), **TEXT)
    signature_hash = forms.RegexField(
        r"^[0-9a-fA-F]{64}$",
        label=gettext_lazy("SHA-256 of the signature"),
        required=False,
        error_messages={"invalid": gettext_lazy("A SHA-256 has 64 hexadecimal digits.")},
    )
    currency = forms.RegexField(
        r"^[A-Z]{3}$",
        label=gettext_lazy("Currency of the amounts"),
        required=False,
        error_messages={"invalid": gettext_lazy("Three capital letters, such as USD.")},
    )
    market_value = fields.amount(gettext_lazy("Market value at deposit"), required=False)
    charges = fields.amount(gettext_lazy("Charges"), required=False)
    operator_lien = fields.amount(gettext_lazy("Operator’s lien"), required=False)
    operator_advances = fields.amount(gettext_lazy("Operator’s advances"), required=False)
    insurer = forms.CharField(label=gettext_lazy("Insurer"), **TEXT)
    insured_sum = fields.amount(gettext_lazy("Insured sum"), required=False)
    insured_until = fields.day(gettext_lazy("Insured until"), required=False)
    fungible = fields.tick(gettext_lazy("Fungible"))
    may_be_commingled = fields.tick(gettext_lazy("May be commingled"))
    may_be_substituted = fields.tick(gettext_lazy("May be substituted"))
    operator_owns_part = fields.tick(gettext_lazy("The operator owns a part"))

    def choose(self) -> None:
        """Offer the lots with what no receipt stands for."""
        fields.offer_rows(self, "lot", self.subject, _outside_label)

    def clean(self) -> dict[str, Any]:
        """Ask for the currency where an amount is named."""
        said: dict[str, Any] = super().clean() or {}
        amounts = ("market_value", "charges", "operator_lien", "operator_advances", "insured_sum")
        if any(said.get(name) for name in amounts) and not said.get("currency"):
            self.add_error("currency", _("Say in which currency the amounts are."))
        return said

    def carry_out(self, said: Said) -> object:
        """Issue it."""
        return issue_receipt(
            lot=said["lot"].lot,
            quantity=said["quantity"],
            number=said["number"],
            terms=_terms(said),
            **self.ask.stamp,
        )

    def words(self, result: Any) -> str:
        """Name the receipt."""
        return _("Receipt %(number)s is issued.") % {"number": result.number}


def _outside_label(one: Outside) -> str:
    lot = one.lot
    left = formats.quantity(one.free, lot.item.unit)
    return f"{joined(name_of(lot.item), lot.number, name_of(lot.site))}: {left}"


def _terms(said: Said) -> ReceiptTerms:
    """Return the terms that were filled in; what was left empty keeps its default."""
    names = [one.name for one in dataclass_fields(ReceiptTerms)]
    told = {name: said[name] for name in names if said[name] not in (None, "")}
    told["signature_hash"] = said["signature_hash"].lower()
    return ReceiptTerms(**told)


class OnReceipt(ActForm[ReceiptDetail]):
    """An act on one receipt that stands."""


class Split(OnReceipt):
    """Parts in the place of the whole."""

    name = "split"
    button = gettext_lazy("Split")
    promise = gettext_lazy(
        "The parts take the receipt’s place and sum to it; a pledge of it goes over to all of them."
    )
    parts = forms.CharField(
        label=gettext_lazy("Parts"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("one a line: its number, a space, its quantity"),
    )

    def clean_parts(self) -> list[tuple[str, Decimal]]:
        """Read each line; the last word is the quantity."""
        lines = [line.strip() for line in self.cleaned_data["parts"].splitlines()]
        return [_part(line, place) for place, line in enumerate(lines, start=1) if line]

    def carry_out(self, said: Said) -> object:
        """Divide it."""
        return split_receipt(receipt=self.subject.receipt, parts=said["parts"], **self.ask.stamp)


def _part(line: str, place: int) -> tuple[str, Decimal]:
    number, _space, quantity = line.rpartition(" ")
    try:
        found = Decimal(quantity.replace(",", ""))
    except InvalidOperation:
        found = Decimal(0)
    if not number.strip() or not found.is_finite() or found <= 0:
        raise forms.ValidationError(
            _("Line %(place)s: “%(line)s” is not a number and a quantity, such as “WR-7-A 40”.")
            % {"place": place, "line": line[:60]}
        )
    return number.strip(), found


class Merge(OnReceipt):
    """One receipt in the place of several."""

    name = "merge"
    button = gettext_lazy("Join with others")
    others = fields.SomeRows(gettext_lazy("Other receipts"))
    number = forms.CharField(label=gettext_lazy("Number of the new receipt"), max_length=60)

    def choose(self) -> None:
        """Offer those for the same lot and holder."""
        alike = list_alike(self.ask.actor, self.subject.receipt)
        fields.offer_rows(
            self,
            "others",
            alike,
            lambda one: f"{one.number}: {formats.quantity(one.quantity, one.lot.item.unit)}",
        )

    def carry_out(self, said: Said) -> object:
        """Join them."""
        receipts = [self.subject.receipt, *said["others"]]
        return merge_receipts(receipts=receipts, number=said["number"], **self.ask.stamp)


class Transfer(OnReceipt):
    """Another holder."""

    name = "transfer"
    button = gettext_lazy("Hand it on")
    promise = gettext_lazy("Handed on to a lender it may be pledged there.")
    to = fields.OneRow(gettext_lazy("To"))
    reason = fields.reason()

    def choose(self) -> None:
        """Offer everybody else."""
        houses = list_houses(self.ask.actor)
        holder = self.subject.receipt.holder_id
        fields.offer_rows(self, "to", [one for one in houses if one.pk != holder], name_of)

    def carry_out(self, said: Said) -> object:
        """Hand it on."""
        return transfer_receipt(
            receipt=self.subject.receipt,
            to=said["to"],
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Surrender(OnReceipt):
    """Given back against the goods."""

    name = "surrender"
    button = gettext_lazy("Give it back against the goods")
    danger = True
    reason = fields.reason()

    def carry_out(self, said: Said) -> object:
        """Give it back."""
        return surrender_receipt(
            receipt=self.subject.receipt,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Cancel(OnReceipt):
    """Declared void."""

    name = "cancel"
    button = gettext_lazy("Cancel")
    danger = True
    promise = gettext_lazy(
        "A cancelled receipt stays void. Goods pledged by it count for nothing until another "
        "receipt is presented, and the lender is alerted."
    )
    reason = fields.reason()

    def carry_out(self, said: Said) -> object:
        """Cancel it."""
        return cancel_receipt(
            receipt=self.subject.receipt,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Pledge(OnReceipt):
    """Its goods secure a facility of its holder."""

    name = "pledge"
    button = gettext_lazy("Take in pledge")
    promise = gettext_lazy("All goods of the receipt are held for you from then on.")
    facility = fields.OneRow(gettext_lazy("Facility"))

    def choose(self) -> None:
        """Offer the facilities of the goods' owner."""
        found = list_pledging(self.ask.actor, self.subject.receipt)
        fields.offer_rows(self, "facility", found, lambda one: joined(one.code, one.name))

    def carry_out(self, said: Said) -> object:
        """Pledge it; an offer of what is pledged already rings at both desks."""
        return claim_or_alarm(
            lambda: pledge_held_receipt(
                facility=said["facility"], receipt=self.subject.receipt, **self.ask.stamp
            ),
            facility=said["facility"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Present(OnReceipt):
    """It takes the place of a receipt that became void."""

    name = "present"
    button = gettext_lazy("Put it behind pledged goods")
    promise = gettext_lazy("The goods count again.")
    position = fields.OneRow(gettext_lazy("Position"))

    def choose(self) -> None:
        """Offer the positions in its lot whose receipt became void."""
        fields.offer_rows(
            self, "position", list_unpapered(self.ask.actor, self.subject.receipt), label_of
        )

    def carry_out(self, said: Said) -> object:
        """Present it."""
        return present_held_receipt(
            position=said["position"], receipt=self.subject.receipt, **self.ask.stamp
        )


RECEIPT_FORMS = (Split, Merge, Transfer, Pledge, Present, Surrender, Cancel)


def writes_receipts(actor: Actor) -> bool:
    """Tell whether the reader may write receipts down: operators, and lenders for them."""
    lends = actor.organisation_kind == OrganisationKind.LENDER
    keeps = actor.organisation_kind in (
        OrganisationKind.WAREHOUSE_OPERATOR,
        OrganisationKind.CONTRACT_MANUFACTURER,
    )
    return (lends or keeps or actor.sees_everything) and actor.has_role(*WRITERS)


def open_acts(actor: Actor, detail: ReceiptDetail) -> list[str]:
    """Return the acts that are open to the reader on a receipt."""
    receipt, own = detail.receipt, actor.organisation_id
    if receipt.state != ReceiptState.ISSUED or not actor.has_role(*WRITERS):
        return []
    writes = writes_receipts(actor) and (
        own == receipt.operator_id or actor.organisation_kind == OrganisationKind.LENDER
    )
    holds = own == receipt.holder_id
    lends = holds and actor.organisation_kind == OrganisationKind.LENDER
    open_to: Mapping[str, bool] = {
        Split.name: writes,
        Merge.name: writes and detail.alike,
        Transfer.name: holds,
        Pledge.name: lends and not detail.is_pledged and actor.has_role(*FILERS),
        Present.name: lends and detail.unpapered and actor.has_role(*FILERS),
        Surrender.name: (holds or own == receipt.operator_id) and not detail.is_pledged,
        Cancel.name: writes,
    }
    return [name for name, is_open in open_to.items() if is_open]
