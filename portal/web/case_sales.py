"""Acts on a case's sales: proposed by one, accepted against its payment by another, or refused."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from pledges.services.disposal.sell_lot import accept_sale, propose_sale, refuse_sale
from pledges.states import SaleState
from portal.names import name_of
from portal.queries.disposals import CaseFile, open_lots
from portal.web.acting import Choices, Said
from portal.web.case_form import CHECKER, MAKER, PAYER, CaseForm, chosen, is_selling


class Propose(CaseForm):
    """Propose to accept an offer."""

    name, roles = "propose", MAKER
    button = gettext_lazy("Propose the sale")
    offer = forms.ChoiceField(label=gettext_lazy("Offer"))
    costs = forms.DecimalField(
        label=gettext_lazy("Costs of selling"),
        initial=0,
        help_text=gettext_lazy("paid back before anything else"),
    )

    def choices(self) -> dict[str, Choices]:
        """Offer the known offers for lots that are for sale."""
        return {
            "offer": [
                (str(one.pk), f"{one.lot.number}: {name_of(one.bidder)}, {one.amount:,.2f}")
                for one in _known(self.subject)
            ]
        }

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While an offer is known."""
        return is_selling(file) and bool(_known(file))

    def carry_out(self, said: Said) -> object:
        """Propose it."""
        offer = chosen(self.subject.offers, said["offer"])
        return propose_sale(offer=offer, costs=said["costs"], **self.ask.stamp)


def _known(file: CaseFile) -> list[Any]:
    lots = {lot.pk for lot in open_lots(file)}
    return [one for one in file.offers if not one.is_sealed and one.lot_id in lots]


def _proposed(file: CaseFile) -> list[Any]:
    return [sale for sale in file.sales if sale.state == SaleState.PROPOSED]


def _sale_choices(file: CaseFile) -> dict[str, Choices]:
    return {
        "sale": [
            (str(one.pk), f"{one.lot.number}: {name_of(one.buyer)}, {one.price:,.2f}")
            for one in _proposed(file)
        ]
    }


class Accept(CaseForm):
    """Accept a proposed sale against its payment."""

    name, roles = "accept", PAYER
    button = gettext_lazy("Accept: goods and money change hands")
    sale = forms.ChoiceField(label=gettext_lazy("Sale"))
    bank_reference = forms.CharField(
        label=gettext_lazy("The buyer's payment"),
        max_length=35,
        help_text=gettext_lazy("reference of the entry on the controlled account"),
    )

    def choices(self) -> dict[str, Choices]:
        """Offer what is proposed."""
        return _sale_choices(self.subject)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a sale is proposed."""
        return is_selling(file) and bool(_proposed(file))

    def carry_out(self, said: Said) -> object:
        """Accept it."""
        sale = chosen(self.subject.sales, said["sale"])
        return accept_sale(sale=sale, bank_reference=said["bank_reference"], **self.ask.stamp)


class Refuse(CaseForm):
    """Turn a proposed sale down."""

    name, roles, danger = "refuse", CHECKER, True
    button = gettext_lazy("Refuse the sale")
    sale = forms.ChoiceField(label=gettext_lazy("Sale"))

    def choices(self) -> dict[str, Choices]:
        """Offer what is proposed."""
        return _sale_choices(self.subject)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a sale is proposed."""
        return is_selling(file) and bool(_proposed(file))

    def carry_out(self, said: Said) -> object:
        """Refuse it."""
        sale = chosen(self.subject.sales, said["sale"])
        return refuse_sale(sale=sale, **self.ask.stamp)
