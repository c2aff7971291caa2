"""Register organisations, and the accounts they are paid on."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.money import minor_units
from outbox.services import record
from parties.actors import Actor
from parties.models import BankAccount, Organisation
from parties.roles import OrganisationKind, Role
from parties.rules import valid_account_number, valid_gln, valid_lei, valid_uscc
from parties.services.authority import NotAllowed, require_role


class AlreadyRegistered(Refusal):
    """Another organisation has the code or identifier, or the account is on file already."""

    code = "already_registered"


class IdentifierMissing(Refusal):
    """An organisation needs at least one of LEI, USCC and GLN."""

    code = "identifier_missing"


class DetailsInvalid(Refusal):
    """A name is empty, or a country is no ISO 3166 code."""

    code = "details_invalid"


def register_organisation(
    *,
    code: str,
    name: str,
    kind: OrganisationKind,
    country: str,
    actor: Actor,
    now: datetime,
    name_zh: str = "",
    lei: str | None = None,
    uscc: str | None = None,
    gln: str | None = None,
) -> Organisation:
    """Register a legal entity under its identifiers (normalised) and return it.

    Raises InvalidIdentifier with the check digit that would be right, IdentifierMissing,
    DetailsInvalid, AlreadyRegistered naming the field, NotAllowed.
    """
    require_role(actor, Role.OPERATIONS)
    if not _keeps_the_register(actor):
        raise NotAllowed(message=_("Only lenders and the platform register organisations."))
    organisation = Organisation(
        code=code.strip().lower(),
        name=name.strip(),
        name_zh=name_zh.strip(),
        kind=OrganisationKind(kind),
        country=country.strip().upper(),
        lei=valid_lei(lei) if lei else None,
        uscc=valid_uscc(uscc) if uscc else None,
        gln=valid_gln(gln) if gln else None,
    )
    _require_details(organisation)
    with transaction.atomic(), constraint_refusals(_taken(organisation)):
        organisation.save(force_insert=True)
        _record("register_organisation", organisation, actor, now)
    return organisation


def open_bank_account(
    *,
    organisation: Organisation,
    number: str,
    currency: str,
    bank_name: str,
    actor: Actor,
    now: datetime,
) -> BankAccount:
    """Put an account of the organisation on file and return it.

    Raises InvalidIdentifier for a misspelt number, AlreadyRegistered if the number is on file in
    this currency (a second organisation cannot claim it), NotAllowed for a third party.
    """
    if not _keeps_the_register(actor) and actor.organisation_id != organisation.pk:
        raise NotAllowed(
            message=_("Only %(name)s itself or a lender puts its accounts on file.")
            % {"name": organisation.name}
        )
    minor_units(currency)
    account = BankAccount(
        organisation=organisation,
        number=valid_account_number(number),
        currency=currency,
        bank_name=bank_name.strip(),
    )
    taken = AlreadyRegistered(
        message=_("The account %(number)s is on file already.") % {"number": account.number},
        field="number",
    )
    with transaction.atomic(), constraint_refusals({"bank_account_number_unique": taken}):
        account.save(force_insert=True)
        _record("open_bank_account", account, actor, now)
    return account


def _record(action: str, subject: Organisation | BankAccount, actor: Actor, now: datetime) -> None:
    record(
        action=action,
        actor=actor,
        object_type=subject._meta.label_lower,
        object_id=subject.pk,
        at=now,
    )


def _keeps_the_register(actor: Actor) -> bool:
    return actor.sees_everything or actor.organisation_kind == OrganisationKind.LENDER


def _require_details(organisation: Organisation) -> None:
    if not (organisation.lei or organisation.uscc or organisation.gln):
        raise IdentifierMissing(
            message=_("An organisation needs an LEI, a USCC or a GLN."), field="lei"
        )
    for field in ("code", "name"):
        if not getattr(organisation, field):
            raise DetailsInvalid(message=_("An organisation needs a code and a name."), field=field)
    country = organisation.country
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise DetailsInvalid(
            message=_("A country is two letters, as CN or US; not %(country)s.")
            % {"country": country},
            field="country",
        )


def _taken(organisation: Organisation) -> dict[str, Refusal]:
    refusals: dict[str, Refusal] = {}
    for field, name in (("code", _("code")), ("lei", "LEI"), ("uscc", "USCC"), ("gln", "GLN")):
        refusals[f"organisation_{field}_taken_once"] = AlreadyRegistered(
            message=_("An organisation with the %(name)s %(value)s is registered already.")
            % {"name": name, "value": getattr(organisation, field)},
            field=field,
        )
    return refusals
