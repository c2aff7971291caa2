"""What the acts on a disposal case share: who may act, when it is possible, and what is chosen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from parties.actors import Actor
from parties.roles import Role
from pledges.states import CaseState
from portal.names import name_of
from portal.queries.disposals import CaseFile
from portal.web.acting import ActForm, Choices

MAKER = (Role.PREPARER, Role.RISK_OFFICER)
CLERK = (Role.PREPARER, Role.OPERATIONS, Role.RISK_OFFICER)
CHECKER = (Role.APPROVER, Role.RISK_OFFICER)
PAYER = (Role.APPROVER,)


class CaseForm(ActForm[CaseFile]):
    """One act on a case. A subclass names its roles, when it is possible, and its service."""

    roles: ClassVar[tuple[Role, ...]]

    def choose(self) -> None:
        """Offer the choices of the case."""
        for field, choices in self.choices().items():
            self.offer_choices(field, choices)

    def choices(self) -> dict[str, Choices]:
        """Return the choices of the form's fields."""
        return {}

    @classmethod
    @abstractmethod
    def possible(cls, file: CaseFile) -> bool:
        """Tell whether the act makes sense as the case stands."""


class _Row(Protocol):
    @property
    def pk(self) -> Any: ...


_AnyRow = TypeVar("_AnyRow", bound=_Row)


def chosen(rows: Sequence[_AnyRow], key: str) -> _AnyRow:
    """Return the row that was chosen by its key; the form offered no other."""
    [row] = [one for one in rows if str(one.pk) == key]
    return row


def is_selling(file: CaseFile) -> bool:
    """Tell whether the case sells."""
    return file.case.state == CaseState.SELLING


def possible_acts(
    kinds: Sequence[type[CaseForm]], actor: Actor, file: CaseFile
) -> list[type[CaseForm]]:
    """Return what the reader may do now. Only the lender's people act; the borrower reads."""
    if actor.organisation_id != file.case.tenant_id:
        return []
    return [kind for kind in kinds if actor.has_role(*kind.roles) and kind.possible(file)]


def houses_of(file: CaseFile) -> Choices:
    """Return the houses that may buy, by their names."""
    return [(str(one.pk), name_of(one)) for one in file.houses]
