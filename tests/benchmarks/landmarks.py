"""Where a session of one rehearsal is, moment by moment: a pytest plugin of the benchmarks.

Covers: moments that no ledger holds, of pytest's own hooks, with the CPU its process has used.
Not here: what lies between them (``test_dry_run.py``).

Usage: ``LANDMARKS=FILE python -m pytest -p tests.benchmarks.landmarks …``
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

SERVER = "fixtures.procedures.prefect_app:create_app"
"""Written out: importing its name from the harness would load that before its time."""


def mark(name: str) -> None:
    """Write down that we are here."""
    line = {"at": time.time(), "cpu_s": time.process_time(), "name": name}
    with Path(os.environ["LANDMARKS"]).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Prefect's server is started, and comes up beside what follows."""
    if event == "subprocess.Popen" and SERVER in map(str, arguments[1]):
        mark("Prefect starts")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """The systems are being opened, and are open."""
    told = fixturedef.argname == "surroundings"
    if told:
        mark("opening systems")
        # Not sooner: every import, and every file that is opened, is heard of as well.
        sys.addaudithook(hear)
    made = yield
    if told:
        mark("systems open")
    return made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """Judged, and then the systems have been closed."""
    if nextitem is None:
        mark("judged")
    yield
    if nextitem is None:
        mark("systems closed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """The bundle is sealed."""
    mark("sealed")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """The reports are written and told of."""
    mark("told")
