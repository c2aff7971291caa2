"""Columns for money, quantities, rates and currencies: one width each, so that sums fit."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable

from common.exact import EXACT

_Set_contra = TypeVar("_Set_contra", contravariant=True)
_Get_co = TypeVar("_Get_co", covariant=True)

if TYPE_CHECKING:

    class _DecimalField(models.DecimalField[_Set_contra, _Get_co]):
        # What mypy lets be assigned: no float and no text, which plain DecimalField would take.
        _pyi_private_set_type: Decimal | int | Combinable

    class _CharField(models.CharField[_Set_contra, _Get_co]):
        _pyi_private_set_type: str | Combinable

else:

    class _Subscriptable:
        """Django's fields take type parameters in their stubs only."""

        def __class_getitem__(cls, _types: object) -> type:
            return cls

    class _DecimalField(_Subscriptable, models.DecimalField):
        """DecimalField."""

    class _CharField(_Subscriptable, models.CharField):
        """CharField."""


class _FixedDecimalField(_DecimalField[_Set_contra, _Get_co]):
    digits: int
    places: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = self.digits, self.places
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave out what the class fixes."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def to_python(self, value: Any) -> Any:
        """Convert as Django does, but refuse a float: it has lost its digits already."""
        if isinstance(value, float):
            raise TypeError(f"{self.name} must be Decimal, not float")
        return super().to_python(value)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Refuse digits that the column would round away without a word; round by name before."""
        if isinstance(value, Decimal) and value != value.quantize(self._step, context=EXACT):
            raise ValueError(
                f"{self.name} holds {self.places} decimals, not {value}: round it first"
            )
        return super().get_db_prep_save(value, connection)

    @property
    def _step(self) -> Decimal:
        return Decimal(1).scaleb(-self.places)


class MoneyAmountField(_FixedDecimalField[_Set_contra, _Get_co]):
    """An amount of money, numeric(24,4); its currency stands in a column beside it."""

    digits, places = 24, 4


class QuantityField(_FixedDecimalField[_Set_contra, _Get_co]):
    """A quantity of goods in the item's unit, numeric(24,6)."""

    digits, places = 24, 6


class RateField(_FixedDecimalField[_Set_contra, _Get_co]):
    """A rate as a fraction of one, numeric(12,8)."""

    digits, places = 12, 8


class CurrencyField(_CharField[_Set_contra, _Get_co]):
    """An ISO 4217 code; the database refuses anything but three capital letters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        super().__init__(*args, **kwargs)
        self.validators.append(RegexValidator(r"^[A-Z]{3}\Z"))

    def deconstruct(self) -> Any:
        """Leave out what the class fixes."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        """Return the column's own CHECK; it is created with the column."""
        return f"{connection.ops.quote_name(str(self.column))} ~ '^[A-Z]{{3}}$'"
