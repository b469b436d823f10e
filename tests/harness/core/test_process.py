"""Self-tests of the process runner."""

from __future__ import annotations

import os
import signal
import sys
import tracemalloc
from pathlib import Path

import pytest

from fixtures.core import errors, process, waits

PYTHON = sys.executable
SHORT_S = 0.2
AMPLE_S = 20.0


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait three seconds for what will not end."""
    monkeypatch.setattr(process, "GRACE_S", SHORT_S / 2)


def run(
    *argv: str,
    cwd: Path,
    idle_s: float = AMPLE_S,
    total_s: float = AMPLE_S,
    extra_env: dict[str, str] | None = None,
) -> tuple[process.Finished, bytes]:
    """Run a command and keep its output."""
    pieces: list[bytes] = []
    finished = process.run(
        argv,
        cwd=cwd,
        extra_env=extra_env or {},
        write=pieces.append,
        idle_s=idle_s,
        total_s=total_s,
    )
    return finished, b"".join(pieces)


def shell(
    script: str, *, cwd: Path, idle_s: float = AMPLE_S, total_s: float = AMPLE_S
) -> tuple[process.Finished, bytes]:
    """Run a small script; `sh` starts a hundred times faster than Python."""
    return run("/bin/sh", "-c", script, cwd=cwd, idle_s=idle_s, total_s=total_s)


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Whether a process has ended, or ends within a moment."""
    return waits.until(
        lambda: not lives(pid),
        bool,
        what=f"{pid} to end",
        timeout_s=2,
        hint="Kill it.",
        poll_s=0.01,
    )


def test_no_shell_reads_the_argv(tmp_path: Path) -> None:
    """Dollar signs, semicolons and stars arrive as they were written."""
    finished, output = run("/bin/echo", "$HOME; echo *", "a  b", cwd=tmp_path)
    assert output == b"$HOME; echo * a  b\n"
    assert finished.argv == ("/bin/echo", "$HOME; echo *", "a  b")


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "GITHUB_TOKEN",
        "KUBECONFIG",
        "PREFECT_API_KEY",
        "PREFECT_API_URL",
        "PYTEST_CURRENT_TEST",
        "PYTHONPATH",
        "PYTHONHOME",
        "REHEARSAL_SECRETS__X",
        "UV_PROJECT",
        "VIRTUAL_ENV",
    ],
)
def test_no_other_variable_leaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not on the list of allowed variables does not reach a child."""
    monkeypatch.setenv(name, "ours")
    assert name not in process.environment({})


def test_child_sees_exactly_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child has what is allowed and what is handed over, nothing else."""
    monkeypatch.setenv("VIRTUAL_ENV", "/ours")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    finished, output = run("/usr/bin/env", cwd=tmp_path, extra_env={"B": "2", "A": "1"})
    seen = dict(line.split("=", 1) for line in output.decode().splitlines())
    assert seen == process.environment({"A": "1", "B": "2"})
    assert seen["HTTPS_PROXY"] == "http://proxy:3128"
    assert finished.variables == ("A", "B")


