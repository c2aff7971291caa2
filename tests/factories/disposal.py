"""Defaults, cases and sales in the state a test wants, reached through the real verbs.

A kilogram of alpha was worth 500 and lends half of what it is worth; 100 kg are pledged and
25,000 drawn on them before the price falls to 300: worth 30,000, lending 15,000, short 10,000.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from lending.models import DefaultNotice, Loan
from lending.states import DefaultCause
from parties.models import Organisation
from pledges.models import (
    DisposalCase,
    DisposalChannel,
    DisposalLot,
    Offer,
    Position,
    Sale,
)
from pledges.rules.sealed_bids import commitment
from pledges.services.conversion import Take
from pledges.services.disposal.agree_channel import ChannelTerms, agree_channel, propose_channel
from pledges.services.disposal.declare_default import declare_default, propose_default
from pledges.services.disposal.open_case import begin_selling, open_case
from pledges.services.disposal.place_offer import place_offer
from pledges.services.disposal.put_up_lot import LotTerms, put_up_lot
from pledges.services.disposal.seal_bid import place_bid, reveal_bid
from pledges.services.disposal.sell_lot import accept_sale, propose_sale
from pledges.states import ChannelKind, DisposalTarget
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, make_buyer, make_supplier
from tests.factories.pledges import Vault, make_vault
from tests.factories.risk import make_tick, noon

WED = date(2016, 3, 2)
SOLD = date(2016, 3, 8)
OPENS = noon(SOLD) - timedelta(hours=2)
CLOSES = noon(SOLD) - timedelta(hours=1)

_payments = count(1)


@dataclass
class Enforcement:
    """A facility in default with a loan of 25,000, 100 kg of alpha, and channels agreed before."""

    vault: Vault
    goods: Position
    loan: Loan
    channels: dict[str, DisposalChannel]
    buyer: Organisation
    supplier: Organisation
    on: date = SOLD

    @property
    def now(self) -> datetime:
        """Noon of the day on which everything is done."""
        return noon(self.on)

    @property
    def at(self) -> dict[str, Any]:
        """The day and the instant of an act."""
        return {"on": self.on, "now": self.now}

    @property
    def team(self) -> Any:
        """The lender's people."""
        return self.vault.desk.team

    @property
    def facility(self) -> Any:
        """The facility as it stands."""
        return self.vault.desk.fresh()

    def default(self, cause: str = DefaultCause.INSOLVENCY) -> DefaultNotice:
        """Declare the default."""
        notice = propose_default(
            facility=self.facility,
            cause=cause,
            reference="court order 17",
            reason="insolvent",
            actor=self.team.preparer,
            **self.at,
        )
        return declare_default(notice=notice, actor=self.team.approver, **self.at)

    def case(self, target: str = DisposalTarget.EVERYTHING) -> DisposalCase:
        """Declare the default, open a case and let selling begin."""
        case = open_case(notice=self.default(), target=target, actor=self.team.preparer, **self.at)
        return begin_selling(case=case, actor=self.team.approver, **self.at)

    def put_up(
        self,
        case: DisposalCase,
        quantity: Decimal | int,
        *,
        reserve: Decimal | int = 1,
        **terms: Any,
    ) -> DisposalLot:
        """Put some of the alpha up for sale."""
        return put_up_lot(
            case=case,
            goods=[Take(self.goods.pk, Decimal(quantity))],
            terms=LotTerms(reserve=Decimal(reserve), **terms),
            actor=self.team.preparer,
            **self.at,
        )

    def offer(
        self,
        lot: DisposalLot,
        amount: Decimal | int | str,
        *,
        kind: str = ChannelKind.AGREED_BUYER,
        bidder: Organisation | None = None,
    ) -> Offer:
        """Enter an offer, by the agreed buyer unless told."""
        return place_offer(
            lot=lot,
            channel=self.channels[kind],
            bidder=bidder or self.buyer,
            amount=Decimal(amount),
            binding_until=self.now + timedelta(days=5),
            actor=self.team.operations,
            **self.at,
        )

    def bid(
        self,
        lot: DisposalLot,
        amount: Decimal | int | str,
        *,
        bidder: Organisation,
        nonce: str = "salt",
        now: datetime | None = None,
    ) -> Offer:
        """Hand in a sealed bid."""
        sealed = commitment(amount=Decimal(amount), nonce=nonce, bidder=bidder.code)
        return place_bid(
            lot=lot,
            channel=self.channels[ChannelKind.AUCTION],
            bidder=bidder,
            commitment=sealed,
            binding_until=self.now + timedelta(days=9),
            on=self.on,
            actor=self.team.operations,
            now=now or self.now,
        )

    def reveal(
        self, offer: Offer, amount: Decimal | int | str, *, at: datetime, nonce: str = "salt"
    ) -> Offer:
        """Open a sealed bid at an instant."""
        return reveal_bid(
            offer=offer,
            amount=Decimal(amount),
            nonce=nonce,
            on=at.date(),
            actor=self.team.operations,
            now=at,
        )

    def propose(self, offer: Offer, costs: Decimal | int = 0, **at: Any) -> Sale:
        """Propose to accept an offer."""
        return propose_sale(
            offer=offer,
            costs=Decimal(costs),
            actor=self.team.preparer,
            **(self.at | at),
        )

    def accept(self, sale: Sale, **at: Any) -> Sale:
        """Accept a sale against its payment."""
        return accept_sale(
            sale=sale,
            bank_reference=f"CR-SALE-{next(_payments)}",
            actor=self.team.approver,
            **(self.at | at),
        )

    def sell(self, lot: DisposalLot, amount: Decimal | int | str, costs: Decimal | int = 0) -> Sale:
        """Take an offer for a lot and accept it."""
        return self.accept(self.propose(self.offer(lot, amount), costs))


def make_channels(vault: Vault, *, buyer: Organisation, supplier: Organisation) -> Any:
    """Agree on one channel of each kind; the supplier buys back at 80 % of market value."""
    kinds = {
        ChannelKind.BUY_BACK: {"counterparty": supplier, "price_share": Decimal("0.8")},
        ChannelKind.AGREED_BUYER: {"counterparty": buyer},
        ChannelKind.MARKETPLACE: {},
        ChannelKind.AUCTION: {},
    }
    return {str(kind): make_channel(vault, kind=kind, **terms) for kind, terms in kinds.items()}


def make_channel(vault: Vault, *, kind: str, on: date = START, **terms: Any) -> DisposalChannel:
    """Agree on a channel."""
    team = vault.desk.team
    proposed = propose_channel(
        facility=vault.desk.facility,
        terms=ChannelTerms(kind=kind, terms="as agreed", valid_from=START, **terms),
        actor=team.preparer,
        now=NOW,
    )
    return agree_channel(channel=proposed, on=on, actor=team.approver, now=NOW)


def make_enforcement(
    *, kilograms: int = 100, drawn: int = 25_000, price: int | str = 300, **terms: Any
) -> Enforcement:
    """Return goods pledged, a loan drawn, channels agreed, and the price fallen; not yet default.

    No interest is charged unless told, so that the figures are round.
    """
    vault = make_vault(**({"annual_rate": Decimal(0), "penalty_rate": Decimal(0)} | terms))
    goods = vault.pledge(kilograms)
    loan = make_drawn_loan(vault.desk, principal=Decimal(drawn))
    buyer, supplier = make_buyer(), make_supplier()
    channels = make_channels(vault, buyer=buyer, supplier=supplier)
    make_tick({"alpha": price}, on=WED)
    return Enforcement(vault, goods, loan, channels, buyer, supplier)
