"""Tags and filters: icons, chips and the formats of portal.formats."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pledges.states import Band, Right
from portal import formats
from portal.valuation_words import formula

register = template.Library()

for name in (
    "money",
    "large_money",
    "statement",
    "number",
    "quantity",
    "price",
    "percent",
    "signed_percent",
    "basis_points",
    "day",
    "month",
    "instant",
    "unit_label",
):
    register.filter(name, getattr(formats, name))
register.filter("formula", formula)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw an icon of the sprite; it is decoration, the word stands beside it."""
    return format_html(
        '<svg class="i {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag
def band_chip(band: str) -> SafeString:
    """Draw a band with its icon and word."""
    return format_html('<span class="chip band-{}">{}{}</span>', band, icon(band), Band(band).label)


@register.simple_tag
def right_chip(right: str) -> SafeString:
    """Draw a right with its colour and word."""
    return format_html(
        '<span class="right-mark"><i class="swatch right-{}"></i>{}</span>',
        right,
        Right(right).label,
    )


@register.simple_tag(takes_context=True)
def csv_link(context: template.Context, key: str) -> str:
    """Return the address of a table of this page as CSV, with the page's own choices kept."""
    query = context["request"].GET.copy()
    query["csv"] = key
    return f"?{query.urlencode()}"
