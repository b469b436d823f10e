"""Whole rehearsals on containers, stopped at every stage: the machine is as it was before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.clients import compose
from fixtures.core import waits
from fixtures.evidence import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.compose import plans

ROOT = Path(__file__).parents[2]
STAGE_S = 120.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A dry run on containers, under way."""

    running: subprocess.Popen[bytes]
    evidence: Path
    output: Path

    @property
    def prefix(self) -> str:
        """How the name of its Compose project begins."""
        return f"{plans.PROJECT_PREFIX}{self.running.pid}-"

    def of_engine(self, kind: str, form: str) -> list[str]:
        """What the engine has of this run: containers, networks or volumes."""
        every = ("--all",) if kind == "container" else ()
        label = f'{{{{.Label "{compose.PROJECT_LABEL}"}}}}'
        said = compose.ask("docker", kind, "ls", *every, "--format", f"{label} {form}")
        return [line for line in said.splitlines() if line.startswith(self.prefix)]

    def left(self) -> list[str]:
        """Everything the engine still has of this run."""
        return [line for kind in compose.KINDS for line in self.of_engine(kind, "{{json .}}")]

    def lines(self) -> int:
        """How many ledger lines there are so far."""
        found = (self.evidence / "marquez").glob(".*.partial/ledger.jsonl")
        return sum(path.read_bytes().count(b"\n") for path in found)


def network(run: Rehearsal) -> bool:
    return bool(run.of_engine("network", ""))


def container(run: Rehearsal) -> bool:
    return bool(run.of_engine("container", ""))


def database_healthy(run: Rehearsal) -> bool:
    rows = run.of_engine("container", "{{.Names}} {{.Status}}")
    return any("postgres" in row and "(healthy)" in row for row in rows)


def lineage_running(run: Rehearsal) -> bool:
    rows = run.of_engine("container", "{{.Names}} {{.Status}}")
    return any("marquez" in row and " Up " in row for row in rows)


def lineage_healthy(run: Rehearsal) -> bool:
    rows = run.of_engine("container", "{{.Names}} {{.Status}}")
    return any("marquez" in row and "(healthy)" in row for row in rows)


def ledger(count: int) -> Callable[[Rehearsal], bool]:
    def reached(run: Rehearsal) -> bool:
        return run.lines() >= count

    return reached


STAGES = {
    "the network is there": network,
    "the first container is there": container,
    "the database is healthy": database_healthy,
    "the lineage service runs": lineage_running,
    "the lineage service is healthy": lineage_healthy,
    "the bundle is open": ledger(1),
    "the first step is done": ledger(11),
    "the command has ended": ledger(17),
    "the logs are kept": ledger(28),
    "a verdict is in": ledger(36),
}


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rehearsal]:
    """A dry run on containers that has just been started, as a terminal would."""
    if not request.config.getoption("--compose"):
        pytest.skip("needs a container engine: run with --compose, see tests/README.md")
    output = tmp_path / "out"
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    argv = [
        *(sys.executable, "-m", "pytest", "-m", "marquez", "--stack", "compose"),
        *("-p", "no:cacheprovider", "--evidence-root", str(tmp_path / "evidence")),
    ]
    with output.open("wb") as file:
        running = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Rehearsal(running, tmp_path / "evidence", output)
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize(("stage", "again"), [(name, i % 2 * 2) for i, name in enumerate(STAGES)])
def test_interrupt_leaves_nothing(rehearsal: Rehearsal, stage: str, again: int) -> None:
    """Ctrl-C at any stage, every other time impatiently: nothing is left, evidence verifies."""
    reached = STAGES[stage]
    waits.until(
        lambda: reached(rehearsal) or rehearsal.running.poll() is not None,
        bool,
        what=stage,
        timeout_s=STAGE_S,
        hint="Read the output.",
        poll_s=0.01,
    )
    for _ in range(1 + again):
        os.killpg(rehearsal.running.pid, signal.SIGINT)
    code = rehearsal.running.wait(timeout=STAGE_S)
    said = rehearsal.output.read_text(encoding="utf-8", errors="replace")
    assert rehearsal.left() == [], said
    assert code == 2, said
    for folder in (rehearsal.evidence / "marquez").glob("*"):
        answer = verify.verify(folder, registries=REGISTRIES)
        assert answer.verified, answer.denials
        assert folder.name.endswith(".interrupted")
