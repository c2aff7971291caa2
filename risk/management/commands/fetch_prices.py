"""`manage.py fetch_prices FEED`: run one feed now and tell what it brought."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import clock
from parties.actors import system_actor
from risk.models import Feed
from risk.services.feed_runs import run_feed
from risk.services.feeds import request_run
from risk.states import RunState


class Command(BaseCommand):
    help = "Run one price feed now; prints one JSON line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed", metavar="FEED", help="the feed's code")

    def handle(self, **options: Any) -> None:
        feed = Feed.objects.filter(code=options["feed"]).first()
        if feed is None:
            known = ", ".join(Feed.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"no feed {options['feed']}; set up are: {known}")
        actor, now = system_actor("fetch_prices"), clock.now()
        request_run(feed=feed, actor=actor, now=now)
        run = run_feed(feed_id=feed.pk, actor=actor, now=now)
        if run is None:
            raise CommandError("another run of this feed is under way")
        told = {"feed": feed.code, "state": run.state, **run.counts, "problems": run.problems}
        self.stdout.write(json.dumps(told, ensure_ascii=False))
        if run.state == RunState.FAILED:
            raise CommandError(f"{run.error_code}: {run.error}")
