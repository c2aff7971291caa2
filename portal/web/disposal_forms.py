"""What may be done under a default, one form an act; who may do it, and the service it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from lending.models import Loan
from lending.services.default import ask_to_heal
from lending.services.write_off import approve_write_off, request_write_off
from lending.states import OWING, NoticeState, WriteOffState
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from pledges.services.conversion import Take
from pledges.services.disposal.declare_default import heal_default
from pledges.services.disposal.open_case import begin_selling, cancel_case
from pledges.services.disposal.place_offer import place_offer
from pledges.services.disposal.put_up_lot import LotTerms, put_up_lot, withdraw_lot
from pledges.services.disposal.seal_bid import place_bid, reveal_bid
from pledges.services.disposal.sell_lot import accept_sale, propose_sale, refuse_sale
from pledges.services.disposal.settle_case import pay_surplus, request_surplus, settle_case
from pledges.states import CASE_RUNS, CaseState, ChannelKind, ChannelState, SaleState, SurplusState
from portal.names import name_of
from portal.queries.disposals import CaseFile, open_lots
from portal.web.acting import ActionForm
from portal.web.page import Ask

MAKER = (Role.PREPARER, Role.RISK_OFFICER)
CLERK = (Role.PREPARER, Role.OPERATIONS, Role.RISK_OFFICER)
CHECKER = (Role.APPROVER, Role.RISK_OFFICER)
PAYER = (Role.APPROVER,)
Said = Mapping[str, Any]
Choices = Sequence[tuple[str, str]]


class CaseForm(ActionForm):
    """One act on a case. A subclass names its roles, when it is possible, and its service."""

    name: ClassVar[str]
    roles: ClassVar[tuple[Role, ...]]
    title: ClassVar[str | Promise] = ""

    act = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, file: CaseFile, **kwargs: Any) -> None:
        """Offer the choices of the case."""
        self.file = file
        super().__init__(*args, prefix=self.name, **kwargs)
        self.fields["act"].initial = self.name
        for field, choices in self.choices().items():
            chosen = self.fields[field]
            assert isinstance(chosen, forms.ChoiceField)
            chosen.choices = list(choices)

    def choices(self) -> dict[str, Choices]:
        """Return the choices of the form's fields."""
        return {}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Tell whether the act makes sense as the case stands."""
        raise NotImplementedError

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Ask the service; its refusal is the caller's matter."""
        raise NotImplementedError


def _when(ask: Ask) -> dict[str, Any]:
    return {"on": ask.today, "actor": ask.actor, "now": ask.now}


def _selling(file: CaseFile) -> bool:
    return file.case.state == CaseState.SELLING


