"""Evidence that the supervisor controls the goods, and suppliers' notices that outrank us."""

import re
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from lending.models import Facility
from lending.services.acts import Trace, require_lender
from logistics.models import Lot, Site
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from parties.services.authority import require_role
from pledges.models import ControlEvidence, PurchaseMoneyNotice
from pledges.rules.jurisdictions import law_of
from pledges.services.registrations import FILERS
from pledges.services.site_duties import review_sites
from pledges.states import EvidenceOfControl

_HASH = re.compile(r"[0-9a-f]{64}")


class EvidenceNotPossible(Refusal):
    """Evidence without a document's hash, from the future, or good for no day at all."""

    code = "evidence_not_possible"


class EvidenceKnown(Refusal):
    """The same document is on file for the place: it proves nothing new."""

    code = "evidence_known"


class NoticeKnown(Refusal):
    """The supplier's notice for the lot is on file."""

    code = "notice_known"


@transaction.atomic
def record_control(
    *,
    facility: Facility,
    site: Site,
    kind: EvidenceOfControl,
    reference: str,
    sha256: str,
    taken_at: datetime,
    valid_days: int,
    on: date,
    actor: Actor,
    now: datetime,
) -> ControlEvidence:
    """Put evidence on file, by the lender's people or the site's operator; its goods count again.

    It is good for `valid_days` from the day it was taken. Raises EvidenceNotPossible,
    EvidenceKnown, NotYourFacility.
    """
    if actor.organisation_id == site.operator_id:
        require_role(actor, Role.PARTNER, Role.OPERATIONS)
    else:
        require_lender(actor, facility, *FILERS)
    is_hashed = _HASH.fullmatch(sha256)
    if not is_hashed or taken_at > now or valid_days < 1:
        raise EvidenceNotPossible(
            message=_("Evidence has the document's SHA-256, was taken, and is good for some days."),
            field="sha256" if not is_hashed else "taken_at" if taken_at > now else "valid_days",
        )
    known = EvidenceKnown(
        message=_("This document is on file for %(site)s already") % {"site": site.name},
        field="sha256",
    )
    with constraint_refusals({"control_document_counts_once": known}):
        evidence = ControlEvidence.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            site=site,
            kind=kind,
            reference=reference,
            sha256=sha256,
            taken_at=taken_at,
            valid_until=taken_at.date() + timedelta(days=valid_days),
            actor_label=actor.label,
            recorded_at=now,
        )
    Trace(facility.tenant_id, actor, now, on).leave(
        evidence,
        action="record_control",
        topic="control_evidenced",
        detail={"site": site.code, "kind": str(kind), "valid_until": evidence.valid_until},
    )
    review_sites(on=on, actor=actor, now=now, facility_ids=[facility.pk])
    return evidence


@transaction.atomic
def note_purchase_money(
    *,
    facility: Facility,
    supplier: Organisation,
    lot: Lot,
    number: str,
    delivered_on: date,
    registered_on: date,
    actor: Actor,
    now: datetime,
) -> PurchaseMoneyNotice:
    """Put a supplier's security interest in delivered goods on file and alert the desk.

    Registered within the law's days of delivery it ranks before the lender. Raises NoticeKnown,
    NotYourFacility.
    """
    require_lender(actor, facility, *FILERS)
    last = delivered_on + timedelta(days=law_of(facility.jurisdiction).purchase_money_days)
    known = NoticeKnown(message=_("This notice is on file already."), field="number")
    with constraint_refusals({"purchase_money_notice_noted_once": known}):
        notice = PurchaseMoneyNotice.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            supplier=supplier,
            lot=lot,
            number=number.strip(),
            delivered_on=delivered_on,
            registered_on=registered_on,
            last_day=last,
            outranks=registered_on <= last,
            recorded_at=now,
        )
    detail = {
        "supplier": supplier.name,
        "thing": f"{lot.item.name}, {lot.number}",
        "registered_on": registered_on,
        "last_day": last,
        "outranks": notice.outranks,
    }
    Trace(facility.tenant_id, actor, now, registered_on).leave(
        notice, action="note_purchase_money", topic="purchase_money_noted", detail=detail
    )
    alert = NewAlert(
        organisation_id=facility.tenant_id,
        topic="pledges.purchase_money" if notice.outranks else "pledges.purchase_money_late",
        aggregate="lot",
        aggregate_id=lot.pk,
        key=f"purchase_money:{notice.pk}",
        severity=Severity.URGENT if notice.outranks else Severity.NOTICE,
        payload=detail,
    )
    raise_alerts([alert], now=now)
    return notice
