"""Language and theme: kept with the person and in cookies, so that the sign-in page knows too."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.services.preferences import THEMES

THEME_COOKIE = "theme"
ONE_YEAR = 365 * 24 * 3600


def appearance(request: HttpRequest) -> dict[str, str]:
    """Context processor: the theme the page is drawn in."""
    wanted = request.COOKIES.get(THEME_COOKIE, "auto")
    return {"theme": wanted if wanted in THEMES else "auto"}


def remember(response: HttpResponse, *, language: str | None, theme: str | None) -> None:
    """Set the cookies that LocaleMiddleware and `appearance` read; unknown values are ignored."""
    if language in dict(settings.LANGUAGES):
        _set(response, settings.LANGUAGE_COOKIE_NAME, str(language))
    if theme in THEMES:
        _set(response, THEME_COOKIE, str(theme))


def _set(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=ONE_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
