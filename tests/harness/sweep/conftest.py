"""Whole rehearsals in processes of their own, to be stopped, starved and killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.core import waits
from fixtures.evidence import keys, verify
from tests.harness.sweep import aftermath, strace

ROOT = Path(__file__).parents[3]
ENDED_S = 60.0


@dataclass(frozen=True)
class Rehearsal:
    """One dry run of the lineage smoke, whose evidence and temporary files are all below here."""

    home: Path
    evidence: Path
    scratch: Path
    """Its TMPDIR, which marks every process of the run."""
    word: str = "marquez"
    options: tuple[str, ...] = ()
    """Of pytest, besides."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment, besides."""

    @property
    def environment(self) -> dict[str, str]:
        """TMPDIR marks every process of the run: children inherit it through the allow-list."""
        kept = {name: value for name, value in os.environ.items() if name != "CI"}
        here = {
            "TMPDIR": str(self.scratch),
            "HOME": str(self.home),
            # An optional step that takes longer than all others together.
            "REHEARSAL_WORDS__MARQUEZ__PREFECT": "none",
        }
        return {**kept, **here, **self.variables}

    def start(self) -> subprocess.Popen[bytes]:
        """Start it as a terminal would: a process group of its own."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-m", self.word, "-p", "no:cacheprovider"),
                *("--evidence-root", str(self.evidence), *self.options),
            ],
            cwd=ROOT,
            env=self.environment,
            stdout=(self.home / "out").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `rehearsal` command."""
        return subprocess.run(
            [sys.executable, "-m", "fixtures.command", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def lines(self) -> int:
        """How many ledger lines there are so far."""
        total = 0
        for path in (self.evidence / self.word).glob(".*.partial/ledger.jsonl"):
            # Sealed between the look and the reading: it has another name by now.
            with contextlib.suppress(FileNotFoundError):
                total += path.read_bytes().count(b"\n")
        return total

    def processes(self) -> list[str]:
        """Command lines of every process that belongs to the run and still lives."""
        mark = f"TMPDIR={self.scratch}".encode()
        alive = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                mine = mark in (folder / "environ").read_bytes().split(b"\0")
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if mine and line:
                alive.append(line)
        return alive

    def output(self) -> str:
        """What it has printed."""
        return (self.home / "out").read_text(encoding="utf-8", errors="replace")

    def stop_at(
        self, line: int, number: signal.Signals, *, again: int = 0, gap_s: float = 0.0
    ) -> int:
        """Start it, signal its whole group once the ledger has so many lines; its exit code.

        Args:
            again: How many more signals follow, a gap apart.
        """
        return self.stop_when(
            lambda: self.lines() >= line,
            number,
            what=f"ledger line {line}",
            again=again,
            gap_s=gap_s,
        )

    def stop_when(
        self,
        reached: Callable[[], bool],
        number: signal.Signals,
        *,
        what: str,
        again: int = 0,
        gap_s: float = 0.0,
    ) -> int:
        """Start it, signal its whole group once it has come so far; its exit code."""
        running = self.start()
        waits.until(
            lambda: reached() or running.poll() is not None,
            bool,
            what=what,
            timeout_s=ENDED_S,
            hint="Read the output.",
            poll_s=0.005,
        )
        for _ in range(1 + again):
            if running.poll() is None:
                os.killpg(running.pid, number)
                # The gap is what is tried: nothing to look at would say when it is over.
                time.sleep(gap_s)
        return running.wait(timeout=ENDED_S)


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """A dry run that has not started yet; nothing of it may live on."""
    # Short: a browser's socket lies below it, and its path may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="s-") as scratch:
        made = Rehearsal(tmp_path, tmp_path / "evidence", Path(scratch))
        yield made
        assert_gone(made.processes)


@dataclass(frozen=True)
class Clean:
    """A publication that nobody struck, what it left, and how to have others struck."""

    root: Path
    calls: tuple[strace.Call, ...]
    contents: dict[str, bytes]
    key: keys.Pair
    policy: verify.Policy
    stage: strace.Stage

    @property
    def points(self) -> list[strace.Call]:
        """Its calls worth striking."""
        return strace.points(self.calls, self.root)

    def is_late(self, point: strace.Call) -> bool:
        """Whether the bundle has its final name by then."""
        points = self.points
        published = [each for each in points if each.paths[0].endswith(".partial")]
        renamed = [each for each in published if each.name.startswith("rename")]
        return points.index(point) > points.index(renamed[-1])

    def look(self, root: Path) -> aftermath.Aftermath:
        """What another one left, after recovery."""
        return aftermath.look(root, self.contents, self.policy)

    def publish(
        self, root: Path, *, inject: Sequence[str] = (), calls: Sequence[str] = strace.CHANGES
    ) -> strace.Ran:
        """Another one, below a root of its own."""
        return self.stage.run(
            ["publish", str(root), str(self.key.private)], inject=inject, calls=calls
        )

    def recover(self, root: Path, *, inject: Sequence[str] = ()) -> strace.Ran:
        """Recover what one left."""
        return self.stage.run(["recover", str(root)], inject=inject)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare how to go without strace; without a reason there is no going without it."""
    parser.addoption(
        "--without-strace",
        metavar="REASON",
        help="leave out the sweep over system calls, and say why",
    )


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for what is struck; in memory where that is: the call counts, not the platter."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def clean(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clean]:
    """A publication under strace that nobody strikes: what the struck ones are held against."""
    reason = request.config.getoption("--without-strace")
    if reason:
        pytest.skip(f"left out on purpose: {reason}")
    if shutil.which("strace") is None:
        pytest.fail(strace.ABSENT, pytrace=False)
    home = tmp_path_factory.mktemp("clean")
    key = keys.new(home / "key")
    trusted = keys.TrustedKey(name="QA", key=keys.public_at(key.public), signs_live=False)
    root, policy = home / "root", verify.Policy(trusted=(trusted,))
    with contextlib.closing(strace.Stage(home, key.private)) as stage:
        ran = stage.run(["publish", str(root), str(key.private)])
        assert ran.code == 0, ran.said
        (folder,) = (root / aftermath.WORD).iterdir()
        made = Clean(root, ran.calls, aftermath.contents(folder), key, policy, stage)
        found = made.look(root)
        assert (found.kind, found.would_be, found.flaws) == ("sealed", "PASSED", [])
        yield made


def assert_gone(processes: Callable[[], list[str]]) -> None:
    """Nothing of a run lives on; a browser may take a moment to see that it is alone."""
    waits.until(
        processes,
        lambda alive: not alive,
        what="every process of the run to end",
        timeout_s=5,
        hint="Look for it with ps.",
    )
