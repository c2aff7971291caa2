"""Celery doors of the rights engine."""

from celery import shared_task

from common import clock
from parties.actors import system_actor
from pledges.services.allocation_acceptance import retire_overtaken
from pledges.services.days import record_day
from pledges.services.early_warnings import watch_facilities, watch_feeds
from pledges.services.instruction_clock import chase_overdue
from pledges.services.law_days import watch_the_law
from pledges.services.margin_calls import escalate_expired, mark_needs
from pledges.services.sell_out import suggest_swaps
from pledges.services.tick import follow_glides


@shared_task
def escalate_margin_calls() -> int:
    """Send the reminders that are due and escalate the calls whose clock ran out."""
    return escalate_expired(actor=system_actor("margin call clock"), now=clock.now())


@shared_task
def follow_gliding_rates() -> int:
    """Re-judge the facilities between the lines by today's glided rates; tell how many moved."""
    now = clock.now()
    actor = system_actor("glide of rates")
    return follow_glides(on=now.date(), actor=actor, now=now).bands_changed


@shared_task
def record_end_of_day() -> int:
    """Append today's reading of every facility and today's line of every call."""
    now = clock.now()
    mark_needs(on=now.date(), actor=system_actor("end of day"), now=now)
    return record_day(on=now.date(), now=now)


@shared_task
def chase_instructions() -> int:
    """Strike off the instructions that are too old, and alert the desks to the late ones."""
    return chase_overdue(actor=system_actor("instruction clock"), now=clock.now())


@shared_task
def propose_swaps() -> int:
    """Close the proposals that no longer fit and suggest swaps for what will soon sell out."""
    now, actor = clock.now(), system_actor("sell-out forecast")
    retire_overtaken(actor=actor, on=now.date(), now=now)
    return suggest_swaps(actor=actor, on=now.date(), now=now)


@shared_task
def watch_over_the_law() -> int:
    """Alert to registrations, policies and evidence that run out, and review the places."""
    now = clock.now()
    return watch_the_law(on=now.date(), actor=system_actor("law clock"), now=now)


@shared_task
def watch_early() -> int:
    """Look at every facility by the rules of early warning; return how many warnings are new."""
    now = clock.now()
    return watch_facilities(on=now.date(), actor=system_actor("early warnings"), now=now)


@shared_task
def watch_price_feeds() -> int:
    """Look at feeds and quarantine by the rules of early warning; return how many are new."""
    now = clock.now()
    return watch_feeds(on=now.date(), actor=system_actor("early warnings"), now=now)
