"""Real Celery workers, killed and robbed of their broker: nothing is lost, nothing is doubled."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import psutil
import pytest
from django.db import transaction

from config.celery import app
from outbox.models import AuditEntry, Event
from outbox.services import emit

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
# Beat's rhythm and the lease, made short; the promise is their sum.
LEASE_SECONDS = 1
PATIENCE = 40


def tell(topic, **payload):
    with transaction.atomic():
        return emit(
            topic=topic, aggregate="thing", aggregate_id=1, payload=payload, tenant_id=1, now=NOW
        ).pk


def effects(pk):
    return AuditEntry.objects.filter(object_id=str(pk)).count()


def state_of(pk):
    return Event.objects.values_list("state", "attempts").get(pk=pk)


def wait_until(true: Callable[[], bool], *, sweep: bool = False) -> None:
    """Wait for something to become true, with beat's help if wanted; fail when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "the workers did not get there"
        if sweep:
            app.send_task("outbox.tasks.sweep")
        time.sleep(0.2)


@contextmanager
def a_worker(env, *, processes=1) -> Iterator[psutil.Process]:
    """Run a worker process with children, and kill it with them in the end."""
    worker = "-A tests.unit.outbox.worker worker -l WARNING --without-gossip --without-mingle"
    with subprocess.Popen(
        [sys.executable, "-m", "celery", *worker.split(), "-c", str(processes)],
        env={**env, "OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS)},
        start_new_session=True,
    ) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            kill_whole(process.pid)


def kill_whole(pid: int) -> None:
    """Kill a worker that this test started, with the children in its session, without warning."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture(autouse=True)
def empty_broker(process_env):
    app.control.purge()
    yield
    app.control.purge()


@pytest.fixture
def workers(process_env):
    """Start workers that are gone when the test ends."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(a_worker(process_env, **options))


def test_an_event_reaches_a_worker_by_its_hint_alone(workers):
    workers()
    pk = tell("test.told")
    wait_until(lambda: state_of(pk) == ("done", 1))
    assert effects(pk) == 1


def test_a_whole_worker_killed_in_the_middle_leaves_one_effect_after_the_sweep(workers, tmp_path):
    first = workers()
    pk = tell("test.waits", gate=str(tmp_path))
    wait_until((tmp_path / "inside").exists)
    kill_whole(first.pid)
    assert state_of(pk) == ("running", 1)
    (tmp_path / "open").touch()
    killed_at = time.monotonic()
    workers()
    wait_until(lambda: state_of(pk)[0] == "done", sweep=True)
    assert time.monotonic() - killed_at < 30
    assert (state_of(pk), effects(pk)) == (("done", 2), 1)


def test_a_killed_child_leaves_one_effect_after_the_sweep(workers, tmp_path):
    worker = workers(processes=2)
    pk = tell("test.waits", gate=str(tmp_path))
    wait_until((tmp_path / "inside").exists)
    for child in worker.children(recursive=True):
        child.kill()
    (tmp_path / "open").touch()
    wait_until(lambda: state_of(pk)[0] == "done", sweep=True)
    assert (state_of(pk)[0], effects(pk)) == ("done", 1)


def test_a_broker_that_forgets_everything_loses_nothing(workers):
    pks = [tell("test.told") for _ in range(20)]
    with app.connection_for_write() as connection:
        connection.default_channel.client.flushdb()
    workers()
    wait_until(lambda: Event.objects.filter(state="done").count() == 20, sweep=True)
    assert [effects(pk) for pk in pks] == [1] * 20


def test_an_event_that_kills_its_worker_each_time_is_buried_and_others_go_on(workers):
    workers(processes=2)
    poison = tell("test.poison")
    sound = [tell("test.told") for _ in range(5)]
    wait_until(lambda: state_of(poison)[0] == "dead", sweep=True)
    assert (state_of(poison), effects(poison)) == (("dead", 5), 0)
    wait_until(lambda: all(state_of(pk)[0] == "done" for pk in sound), sweep=True)
    assert [effects(pk) for pk in sound] == [1] * 5


def test_two_workers_and_doubled_hints_have_one_effect_each(workers):
    workers()
    workers()
    pks = [tell("test.told") for _ in range(30)]
    for pk in pks * 3:
        app.send_task("outbox.tasks.handle", args=(pk,))
    wait_until(lambda: Event.objects.filter(state="done").count() == 30)
    assert [(state_of(pk), effects(pk)) for pk in pks] == [(("done", 1), 1)] * 30
