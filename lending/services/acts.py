"""What every act on credit does alike: lock, check whose it is, remember the key, leave a trace."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from django.db import models, transaction

from common.idempotency import claim
from common.locks import lock_one
from lending.models import Facility
from lending.refusals import NotYourFacility, PersonNeeded
from outbox.services import emit, record
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_role


class Once(Protocol):
    """The memory of a request: what it was answered, if it was made before."""

    @property
    def replayed(self) -> bool:
        """Whether the request took effect before."""
        ...

    @property
    def response(self) -> Mapping[str, Any]:
        """The answer it got then."""
        ...

    def store(self, response: Mapping[str, Any]) -> None:
        """Keep the answer for later."""
        ...


@dataclass
class _Unkeyed:
    """A request without a key is always new."""

    replayed: bool = False
    response: dict[str, Any] = field(default_factory=dict)

    def store(self, response: Mapping[str, Any]) -> None:
        """Keep nothing: nobody can ask for it again."""


@contextmanager
def act_once(
    *, service: str, tenant_id: int, key: str | None, payload: Mapping[str, Any], now: datetime
) -> Iterator[Once]:
    """Open the act's transaction and claim its idempotency key, if the caller gave one."""
    with transaction.atomic():
        if key is None:
            yield _Unkeyed()
        else:
            yield claim(scope=f"{service}:{tenant_id}", key=key, payload=payload, now=now)


def lock_facility(facility_id: int) -> Facility:
    """Lock the facility against every other change of its cover or exposure, and read it anew."""
    return lock_one(Facility.objects.all(), facility_id)


def require_lender(actor: Actor, facility: Facility, *roles: Role) -> None:
    """Refuse an actor from another house than the lender, or without any of the roles."""
    if not actor.is_system and actor.organisation_id != facility.tenant_id:
        raise NotYourFacility.of(facility)
    require_role(actor, *roles)


def person_of(actor: Actor, act: str) -> int:
    """Return the id of the person who acts; PersonNeeded if it is the system."""
    if actor.person_id is None:
        raise PersonNeeded.for_act(act)
    return actor.person_id


@dataclass(frozen=True, slots=True)
class Trace:
    """What an act leaves in the outbox and in the journal of acts."""

    tenant_id: int
    actor: Actor
    now: datetime
    on: date | None = None

    def leave(
        self,
        subject: models.Model,
        *,
        action: str,
        topic: str,
        detail: Mapping[str, Any],
        reason: str = "",
    ) -> None:
        """Write both, in the act's transaction; `detail` is the event's payload, too."""
        emit(
            topic=f"lending.{topic}",
            aggregate=subject._meta.label_lower,
            aggregate_id=subject.pk,
            payload=detail,
            tenant_id=self.tenant_id,
            now=self.now,
        )
        record(
            action=action,
            actor=self.actor,
            object_type=subject._meta.label_lower,
            object_id=subject.pk,
            at=self.now,
            business_date=self.on,
            tenant_id=self.tenant_id,
            detail=detail,
            reason=reason,
        )
