"""The command as a real process: what only a process can show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from fixtures.simulators.hotpass import BANNER, faults

ROOT = Path(faults.__file__).parents[3]
DEADLINE_S = 20


class Server(Protocol):
    """What these tests need of the event server."""

    arrivals: threading.Semaphore
    """Released once for every event taken."""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(workspace: Path) -> Iterator[Start]:
    """Start the command with a switch; killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def run(fault: str = "") -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "fixtures.simulators.hotpass", "refine", "--archive"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), faults.VARIABLE: fault}
        process = subprocess.Popen(
            argv,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_good_run(workspace: Path, received: list[dict[str, Any]], start: Start) -> None:
    """Exit 0, banner on stderr and nothing else there, both events, both files."""
    process = start()
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert err == f"{BANNER}\n"
    assert "✓ Pipeline completed successfully!" in out
    assert [event["eventType"] for event in received] == ["START", "COMPLETE"]
    assert len(list((workspace / "dist").iterdir())) == 2


def test_death_by_signal(received: list[dict[str, Any]], start: Start) -> None:
    """The run has begun for the server, and nobody ever ends it."""
    process = start("die-by-signal")
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == -signal.SIGKILL
    assert [event["eventType"] for event in received] == ["START"]


def test_hang_lasts_until_terminated(
    event_server: Server, received: list[dict[str, Any]], start: Start
) -> None:
    """After START it neither ends nor speaks; SIGTERM ends it."""
    while event_server.arrivals.acquire(blocking=False):
        pass
    process = start("hang")
    assert event_server.arrivals.acquire(timeout=DEADLINE_S)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == -signal.SIGTERM
    assert [event["eventType"] for event in received] == ["START"]
