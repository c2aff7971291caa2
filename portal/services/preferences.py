"""How a person wants to read: language and theme."""

from django.conf import settings

from parties.models import Person
from parties.models.person import Theme

THEMES = frozenset(Theme.values)


def set_preferences(*, person: Person, language: str | None, theme: str | None) -> None:
    """Keep what is named and known; anything else changes nothing."""
    fields = []
    if language in dict(settings.LANGUAGES):
        person.language = str(language)
        fields.append("language")
    if theme in THEMES:
        person.theme = str(theme)
        fields.append("theme")
    if fields:
        person.save(update_fields=fields)
