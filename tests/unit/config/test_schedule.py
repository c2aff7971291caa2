"""What beat sends exists, and does its work when called."""

import subprocess
import sys
from os import environ
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app
from pledges.tasks import (
    escalate_margin_calls,
    follow_gliding_rates,
    propose_swaps,
    record_end_of_day,
    watch_early,
    watch_price_feeds,
)
from risk.tasks import look_at_feeds, publish_daily_rates

ROOT = Path(__file__).resolve().parents[3]
SHOW = "from django.conf import settings; print(sorted(settings.CELERY_BEAT_SCHEDULE))"


def test_every_scheduled_task_is_registered():
    app.loader.import_default_modules()
    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "pledges.tasks.escalate_margin_calls" in tasks
    assert tasks <= set(app.tasks)


def test_the_demonstration_is_not_aged_by_the_calendar():
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environ | {"DEMO": "1", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "['outbox-forget', 'outbox-sweep']"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "task",
    [
        publish_daily_rates,
        follow_gliding_rates,
        record_end_of_day,
        escalate_margin_calls,
        propose_swaps,
        look_at_feeds,
        watch_early,
        watch_price_feeds,
    ],
)
def test_the_daily_tasks_run_on_empty_books(task):
    assert task() == 0
