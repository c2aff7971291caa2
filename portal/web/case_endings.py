"""Acts that end a case: settle, cancel, heal; give its surplus back, write its loans off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from lending.services.default import ask_to_heal
from lending.services.write_off import approve_write_off, request_write_off
from lending.states import NoticeState, WriteOffState
from pledges.services.disposal.declare_default import heal_default
from pledges.services.disposal.open_case import cancel_case
from pledges.services.disposal.settle_case import pay_surplus, request_surplus, settle_case
from pledges.states import CASE_RUNS, CaseState, SurplusState
from portal.queries.disposals import CaseFile
from portal.web.acting import Choices, Said
from portal.web.case_form import CHECKER, MAKER, PAYER, CaseForm, chosen, is_selling


class Settle(CaseForm):
    """End the case and record its deficit."""

    name, roles = "settle", CHECKER
    button = gettext_lazy("Settle the case")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case sells and nothing is left, or nothing is owed."""
        return is_selling(file) and not (file.positions and file.cover.exposure)

    def carry_out(self, said: Said) -> object:
        """Settle it."""
        return settle_case(case=self.subject.case, **self.ask.stamp)


class Cancel(CaseForm):
    """End the case without a result."""

    name, roles, danger = "cancel", CHECKER, True
    button = gettext_lazy("Cancel the case")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case runs."""
        return file.case.state in CASE_RUNS

    def carry_out(self, said: Said) -> object:
        """Cancel it."""
        return cancel_case(case=self.subject.case, reason=said["reason"], **self.ask.stamp)


class AskToHeal(CaseForm):
    """Ask for the default to be ended."""

    name, roles = "ask_to_heal", MAKER
    button = gettext_lazy("Ask for the default to be healed")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the notice stands and the cover does, too."""
        return file.case.notice.state == NoticeState.DECLARED and not file.cover.shortfall

    def carry_out(self, said: Said) -> object:
        """Ask for it."""
        notice = self.subject.case.notice
        return ask_to_heal(
            notice=notice, reason=said["reason"], actor=self.ask.actor, now=self.ask.now
        )


class Heal(CaseForm):
    """End the default."""

    name, roles = "heal", CHECKER
    button = gettext_lazy("The default is healed")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        notice = file.case.notice
        return notice.state == NoticeState.DECLARED and notice.heal_maker_id is not None

    def carry_out(self, said: Said) -> object:
        """Heal it."""
        return heal_default(notice=self.subject.case.notice, **self.ask.stamp)


class AskSurplus(CaseForm):
    """Ask for the surplus to be given back."""

    name, roles = "ask_surplus", MAKER
    button = gettext_lazy("Ask to give the surplus back")

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once the case is settled and something is left of its sales."""
        held = any(sale.proceeds and sale.proceeds.remaining for sale in file.sales)
        return file.case.state == CaseState.SETTLED and held and file.surplus is None

    def carry_out(self, said: Said) -> object:
        """Ask for it."""
        return request_surplus(case=self.subject.case, **self.ask.stamp)


class PaySurplus(CaseForm):
    """Give the surplus back."""

    name, roles = "pay_surplus", PAYER
    button = gettext_lazy("Give the surplus back")
    bank_reference = forms.CharField(label=gettext_lazy("Bank reference"), max_length=35)

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        return file.surplus is not None and file.surplus.state == SurplusState.REQUESTED

    def carry_out(self, said: Said) -> object:
        """Pay it."""
        assert self.subject.surplus is not None
        reference = said["bank_reference"]
        return pay_surplus(surplus=self.subject.surplus, bank_reference=reference, **self.ask.stamp)


class AskWriteOff(CaseForm):
    """Ask for what is still owed to be written off."""

    name, roles, danger = "ask_write_off", MAKER, True
    button = gettext_lazy("Ask to write the loan off")
    loan = forms.ChoiceField(label=gettext_lazy("Loan"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def choices(self) -> dict[str, Choices]:
        """Offer the loans that owe."""
        return {"loan": [(str(one.pk), one.number) for one in self.subject.owing]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once the case is settled with a deficit."""
        return file.case.state == CaseState.SETTLED and bool(file.owing)

    def carry_out(self, said: Said) -> object:
        """Ask for it."""
        loan = chosen(self.subject.owing, said["loan"])
        return request_write_off(
            loan=loan, reason=said["reason"], actor=self.ask.actor, now=self.ask.now
        )


class ApproveWriteOff(CaseForm):
    """Write a loan off."""

    name, roles, danger = "write_off", CHECKER, True
    button = gettext_lazy("Write it off")
    write_off = forms.ChoiceField(label=gettext_lazy("Loan"))

    def choices(self) -> dict[str, Choices]:
        """Offer what was asked for."""
        return {"write_off": [(str(one.pk), str(one)) for one in _asked(self.subject)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        return bool(_asked(file))

    def carry_out(self, said: Said) -> object:
        """Write it off."""
        asked = chosen(self.subject.write_offs, said["write_off"])
        return approve_write_off(write_off=asked, **self.ask.stamp)


def _asked(file: CaseFile) -> list[Any]:
    return [one for one in file.write_offs if one.state == WriteOffState.REQUESTED]
