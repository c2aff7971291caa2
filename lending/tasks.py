"""Celery doors of credit: each calls one service, and may be lost or repeated at will."""

from datetime import date

from celery import shared_task

from common import clock
from lending.services import accrual
from parties.actors import system_actor


@shared_task(ignore_result=True)
def accrue_interest() -> None:
    """Hand out the facilities whose interest is behind today, a shard a task. On beat, hourly.

    What a lost task leaves behind is found again by the next call.
    """
    today = clock.now().date()
    for facility_ids in accrual.shards_behind(through=today):
        accrue_shard.delay(facility_ids, today.isoformat())


@shared_task(ignore_result=True)
def accrue_shard(facility_ids: list[int], through: str) -> None:
    """Count the interest of some facilities up to a date (ISO 8601), in one transaction."""
    accrual.accrue(
        through=date.fromisoformat(through),
        facility_ids=facility_ids,
        actor=system_actor("interest accrual"),
        now=clock.now(),
    )
