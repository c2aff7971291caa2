"""Names in the reader's language."""

from django.utils.translation import get_language


def localised(name: str, name_zh: str) -> str:
    """Return the Chinese name to Chinese readers where there is one."""
    chinese = (get_language() or "").startswith("zh")
    return name_zh if chinese and name_zh else name


def name_of(thing: object) -> str:
    """Return the localised name of an organisation, site, item or commodity."""
    return localised(str(getattr(thing, "name", thing)), str(getattr(thing, "name_zh", "") or ""))
