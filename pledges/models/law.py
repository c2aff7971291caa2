"""What the law asks to have on file: registrations, policies, evidence of control, notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField
from common.immutability import append_only, frozen_columns
from common.triggers import RefusingTrigger
from lending.models import Facility
from logistics.models import Lot, Site
from parties.models import Organisation
from pledges.states import EvidenceOfControl, RegistrationAct

if TYPE_CHECKING:
    from parties.actors import Actor


class OnFileQuerySet(models.QuerySet[Any]):
    """Reads of what is on file for a facility."""

    def visible_to(self, actor: Actor) -> OnFileQuerySet:
        """Lender and borrower of the facility see it."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )


class ControlQuerySet(OnFileQuerySet):
    """Reads of evidence of control."""

    def visible_to(self, actor: Actor) -> ControlQuerySet:
        """Lender and borrower see it, and who keeps the place it is about."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(
            Q(tenant_id=own) | Q(facility__borrower_id=own) | Q(site__operator_id=own)
        )


class Registration(models.Model):
    """The lender's security interest in a public register: number, term, until discharged.

    First to register ranks first; the register does not check the content. What was filed stays;
    term and discharge follow the entries, which are only ever added.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="registrations")
    register = models.CharField(max_length=80)
    number = models.CharField(max_length=60, help_text="as the register writes it")
    normal_number = models.CharField(max_length=60)
    description = models.CharField(max_length=300, help_text="the collateral, as filed")
    filed_on = models.DateField()
    expires_on = models.DateField(help_text="the first day without effect")
    discharged_on = models.DateField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    objects = OnFileQuerySet.as_manager()

    class Meta:
        ordering = ["filed_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["register", "normal_number"], name="registration_number_unique_in_register"
            ),
            models.CheckConstraint(
                name="registration_has_a_number", condition=~Q(normal_number="")
            ),
            models.CheckConstraint(
                name="registration_expires_after_filing",
                condition=Q(expires_on__gt=F("filed_on")),
            ),
        ]
        triggers = [
            frozen_columns(
                "tenant",
                "facility",
                "register",
                "number",
                "normal_number",
                "filed_on",
                "recorded_at",
            ),
            RefusingTrigger(
                constraint="discharged_once",
                message="a discharged registration stays discharged",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.discharged_on IS NOT NULL"),
            ),
            RefusingTrigger(
                constraint="rows_kept",
                message="a registration is discharged, not deleted",
                operation=pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RegistrationEntry(models.Model):
    """What was done at the register: filed, amended, continued, discharged. Never changed."""

    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="entries")
    act = models.CharField(max_length=10, choices=RegistrationAct.choices)
    on = models.DateField()
    expires_on = models.DateField(help_text="the term after it")
    description = models.CharField(max_length=300)
    actor_label = models.CharField(max_length=160)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "registration entries"
        constraints = [
            models.CheckConstraint(
                name="registration_act_known", condition=Q(act__in=RegistrationAct.values)
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.registration} {self.get_act_display()}"


class PurchaseMoneyNotice(models.Model):
    """A supplier's security interest in goods it delivered; in time, it ranks before the lender."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="+")
    supplier = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="purchase_money_notices")
    number = models.CharField(max_length=60, help_text="of the supplier's registration")
    delivered_on = models.DateField()
    registered_on = models.DateField()
    last_day = models.DateField(help_text="of the period in which a registration outranks")
    outranks = models.BooleanField()
    recorded_at = models.DateTimeField()

    objects = OnFileQuerySet.as_manager()

    class Meta:
        ordering = ["registered_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "lot", "supplier", "number"],
                name="purchase_money_notice_noted_once",
            ),
            models.CheckConstraint(
                name="purchase_money_outranks_in_time",
                condition=Q(outranks=True, registered_on__lte=F("last_day"))
                | Q(outranks=False, registered_on__gt=F("last_day")),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.supplier}: {self.lot}"


class InsurancePolicy(models.Model):
    """Insurance of goods at named sites, from one day until before another."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="policies")
    insurer = models.CharField(max_length=120)
    number = models.CharField(max_length=60)
    normal_number = models.CharField(max_length=60)
    insured_sum = MoneyAmountField()
    currency = CurrencyField()
    from_on = models.DateField()
    until_on = models.DateField(help_text="the first day without cover")
    lender_is_loss_payee = models.BooleanField()
    ended_on = models.DateField(null=True, blank=True, help_text="cancelled before its time")
    recorded_at = models.DateTimeField()

    objects = OnFileQuerySet.as_manager()

    class Meta:
        ordering = ["from_on", "id"]
        verbose_name_plural = "insurance policies"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "insurer", "normal_number", "from_on"],
                name="policy_recorded_once",
            ),
            models.CheckConstraint(name="policy_sum_positive", condition=Q(insured_sum__gt=0)),
            models.CheckConstraint(
                name="policy_ends_after_it_begins", condition=Q(until_on__gt=F("from_on"))
            ),
        ]
        triggers = [
            frozen_columns(
                "tenant",
                "facility",
                "insurer",
                "number",
                "normal_number",
                "insured_sum",
                "currency",
                "from_on",
                "until_on",
                "lender_is_loss_payee",
                "recorded_at",
            ),
            RefusingTrigger(
                constraint="ended_once",
                message="a policy that ended stays ended",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.ended_on IS NOT NULL"),
            ),
            RefusingTrigger(
                constraint="rows_kept",
                message="a policy is ended, not deleted",
                operation=pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InsuredSite(models.Model):
    """A place that a policy names."""

    policy = models.ForeignKey(InsurancePolicy, on_delete=models.PROTECT, related_name="sites")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "site"], name="policy_names_a_site_once")
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.policy}: {self.site}"


class ControlEvidence(models.Model):
    """Proof that the supervisor really controls the goods at a site, good for some days."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(
        Facility, on_delete=models.PROTECT, related_name="control_evidence"
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=EvidenceOfControl.choices)
    reference = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64, help_text="of the document, hexadecimal")
    taken_at = models.DateTimeField()
    valid_until = models.DateField(help_text="the last day it is good for")
    actor_label = models.CharField(max_length=160)
    recorded_at = models.DateTimeField()

    objects = ControlQuerySet.as_manager()

    class Meta:
        ordering = ["taken_at", "id"]
        verbose_name_plural = "control evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "site", "sha256"], name="control_document_counts_once"
            ),
            models.CheckConstraint(
                name="control_kind_known", condition=Q(kind__in=EvidenceOfControl.values)
            ),
            models.CheckConstraint(
                name="control_hash_is_sha_256", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"
