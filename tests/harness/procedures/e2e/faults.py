"""How each fault of the table is put into a whole preflight.

Covers: switches of the simulated command, commands that do not end, a machine that is unfit.
Not here: what each must do (``fixtures/guardrails/seeded_e2e.json``).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.core import errors, process
from fixtures.core.process import Finished
from fixtures.simulators.hotpass.faults import FAULTS

if TYPE_CHECKING:
    from tests.harness.procedures.e2e.conftest import Staged

OF_DEPLOYMENTS = {each for each in FAULTS if each.startswith("deploy-")}
NEVER_ENDING = {"chatter"}
"""Ended by the total deadline, as `hang` is by the idle one: ``core/test_process.py``."""
FLOOD_BYTES, KEPT_BYTES = 8 * 2**20, 2**18
SILENT = "import signal; print('so far', flush=True); signal.pause()"
SUICIDAL = "import os, signal; print('so far', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
TRACEBACK = """Traceback (most recent call last):
  File "app.py", line 7, in main
{words}
"""
OLD = datetime(2026, 1, 15, 9, 0, tzinfo=UTC).timestamp()


def program(code: str, *, idle_s: float) -> Callable[..., Finished]:
    """A verb played by a program of its own."""

    def run(argv: Sequence[str], **how: Any) -> Finished:
        finished = process.run(
            [sys.executable, "-c", code],
            cwd=Path.cwd(),
            extra_env={},
            write=how["write"],
            idle_s=idle_s,
            total_s=20.0,
        )
        return _as(finished, argv)

    return run


def words(text: str, *, exit_code: int) -> Callable[..., Finished]:
    """A verb that says something and leaves."""

    def run(argv: Sequence[str], **how: Any) -> Finished:
        began = datetime.now(UTC)
        how["write"](text.encode())
        return Finished(
            argv=tuple(argv),
            cwd="/",
            variables=tuple(how["variables"]),
            ending=process.Ending.EXITED,
            exit_code=exit_code,
            signal_name=None,
            started_at=began,
            ended_at=datetime.now(UTC),
            output_bytes=len(text),
        )

    return run


def absent(argv: Sequence[str], **_: Any) -> Finished:
    """A program that is not there."""
    raise errors.CommandNotStarted(
        f"{argv[0]} did not start in /: No such file or directory",
        hint=f"Check that {argv[0]} is installed and that the folder exists.",
    )


def lay_old(stage: Staged, name: str, *, sound: Path, at: float) -> None:
    """Leave a sound workbook where a stage is to write, from another run."""
    path = stage.work / "dist" / "staging" / f"{name}.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sound / f"{name}.xlsx", path)
    os.utime(path, (at, at))


def struck(name: str) -> Callable[[Staged, Path], None]:
    """Have the simulated command misbehave by a switch."""

    def seed(stage: Staged, sound: Path) -> None:
        stage.strike(name)
        stage.say(HOTPASS_SIMULATOR_FLOOD_BYTES=str(FLOOD_BYTES))
        if name == "overview-floods":
            stage.plan(log_limit_bytes=KEPT_BYTES)
        if name == "stale-workbook":
            lay_old(stage, "refined", sound=sound, at=OLD)
        if name == "enrich-stale":
            lay_old(stage, "enriched", sound=sound, at=OLD)

    return seed


def young(stage: Staged, sound: Path) -> None:
    """The same over a workbook that seems to be of this very moment."""
    stage.strike("stale-workbook")
    lay_old(stage, "refined", sound=sound, at=datetime.now(UTC).timestamp() + 60)


def measured(stage: Staged, _: Path) -> None:
    """Everything the real command was measured to do otherwise."""
    stage.say(HOTPASS_SIMULATOR_DEFECTS="all")


def played(**verbs: Callable[..., Finished]) -> Callable[[Staged, Path], None]:
    """Have single verbs played by somebody else."""
    return lambda stage, _: stage.instead(**verbs)


UV_OFFLINE = (
    "error: Failed to fetch a Python download\n  Caused by: dns error: failed to lookup "
    "address information: Temporary failure in name resolution\n"
)
NO_PYTHON = "error: No interpreter found for Python >=3.13, <3.14 in managed installations\n"
DISK_FULL = TRACEBACK.format(words="OSError: [Errno 28] No space left on device: 'refined.xlsx'")
QA_OFFLINE = """QA Check Results
│ CLI Integrity        │ FAILED │ {message} │
│ Fitness Functions    │ passed │ fine                        │
│ Data Quality         │ passed │ fine                        │
│ Profile Validation   │ passed │ fine                        │
│ Contract Checks      │ {status} │ {why} │
│ Documentation Checks │ passed │ fine                        │
✗ Some QA checks failed
"""
OFFLINE_ROW = "uv run hotpass overview: error: dns error: failed to lookup address information"

COMMAND: dict[str, Callable[[Staged, Path], None]] = {
    **{name: struck(name) for name in FAULTS if name not in OF_DEPLOYMENTS | NEVER_ENDING},
    "hang": played(refine=program(SILENT, idle_s=0.4)),
    "qa-hangs": played(qa=program(SILENT, idle_s=0.4)),
    "die-by-signal": played(refine=program(SUICIDAL, idle_s=20.0)),
    "stale-workbook-young": young,
    "measured": measured,
    "traceback": played(
        enrich=words(TRACEBACK.format(words="TypeError: unexpected keyword 'file'"), exit_code=1)
    ),
    "qa-fails-beside-the-network": played(
        qa=words(
            QA_OFFLINE.format(message=OFFLINE_ROW, status="FAILED", why="3 tests failed"),
            exit_code=1,
        )
    ),
}
MACHINE: dict[str, Callable[[Staged, Path], None]] = {
    "uv-missing": played(overview=absent, refine=absent, enrich=absent, qa=absent),
    "python-missing": played(
        **dict.fromkeys(("overview", "refine", "enrich", "qa"), words(NO_PYTHON, exit_code=2))
    ),
    "network-missing": played(
        **dict.fromkeys(("overview", "refine", "enrich", "qa"), words(UV_OFFLINE, exit_code=2))
    ),
    "disk-full": played(refine=words(DISK_FULL, exit_code=1)),
    "qa-offline": played(
        qa=words(QA_OFFLINE.format(message=OFFLINE_ROW, status="passed", why="fine"), exit_code=1)
    ),
}


def _as(finished: Finished, argv: Sequence[str]) -> Finished:
    """As if the verb's own command had ended so."""
    return Finished(
        argv=tuple(argv),
        cwd=finished.cwd,
        variables=(),
        ending=finished.ending,
        exit_code=finished.exit_code,
        signal_name=finished.signal_name,
        started_at=finished.started_at,
        ended_at=finished.ended_at,
        output_bytes=finished.output_bytes,
    )
