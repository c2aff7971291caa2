"""How much one person may decide alone in the checker's seat."""

from django.db import models
from django.db.models import Q

from common.fields import CurrencyField, MoneyAmountField
from parties.models.person import Person
from parties.roles import Act


class AuthorityLimit(models.Model):
    """The largest amount a person may approve for one kind of act; no row means no authority."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="authority_limits")
    act = models.CharField(max_length=20, choices=Act.choices)
    currency = CurrencyField()
    amount = MoneyAmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "act", "currency"], name="authority_limit_stated_once"
            ),
            models.CheckConstraint(name="authority_limit_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="authority_limit_act_known", condition=Q(act__in=Act.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.act} {self.amount} {self.currency}"