@pytest.mark.parametrize("tail", ["", "/"], ids=["bare", "trailing-slash"])
def test_our_own_bin_is_not_on_the_path(tail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nested `uv run` must not find our environment's programs first."""
    monkeypatch.setattr(sys, "prefix", "/ours/venv")
    monkeypatch.setenv("PATH", f"/ours/venv/bin{tail}:/usr/bin:/ours/venv/bin:/bin")
    assert process.environment({})["PATH"] == "/usr/bin:/bin"


def test_handed_over_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed over on purpose replaces what is inherited."""
    monkeypatch.setenv("HOME", "/root")
    assert process.environment({"HOME": "/elsewhere"})["HOME"] == "/elsewhere"


@pytest.mark.parametrize("code", [0, 1, 127, 143, 255])
def test_exit_codes_arrive(code: int, tmp_path: Path) -> None:
    """An exit code is an exit code, also one that shells use for signals."""
    finished, _ = shell(f"exit {code}", cwd=tmp_path)
    assert (finished.ending, finished.exit_code) == (process.Ending.EXITED, code)
    assert finished.signal_name is None
    assert finished.how == f"exit code {code}"


@pytest.mark.parametrize(
    ("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (11, "SIGSEGV"), (40, "signal 40")]
)
def test_a_signal_is_told_apart(number: int, name: str, tmp_path: Path) -> None:
    """A child that dies of a signal has no exit code; one without a name is numbered."""
    finished, _ = shell(f"kill -{number} $$", cwd=tmp_path)
    assert (finished.ending, finished.exit_code) == (process.Ending.SIGNALLED, None)
    assert finished.how == f"ended by {name}"


def test_both_streams_are_one_in_order(tmp_path: Path) -> None:
    """Standard output and error arrive as one stream, in the order written."""
    finished, output = shell("echo 1; echo 2 >&2; echo 3", cwd=tmp_path)
    assert output == b"1\n2\n3\n"
    assert finished.output_bytes == len(output)


def test_nothing_waits_for_input(tmp_path: Path) -> None:
    """A command that reads its input meets the end at once."""
    finished, output = run("/bin/cat", cwd=tmp_path)
    assert (finished.exit_code, output) == (0, b"")


def test_silence_meets_the_idle_deadline(tmp_path: Path) -> None:
    """A silent command is ended, with all it said before."""
    finished, output = shell("echo begun; exec sleep 60", cwd=tmp_path, idle_s=SHORT_S)
    assert output == b"begun\n"
    assert finished.ending is process.Ending.IDLE_DEADLINE
    assert finished.exit_code is None
    assert finished.how == "ended by us after its idle deadline (SIGTERM)"


def test_chatter_meets_the_total_deadline(tmp_path: Path) -> None:
    """A command that never falls silent is ended all the same."""
    finished, output = shell(
        "while :; do echo on; sleep 0.02; done", cwd=tmp_path, idle_s=5, total_s=SHORT_S
    )
    assert finished.ending is process.Ending.TOTAL_DEADLINE
    assert output.startswith(b"on\n")


def test_closed_output_meets_the_total_deadline(tmp_path: Path) -> None:
    """Closing the output is not ending."""
    finished, _ = shell("exec sleep 60 >/dev/null 2>&1", cwd=tmp_path, total_s=SHORT_S)
    assert finished.ending is process.Ending.TOTAL_DEADLINE


def test_catching_our_signal_leaves_no_name(tmp_path: Path) -> None:
    """A program that catches SIGTERM and leaves by itself was still ended by us."""
    finished, _ = shell(
        "trap 'exit 143' TERM; echo on; while :; do sleep 0.01; done",
        cwd=tmp_path,
        idle_s=SHORT_S,
    )
    assert (finished.exit_code, finished.signal_name) == (None, None)
    assert finished.how == "ended by us after its idle deadline"


def test_stubborn_offspring_is_ended_too(tmp_path: Path) -> None:
    """A grandchild that ignores SIGTERM is killed with its group."""
    finished, output = shell(
        "(trap '' TERM; echo ready; while :; do sleep 0.05; done) & echo $!; wait",
        cwd=tmp_path,
        idle_s=SHORT_S,
        total_s=SHORT_S,
    )
    pid = int(next(line for line in output.split() if line.isdigit()))
    assert finished.ending is not process.Ending.EXITED
    assert gone(pid)


def test_offspring_holding_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """The program's own end counts, and what it left behind is ended."""
    finished, output = shell("sleep 60 & echo $!; exit 3", cwd=tmp_path)
    assert (finished.ending, finished.exit_code) == (process.Ending.EXITED, 3)
    assert (finished.ended_at - finished.started_at).total_seconds() < 3
    assert gone(int(output))


@pytest.mark.parametrize("flaw", ["program-missing", "folder-missing", "not-executable", "folder"])
def test_what_cannot_start_says_so(flaw: str, tmp_path: Path) -> None:
    """A program or folder that is not there is our side of the glass, with a hint."""
    plain = tmp_path / "plain"
    plain.write_text("echo no\n")
    argv, cwd = {
        "program-missing": ("no-such-program-here", tmp_path),
        "folder-missing": ("/bin/true", tmp_path / "none"),
        "not-executable": (str(plain), tmp_path),
        "folder": (str(tmp_path), tmp_path),
    }[flaw]
    with pytest.raises(errors.CommandNotStarted, match="did not start") as caught:
        run(argv, cwd=cwd)
    assert argv in caught.value.message
    assert argv in caught.value.hint


def test_memory_does_not_grow_with_output(tmp_path: Path) -> None:
    """Two hundred megabytes pass through; what is kept of them is a piece at a time."""
    seen, largest = 0, 0

    def count(piece: bytes) -> None:
        nonlocal seen, largest
        seen, largest = seen + len(piece), max(largest, len(piece))

    tracemalloc.start()
    try:
        finished = process.run(
            ["/usr/bin/head", "-c", "220000000", "/dev/zero"],
            cwd=tmp_path,
            extra_env={},
            write=count,
            idle_s=AMPLE_S,
            total_s=AMPLE_S,
        )
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == finished.output_bytes == 220_000_000
    assert largest <= process.CHUNK_BYTES
    assert peak_bytes < 8_000_000


@pytest.mark.parametrize("blow", [KeyboardInterrupt, OSError, SystemExit])
def test_a_failing_writer_leaves_no_process(blow: type[BaseException], tmp_path: Path) -> None:
    """Ctrl-C or a full disk while output is written: nothing of the group survives."""
    pids: list[int] = []

    def fail(piece: bytes) -> None:
        pids.extend(map(int, piece.split()))
        raise blow

    with pytest.raises(blow):
        process.run(
            ["/bin/sh", "-c", "sleep 60 & echo $$ $!; wait"],
            cwd=tmp_path,
            extra_env={},
            write=fail,
            idle_s=AMPLE_S,
            total_s=AMPLE_S,
        )
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_second_interrupt_still_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while we are polite does not spare what ignores politeness."""
    sent: list[int] = []
    killpg = os.killpg

    def impatient(pid: int, number: int) -> None:
        sent.append(number)
        killpg(pid, number)
        if number == signal.SIGTERM:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "killpg", impatient)
    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        process.run(
            ["/bin/sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.05; done"],
            cwd=tmp_path,
            extra_env={},
            write=lambda piece: pids.append(int(piece)),
            idle_s=SHORT_S,
            total_s=AMPLE_S,
        )
    assert signal.SIGKILL in sent
    assert gone(pids[0])


def test_times_are_aware(tmp_path: Path) -> None:
    """Begin and end are aware UTC, in order."""
    finished, _ = run(PYTHON, "-I", "-S", "-c", "", cwd=tmp_path)
    assert finished.started_at.utcoffset() == finished.ended_at.utcoffset()
    assert finished.started_at.tzname() == "UTC"
    assert finished.started_at <= finished.ended_at
