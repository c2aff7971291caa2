"""The frame of every page: who asks, about which facility, and the answer's HTML or CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from common import clock
from parties.actors import Actor
from parties.models import Person
from portal.queries.shell import Shell, get_shell
from portal.web.csv_files import csv_response
from portal.web.menu import build_menu

if TYPE_CHECKING:
    from lending.models import Facility

FACILITY_KEY = "facility"
_Params = ParamSpec("_Params")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the actor and the frame. Views pass `actor` on to exactly one query."""

    actor: Actor
    shell: Shell
    now: datetime

    @property
    def today(self) -> date:
        """The business date on which the reader acts, by the platform's clock."""
        return self.now.date()

    @property
    def stamp(self) -> dict[str, Any]:
        """What stamps an act: the business day, who acts, and the instant."""
        return {"on": self.today, "actor": self.actor, "now": self.now}

    @property
    def facility(self) -> Facility:
        """The facility in view; 404 where the reader has none."""
        if self.shell.facility is None:
            raise Http404
        return self.shell.facility

    @property
    def as_of(self) -> date:
        """The business date of the facility in view."""
        if self.shell.as_of is None:
            raise Http404
        return self.shell.as_of


def page(
    view: Callable[Concatenate[HttpRequest, Ask, _Params], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _Params], HttpResponse]:
    """Let signed-in people read (GET and HEAD alone) and hand the view an `Ask`."""
    return _framed(view, require_safe)


def working_page(
    view: Callable[Concatenate[HttpRequest, Ask, _Params], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _Params], HttpResponse]:
    """Like `page`, for pages with forms: they take POST, too (see portal/web/acting.py)."""
    return _framed(view, require_http_methods(["GET", "HEAD", "POST"]))


def _framed(
    view: Callable[Concatenate[HttpRequest, Ask, _Params], HttpResponse],
    methods: Callable[..., Any],
) -> Callable[Concatenate[HttpRequest, _Params], HttpResponse]:
    @wraps(view)
    def framed(request: HttpRequest, *args: _Params.args, **kwargs: _Params.kwargs) -> HttpResponse:
        return view(request, _ask(request), *args, **kwargs)

    # login_required passes whatever it is given; its stub forgets the parameters.
    return cast(
        "Callable[Concatenate[HttpRequest, _Params], HttpResponse]",
        methods(login_required(framed)),
    )


def _ask(request: HttpRequest) -> Ask:
    """Find the facility by the address first, then by what was looked at last."""
    person = request.user
    if not isinstance(person, Person):
        raise Http404
    actor = Actor.of(person)
    named = request.resolver_match.kwargs.get("facility_id") if request.resolver_match else None
    shell = get_shell(actor, named or request.session.get(FACILITY_KEY))
    if named is not None and (shell.facility is None or shell.facility.pk != named):
        raise Http404
    if named is not None and request.session.get(FACILITY_KEY) != named:
        request.session[FACILITY_KEY] = named
    return Ask(actor=actor, shell=shell, now=clock.now())


def show(
    request: HttpRequest, ask: Ask, template: str, board: Any, *, status: int = 200
) -> HttpResponse:
    """Render the board, its table named by `?csv=` as a file, or its chart named by `?chart=`.

    `status` is 422 where the page shows a form again that could not be carried out.
    """
    if key := request.GET.get("csv"):
        table = board.tables.get(key)
        if table is None:
            raise Http404
        return csv_response(
            table, name=f"{template.rsplit('/', 1)[-1].removesuffix('.html')}-{key}"
        )
    if chart := request.GET.get("chart"):
        charts = getattr(board, "charts", {})
        if chart not in charts:
            raise Http404
        return JsonResponse(charts[chart])
    menu = build_menu(request, ask.shell)
    context = {"shell": ask.shell, "menu": menu, "board": board}
    return render(request, template, context, status=status)
