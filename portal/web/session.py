"""Signing in and out, language and theme."""

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from parties.models import Person
from portal.queries.people import list_demo_people
from portal.services.preferences import set_preferences
from portal.story.cast import DEMO_PASSWORD
from portal.web.appearance import remember


class SignIn(LoginView):
    """The sign-in page; in a demonstration it offers the story's people."""

    template_name = "portal/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add the people of the demonstration."""
        people = list_demo_people()
        return {
            **super().get_context_data(**kwargs),
            "people": people,
            "demo_password": DEMO_PASSWORD if people else "",
        }

    def form_valid(self, form: object) -> HttpResponse:
        """Sign in and bring the person's language and theme along."""
        response = super().form_valid(form)  # type: ignore[arg-type]
        person = self.request.user
        if isinstance(person, Person):
            remember(response, language=person.language, theme=person.theme)
        return response


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the language or theme asked for and return to the page."""
    language, theme = request.POST.get("language"), request.POST.get("theme")
    if isinstance(request.user, Person):
        set_preferences(person=request.user, language=language, theme=theme)
    response = HttpResponseRedirect(_safe_next(request))
    remember(response, language=language, theme=theme)
    return response


def _safe_next(request: HttpRequest) -> str:
    """Return to our own pages only."""
    wanted = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"
