"""Whatever is reported in whatever order, nothing comes from nowhere and nothing vanishes.

A model in plain Python runs beside the services: it says which acts must be accepted, and what
every lot holds after each. The journal's totals and the room's invariants are compared last.
"""

import uuid
from collections import Counter
from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Refusal
from logistics.invariants import INVARIANTS
from logistics.models import Lot, StockEvent
from logistics.services.holds import place_hold, reduce_hold
from logistics.services.locking import lock_lots
from logistics.services.stock import (
    adjust_count,
    move_goods,
    receive_goods,
    record_production,
    return_goods,
    ship_goods,
)
from logistics.states import HoldKind, SiteKind
from tests.factories.logistics import make_bill, make_item, make_site
from tests.factories.parties import NOW, make_borrower
from tests.unit.logistics.helpers import told

pytestmark = pytest.mark.django_db

PER_UNIT, LOSS = Decimal("0.25"), Decimal("0.2")

PLACES = ("factory", "warehouse")
GOODS = ("foil", "phone")

amounts = st.integers(1, 40).map(lambda quarters: Decimal(quarters) / 4)
pieces = st.integers(1, 20).map(Decimal)
places, goods = st.sampled_from(PLACES), st.sampled_from(GOODS)
steps = st.one_of(
    st.tuples(st.just("receive"), places, amounts),
    st.tuples(st.just("move"), places, goods, pieces),
    st.tuples(st.just("produce"), pieces, st.integers(-2, 8)),
    st.tuples(st.just("ship"), places, goods, pieces),
    st.tuples(st.just("give_back"), places, goods, pieces),
    st.tuples(st.just("count"), places, goods, pieces),
    st.tuples(st.just("hold"), places, goods, pieces, st.sampled_from(list(HoldKind))),
    st.tuples(st.just("reduce"), st.integers(0, 5), pieces),
)


