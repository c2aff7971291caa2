"""What is put on file for a facility: registrations, policies, evidence of control, notices."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from lending.models import Facility
from parties.actors import Actor
from parties.roles import Role
from pledges.models import Registration
from pledges.services.control import note_purchase_money, record_control
from pledges.services.insurance import end_policy, record_policy
from pledges.services.registrations import (
    FILERS,
    amend_registration,
    continue_registration,
    discharge_registration,
    file_registration,
)
from pledges.states import EvidenceOfControl
from portal import formats
from portal.names import joined, name_of
from portal.queries.law import (
    Duty,
    OnFile,
    list_lots_of,
    list_places,
    list_suppliers,
)
from portal.web import fields
from portal.web.acting import ActForm, Said

KEEPERS = (Role.PARTNER, Role.OPERATIONS)


LawForm = ActForm[OnFile]


class Register(LawForm):
    """The security interest, as the register took it."""

    name = "register"
    button = gettext_lazy("File a registration")
    promise = gettext_lazy("Put on file what the register confirmed; money goes out from then on.")
    number = forms.CharField(label=gettext_lazy("Number at the register"), max_length=60)
    description = forms.CharField(
        label=gettext_lazy("Collateral, as filed"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    filed_on = fields.day(gettext_lazy("Filed on"))
    expires_on = fields.day(
        gettext_lazy("First day without effect"),
        required=False,
        help_text=gettext_lazy("left empty: the term of the facility’s law"),
    )

    def choose(self) -> None:
        """Suggest today."""
        self.fields["filed_on"].initial = self.ask.today

    def carry_out(self, said: Said) -> object:
        """File it."""
        return file_registration(
            facility=self.ask.facility,
            number=said["number"],
            description=said["description"],
            filed_on=said["filed_on"],
            expires_on=said["expires_on"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class OnRegistration(LawForm):
    """An act on a registration that stands."""

    registration = fields.OneRow(gettext_lazy("Registration"))

    def choose(self) -> None:
        """Offer what was not discharged."""
        standing = [one for one in self.subject.registrations if one.discharged_on is None]
        fields.offer_rows(
            self, "registration", standing, lambda one: f"{one.number}, {one.expires_on}"
        )


def _with_term(one: Registration) -> str:
    return f"{one.number} ({formats.day(one.expires_on)})"


class Renew(OnRegistration):
    """A longer term."""

    name = "renew"
    button = gettext_lazy("Renew a registration")
    expires_on = fields.day(gettext_lazy("New first day without effect"))

    def carry_out(self, said: Said) -> object:
        """Continue it."""
        return continue_registration(
            registration=said["registration"], expires_on=said["expires_on"], **self.ask.stamp
        )


class Amend(OnRegistration):
    """Another description of the collateral."""

    name = "amend"
    button = gettext_lazy("Amend a registration")
    description = forms.CharField(
        label=gettext_lazy("Collateral, as filed"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def carry_out(self, said: Said) -> object:
        """Amend it."""
        return amend_registration(
            registration=said["registration"], description=said["description"], **self.ask.stamp
        )


class Discharge(OnRegistration):
    """Taken out of the register."""

    name = "discharge"
    button = gettext_lazy("Discharge a registration")
    danger = True
    promise = gettext_lazy(
        "A discharged registration stays discharged. Where the law asks for one, nothing is drawn "
        "until another is on file."
    )

    def carry_out(self, said: Said) -> object:
        """Discharge it."""
        return discharge_registration(registration=said["registration"], **self.ask.stamp)


class Insure(LawForm):
    """A policy, as the insurer wrote it."""

    name = "insure"
    button = gettext_lazy("File a policy")
    insurer = forms.CharField(label=gettext_lazy("Insurer"), max_length=120)
    number = forms.CharField(label=gettext_lazy("Policy number"), max_length=60)
    insured_sum = fields.amount(gettext_lazy("Insured sum"))
    sites = fields.SomeRows(gettext_lazy("Insured places"))
    from_on = fields.day(gettext_lazy("First day of cover"))
    until_on = fields.day(gettext_lazy("First day without cover"))
    payee = fields.tick(
        gettext_lazy("The lender is loss payee"),
        initial=True,
        help_text=gettext_lazy("goods count as insured only under such a policy"),
    )

    def choose(self) -> None:
        """Offer the places and name the currency."""
        fields.offer_rows(self, "sites", list_places(self.ask.actor))
        self.fields["insured_sum"].help_text = self.ask.facility.currency
        self.fields["from_on"].initial = self.ask.today

    def carry_out(self, said: Said) -> object:
        """Put it on file."""
        return record_policy(
            facility=self.ask.facility,
            insurer=said["insurer"],
            number=said["number"],
            insured_sum=said["insured_sum"],
            sites=said["sites"],
            term=(said["from_on"], said["until_on"]),
            lender_is_loss_payee=said["payee"],
            **self.ask.stamp,
        )


class CancelPolicy(LawForm):
    """A policy that ends before its time."""

    name = "uninsure"
    button = gettext_lazy("Cancel a policy")
    danger = True
    promise = gettext_lazy(
        "Where the facility demands insurance, goods at places that only this policy covers count "
        "for nothing at once, and a margin call opens if cover is short."
    )
    policy = fields.OneRow(gettext_lazy("Policy"))

    def choose(self) -> None:
        """Offer what did not end."""
        standing = [one for one in self.subject.policies if one.ended_on is None]
        fields.offer_rows(self, "policy", standing, lambda one: joined(one.insurer, one.number))

    def carry_out(self, said: Said) -> object:
        """End it."""
        return end_policy(policy=said["policy"], **self.ask.stamp)


class NoteSupplier(LawForm):
    """A supplier's own security in what it delivered."""

    name = "notice"
    button = gettext_lazy("Note a supplier’s security")
    promise = gettext_lazy("Registered in time it ranks before the lender; the desk is alerted.")
    supplier = fields.OneRow(gettext_lazy("Supplier"))
    lot = fields.OneRow(gettext_lazy("Lot"))
    number = forms.CharField(label=gettext_lazy("Number at the register"), max_length=60)
    delivered_on = fields.day(gettext_lazy("Delivered on"))
    registered_on = fields.day(gettext_lazy("Registered on"))

    def choose(self) -> None:
        """Offer suppliers and the borrower's lots."""
        fields.offer_rows(self, "supplier", list_suppliers(self.ask.actor))
        lots = list_lots_of(self.ask.actor, self.ask.facility)
        fields.offer_rows(self, "lot", lots, lambda lot: joined(name_of(lot.item), lot.number))

    def carry_out(self, said: Said) -> object:
        """Note it."""
        told = {name: said[name] for name in self.fields if name != "key"}
        return note_purchase_money(
            facility=self.ask.facility, actor=self.ask.actor, now=self.ask.now, **told
        )


