"""Acts on what is for sale: lots put up, offers and sealed bids taken in, bids opened."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from pledges.services.conversion import Take
from pledges.services.disposal.open_case import begin_selling
from pledges.services.disposal.place_offer import place_offer
from pledges.services.disposal.put_up_lot import LotTerms, put_up_lot, withdraw_lot
from pledges.services.disposal.seal_bid import place_bid, reveal_bid
from pledges.states import CaseState, ChannelKind, ChannelState
from portal.names import name_of
from portal.queries.disposals import CaseFile, open_lots
from portal.web.acting import Choices, Said
from portal.web.case_form import CHECKER, CLERK, MAKER, CaseForm, chosen, houses_of, is_selling


def _lots(file: CaseFile, *, auction: bool) -> Choices:
    return [(str(lot.pk), f"{lot.number}") for lot in open_lots(file) if lot.is_auction == auction]


class Begin(CaseForm):
    """Let selling begin."""

    name, roles = "begin", CHECKER
    button = gettext_lazy("Let selling begin")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case is only opened."""
        return file.case.state == CaseState.OPENED

    def carry_out(self, said: Said) -> object:
        """Begin."""
        return begin_selling(case=self.subject.case, **self.ask.stamp)


class PutUp(CaseForm):
    """Put part of a position up for sale."""

    name, roles = "put_up", MAKER
    button = gettext_lazy("Put up for sale")
    position = forms.ChoiceField(label=gettext_lazy("What"))
    quantity = forms.DecimalField(label=gettext_lazy("Quantity"), min_value=Decimal("0.000001"))
    reserve = forms.DecimalField(
        label=gettext_lazy("Reserve price"), help_text=gettext_lazy("below it there is no sale")
    )
    expected_share = forms.DecimalField(
        label=gettext_lazy("Expected, as a share of market value"),
        initial=Decimal("0.95"),
        help_text=gettext_lazy("after the costs of selling; decides how much restores the cover"),
    )
    opens_at = forms.DateTimeField(
        label=gettext_lazy("Bids open at (UTC)"),
        required=False,
        help_text=gettext_lazy("for an auction with sealed bids; they close an hour later"),
    )

    def choices(self) -> dict[str, Choices]:
        """Offer what can be sold."""
        return {"position": [(str(one.pk), one.label) for one in self.subject.positions]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case sells and something is left."""
        return is_selling(file) and bool(file.positions)

    def carry_out(self, said: Said) -> object:
        """Put it up."""
        position = chosen(self.subject.positions, said["position"])
        opens_at = said["opens_at"]
        terms = LotTerms(
            reserve=said["reserve"],
            expected_share=said["expected_share"],
            opens_at=opens_at,
            closes_at=opens_at + timedelta(hours=1) if opens_at else None,
        )
        goods = [Take(position.pk, said["quantity"])]
        return put_up_lot(case=self.subject.case, goods=goods, terms=terms, **self.ask.stamp)


class Withdraw(CaseForm):
    """Take a lot off the market."""

    name, roles, danger = "withdraw", MAKER, True
    button = gettext_lazy("Take off the market")
    lot = forms.ChoiceField(label=gettext_lazy("Lot"))

    def choices(self) -> dict[str, Choices]:
        """Offer what is for sale."""
        return {"lot": [(str(lot.pk), f"{lot.number}") for lot in open_lots(self.subject)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While something is for sale."""
        return is_selling(file) and bool(open_lots(file))

    def carry_out(self, said: Said) -> object:
        """Withdraw it."""
        return withdraw_lot(lot=chosen(self.subject.lots, said["lot"]), **self.ask.stamp)


class PlaceOffer(CaseForm):
    """Enter an open offer."""

    name, roles = "offer", CLERK
    button = gettext_lazy("Enter the offer")
    lot = forms.ChoiceField(label=gettext_lazy("Lot"))
    channel = forms.ChoiceField(label=gettext_lazy("Channel"))
    bidder = forms.ChoiceField(label=gettext_lazy("Bidder"))
    amount = forms.DecimalField(label=gettext_lazy("For the whole lot"))
    binding_until = forms.DateTimeField(label=gettext_lazy("Binding until (UTC)"))

    def choices(self) -> dict[str, Choices]:
        """Offer the open lots, the agreed channels and the houses that may buy."""
        channels = [
            (str(one.pk), str(one))
            for one in self.subject.channels
            if one.kind != ChannelKind.AUCTION and one.state == ChannelState.AGREED
        ]
        lots = _lots(self.subject, auction=False)
        return {"lot": lots, "channel": channels, "bidder": houses_of(self.subject)}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a lot is open to offers."""
        return is_selling(file) and bool(_lots(file, auction=False))

    def carry_out(self, said: Said) -> object:
        """Enter it."""
        return place_offer(
            lot=chosen(self.subject.lots, said["lot"]),
            channel=chosen(self.subject.channels, said["channel"]),
            bidder=chosen(self.subject.houses, said["bidder"]),
            amount=said["amount"],
            binding_until=said["binding_until"],
            **self.ask.stamp,
        )


class PlaceBid(CaseForm):
    """Enter a sealed bid."""

    name, roles = "bid", CLERK
    button = gettext_lazy("Take the sealed bid")
    lot = forms.ChoiceField(label=gettext_lazy("Lot"))
    bidder = forms.ChoiceField(label=gettext_lazy("Bidder"))
    commitment = forms.CharField(
        label=gettext_lazy("Commitment"),
        max_length=64,
        help_text=gettext_lazy(
            "SHA-256 of “amount with four decimals|nonce|bidder's code”, in hexadecimal digits"
        ),
    )
    binding_until = forms.DateTimeField(label=gettext_lazy("Binding until (UTC)"))

    def choices(self) -> dict[str, Choices]:
        """Offer the auctions and the houses that may buy."""
        return {"lot": _lots(self.subject, auction=True), "bidder": houses_of(self.subject)}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While an auction is on."""
        return is_selling(file) and bool(_lots(file, auction=True))

    def carry_out(self, said: Said) -> object:
        """Take it."""
        [auction] = [one for one in self.subject.channels if one.kind == ChannelKind.AUCTION]
        return place_bid(
            lot=chosen(self.subject.lots, said["lot"]),
            channel=auction,
            bidder=chosen(self.subject.houses, said["bidder"]),
            commitment=said["commitment"],
            binding_until=said["binding_until"],
            **self.ask.stamp,
        )


class Reveal(CaseForm):
    """Open a sealed bid."""

    name, roles = "reveal", CLERK
    button = gettext_lazy("Open the bid")
    offer = forms.ChoiceField(label=gettext_lazy("Bid of"))
    amount = forms.DecimalField(label=gettext_lazy("Amount"))
    nonce = forms.CharField(label=gettext_lazy("Nonce"), max_length=80)

    def choices(self) -> dict[str, Choices]:
        """Offer the bids that are sealed."""
        return {"offer": [(str(one.pk), name_of(one.bidder)) for one in _sealed(self.subject)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a bid is sealed."""
        return is_selling(file) and bool(_sealed(file))

    def carry_out(self, said: Said) -> object:
        """Open it."""
        offer = chosen(self.subject.offers, said["offer"])
        return reveal_bid(offer=offer, amount=said["amount"], nonce=said["nonce"], **self.ask.stamp)


def _sealed(file: CaseFile) -> list[Any]:
    lots = {lot.pk for lot in open_lots(file)}
    return [one for one in file.offers if one.is_sealed and one.lot_id in lots]
