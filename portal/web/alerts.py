"""The alert inbox."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outbox.models import Alert
from outbox.services.alerts import acknowledge
from portal.boards.alerts import alerts_board
from portal.queries.alerts import get_alert
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, show, working_page


class AcknowledgeForm(ActionForm):
    """One alert that somebody has looked at."""

    button = gettext_lazy("Seen")
    alert = forms.IntegerField(widget=forms.HiddenInput)


@working_page
def alerts(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the desk's open alerts, `?show=all` of them; note that somebody has looked at one."""
    form = AcknowledgeForm(request.POST or None)
    seen = submit(form, lambda said: _mark(ask, said["alert"])) if form.is_bound else None
    if seen:
        return done(request, _("The alert is marked as seen."), "portal:alerts")
    board = alerts_board(ask.actor, only_open=request.GET.get("show") != "all")
    return show(request, ask, "portal/alerts.html", board, status=status_of(form))


def _mark(ask: Ask, alert_id: int) -> Alert:
    return acknowledge(alert=get_alert(ask.actor, alert_id), actor=ask.actor, now=ask.now)