class Control(ActForm[list[Duty]]):
    """A paper that shows that the goods are under control; its subject are the reader's duties."""

    name = "control"
    button = gettext_lazy("File evidence of control")
    promise = gettext_lazy(
        "Goods at a place whose evidence ran out count again from the moment new evidence is filed."
    )
    duty = fields.OneRow(gettext_lazy("Place and lender"))
    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=EvidenceOfControl.choices)
    reference = forms.CharField(label=gettext_lazy("Document"), max_length=120)
    sha256 = forms.CharField(
        label=gettext_lazy("SHA-256 of the document"),
        max_length=80,
        help_text=gettext_lazy("64 hexadecimal digits; a document counts once for a place"),
    )
    taken_at = fields.moment(gettext_lazy("Taken at (UTC)"))
    valid_days = forms.IntegerField(
        label=gettext_lazy("Good for so many days"), min_value=1, max_value=366, initial=7
    )

    def choose(self) -> None:
        """Offer the places whose control the reader may evidence."""
        duties: list[Duty] = self.subject
        fields.offer_rows(self, "duty", duties, lambda duty: duty.label)
        self.fields["taken_at"].initial = self.ask.now

    def carry_out(self, said: Said) -> object:
        """Put it on file."""
        duty: Duty = said["duty"]
        return record_control(
            facility=duty.facility,
            site=duty.site,
            kind=EvidenceOfControl(said["kind"]),
            reference=said["reference"],
            sha256=said["sha256"].strip().lower(),
            taken_at=said["taken_at"],
            valid_days=said["valid_days"],
            **self.ask.stamp,
        )


def files_for(actor: Actor, facility: Facility) -> bool:
    """Tell whether the reader puts things on file for the facility."""
    return actor.organisation_id == facility.tenant_id and actor.has_role(*FILERS)


LAW_FORMS = (Register, Renew, Amend, Discharge, Insure, CancelPolicy, NoteSupplier)


def open_forms(actor: Actor, facility: Facility, found: OnFile) -> list[str]:
    """Return the acts that are open to the reader on a facility's legal page."""
    if not files_for(actor, facility):
        return []
    standing = any(one.discharged_on is None for one in found.registrations)
    insured = any(one.ended_on is None for one in found.policies)
    shut = set() if standing else {Renew.name, Amend.name, Discharge.name}
    shut |= set() if insured else {CancelPolicy.name}
    return [form.name for form in LAW_FORMS if form.name not in shut]


def evidences(actor: Actor, duty: Duty) -> bool:
    """Tell whether the reader may say that goods are under control: their keeper or the lender."""
    if actor.organisation_id == duty.site.operator_id:
        return actor.has_role(*KEEPERS)
    return files_for(actor, duty.facility)
