"""A whole preflight in this process: the simulated command, bundle, seal.

Not here: pytest's part of a rehearsal (``tests/rehearsals``).
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.clients.hotpass import Hotpass
from fixtures.core import settings, taint
from fixtures.core.process import Ending, Finished
from fixtures.core.records.systems import Mode, Provenance, System
from fixtures.core.redaction import Redactor
from fixtures.core.settings import Settings
from fixtures.core.verdict import Verdict
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from fixtures.procedures.e2e.plan import Plan
from fixtures.procedures.e2e.rehearsal import E2eRehearsal
from fixtures.procedures.e2e.stack import NETWORK_OFF, READ_ME, E2eStack
from fixtures.simulators.hotpass import cli
from fixtures.simulators.hotpass.inputs import write_synthetic_inputs

ROOT = Path(fixtures.__file__).parents[1]
JUNIT = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<testsuites><testsuite name="rehearsal.e2e"/></testsuites>'
)
HOTPASS = System(name="hotpass", claimed=Provenance.SIMULATED, detail="simulated")


@dataclass(frozen=True, slots=True)
class InProcess(Hotpass):
    """The simulated command without a process of its own: what it says and leaves is the same."""

    def run(
        self,
        argv: Sequence[str],
        *,
        variables: Mapping[str, str],
        write: Callable[[bytes], object],
        **_: float,
    ) -> Finished:
        """Run it to its end, in this process."""
        started_at, said = datetime.now(UTC), Said(write)
        # A raw stream does as well as a buffered one, and holds nothing back.
        text = io.TextIOWrapper(said, encoding="utf-8", write_through=True)  # type: ignore[type-var]
        given = {**self.variables, **variables}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for name, value in given.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                exit_code = cli.main(argv[len(self.prefix) :])
        return Finished(
            argv=tuple(argv),
            cwd=str(self.root),
            variables=tuple(sorted(given)),
            ending=Ending.EXITED,
            exit_code=exit_code,
            signal_name=None,
            started_at=started_at,
            ended_at=datetime.now(UTC),
            output_bytes=said.size_bytes,
        )


class Said(io.RawIOBase):
    """A stream that hands on what is written to it at once, and keeps none of it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._hand_on = write
        self.size_bytes = 0
        self.largest_bytes = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Hand a piece on."""
        piece = bytes(data)
        self.size_bytes += len(piece)
        self.largest_bytes = max(self.largest_bytes, len(piece))
        self._hand_on(piece)
        return len(piece)


@dataclass(frozen=True, slots=True)
class Instead(Hotpass):
    """A command whose single verbs are played by somebody else."""

    command: Hotpass
    verbs: Mapping[str, Callable[..., Finished]]

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        """Run it, or have it played."""
        verb = argv[len(self.prefix)]
        return self.verbs.get(verb, self.command.run)(argv, **how)


@dataclass(slots=True, kw_only=True)
class Staged:
    """A rehearsal ready to run, every part of it within reach."""

    rehearsal: E2eRehearsal

    @property
    def bundle(self) -> Bundle:
        """Its evidence so far."""
        return self.rehearsal.bundle

    @property
    def work(self) -> Path:
        """The made-up checkout."""
        return self.rehearsal.hotpass.root

    def play(self) -> Played:
        """Run it, judge it, seal it: a rehearsal without pytest."""
        seen = self.rehearsal.run()
        verdicts = closing.judge_all(self.bundle, REGISTRIES["e2e"], seen)
        return Played(seen, verdicts, closing.close(self.bundle, junit=JUNIT))

    def plan(self, **changes: Any) -> None:
        """Change what it is told."""
        self.rehearsal.plan = replace(self.rehearsal.plan, **changes)

    def say(self, **variables: str) -> None:
        """Hand the command variables."""
        given = {**self.rehearsal.hotpass.variables, **variables}
        self.rehearsal.hotpass = replace(self.rehearsal.hotpass, variables=given)

    def strike(self, faults: str) -> None:
        """Have the command misbehave."""
        self.say(HOTPASS_SIMULATOR_FAULTS=faults)

    def instead(self, **verbs: Callable[..., Finished]) -> None:
        """Have single verbs played by somebody else."""
        command = self.rehearsal.hotpass
        self.rehearsal.hotpass = Instead(
            command.prefix, command.root, command.variables, command=command, verbs=verbs
        )


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been run, judged and sealed."""

    seen: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    sealed: Sealed

    @property
    def not_held(self) -> dict[str, str]:
        """Guardrails that did not hold, and their rulings."""
        return {each.guardrail: each.ruling.value for each in self.verdicts if not each}

    @property
    def codes(self) -> set[str]:
        """Codes of the troubles met."""
        return {each["code"] for each in self.sealed.summary.troubles}

    @property
    def deviations(self) -> str:
        """Every deviation, one a line."""
        return "\n".join(each["text"] for each in self.sealed.summary.deviations)

    def story(self, guardrail: str) -> str:
        """What one guardrail said."""
        return next(each.story for each in self.verdicts if each.guardrail == f"e2e.{guardrail}")

    def text(self, name: str) -> str:
        """An artefact as text."""
        return (self.sealed.folder / name).read_text(encoding="utf-8", errors="replace")


