"""Telling the story: day by day, scene by scene, resumable after any of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction

from lending.services.accrual import accrue
from pledges.services.days import record_day
from pledges.services.margin_calls import escalate_expired, mark_needs
from pledges.services.tick import follow_glides
from portal.models import StoryMark
from portal.proofs import Proof, prove_all
from portal.story.calendar import ACTS, CLOSE, END, MARKET, START, at
from portal.story.cast import STORY
from portal.story.market import daily_prices, open_market, tick
from portal.story.replays import open_replays, replay_prices
from portal.story.scenes import CRASHES, SCENES, STEPS

Play = Callable[[date, datetime], None]


class StoryBreach(Exception):  # noqa: N818  (it names what happened)
    """An invariant does not hold after a part of the story."""

    def __init__(self, title: str, broken: list[Proof]) -> None:
        lines = [
            f"{proof.room}.{proof.invariant.name}: {row}: {what}"
            for proof in broken
            for row, what in proof.breaches
        ]
        super().__init__("\n".join([f"after «{title}»:", *lines]))


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction of the story: a market morning, a scene or a closing."""

    key: str
    step: int
    on: date
    hour: time
    title: str
    play: Play


def parts(until: int | None = None) -> list[Part]:
    """Return the parts in the order they are told, up to the last scene of a step."""
    last_step = max(STEPS) if until is None else until
    scenes = [scene for scene in SCENES if scene.step <= last_step]
    end = END if last_step == max(STEPS) else max(scene.on for scene in scenes)
    told = [Part("market", 0, START, time(8, 0), "The price history is read", _open_market)]
    step = 0
    for day in sorted(day for day in daily_prices() if START <= day <= end):
        told.append(_part(f"market-{day}", step, day, MARKET, "Prices settle", _tick))
        for scene in (scene for scene in scenes if scene.on == day):
            if scene.step != CRASHES:  # told beside the other steps, in the same months
                step = scene.step
            told.append(_part(scene.key, scene.step, day, ACTS, scene.title, scene.play))
        told.append(_part(f"close-{day}", step, day, CLOSE, "The day is closed", _close))
    return told


def _part(key: str, step: int, on: date, hour: time, title: str, play: Play) -> Part:
    return Part(key, step, on, hour, title, play)


def tell(*, until: int | None = None, check: bool = False) -> Iterator[tuple[Part, int, int]]:
    """Play what is not played yet; yield each part with its place and the number of parts.

    Each part is one transaction together with its mark, so a run that stops goes on where it
    stopped. With `check` every invariant is proved after every part that has a scene or ends a
    step, and StoryBreach raised at the first that does not hold.
    """
    told = parts(until)
    known = set(StoryMark.objects.values_list("key", flat=True))
    for place, part in enumerate(told, start=1):
        if part.key not in known:
            _play(part)
            if check and part.hour == ACTS:
                prove(part.title)
        yield part, place, len(told)
    if check:
        prove("the end")


def prove(title: str) -> None:
    """Prove every invariant, or raise StoryBreach naming the rows that break one."""
    broken = [proof for proof in prove_all() if not proof.holds]
    if broken:
        raise StoryBreach(title, broken)


def _play(part: Part) -> None:
    with transaction.atomic():
        part.play(part.on, at(part.on, part.hour))
        StoryMark.objects.create(
            key=part.key, step=part.step, business_date=part.on, title=part.title
        )


def _open_market(on: date, now: datetime) -> None:
    open_market(before=on, actor=STORY, now=now)
    open_replays(before=on, actor=STORY, now=now)


def _tick(on: date, now: datetime) -> None:
    tick(day=on, besides=replay_prices(on), actor=STORY, now=now)
    escalate_expired(actor=STORY, now=now)


def _close(on: date, now: datetime) -> None:
    accrue(through=on, actor=STORY, now=now)
    follow_glides(on=on, actor=STORY, now=now)
    escalate_expired(actor=STORY, now=now)
    mark_needs(on=on, actor=STORY, now=now)
    record_day(on=on, now=now)
