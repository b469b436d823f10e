"""Self-tests of the harness: no sleep, no network, no Docker."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest

collect_ignore = ["sweep"]
"""Minutes long: `tox -e sweep` names it."""
COLLECT_AFTER = 20_000
"""New objects; Python's 700 is a twentieth of the self-tests' time, and finds next to nothing."""


@pytest.fixture(scope="module", autouse=True)
def the_collector_comes_seldom() -> Iterator[None]:
    """Of a module as well: a worker that goes on to a rehearsal collects as ever."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    yield
    gc.set_threshold(*before)


@pytest.fixture(scope="module", autouse=True)
def nobody_waits_for_the_disk() -> Iterator[None]:
    """What a self-test writes need not outlive a power cut: an fsync is asked for, not waited for.

    Of a module, not the session: a worker that goes on to a rehearsal syncs its evidence. That
    syncs come, and in which order, the sweep sees from outside, in processes of their own.
    """
    with pytest.MonkeyPatch.context() as patch:
        # A descriptor that is closed is still refused.
        patch.setattr(os, "fsync", lambda descriptor: os.fstat(descriptor) and None)
        yield


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """Ctrl-C and SIGTERM do afterwards what they did before.

    A session that was stopped leaves both ignored to its process's end; a worker that has played
    one goes on, and hands what it ignores down to the processes of later tests.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