class Chain:
    """Two sites, a material, a product; each step returns whether the model allows it."""

    def __init__(self):
        self.owner = make_borrower()
        self.sites = {
            "factory": make_site(kind=SiteKind.FACTORY),
            "warehouse": make_site(),
        }
        self.items = {
            "foil": make_item(owner=self.owner),
            "phone": make_item(owner=self.owner, unit="C62"),
        }
        bill = [(self.items["foil"], PER_UNIT)]
        make_bill(product=self.items["phone"], lines=bill, loss_tolerance=LOSS)
        self.lots = {}
        self.on_hand, self.out, self.totals = Counter(), Counter(), Counter()
        self.holds = []

    def free(self, key):
        return self.on_hand[key] - sum(q for where, _kind, q, _ref in self.holds if where == key)

    def report(self, place):
        return told(self.sites[place].operator)

    def do(self, name, *given):
        """Take one step: accepted and refused exactly as the model says."""
        allowed, act, effect = getattr(self, name)(*given)
        if act is None:
            return
        accepted = False
        with suppress(Refusal), transaction.atomic():
            act()
            accepted = True
        assert accepted == allowed, (name, given)
        if accepted:
            effect()

    def add(self, key, kind, quantity):
        self.on_hand[key] += quantity
        self.totals[key[1], kind] += quantity

    def receive(self, place, quantity):
        key = (place, "foil")

        def act():
            self.lots[key] = receive_goods(
                site=self.sites[place],
                item=self.items["foil"],
                owner=self.owner,
                lot_number="L",
                quantity=quantity,
                **self.report(place),
            )

        return True, act, lambda: self.add(key, "received", quantity)

    def move(self, place, item, quantity):
        key = (place, item)
        target = (PLACES[1 - PLACES.index(place)], item)
        if key not in self.lots:
            return False, None, None

        def act():
            self.lots[target] = move_goods(
                lot=self.lots[key],
                to_site=self.sites[target[0]],
                quantity=quantity,
                **self.report(place),
            )

        def effect():
            self.add(key, "moved_out", -quantity)
            self.add(target, "moved_in", quantity)

        return quantity <= self.free(key), act, effect

    def produce(self, made, slack):
        foil, phone = ("factory", "foil"), ("factory", "phone")
        used = made * PER_UNIT + Decimal(slack) / 16
        if foil not in self.lots or used <= 0:
            return False, None, None

        def act():
            self.lots[phone] = record_production(
                site=self.sites["factory"],
                product=self.items["phone"],
                product_lot_number="L",
                quantity=made,
                consumed=[(self.lots[foil], used)],
                owner=self.owner,
                **self.report("factory"),
            )

        def effect():
            self.add(foil, "consumed", -used)
            self.add(phone, "produced", made)

        ties = made * PER_UNIT <= used <= made * PER_UNIT / (1 - LOSS)
        return ties and used <= self.free(foil), act, effect

    def ship(self, place, item, quantity):
        key = (place, item)
        if key not in self.lots:
            return False, None, None

        def effect():
            self.add(key, "shipped", -quantity)
            self.out[key] += quantity

        return (
            quantity <= self.free(key),
            lambda: ship_goods(lot=self.lots[key], quantity=quantity, **self.report(place)),
            effect,
        )

    def give_back(self, place, item, quantity):
        key = (place, item)
        if key not in self.lots:
            return False, None, None

        def effect():
            self.add(key, "returned", quantity)
            self.out[key] -= quantity

        return (
            quantity <= self.out[key],
            lambda: return_goods(lot=self.lots[key], quantity=quantity, **self.report(place)),
            effect,
        )

    def count(self, place, item, counted):
        key = (place, item)
        if key not in self.lots:
            return False, None, None
        return (
            counted >= self.on_hand[key] - self.free(key),
            lambda: adjust_count(lot=self.lots[key], counted=counted, **self.report(place)),
            lambda: self.add(key, "adjusted", counted - self.on_hand[key]),
        )

    def hold(self, place, item, quantity, kind):
        key, reference = (place, item), uuid.uuid4()
        if key not in self.lots:
            return False, None, None

        def act():
            [lot] = lock_lots([self.lots[key].pk])
            place_hold(lot=lot, kind=kind, quantity=quantity, reference=reference, now=NOW)

        return (
            quantity <= self.free(key),
            act,
            lambda: self.holds.append((key, kind, quantity, reference)),
        )

    def reduce(self, index, quantity):
        if index >= len(self.holds):
            return False, None, None
        key, kind, held, reference = self.holds[index]

        def effect():
            self.holds[index] = (key, kind, held - quantity, reference)

        return (
            quantity <= held,
            lambda: reduce_hold(reference=reference, quantity=quantity, now=NOW),
            effect,
        )

    def check(self):
        """Compare every lot with the model."""
        for key, lot in self.lots.items():
            claims = [(kind, q) for where, kind, q, _ref in self.holds if where == key]
            expected = (
                self.on_hand[key],
                sum(q for _kind, q in claims),
                sum(q for kind, q in claims if kind == HoldKind.PLEDGE),
            )
            assert Lot.objects.values_list("on_hand", "claimed", "held").get(pk=lot.pk) == expected

    def check_journal(self):
        """Compare the journal's totals per item and kind, and what they leave on hand."""
        for name, item in self.items.items():
            events = StockEvent.objects.filter(lot__item=item).values_list("kind")
            journal = dict(events.annotate(Sum("quantity")).order_by())
            model = {kind: total for (of, kind), total in self.totals.items() if of == name}
            assert Counter(journal) == Counter({k: v for k, v in model.items() if v})
            left = Lot.objects.filter(item=item).aggregate(total=Sum("on_hand", default=0))
            assert left["total"] == sum(model.values())
            assert model.get("moved_in", 0) + model.get("moved_out", 0) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, min_size=8, max_size=25))
def test_stock_and_claims_are_conserved_over_any_sequence(sequence):
    with transaction.atomic():
        chain = Chain()
        chain.do("receive", "factory", Decimal(20))
        chain.do("produce", Decimal(10), 0)
        for name, *given_ in sequence:
            chain.do(name, *given_)
            chain.check()
        chain.check_journal()
        assert [one.name for one in INVARIANTS if one.breaches()] == []
        transaction.set_rollback(True)
