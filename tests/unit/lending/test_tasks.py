from datetime import UTC, datetime
from decimal import Decimal

import pytest

from common import clock
from lending import tasks
from lending.models import Loan
from lending.services.accrual import shards_behind
from tests.factories.lending import START, make_desk, make_drawn_loan, make_facility

pytestmark = pytest.mark.django_db

D = Decimal
LATER = datetime(2016, 3, 11, 1, tzinfo=UTC)


def test_every_facility_that_is_behind_is_handed_out_once(monkeypatch):
    handed_out = []
    monkeypatch.setattr(tasks.accrue_shard, "delay", lambda *args: handed_out.append(args))
    desks = [make_desk() for _ in range(3)]
    for desk in desks:
        make_drawn_loan(desk, principal=D(360_000))
    make_facility(team=desks[0].team)  # owes nothing
    with clock.using_clock(clock.SetClock(LATER)):
        tasks.accrue_interest()
        assert handed_out == [([desk.facility.pk for desk in desks], "2016-03-11")]
        tasks.accrue_shard(*handed_out[0])
        tasks.accrue_shard(*handed_out[0])  # a hint may come twice
        tasks.accrue_interest()
    assert len(handed_out) == 1
    assert set(Loan.objects.values_list("owed_interest", flat=True)) == {D(900)}


def test_shards_are_bounded():
    for _ in range(3):
        make_drawn_loan(make_desk(), principal=D(1000))
    assert shards_behind(through=START) == []
    sizes = [len(shard) for shard in shards_behind(through=LATER.date(), size=2)]
    assert sizes == [2, 1]
