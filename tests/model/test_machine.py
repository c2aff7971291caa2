"""Any act in any order: a short run always, a deep one at night (`make test-deep`)."""

import os
import sys
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import PlatformMachine
from tests.model.world import make_world

pytestmark = pytest.mark.django_db

DEEP = bool(os.environ.get("DEEP"))
EXAMPLES = int(os.environ.get("EXAMPLES", "2000" if DEEP else "6"))
STEPS = int(os.environ.get("STEPS", "50" if DEEP else "25"))


def test_the_platform_stands_as_the_model_says():
    PlatformMachine.world = make_world()
    PlatformMachine.outcomes.clear()
    started = time.monotonic()
    run_state_machine_as_test(
        PlatformMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not DEEP,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    took = time.monotonic() - started
    steps = PlatformMachine.outcomes.total()
    told = [f"{EXAMPLES} examples, {steps} acts, {took:.0f} s, {steps / took:.1f} acts/s"]
    told += [
        f"{name:16} {outcome:24} {number}"
        for (name, outcome), number in sorted(PlatformMachine.outcomes.items())
    ]
    sys.stdout.write("\n".join(["", *told, ""]))
