"""The authority behind what is given up, as the services see it and as the database does."""

import json
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from parties.models import AuthorityLimit, Person
from parties.roles import Act
from parties.services.authority import BeyondAuthority
from pledges.models import Conversion
from pledges.services.conversion import Take
from tests.factories.parties import make_lender_team
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
COPY = """
INSERT INTO pledges_conversion
SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()) || %s::jsonb)).*
FROM pledges_conversion c WHERE c.id = %s
"""


def copied(conversion, **changes):
    """Say to the database that such a conversion happened; return the constraint that spoke."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COPY, [json.dumps(changes), conversion.pk])


def refused(conversion, **changes):
    with pytest.raises(IntegrityError) as caught:
        copied(conversion, **changes)
    return constraint_name(caught.value)


def released(vault, quantity=1000):
    vault.release(Take(vault.pledge(4000).pk, D(quantity)))
    return Conversion.objects.get(kind="release")


def test_a_conversion_says_what_was_given_up(vault):
    # Alpha is worth 500 a kilogram, beta 250: 1,000 kg given back are 500,000.
    assert released(vault).value_given_up == 500_000
    [position] = vault.desk.fresh().positions.filter(right="pledge", remaining__gt=0)
    vault.swap([Take(position.pk, D(100))], [(vault.lot(200, vault.goods.beta), D(200))])
    assert Conversion.objects.get(kind="substitute").value_given_up == 50_000
    kinds = Conversion.objects.exclude(kind__in=["release", "substitute"])
    assert set(kinds.values_list("value_given_up", flat=True)) == {D(0)}
    assert breaches() == {}


def test_authority_bounds_it_to_the_cent(vault):
    limits = AuthorityLimit.objects.filter(
        person_id=vault.desk.team.approver.person_id, act=Act.RELEASE
    )
    position = vault.pledge(4000)
    limits.update(amount=D("499999.99"))
    with pytest.raises(BeyondAuthority):
        vault.release(Take(position.pk, D(1000)))
    limits.update(amount=D(500_000))
    vault.release(Take(position.pk, D(1000)))


@pytest.mark.tampers
def test_database_refuses_the_act_of_an_unauthorised_person(vault):
    conversion = released(vault)
    team, other = vault.desk.team, make_lender_team()
    within = "conversion_gives_up_within_authority"
    assert refused(conversion, value_given_up="100000000.01") == within
    assert refused(conversion, person_id=other.approver.person_id) == within
    assert refused(conversion, person_id=team.operations.person_id) == within
    assert (
        refused(conversion, person_id=team.approver.person_id, maker_id=team.approver.person_id)
        == "conversion_by_choice_checked_by_another_person"
    )
    assert refused(conversion, person_id=None) == "conversion_by_choice_checked_by_another_person"
    assert refused(conversion, kind="substitute", value_given_up="100000000.01") == within
    assert refused(conversion, kind="reverse", value_given_up="100000000.01") == within
    assert refused(conversion, kind="enforce", value_given_up="100000000.01") == within
    given_up = {"kind": "enforce", "evidence": {"kind": "disposal_given_up"}}
    limits = AuthorityLimit.objects.filter(person_id=team.approver.person_id, act=Act.WRITE_OFF)
    limits.update(amount=D("499999.99"))
    assert refused(conversion, **given_up) == "conversion_writes_off_within_authority"
    limits.update(amount=D(500_000))
    copied(conversion, **given_up)
    Person.objects.filter(pk=team.approver.person_id).update(is_active=False)
    assert refused(conversion) == within
    Person.objects.filter(pk=team.approver.person_id).update(is_active=True)
    copied(conversion, value_given_up="0")
    copied(conversion, kind="pledge", value_given_up="100000000.01")  # takes nobody's authority
