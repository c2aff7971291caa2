"""Warehouse receipts: all of them, a new one, and one with what may be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from pledges.instruction_states import InstructionKind
from portal.boards.receipt import issue_board, receipt_board, receipts_board
from portal.boards.wish import Wish, wish_preview
from portal.queries.receipts import ReceiptDetail, get_receipt, list_outside, list_pledging
from portal.web.acting import attempt, done
from portal.web.page import Ask, page, show, working_page
from portal.web.receipt_forms import RECEIPT_FORMS, Issue, Pledge, open_acts, writes_receipts


@page
def receipts(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the receipts in view."""
    board = receipts_board(ask.actor, ask.shell.facility, may_issue=writes_receipts(ask.actor))
    return show(request, ask, "portal/receipts.html", board)


@working_page
def receipt_new(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Issue a receipt for goods in store."""
    may_issue = writes_receipts(ask.actor)
    outside = list_outside(ask.actor, ask.shell.facility) if may_issue else []
    tried = attempt(request, ask, outside, [Issue])
    if tried.succeeded:
        return done(request, tried.words(), "portal:receipts")
    forms = tried.forms(outside, [Issue.name] if may_issue else [])
    board = issue_board(forms, outside)
    return show(request, ask, "portal/receipt_new.html", board, status=tried.status)


@working_page
def receipt(request: HttpRequest, ask: Ask, receipt_id: int) -> HttpResponse:
    """Show one warehouse receipt, and carry out one act on it."""
    detail = get_receipt(ask.actor, receipt_id)
    tried = attempt(request, ask, detail, RECEIPT_FORMS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:receipt", receipt_id=receipt_id)
    names = open_acts(ask.actor, detail)
    effect = _effect(ask, detail) if Pledge.name in names else []
    board = receipt_board(detail, tried.forms(detail, names), effect)
    return show(request, ask, "portal/receipt.html", board, status=tried.status)


def _effect(ask: Ask, detail: ReceiptDetail) -> Sequence[tuple[str, str]]:
    """Return what a pledge of the receipt would do to the first facility it may secure."""
    facility = next(iter(list_pledging(ask.actor, detail.receipt)), None)
    if facility is None:
        return []
    goods = [(detail.receipt.lot, detail.receipt.quantity)]
    wish = Wish(InstructionKind.PLEDGE, [], goods)
    return wish_preview(ask.actor, facility, wish, on=ask.today) or []