def _bidders() -> Choices:
    rows = Organisation.objects.exclude(kind="platform").order_by("name")
    return [(str(one.pk), name_of(one)) for one in rows]


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

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Begin."""
        return begin_selling(case=self.file.case, **_when(ask))


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
        return {"position": [(str(one.pk), one.label) for one in self.file.positions]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case sells and something is left."""
        return _selling(file) and bool(file.positions)

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Put it up."""
        [position] = [one for one in self.file.positions if str(one.pk) == said["position"]]
        opens_at = said["opens_at"]
        terms = LotTerms(
            reserve=said["reserve"],
            expected_share=said["expected_share"],
            opens_at=opens_at,
            closes_at=opens_at + timedelta(hours=1) if opens_at else None,
        )
        goods = [Take(position.pk, said["quantity"])]
        return put_up_lot(case=self.file.case, goods=goods, terms=terms, **_when(ask))


class Withdraw(CaseForm):
    """Take a lot off the market."""

    name, roles, danger = "withdraw", MAKER, True
    button = gettext_lazy("Take off the market")
    lot = forms.ChoiceField(label=gettext_lazy("Lot"))

    def choices(self) -> dict[str, Choices]:
        """Offer what is for sale."""
        return {"lot": [(str(lot.pk), f"{lot.number}") for lot in open_lots(self.file)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While something is for sale."""
        return _selling(file) and bool(open_lots(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Withdraw it."""
        return withdraw_lot(lot=_lot(self.file, said["lot"]), **_when(ask))


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
            for one in self.file.channels
            if one.kind != ChannelKind.AUCTION and one.state == ChannelState.AGREED
        ]
        lots = _lots(self.file, auction=False)
        return {"lot": lots, "channel": channels, "bidder": _bidders()}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a lot is open to offers."""
        return _selling(file) and bool(_lots(file, auction=False))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Enter it."""
        return place_offer(
            lot=_lot(self.file, said["lot"]),
            channel=_channel(self.file, said["channel"]),
            bidder=Organisation.objects.get(pk=said["bidder"]),
            amount=said["amount"],
            binding_until=said["binding_until"],
            **_when(ask),
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
        return {"lot": _lots(self.file, auction=True), "bidder": _bidders()}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While an auction is on."""
        return _selling(file) and bool(_lots(file, auction=True))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Take it."""
        [auction] = [one for one in self.file.channels if one.kind == ChannelKind.AUCTION]
        return place_bid(
            lot=_lot(self.file, said["lot"]),
            channel=auction,
            bidder=Organisation.objects.get(pk=said["bidder"]),
            commitment=said["commitment"],
            binding_until=said["binding_until"],
            **_when(ask),
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
        return {"offer": [(str(one.pk), name_of(one.bidder)) for one in _sealed(self.file)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a bid is sealed."""
        return _selling(file) and bool(_sealed(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Open it."""
        [offer] = [one for one in self.file.offers if str(one.pk) == said["offer"]]
        return reveal_bid(offer=offer, amount=said["amount"], nonce=said["nonce"], **_when(ask))


def _sealed(file: CaseFile) -> list[Any]:
    lots = {lot.pk for lot in open_lots(file)}
    return [one for one in file.offers if one.is_sealed and one.lot_id in lots]


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
                for one in _known(self.file)
            ]
        }

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While an offer is known."""
        return _selling(file) and bool(_known(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Propose it."""
        [offer] = [one for one in self.file.offers if str(one.pk) == said["offer"]]
        return propose_sale(offer=offer, costs=said["costs"], **_when(ask))


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
        return _sale_choices(self.file)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a sale is proposed."""
        return _selling(file) and bool(_proposed(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Accept it."""
        [sale] = [one for one in self.file.sales if str(one.pk) == said["sale"]]
        return accept_sale(sale=sale, bank_reference=said["bank_reference"], **_when(ask))


class Refuse(CaseForm):
    """Turn a proposed sale down."""

    name, roles, danger = "refuse", CHECKER, True
    button = gettext_lazy("Refuse the sale")
    sale = forms.ChoiceField(label=gettext_lazy("Sale"))

    def choices(self) -> dict[str, Choices]:
        """Offer what is proposed."""
        return _sale_choices(self.file)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While a sale is proposed."""
        return _selling(file) and bool(_proposed(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Refuse it."""
        [sale] = [one for one in self.file.sales if str(one.pk) == said["sale"]]
        return refuse_sale(sale=sale, **_when(ask))


class Settle(CaseForm):
    """End the case and record its deficit."""

    name, roles = "settle", CHECKER
    button = gettext_lazy("Settle the case")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case sells and nothing is left, or nothing is owed."""
        return _selling(file) and not (file.positions and file.cover.exposure)

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Settle it."""
        return settle_case(case=self.file.case, **_when(ask))


class Cancel(CaseForm):
    """End the case without a result."""

    name, roles, danger = "cancel", CHECKER, True
    button = gettext_lazy("Cancel the case")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case runs."""
        return file.case.state in CASE_RUNS

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Cancel it."""
        return cancel_case(case=self.file.case, reason=said["reason"], **_when(ask))


class AskToHeal(CaseForm):
    """Ask for the default to be ended."""

    name, roles = "ask_to_heal", MAKER
    button = gettext_lazy("Ask for the default to be healed")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the notice stands and the cover does, too."""
        return file.case.notice.state == NoticeState.DECLARED and not file.cover.shortfall

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Ask for it."""
        notice = self.file.case.notice
        return ask_to_heal(notice=notice, reason=said["reason"], actor=ask.actor, now=ask.now)


class Heal(CaseForm):
    """End the default."""

    name, roles = "heal", CHECKER
    button = gettext_lazy("The default is healed")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        notice = file.case.notice
        return notice.state == NoticeState.DECLARED and notice.heal_maker_id is not None

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Heal it."""
        return heal_default(notice=self.file.case.notice, **_when(ask))


class AskSurplus(CaseForm):
    """Ask for the surplus to be given back."""

    name, roles = "ask_surplus", MAKER
    button = gettext_lazy("Ask to give the surplus back")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once the case is settled and something is left of its sales."""
        held = any(sale.proceeds and sale.proceeds.remaining for sale in file.sales)
        return file.case.state == CaseState.SETTLED and held and file.surplus is None

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Ask for it."""
        return request_surplus(case=self.file.case, **_when(ask))


class PaySurplus(CaseForm):
    """Give the surplus back."""

    name, roles = "pay_surplus", PAYER
    button = gettext_lazy("Give the surplus back")
    bank_reference = forms.CharField(label=gettext_lazy("Bank reference"), max_length=35)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        return file.surplus is not None and file.surplus.state == SurplusState.REQUESTED

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Pay it."""
        assert self.file.surplus is not None
        reference = said["bank_reference"]
        return pay_surplus(surplus=self.file.surplus, bank_reference=reference, **_when(ask))


class AskWriteOff(CaseForm):
    """Ask for what is still owed to be written off."""

    name, roles, danger = "ask_write_off", MAKER, True
    button = gettext_lazy("Ask to write the loan off")
    loan = forms.ChoiceField(label=gettext_lazy("Loan"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def choices(self) -> dict[str, Choices]:
        """Offer the loans that owe."""
        return {"loan": [(str(one.pk), one.number) for one in _owing(self.file)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once the case is settled with a deficit."""
        return file.case.state == CaseState.SETTLED and bool(_owing(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Ask for it."""
        [loan] = [one for one in _owing(self.file) if str(one.pk) == said["loan"]]
        return request_write_off(loan=loan, reason=said["reason"], actor=ask.actor, now=ask.now)


def _owing(file: CaseFile) -> list[Loan]:
    asked = {one.loan_id for one in file.write_offs if one.state != WriteOffState.REFUSED}
    loans = file.case.facility.loans.filter(state__in=OWING).exclude(pk__in=asked)
    return list(loans.order_by("pk"))


class ApproveWriteOff(CaseForm):
    """Write a loan off."""

    name, roles, danger = "write_off", CHECKER, True
    button = gettext_lazy("Write it off")
    write_off = forms.ChoiceField(label=gettext_lazy("Loan"))

    def choices(self) -> dict[str, Choices]:
        """Offer what was asked for."""
        return {"write_off": [(str(one.pk), str(one)) for one in _asked(self.file)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        return bool(_asked(file))

    def carry_out(self, said: Said, ask: Ask) -> object:
        """Write it off."""
        [asked] = [one for one in self.file.write_offs if str(one.pk) == said["write_off"]]
        return approve_write_off(write_off=asked, **_when(ask))


def _asked(file: CaseFile) -> list[Any]:
    return [one for one in file.write_offs if one.state == WriteOffState.REQUESTED]


def _lot(file: CaseFile, key: str) -> Any:
    [lot] = [one for one in file.lots if str(one.pk) == key]
    return lot


def _channel(file: CaseFile, key: str) -> Any:
    [channel] = [one for one in file.channels if str(one.pk) == key]
    return channel


FORMS: tuple[type[CaseForm], ...] = (
    Begin,
    PutUp,
    PlaceOffer,
    PlaceBid,
    Reveal,
    Propose,
    Accept,
    Refuse,
    Withdraw,
    Settle,
    AskSurplus,
    PaySurplus,
    AskWriteOff,
    ApproveWriteOff,
    AskToHeal,
    Heal,
    Cancel,
)


@dataclass(frozen=True, slots=True)
class Offered:
    """The forms of one page, and the one that was sent."""

    forms: list[CaseForm]
    sent: CaseForm | None


def offered_forms(actor: Actor, file: CaseFile, data: Any) -> Offered:
    """Return the forms that the reader may use now, the sent one filled in.

    Only the lender's people act; the borrower reads.
    """
    if actor.organisation_id != file.case.tenant_id:
        return Offered([], None)
    chosen: list[CaseForm] = []
    sent = None
    for kind in FORMS:
        if not (actor.has_role(*kind.roles) and kind.possible(file)):
            continue
        is_sent = data is not None and data.get(f"{kind.name}-act") == kind.name
        form = kind(data if is_sent else None, file=file)
        chosen.append(form)
        sent = form if is_sent else sent
    return Offered(chosen, sent)
