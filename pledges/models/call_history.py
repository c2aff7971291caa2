"""What happened to a margin call: written once per happening, never changed."""

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import append_only
from lending.models import Repayment
from parties.models import Organisation, Person
from pledges.models.conversion import Conversion
from pledges.models.margin_call import MarginCall
from pledges.states import CallEntryKind, Reminder


class MarginCallEntry(models.Model):
    """One line of a call's history: the need before and after, and what the difference is made of.

    Amounts are in the facility's currency; parts are positive where they cure. `by_price` is what
    prices, rates and time did to the lending value since the line before, `by_charges` what
    interest and fees did to the exposure, `by_goods` and `by_cash` what an act did,
    `by_write_off` what left the books unpaid.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(MarginCall, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=12, choices=CallEntryKind.choices)
    reminder = models.CharField(max_length=4, choices=Reminder.choices, blank=True)
    at = models.DateTimeField()
    exposure = MoneyAmountField()
    lending_value = MoneyAmountField()
    need_before = MoneyAmountField()
    need = MoneyAmountField(help_text="E − ΣLV afterwards, 0 where it is covered")
    by_cash = MoneyAmountField(default=0)
    by_goods = MoneyAmountField(default=0)
    by_price = MoneyAmountField(default=0)
    by_charges = MoneyAmountField(default=0)
    by_write_off = MoneyAmountField(default=0)
    due_at = models.DateTimeField(help_text="the deadline that held afterwards")
    cause = models.CharField(max_length=20, blank=True, help_text="as in the reading of cover")
    conversion = models.ForeignKey(
        Conversion, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    repayment = models.ForeignKey(
        Repayment, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    reason = models.CharField(max_length=300, blank=True)
    actor_label = models.CharField(max_length=160)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "margin call entries"
        constraints = [
            models.CheckConstraint(
                name="call_entry_kind_known", condition=Q(kind__in=CallEntryKind.values)
            ),
            models.CheckConstraint(
                name="call_entry_need_not_negative",
                condition=Q(need__gte=0, need_before__gte=0),
            ),
            models.CheckConstraint(
                name="call_entry_parts_make_the_difference",
                condition=Q(kind=CallEntryKind.OPENED, need_before=0)
                | Q(
                    need=F("need_before")
                    - F("by_cash")
                    - F("by_goods")
                    - F("by_price")
                    - F("by_charges")
                    - F("by_write_off")
                ),
            ),
            models.CheckConstraint(
                name="call_entry_cured_means_no_need",
                condition=Q(kind=CallEntryKind.CURED, need=0)
                | (~Q(kind=CallEntryKind.CURED) & Q(need__gt=0)),
            ),
            models.CheckConstraint(
                name="call_entry_reminder_known",
                condition=Q(kind=CallEntryKind.REMINDED, reminder__in=Reminder.values)
                | (~Q(kind=CallEntryKind.REMINDED) & Q(reminder="")),
            ),
            models.CheckConstraint(
                name="call_entry_extension_says_why",
                condition=~Q(kind=CallEntryKind.EXTENDED) | ~Q(reason=""),
            ),
            models.UniqueConstraint(
                fields=["call", "kind"],
                condition=Q(kind__in=[CallEntryKind.OPENED, CallEntryKind.CURED]),
                name="call_entry_opened_and_cured_once",
            ),
            models.UniqueConstraint(
                fields=["call", "reminder", "due_at"],
                condition=Q(kind=CallEntryKind.REMINDED),
                name="call_entry_reminded_once",
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.call} {self.kind}"
