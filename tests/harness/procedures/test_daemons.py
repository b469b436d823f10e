"""Programs beside a rehearsal: ended whole, also when we are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.core import errors, waits
from fixtures.core.process import Ending
from fixtures.procedures import daemons
from fixtures.procedures.daemons import Daemon

OFFSPRING = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)\n"
)
STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\n"
    "time.sleep(60)\n"
)
BUSY_S = 0.2
BUSY = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    f"while time.process_time() < {BUSY_S} + 0.1: pass\n"
    "print('used', flush=True)\n"
    "time.sleep(60)\n"
)


@contextmanager
def running(code: str, folder: Path) -> Iterator[Daemon]:
    with daemons.running(
        "a program",
        [sys.executable, "-c", code],
        cwd=folder,
        variables={"ONE": "1"},
        log=folder / "out",
    ) as daemon:
        yield daemon


def said(folder: Path) -> str:
    return waits.until(
        lambda: (folder / "out").read_text(encoding="utf-8").strip(),
        bool,
        what="its first line",
        timeout_s=20,
        hint="",
        poll_s=0.02,
    )


def of_children_s() -> float:
    """CPU of every child that was waited for, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def await_end(pid: int) -> None:
    waits.until(lambda: gone(pid), bool, what=f"{pid} to end", timeout_s=20, hint="", poll_s=0.02)


def test_offspring_ends_with_the_block(tmp_path: Path) -> None:
    """Nothing of the process group outlives the block."""
    with running(OFFSPRING, tmp_path):
        offspring = int(said(tmp_path))
        assert not gone(offspring)
    await_end(offspring)


def test_deaf_one_is_ended_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ignores SIGTERM meets SIGKILL."""
    monkeypatch.setattr(daemons, "GRACE_S", 0.2)
    with running(STUBBORN, tmp_path) as daemon:
        said(tmp_path)
    assert daemon.ended


def test_end_at_once_is_accounted(tmp_path: Path) -> None:
    """Ended without its say, even a deaf one; what it used is ours to count; twice is harmless."""
    before = of_children_s()
    with running(BUSY, tmp_path) as daemon:
        said(tmp_path)
        daemons.end(daemon, at_once=True)
        assert daemon.child.returncode == -signal.SIGKILL
        daemons.end(daemon)
    assert of_children_s() - before > BUSY_S


def test_end_is_told(tmp_path: Path) -> None:
    """Exit code, output and variables by name are there for the ledger."""
    with running("print('done'); raise SystemExit(3)", tmp_path) as daemon:
        finished = daemon.finished(timeout_s=20)
    assert (finished.ending, finished.exit_code) == (Ending.EXITED, 3)
    assert (finished.variables, finished.output_bytes) == (("ONE",), 5)
    assert daemon.tail() == "done"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_end_by_a_signal_is_told_as_such(tmp_path: Path, number: signal.Signals) -> None:
    """A killed program is not taken for one that ended with a code."""
    code = f"import os; os.kill(os.getpid(), {int(number)})"
    with running(code, tmp_path) as daemon:
        finished = daemon.finished(timeout_s=20)
    assert (finished.ending, finished.how) == (Ending.SIGNALLED, f"ended by {number.name}")


def test_time_that_is_up_is_told(tmp_path: Path) -> None:
    """What does not end is ended by us, and says so."""
    with running("import time; time.sleep(60)", tmp_path) as daemon:
        finished = daemon.finished(timeout_s=0.01)
    assert finished.ending is Ending.TOTAL_DEADLINE
    assert finished.exit_code is None


def test_missing_folder_is_not_started(tmp_path: Path) -> None:
    """What cannot start says where and why."""
    with (
        pytest.raises(errors.CommandNotStarted, match="a program did not start"),
        daemons.running(
            "a program", ["true"], cwd=tmp_path / "absent", variables={}, log=tmp_path / "out"
        ),
    ):
        pass


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc: Linux only")
def test_our_sigkill_ends_it_too(tmp_path: Path) -> None:
    """A killed harness leaves no server behind: its pipe closes, and the group ends itself."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from fixtures.procedures import daemons\n"
        f"folder = Path({str(tmp_path)!r})\n"
        f"argv = [sys.executable, '-c', {OFFSPRING!r}]\n"
        "with daemons.running('x', argv, cwd=folder, variables={}, log=folder / 'out'):\n"
        "    time.sleep(60)\n"
    )
    root = Path(daemons.__file__).parents[2]
    harness = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    try:
        waits.until(
            lambda: (tmp_path / "out").exists(),
            bool,
            what="it",
            timeout_s=20,
            hint="",
            poll_s=0.02,
        )
        offspring = int(said(tmp_path))
    finally:
        os.kill(harness.pid, signal.SIGKILL)
        harness.wait()
    await_end(offspring)
