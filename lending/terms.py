"""What lender and borrower agree on in a facility, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from common.daycounts import DayCount
from lending.states import DEFAULT_WATERFALL, Component, Jurisdiction, Product

# What may change while a facility is in use, by request and decision of two people. Loans that are
# agreed keep the rates they were agreed at, claims that were taken the advance rate of that day.
CHANGEABLE = (
    "limit",
    "products",
    "annual_rate",
    "penalty_rate",
    "waterfall",
    "waiver_tolerance",
    "order_advance_rate",
    "receivable_advance_rate",
    "watch_line",
    "call_line",
    "release_factor",
    "cure_business_days",
    "minimum_controlled_value",
    "matures_on",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityTerms:
    """The terms of a facility. Rates are fractions a year or of value; amounts in its currency.

    See :class:`lending.models.Facility` for what each one means.
    """

    currency: str
    limit: Decimal
    annual_rate: Decimal
    opened_on: date
    matures_on: date
    products: Sequence[Product] = tuple(Product)
    penalty_rate: Decimal = Decimal(0)
    day_count: DayCount = DayCount.ACT_360
    waterfall: Sequence[Component] = tuple(DEFAULT_WATERFALL)
    waiver_tolerance: Decimal = Decimal(0)
    order_advance_rate: Decimal = Decimal("0.8")
    receivable_advance_rate: Decimal = Decimal("0.8")
    watch_line: Decimal | None = None
    call_line: Decimal | None = None
    release_factor: Decimal = Decimal("0.9")
    cure_business_days: int = 2
    minimum_controlled_value: Decimal = Decimal(0)
    jurisdiction: str = Jurisdiction.CHINA
    insurance_required: bool = False
    control_required: bool = False

    @classmethod
    def of(cls, facility: Any, **changes: Any) -> "FacilityTerms":
        """Return the terms that a facility stands under, with some of them changed."""
        values = {term.name: getattr(facility, term.name) for term in fields(cls)}
        return cls(**(values | changes))

    def as_columns(self) -> Mapping[str, Any]:
        """Return the terms as the facility's columns hold them."""
        columns = {term.name: getattr(self, term.name) for term in fields(self)}
        return columns | {
            "jurisdiction": str(self.jurisdiction),
            "products": [str(product) for product in self.products],
            "waterfall": [str(component) for component in self.waterfall],
        }
