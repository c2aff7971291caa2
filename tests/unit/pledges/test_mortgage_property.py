"""Whatever comes in, is produced and leaves, no kilogram is lost and no outflow breaks the floor.

A model in plain Python says which reports must be accepted: goods leave while those that stay
are worth the floor and lend what is owed.
"""

from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Refusal
from logistics.models import Lot
from pledges.models import Position
from pledges.services.conversion import Take
from portal.proofs import prove_all
from tests.factories.lending import make_drawn_loan
from tests.factories.mortgages import Yard, make_yard
from tests.factories.pledges import make_product, make_vault

pytestmark = pytest.mark.django_db

PRICE, RATE = 500, Decimal("0.5")
FLOOR, OWED = Decimal(200_000), Decimal(80_000)
OPENING = 500

quantities = st.integers(1, 300)
steps = st.one_of(
    st.tuples(st.just("receive"), quantities),
    st.tuples(st.just("ship"), quantities),
    st.tuples(st.just("produce"), quantities),
    st.tuples(st.just("ship_product"), quantities),
)


class Model:
    """Kilograms of material and pieces of product (one kilogram each) under one mortgage."""

    def __init__(self) -> None:
        self.yard: Yard = make_yard(make_vault(), floor_value=FLOOR)
        alpha = self.yard.vault.goods.alpha
        self.product = make_product(alpha, per_piece=Decimal(1), loss=Decimal(0), code="alpha")
        self.yard.select(self.product)
        self.came, self.left = OPENING, 0
        self.yard.receive(OPENING)
        make_drawn_loan(self.yard.vault.desk, principal=OWED)

    @property
    def there(self) -> int:
        return self.came - self.left

    def positions(self, product: bool) -> list[Position]:
        live = Position.objects.live().filter(facility_id=self.yard.facility_id)
        item = self.product if product else self.yard.vault.goods.alpha
        return list(live.filter(lot__item=item).order_by("opened_at", "pk"))

    def may_leave(self, quantity: int) -> bool:
        stays = (self.there - quantity) * PRICE
        return stays >= FLOOR and stays * RATE >= OWED

    def receive(self, quantity: int) -> None:
        self.yard.receive(quantity)
        self.came += quantity

    def ship(self, quantity: int, *, product: bool = False) -> None:
        for position in self.positions(product):
            if position.remaining < quantity:
                continue
            accepted = False
            with suppress(Refusal), transaction.atomic():
                self.yard.ship(Lot.objects.get(pk=position.lot_id), quantity)
                accepted = True
            assert accepted == self.may_leave(quantity)
            self.left += quantity if accepted else 0
            return

    def ship_product(self, quantity: int) -> None:
        self.ship(quantity, product=True)

    def produce(self, quantity: int) -> None:
        for position in self.positions(product=False):
            if position.remaining >= quantity:
                self.yard.vault.assemble(
                    [Take(position.pk, Decimal(quantity))],
                    product=self.product,
                    quantity=quantity,
                )
                return

    def check(self) -> None:
        held = sum(one.remaining for one in [*self.positions(False), *self.positions(True)])
        assert held == self.there
        assert self.yard.vault.cover().market_value == self.there * PRICE
        assert self.there * PRICE >= FLOOR


@given(taken=st.lists(steps, min_size=1, max_size=8))
@settings(max_examples=6, deadline=None)
def test_any_mix_of_receipts_production_and_shipments_keeps_conservation_and_floor(
    taken: list[tuple[str, int]],
) -> None:
    with transaction.atomic():
        model = Model()
        for name, quantity in taken:
            getattr(model, name)(quantity)
            model.check()
        assert all(proof.holds for proof in prove_all())
        transaction.set_rollback(True)
