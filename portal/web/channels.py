"""Ways to sell after a default, agreed beforehand: proposed, agreed to by another person, ended."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from lending.models import Facility
from parties.actors import Actor
from pledges.models import DisposalChannel
from pledges.services.disposal.acts import CHECKERS, MAKERS
from pledges.services.disposal.agree_channel import (
    ChannelTerms,
    agree_channel,
    end_channel,
    propose_channel,
    refuse_channel,
)
from pledges.states import ChannelKind, ChannelState
from portal.boards.channels import channels_board
from portal.names import joined, name_of
from portal.queries.disposals import list_channels
from portal.queries.receipts import list_houses
from portal.web import fields
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page

Channels = Sequence[DisposalChannel]


class Propose(ActForm[Channels]):
    """A way to sell, as it was talked over with the borrower."""

    name = "propose"
    button = gettext_lazy("Propose a channel")
    promise = gettext_lazy("It can be used once another person of the lender agreed to it.")
    kind = forms.ChoiceField(label=gettext_lazy("Channel"), choices=ChannelKind.choices)
    counterparty = fields.OneRow(
        gettext_lazy("Who buys"),
        required=False,
        help_text=gettext_lazy("for a buy-back or an agreed buyer"),
    )
    price_share = forms.DecimalField(
        label=gettext_lazy("At least this share of market value"),
        min_value=Decimal("0.0001"),
        max_value=Decimal(10),
        decimal_places=4,
        required=False,
        help_text=gettext_lazy("such as 0.85; a buy-back must name it"),
    )
    terms = forms.CharField(
        label=gettext_lazy("What is agreed"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    valid_from = fields.day(gettext_lazy("From"))
    valid_until = fields.day(gettext_lazy("First day without it"), required=False)

    def choose(self) -> None:
        """Offer the houses and begin today."""
        fields.offer_rows(self, "counterparty", list_houses(self.ask.actor), name_of)
        self.fields["valid_from"].initial = self.ask.today

    def carry_out(self, said: Said) -> object:
        """Propose it."""
        told = {name: said[name] for name in ChannelTerms.__dataclass_fields__}
        return propose_channel(
            facility=self.ask.facility,
            terms=ChannelTerms(**told),
            actor=self.ask.actor,
            now=self.ask.now,
        )


class OnChannel(ActForm[Channels]):
    """An act on one channel in a state."""

    state: ChannelState
    channel = fields.OneRow(gettext_lazy("Channel"))

    def choose(self) -> None:
        """Offer the channels in that state."""
        found = [one for one in self.subject if one.state == self.state]
        fields.offer_rows(self, "channel", found, _channel_label)


def _channel_label(one: DisposalChannel) -> str:
    buyer = name_of(one.counterparty) if one.counterparty else ""
    return joined(one.get_kind_display(), buyer)


class Agree(OnChannel):
    """The second person's yes."""

    name, state = "agree", ChannelState.PROPOSED
    button = gettext_lazy("Agree to a channel")

    def carry_out(self, said: Said) -> object:
        """Agree to it."""
        return agree_channel(channel=said["channel"], **self.ask.stamp)


class Refuse(OnChannel):
    """The second person's no."""

    name, state, danger = "refuse", ChannelState.PROPOSED, True
    button = gettext_lazy("Refuse a proposed channel")

    def carry_out(self, said: Said) -> object:
        """Turn it down."""
        return refuse_channel(channel=said["channel"], actor=self.ask.actor, now=self.ask.now)


class End(OnChannel):
    """Used no more."""

    name, state, danger = "end", ChannelState.AGREED, True
    button = gettext_lazy("End a channel")
    promise = gettext_lazy("From today on nothing is sold by it.")

    def carry_out(self, said: Said) -> object:
        """End it."""
        return end_channel(channel=said["channel"], **self.ask.stamp)


CHANNEL_FORMS = (Agree, Refuse, Propose, End)


@working_page
def channels(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show a facility's channels of disposal to both sides; the lender's people act on them."""
    found = list_channels(ask.actor, ask.facility)
    tried = attempt(request, ask, found, CHANNEL_FORMS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:channels", facility_id=facility_id)
    forms_shown = tried.forms(found, _open_acts(ask.actor, ask.facility, found))
    board = channels_board(ask.facility, found, ask.today, forms_shown)
    return show(request, ask, "portal/channels.html", board, status=tried.status)


def _open_acts(actor: Actor, facility: Facility, found: Channels) -> list[str]:
    """Return what the reader may do: nobody decides on the own proposal alone."""
    if actor.organisation_id != facility.tenant_id:
        return []
    proposals = [one for one in found if one.state == ChannelState.PROPOSED]
    others = any(one.maker_id != actor.person_id for one in proposals)
    agreed = any(one.state == ChannelState.AGREED for one in found)
    decides = actor.has_role(*CHECKERS)
    open_to = {
        Agree.name: decides and others,
        Refuse.name: decides and others,
        Propose.name: actor.has_role(*MAKERS),
        End.name: decides and agreed,
    }
    return [name for name, is_open in open_to.items() if is_open]
