"""Programs in the background: started as a group of their own, and ended whole.

Covers: argv lists, the allow-list environment, one log file each, polite and final ends.
Not here: commands that run to their end (``fixtures/core/process.py``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.core import errors, process, waits

GRACE_S = 15.0
"""Between asking a program to end and ending it; a database writes its last pages meanwhile."""
TAIL_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """One program in the background."""

    child: subprocess.Popen[bytes]
    log: Path
    name: str

    @property
    def ended(self) -> bool:
        """Whether the program itself is gone; its offspring may still be about."""
        return self.child.poll() is not None

    def tail(self) -> str:
        """Give the last lines of its log, indented below a first line of their own."""
        return tail(self.log)


def tail(log: Path) -> str:
    """Give the last lines of a log; a missing one is empty."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return "".join(f"\n    | {line}" for line in lines)
    return ""


@contextlib.contextmanager
def started(
    argv: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    name: str,
    politely: signal.Signals = signal.SIGTERM,
    extra_env: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:
    """Run a program in the background for the length of a ``with`` block.

    Args:
        politely: The signal that asks it to end, sent to the program alone; what is left of its
            group after ``GRACE_S`` is killed.

    Raises:
        CommandNotStarted: The program is not there or may not be run.
    """
    with log.open("ab") as written:
        try:
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=process.environment(extra_env or {}),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as refused:
            raise errors.CommandNotStarted(
                f"{argv[0]} did not start: {refused.strerror or refused}",
                hint=f"Check that {argv[0]} is installed.",
            ) from refused
    try:
        yield Daemon(child=child, log=log, name=name)
    finally:
        _end(child, politely)


def _end(child: subprocess.Popen[bytes], politely: signal.Signals) -> None:
    try:
        if child.poll() is None:
            child.send_signal(politely)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=GRACE_S)
    finally:
        # Also when a second Ctrl-C came while we were being polite.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        with contextlib.suppress(errors.WaitExpired):
            waits.until(
                lambda: _group_gone(child.pid),
                bool,
                what=f"process group {child.pid} to end",
                timeout_s=3.0,
                hint="Look for it with ps.",
                poll_s=0.01,
            )


def _group_gone(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except (ProcessLookupError, PermissionError):
        return True
    return False
