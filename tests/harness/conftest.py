"""Self-tests of the harness: no sleep, no network, no Docker."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

collect_ignore = ["sweep"]
"""Minutes long: `tox -e sweep` names it."""


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
