"""Early warnings: what each rule measures, from which value on it warns, and how it is written."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class WarningRule(TextChoices):
    """What is watched."""

    RATE_FELL = "rate_fell", _("Pledge rate fell")
    COVERAGE_FALLS = "coverage_falls", _("Coverage falls")
    COMMODITY_SHARE = "commodity_share", _("Much of one commodity")
    SITE_SHARE = "site_share", _("Much at one site")
    DEBTOR_SHARE = "debtor_share", _("Much owed by one debtor")
    SLOW_GOODS = "slow_goods", _("Goods move slowly")
    LOAN_DUE = "loan_due", _("A loan falls due")
    FACILITY_MATURES = "facility_matures", _("The facility matures")
    FEED_LATE = "feed_late", _("A feed is late")
    FEED_REPEATS = "feed_repeats", _("A feed repeats its prints")
    PRICE_WAITS = "price_waits", _("A price waits in quarantine")


@dataclass(frozen=True, slots=True)
class Measure:
    """A rule's default threshold; `at_most` warns at and below it. share: a fraction, else days."""

    default: Decimal
    share: bool
    at_most: bool = False


MEASURES: dict[WarningRule, Measure] = {
    WarningRule.RATE_FELL: Measure(Decimal("0.03"), share=True),
    WarningRule.COVERAGE_FALLS: Measure(Decimal("0.10"), share=True),
    WarningRule.COMMODITY_SHARE: Measure(Decimal("0.75"), share=True),
    WarningRule.SITE_SHARE: Measure(Decimal("0.75"), share=True),
    WarningRule.DEBTOR_SHARE: Measure(Decimal("0.50"), share=True),
    WarningRule.SLOW_GOODS: Measure(Decimal(120), share=False),
    WarningRule.LOAN_DUE: Measure(Decimal(10), share=False, at_most=True),
    WarningRule.FACILITY_MATURES: Measure(Decimal(30), share=False, at_most=True),
    WarningRule.FEED_LATE: Measure(Decimal("0.25"), share=False),
    WarningRule.FEED_REPEATS: Measure(Decimal("0.30"), share=True),
    WarningRule.PRICE_WAITS: Measure(Decimal(1), share=False),
}

# The feeds are the house's, not a facility's: their thresholds are the same for all.
OF_FEEDS = frozenset({WarningRule.FEED_LATE, WarningRule.FEED_REPEATS, WarningRule.PRICE_WAITS})
OF_FACILITIES = tuple(rule for rule in WarningRule if rule not in OF_FEEDS)
