"""Defining commodities, and changing how their rates are computed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from outbox.services import audit
from parties.actors import Actor
from risk import hooks
from risk.catalogue import CATALOGUE, CommodityDefinition
from risk.models import Commodity, CommodityKind
from risk.models.commodity import (
    MAX_GLIDE_DAYS,
    PROXY_CONFIDENCE,
    PROXY_HORIZON_DAYS,
    AssetClass,
)
from risk.units import parse_quotation


class CommodityDefinedOtherwise(Refusal):
    """The code stands for something else already."""

    code = "commodity_defined_otherwise"


class RatePolicyOutOfRange(Refusal):
    """A horizon, confidence, cap, cost or age that makes no rate."""

    code = "rate_policy_out_of_range"


def define_commodity(
    *,
    code: str,
    name: str,
    quoted_unit: str,
    currency: str,
    actor: Actor,
    now: datetime,
    name_zh: str = "",
    asset_class: str = AssetClass.OTHER,
    horizon_days: int = 10,
    cap: Decimal = Decimal("0.80"),
) -> Commodity:
    """Return the commodity of this code, made if it is new.

    quoted_unit: what a quoted price buys, as price files write it: "100 lb", "tonne",
    "troy ounce (cents)". Confidence, cost and ages start at their defaults; see
    `set_rate_policy`.

    Raises:
        UnknownUnit: the quoted unit is not understood.
        CommodityDefinedOtherwise: the code exists with another unit or currency.

    """
    return _define(
        CommodityDefinition(
            code=code,
            name=name,
            name_zh=name_zh,
            kind=CommodityKind.COMMODITY,
            asset_class=AssetClass(asset_class),
            quotation=parse_quotation(quoted_unit),
            currency=currency,
            horizon_days=horizon_days,
            cap=cap,
        ),
        actor,
        now,
    )


def load_catalogue(
    *, actor: Actor, now: datetime, codes: Collection[str] | None = None
) -> list[Commodity]:
    """Define the commodities of the catalogue (or some of them); existing ones stay as they are.

    Raises:
        CommodityDefinedOtherwise: a code of the catalogue stands for something else already.

    """
    chosen = [known for known in CATALOGUE if codes is None or known.code in codes]
    with transaction.atomic():
        return [_define(definition, actor, now) for definition in chosen]


def set_rate_policy(
    *, commodity: Commodity, actor: Actor, now: datetime, **changes: Any
) -> Commodity:
    """Change how a commodity's rate is computed, from the next publication on.

    changes: any of horizon_days, confidence, cap, disposal_cost, stale_after_days,
    stop_after_days, glide_days, active, and proxy, proxy_beta, basis_scale, drift_per_day for
    goods that lean on another series. Ages, glide and activity change quotes at once: callbacks
    of `hooks.on_rates_published` run in the same transaction.

    Raises:
        TypeError: a change of anything else.
        RatePolicyOutOfRange: a value outside its range.

    """
    unknown = changes.keys() - _POLICY_FIELDS
    if unknown:
        message = f"not part of a rate policy: {', '.join(sorted(unknown))}"
        raise TypeError(message)
    with hooks.moving_market(now=now):
        current = lock_one(Commodity.objects.all(), commodity.pk)
        before = {field: str(getattr(current, field)) for field in sorted(changes)}
        for field, value in changes.items():
            setattr(current, field, value)
        _check_policy(current)
        current.save(update_fields=sorted(changes))
        after = {field: str(value) for field, value in changes.items()}
        detail = {"before": before, "after": after}
        _record("risk.set_rate_policy", current, actor, now, detail)
        if changes.keys() & _ACTS_AT_ONCE:
            hooks.rates_published(
                commodity_ids=[current.pk], as_of=now.date(), actor=actor, now=now
            )
    return current


_POLICY_FIELDS = frozenset(
    {
        "horizon_days",
        "confidence",
        "cap",
        "disposal_cost",
        "stale_after_days",
        "stop_after_days",
        "glide_days",
        "active",
        "proxy",
        "proxy_beta",
        "basis_scale",
        "drift_per_day",
    }
)

_ACTS_AT_ONCE = frozenset({"stale_after_days", "stop_after_days", "glide_days", "active"})


def _check_policy(commodity: Commodity) -> None:
    """Refuse what the table's constraints would, by field and number."""
    stale, stop = commodity.stale_after_days, commodity.stop_after_days
    checks = (
        ("horizon_days", commodity.horizon_days >= 1, _("1 trading day or more")),
        ("confidence", Decimal("0.5") < commodity.confidence < 1, _("between 0.5 and 1")),
        ("cap", 0 < commodity.cap <= 1, _("above 0, at most 1")),
        ("disposal_cost", 0 <= commodity.disposal_cost < 1, _("0 to below 1")),
        ("stop_after_days", stop >= stale >= 0, _("at least stale_after_days (%d)") % stale),
        (
            "glide_days",
            0 <= commodity.glide_days <= MAX_GLIDE_DAYS,
            _("0 to %d days") % MAX_GLIDE_DAYS,
        ),
        *_proxy_checks(commodity),
    )
    for field, holds, expected in checks:
        if not holds:
            value = getattr(commodity, field)
            raise RatePolicyOutOfRange(
                message=_("%(field)s is %(value)s; it must be %(expected)s")
                % {"field": field, "value": value, "expected": expected},
                field=field,
                numbers={field: value},
            )