def opening(**changes: Any) -> dict[str, Any]:
    return {
        "environment": "hotpass-staging",
        "owners": ["QA"],
        "operator": "tester",
        "runbook": "Staging rehearsal plan, last updated 2025-11-02",
        "strict": False,
        "staging": False,
        "narrowed": "",
        "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
        "source": {"commit": None, "dirty": None},
        "systems": systems_entry((HOTPASS, NETWORK_OFF)),
        "taints": list(taint.marks()),
        "settings": {},
        **changes,
    }


def staged(
    folder: Path,
    known: Settings,
    inputs: Path,
    *,
    command: type[Hotpass] = InProcess,
    evidence: Path | None = None,
    tracked: bool = False,
) -> Staged:
    """A rehearsal ready to run, in a folder of its own."""
    work = folder / "checkout"
    shutil.copytree(inputs, work / "data")
    (work / "README.md").write_text(READ_ME, encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir()
    hotpass = command(
        prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
        root=work,
        variables={"PYTHONPATH": str(ROOT)},
    )
    stack = E2eStack(
        hotpass=hotpass,
        systems=(HOTPASS, NETWORK_OFF),
        scratch=scratch,
        tracked=tracked,
        network=False,
    )
    bundle = Bundle.reserve(
        evidence or folder / "evidence",
        word="e2e",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["e2e"],
        opening=opening(),
    )
    plan = replace(Plan.of(known.words.e2e, stack), idle_s=20.0, total_s=20.0)
    return Staged(rehearsal=E2eRehearsal(bundle=bundle, hotpass=hotpass, plan=plan))


@pytest.fixture(scope="session")
def known() -> Settings:
    """Settings of this project, as its pyproject.toml has them."""
    return settings.load(ROOT / "pyproject.toml")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic workbooks, written once and copied into every stage."""
    folder = tmp_path_factory.mktemp("inputs")
    write_synthetic_inputs(folder)
    return folder


@pytest.fixture
def stage(tmp_path: Path, known: Settings, inputs: Path) -> Iterator[Staged]:
    """Preflight ready to run in this process; a test spoils it, then plays it."""
    made = staged(tmp_path, known, inputs)
    yield made
    made.bundle.ledger.close()


@pytest.fixture
def real_stage(tmp_path: Path, known: Settings, inputs: Path) -> Iterator[Staged]:
    """Preflight ready to run, each command in a process of its own."""
    made = staged(tmp_path, known, inputs, command=Hotpass)
    yield made
    made.bundle.ledger.close()


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory, known: Settings, inputs: Path) -> Path:
    """Workbooks of a preflight in which everything went well, played once."""
    folder = tmp_path_factory.mktemp("sound")
    made = staged(folder, known, inputs)
    made.play()
    return made.work / "dist" / "staging"
