"""Orders: stage now, paid, to pay, evidence awaited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from orders.models import DeliveryLine, OrderLine, PaymentStage
from orders.states import StageState, StageTrigger
from parties.actors import Actor
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import name_of
from portal.queries.orders import OrderView, get_order, list_orders
from portal.tables import Column, Table

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrdersBoard:
    """What the list of orders shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def awaited(view: OrderView) -> str:
    """Say which evidence an order waits for."""
    return {
        "nothing": _("nothing"),
        "financing": _("financing"),
        "checker": _("a checker for the payment"),
        "bank": _("the bank’s confirmation"),
        "first_payment": _("the first payment"),
        "goods": _("the goods received note"),
        "payment": _("the payment on receipt"),
    }[view.awaits]


def orders_board(
    actor: Actor, facility: Facility | None, *, partner: str | None = None
) -> OrdersBoard:
    """Return the orders in view, those with one partner if it is named."""
    views = list_orders(actor, facility)
    if partner:
        views = [v for v in views if partner in {v.order.supplier.code, v.order.buyer.code}]
    currency = views[0].order.currency if views else (facility.currency if facility else "")
    return OrdersBoard(
        facts=_facts(views, currency),
        tables={"orders": _orders_table(views, currency)},
        charts={"paid": _paid_chart(views, currency)},
    )


def _facts(views: Sequence[OrderView], currency: str) -> list[Fact]:
    waiting = [view for view in views if view.goods_awaited]
    late = min((view.order.deliver_by for view in waiting), default=None)
    return [
        money_fact(
            _("Still to pay suppliers"),
            sum((view.to_pay for view in views), ZERO),
            currency,
            note=_("as their evidence arrives"),
            tone="lead",
        ),
        money_fact(
            _("Paid so far"),
            sum((view.paid for view in views), ZERO),
            currency,
            note=_("lender’s and buyer’s shares together"),
        ),
        Fact(
            _("Goods awaited"),
            ngettext("%(count)s order", "%(count)s orders", len(waiting)) % {"count": len(waiting)},
            note=_("the next by %(day)s") % {"day": formats.day(late)} if late else "",
        ),
        Fact(_("Orders in all"), f"{len(views):,}", note=_("financed here or waiting for it")),
    ]


def _orders_table(views: Sequence[OrderView], currency: str) -> Table:
    return Table(
        key="orders",
        title=_("Orders"),
        columns=[
            columns.text(
                _("Order"),
                lambda v: v.order.number,
                href=lambda v: reverse("portal:order", args=[v.order.pk]),
                sub=lambda v: v.order.run,
            ),
            columns.text(
                _("Supplier"),
                lambda v: name_of(v.order.supplier),
                sub=lambda v: _("for %(buyer)s") % {"buyer": name_of(v.order.buyer)},
            ),
            columns.amount(_("Amount"), lambda v: v.order.amount, currency),
            columns.amount(_("Paid"), "paid", currency),
            columns.amount(_("To pay"), "to_pay", currency),
            columns.meter(_("Received"), "received"),
            columns.text(_("Waits for"), awaited),
            columns.day(_("Deliver by"), lambda v: v.order.deliver_by),
            columns.state(_("State"), lambda v: v.order.get_state_display()),
        ],
        rows=views,
        empty=_("No order is in view."),
        first_step=_("An order appears here once its buyer places it."),
    )


def _paid_chart(views: Sequence[OrderView], currency: str) -> dict[str, Any]:
    shown = list(views)[:20]
    lender = [_paid_by(view, "lender_amount") for view in shown]
    buyer = [_paid_by(view, "own_amount") for view in shown]
    return bars(
        names=[f"{v.order.number} · {name_of(v.order.supplier)}" for v in shown],
        series=[
            (_("Paid by the lender"), "right-order_claim", lender),
            (_("Paid by the buyer"), "right-pledge", buyer),
            (_("To pay"), "line-strong", [view.to_pay for view in shown]),
        ],
        unit=currency,
    )


def _paid_by(view: OrderView, part: str) -> Decimal:
    paid = (getattr(s, part) for s in view.stages if s.state == StageState.PAID)
    return sum(paid, ZERO)


@dataclass(frozen=True, slots=True)
class StageStep:
    """One stage of the payment plan against its evidence."""

    name: str
    tone: str
    amount: str
    who_pays: str
    evidence: str
    when: str
    href: str


@dataclass(frozen=True, slots=True)
class OrderBoard:
    """What one order's page shows."""

    view: OrderView
    facts: list[Fact]
    steps: list[StageStep]
    tables: dict[str, Table]


def order_board(actor: Actor, order_id: int, as_of: date | None) -> OrderBoard:
    """Return one order; 404 for strangers."""
    view = get_order(actor, order_id)
    return OrderBoard(
        view=view,
        facts=_order_facts(view, as_of),
        steps=[_step(view, stage) for stage in view.stages],
        tables={
            "lines": _lines_table(view, view.lines),
            "stages": _stages_table(view, view.stages),
            "deliveries": _deliveries_table(view),
        },
    )