def _proxy_checks(commodity: Commodity) -> tuple[tuple[str, bool, str], ...]:
    """Return what must hold of goods that lean on another series, and of those that do not."""
    beta, basis = commodity.proxy_beta, commodity.basis_scale
    if commodity.proxy_id is None:
        bare = beta is None and basis is None and commodity.drift_per_day == 0
        return (("proxy", bare, _("named where beta, basis or drift are")),)
    return (
        ("proxy", commodity.proxy_id != commodity.pk, _("another commodity")),
        ("proxy_beta", beta is not None and beta > 0, _("above 0")),
        ("basis_scale", basis is not None and basis > 0, _("above 0")),
        ("drift_per_day", commodity.drift_per_day <= 0, _("0 or below")),
        (
            "horizon_days",
            commodity.horizon_days >= PROXY_HORIZON_DAYS,
            _("at least %d with a proxy") % PROXY_HORIZON_DAYS,
        ),
        (
            "confidence",
            commodity.confidence >= PROXY_CONFIDENCE,
            _("at least %s with a proxy") % PROXY_CONFIDENCE,
        ),
    )


def _define(definition: CommodityDefinition, actor: Actor, now: datetime) -> Commodity:
    """Return the commodity of a definition, made if it is new."""
    quotation = definition.quotation
    with transaction.atomic():
        commodity, created = Commodity.objects.get_or_create(
            code=definition.code,
            defaults={
                "name": definition.name,
                "name_zh": definition.name_zh,
                "kind": definition.kind,
                "asset_class": definition.asset_class,
                "unit": quotation.unit,
                "currency": definition.currency,
                "price_quantity": quotation.quantity,
                "price_factor": quotation.factor,
                "horizon_days": definition.horizon_days,
                "cap": definition.cap,
            },
        )
        if created:
            detail = {"currency": definition.currency, "quotation": str(quotation)}
            _record("risk.define_commodity", commodity, actor, now, detail)
        else:
            _require_same(commodity, definition)
    return commodity


def _record(
    action: str, commodity: Commodity, actor: Actor, now: datetime, detail: Mapping[str, Any]
) -> None:
    """Write the act into the journal."""
    audit.record(
        action=action,
        actor=actor,
        object_type="commodity",
        object_id=commodity.code,
        at=now,
        detail=detail,
    )


def _require_same(commodity: Commodity, definition: CommodityDefinition) -> None:
    """Refuse a code whose prices would mean something else."""
    is_same = (
        commodity.kind == definition.kind
        and commodity.quotation == definition.quotation
        and commodity.currency == definition.currency
    )
    if not is_same:
        raise CommodityDefinedOtherwise(
            message=_("%(code)s is priced in %(currency)s per %(unit)s already; use another code")
            % {
                "code": commodity.code,
                "currency": commodity.currency,
                "unit": commodity.quotation,
            },
            field="code",
            numbers={"code": commodity.code},
        )
