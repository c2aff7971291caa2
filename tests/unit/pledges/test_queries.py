"""What people may read: cover, journal and lineage, each within the actor's own scope."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.models import Facility
from parties.roles import Role
from pledges.models import Conversion, Position
from pledges.queries import get_cover, get_lineage, lineage_of, list_legs
from pledges.services.conversion import Take
from pledges.states import Right
from tests.factories.lending import START
from tests.factories.parties import make_actor
from tests.factories.pledges import make_product, make_vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(vault):
    """claim -> material -> product at the factory -> pledged in the warehouse -> part released."""
    material = vault.mortgage(100)
    product = make_product(vault.goods.alpha, per_piece=Decimal(2), loss=Decimal(0), code="alpha")
    made = vault.assemble(
        [Take(material.pk, Decimal(80))],
        product=product,
        quantity=40,
        right=Right.FLOATING_MORTGAGE,
    )
    stored = vault.bring_in(Take(made.pk, Decimal(40)))
    [freed] = vault.release(Take(stored.pk, Decimal(5)))
    claim = Position.objects.get(right="order_claim")
    return vault, claim, material, made, stored, freed


def ids(*positions):
    return {position.pk for position in positions}


def test_lineage_runs_from_the_first_dollar_to_the_last_part(chain):
    vault, claim, material, made, stored, freed = chain
    unrelated = vault.pledge(1)
    actor = vault.desk.team.auditor
    middle = get_lineage(actor=actor, position_id=made.pk)
    assert middle.ancestors == ids(claim, material, made)
    assert middle.descendants == ids(made, stored, freed)
    assert middle.all == ids(claim, material, made, stored, freed)
    assert get_lineage(actor=actor, position_id=claim.pk).descendants == middle.all
    assert get_lineage(actor=actor, position_id=freed.pk).ancestors == middle.all
    assert lineage_of([unrelated.pk]).all == ids(unrelated)


def test_lineage_takes_one_query_however_long(chain):
    _vault, claim, *_rest = chain
    with CaptureQueriesContext(connection) as queries:
        assert len(lineage_of([claim.pk]).descendants) == 5
    assert len(queries) == 1


def test_a_split_position_leads_to_all_its_parts(vault):
    position = vault.pledge(100)
    parts = [vault.release(Take(position.pk, Decimal(10)))[0] for _ in range(3)]
    assert lineage_of([position.pk]).descendants == ids(position, *parts)
    assert lineage_of([parts[1].pk]).ancestors == ids(position, parts[1])


def test_legs_are_read_in_the_order_they_happened(chain):
    vault, claim, material, *_rest = chain
    legs = list_legs(actor=vault.desk.team.auditor, position_ids=[claim.pk, material.pk])
    assert sorted((leg.conversion.kind, leg.direction, leg.quantity) for leg in legs) == [
        ("deliver", "consumed", 1),
        ("deliver", "produced", 100),
        ("prepay", "produced", 1),
        ("transform", "consumed", 80),
    ]


def test_the_values_of_the_parts_make_the_value_of_the_pool(chain):
    vault, *_positions = chain
    cover = get_cover(actor=vault.desk.team.auditor, facility=vault.desk.facility, as_of=START)
    # 20 kg of material and 35 pieces of 2 kg.
    assert (cover.market_value, cover.lending_value) == (90 * 500, 90 * 250)


def test_strangers_see_nothing(chain):
    vault, claim, *_rest = chain
    stranger = make_vault(goods=vault.goods).desk.team.auditor
    with pytest.raises(Facility.DoesNotExist):
        get_cover(actor=stranger, facility=vault.desk.facility, as_of=START)
    with pytest.raises(Position.DoesNotExist):
        get_lineage(actor=stranger, position_id=claim.pk)
    assert list_legs(actor=stranger, position_ids=[claim.pk]) == []
    assert not Conversion.objects.visible_to(stranger).exists()


def test_borrower_sees_all_and_the_warehouse_what_it_keeps(chain):
    vault, claim, material, made, stored, freed = chain
    borrower = make_actor(organisation=vault.desk.borrower, roles=[Role.PREPARER])
    keeper = make_actor(organisation=vault.warehouse.operator, roles=[Role.PARTNER])
    seen = {
        who: set(Position.objects.visible_to(actor).values_list("pk", flat=True))
        for who, actor in (("borrower", borrower), ("keeper", keeper))
    }
    assert seen["borrower"] == ids(claim, material, made, stored, freed)
    assert seen["keeper"] == ids(stored, freed)
    assert Conversion.objects.visible_to(borrower).count() == 5
    assert not Conversion.objects.visible_to(keeper).exists()


def test_live_positions_are_those_that_secure_something(chain):
    _vault, _claim, material, _made, stored, _freed = chain
    assert set(Position.objects.live().values_list("pk", flat=True)) == ids(material, stored)