def _order_facts(view: OrderView, as_of: date | None) -> list[Fact]:
    order = view.order
    deadline = formats.days_between(as_of, order.deliver_by) if as_of else ""
    return [
        Fact(
            _("Stage now"),
            str(order.get_state_display()),
            note=_("waits for %(what)s") % {"what": awaited(view)},
            tone="lead",
        ),
        money_fact(_("Paid"), view.paid, order.currency, note=_("to the supplier directly")),
        money_fact(_("To pay"), view.to_pay, order.currency, note=_("when its evidence arrives")),
        Fact(_("Received"), formats.percent(view.received), note=_("of the order’s value")),
        Fact(
            _("Deliver by"),
            formats.day(order.deliver_by),
            note=deadline if view.goods_awaited else _("delivered"),
        ),
    ]


def _step(view: OrderView, stage: PaymentStage) -> StageStep:
    claims = list(stage.claims.all()) if view.sees_credit else []
    currency = view.order.currency
    on_order = stage.trigger == StageTrigger.ON_ORDER
    return StageStep(
        name=f"{stage.get_trigger_display()} · {formats.percent(stage.fraction, 0)}",
        tone={"paid": "done", "requested": "now", "approved": "now"}.get(stage.state, "next"),
        amount=f"{formats.money(stage.amount)} {currency}",
        who_pays=_("lender %(lender)s, buyer %(own)s")
        % {"lender": formats.money(stage.lender_amount), "own": formats.money(stage.own_amount)},
        evidence=_("the placed order") if on_order else _("the goods received note"),
        when=formats.day(stage.paid_on) if stage.paid_on else str(stage.get_state_display()),
        href=reverse("portal:lineage", args=[claims[-1].position_id]) if claims else "",
    )


def _lines_table(view: OrderView, lines: Sequence[OrderLine]) -> Table:
    return Table(
        key="lines",
        title=_("Lines"),
        columns=[
            columns.words(_("Item"), lambda line: name_of(line.item)),
            columns.quantity(_("Ordered"), "quantity", "item.unit"),
            columns.quantity(_("Received"), "received", "item.unit"),
            columns.meter(_("Share received"), lambda line: line.received / line.quantity),
            Column(
                _("Unit price"),
                lambda line: line.unit_price,
                show=formats.price,
                unit=view.order.currency,
                numeric=True,
            ),
            columns.amount(_("Amount"), "amount", view.order.currency),
        ],
        rows=lines,
        empty=_("The order has no lines."),
    )


def _deliveries_table(view: OrderView) -> Table:
    return Table(
        key="deliveries",
        title=_("Goods received"),
        columns=[
            columns.instant(_("When"), "delivery.occurred_at"),
            columns.text(_("Goods received note"), "delivery.reference"),
            columns.words(_("Item"), lambda one: name_of(one.lot.item)),
            columns.text(
                _("Lot"),
                "lot.number",
                href=lambda one: (
                    reverse("portal:lot", args=[one.lot_id]) if view.sees_credit else ""
                ),
            ),
            columns.text(_("Site"), lambda one: name_of(one.lot.site)),
            columns.quantity(_("Quantity"), "quantity", "lot.item.unit"),
            columns.amount(_("Value at the order’s price"), "value", view.order.currency),
            columns.text(_("Taken back"), _taken_back),
        ],
        rows=view.deliveries,
        empty=_("Nothing has come in yet."),
        first_step=_("The receiving site’s report turns the claim into goods."),
    )


def _taken_back(line: DeliveryLine) -> str:
    reversal = getattr(line.delivery, "reversal", None)
    return formats.day(reversal.reversed_on) if reversal else ""


def _stages_table(view: OrderView, stages: Sequence[PaymentStage]) -> Table:
    currency = view.order.currency
    return Table(
        key="stages",
        title=_("Payment plan against evidence"),
        columns=[
            columns.text(_("Stage"), lambda s: str(s.get_trigger_display())),
            columns.amount(_("To pay"), "amount", currency),
            columns.amount(_("Lender pays"), "lender_amount", currency),
            columns.amount(_("Buyer pays"), "own_amount", currency),
            columns.text(_("Buyer’s proof"), "own_reference"),
            columns.text(
                _("Checked by"),
                lambda s: (
                    s.disbursement.checker.get_full_name()
                    if s.disbursement and s.disbursement.checker
                    else ""
                ),
            ),
            columns.text(
                _("Bank’s proof"),
                lambda s: s.disbursement.bank_reference if s.disbursement else "",
            ),
            columns.day(_("Paid on"), "paid_on"),
            columns.state(_("State"), lambda s: s.get_state_display()),
        ],
        rows=stages,
        empty=_("Nobody finances this order yet."),
        first_step=_("The lender agrees a share of each payment, then stages appear here."),
    )
