"""A whole lineage smoke in this process: real simulated command, recorder, bundle, seal.

Not here: pytest's part of a rehearsal (``harness/plugins``).
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.clients.hotpass import Hotpass
from fixtures.clients.marquez import Marquez
from fixtures.core import settings, taint
from fixtures.core.outcome import Waiver
from fixtures.core.process import Ending, Finished
from fixtures.core.records.systems import Mode, Provenance, System
from fixtures.core.redaction import Redactor, redactor, tries, variants
from fixtures.core.settings import Settings
from fixtures.core.verdict import Verdict
from fixtures.drawing import png
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures import arc_written, closing
from fixtures.procedures.marquez import MarquezRehearsal
from fixtures.procedures.marquez_captures import Plan
from fixtures.simulators.hotpass import cli
from fixtures.simulators.hotpass.inputs import write_synthetic_inputs
from fixtures.simulators.marquez.door import RecorderServer
from fixtures.simulators.marquez.state import Recorder

ROOT = Path(fixtures.__file__).parents[1]
JUNIT = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<testsuites><testsuite name="rehearsal.marquez"/></testsuites>'
)
SYSTEMS = (
    System(name="marquez", claimed=Provenance.SIMULATED, detail="recorder"),
    System(name="hotpass", claimed=Provenance.SIMULATED, detail="simulated"),
)


@dataclass(frozen=True, slots=True)
class InProcess(Hotpass):
    """The simulated command without a process of its own: what it says and sends is the same."""

    def run(
        self,
        argv: Sequence[str],
        *,
        variables: Mapping[str, str],
        write: Callable[[bytes], object],
        **_: float,
    ) -> Finished:
        """Run it to its end, in this process."""
        started_at, said = datetime.now(UTC), io.StringIO()
        given = {**self.variables, **variables}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for name, value in given.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                exit_code = cli.main(argv[len(self.prefix) :])
        output = said.getvalue().encode()
        write(output)
        return Finished(
            argv=tuple(argv),
            cwd=str(self.root),
            variables=tuple(sorted(given)),
            ending=Ending.EXITED,
            exit_code=exit_code,
            signal_name=None,
            started_at=started_at,
            ended_at=datetime.now(UTC),
            output_bytes=len(output),
        )


@dataclass(frozen=True, slots=True)
class Followed(Hotpass):
    """A command, and something that happens right after it."""

    command: Hotpass
    then: Callable[[], object]

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        """Run it, then let it happen."""
        finished = self.command.run(argv, **how)
        self.then()
        return finished


@dataclass(slots=True, kw_only=True)
class Staged:
    """A rehearsal ready to run, every part of it within reach."""

    rehearsal: MarquezRehearsal
    recorder: Recorder
    server: RecorderServer
    waivers: Mapping[str, Waiver] = field(default_factory=dict)

    @property
    def bundle(self) -> Bundle:
        """Its evidence so far."""
        return self.rehearsal.bundle

    def play(self) -> Played:
        """Run it, judge it, seal it: a rehearsal without pytest."""
        seen = self.rehearsal.run()
        verdicts = closing.judge_all(self.bundle, guardrails.REGISTRY, seen, waivers=self.waivers)
        return Played(seen, verdicts, closing.close(self.bundle, junit=JUNIT))

    def plan(self, **changes: Any) -> None:
        """Change what it is told."""
        self.rehearsal.plan = replace(self.rehearsal.plan, **changes)

    def strike(self, faults: str) -> None:
        """Have the command misbehave."""
        variables = {**self.rehearsal.hotpass.variables, "HOTPASS_SIMULATOR_FAULTS": faults}
        self.rehearsal.hotpass = replace(self.rehearsal.hotpass, variables=variables)

    def then(self, happens: Callable[[], object]) -> None:
        """Have something happen right after the command."""
        command = self.rehearsal.hotpass
        self.rehearsal.hotpass = Followed(
            command.prefix, command.root, command.variables, command=command, then=happens
        )


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been run, judged and sealed."""

    seen: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    sealed: Sealed

    @property
    def not_held(self) -> dict[str, str]:
        """Guardrails that did not hold, without their word, and their rulings."""
        return {
            each.guardrail.removeprefix("marquez."): each.ruling.value
            for each in self.verdicts
            if not each
        }

    @property
    def codes(self) -> set[str]:
        """Codes of the troubles met."""
        return {each["code"] for each in self.sealed.summary.troubles}

    def text(self, name: str) -> str:
        """An artefact as text."""
        return (self.sealed.folder / name).read_text(encoding="utf-8")


def opening(**changes: Any) -> dict[str, Any]:
    return {
        "environment": "hotpass-staging",
        "owners": ["QA (primary)"],
        "operator": "tester",
        "runbook": "Lineage smoke test runbook, last updated 2025-12-03",
        "strict": False,
        "staging": False,
        "narrowed": "",
        "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
        "source": {"commit": None, "dirty": None},
        "systems": systems_entry(SYSTEMS),
        "taints": list(taint.marks()),
        "settings": {},
        **changes,
    }


def staged(
    folder: Path,
    known: Settings,
    cleanup: contextlib.ExitStack,
    *,
    command: type[Hotpass] = Hotpass,
) -> Staged:
    recorder = Recorder()
    cleanup.callback(recorder.close)
    server = RecorderServer(recorder)
    cleanup.callback(server.stop)
    server.start()
    client = Marquez(
        api_url=server.api_url, admin_url=server.admin_url, ui_url=server.ui_url, timeout_s=2.0
    )
    cleanup.callback(client.close)
    work = folder / "work"
    write_synthetic_inputs(work / "data")
    (work / "scratch").mkdir()
    bundle = Bundle.reserve(
        folder / "evidence",
        word="marquez",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=guardrails.REGISTRY,
        opening=opening(),
    )
    cleanup.callback(bundle.ledger.close)
    table = known.words.marquez
    rehearsal = MarquezRehearsal(
        bundle=bundle,
        marquez=client,
        hotpass=command(
            prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
            root=work,
            variables={"PYTHONPATH": str(ROOT)},
        ),
        service_log=lambda: (f"{line}\n".encode() for line in list(recorder.log_lines)),
        plan=Plan(
            namespace=table.namespace,
            job=table.job,
            refine=table.commands["refine"],
            input_dir=None,
            scratch=work / "scratch",
            contact=re.compile(table.contact_columns, re.IGNORECASE),
            most_contacts=table.most_contacts,
            browser=None,
            ready_timeout_s=0.3,
            picture_timeout_s=5.0,
            idle_s=20.0,
            total_s=20.0,
        ),
    )
    return Staged(rehearsal=rehearsal, recorder=recorder, server=server)


@pytest.fixture(scope="module", autouse=True)
def small_pictures() -> Iterator[None]:
    """Drawings of a sixteenth of the pixels; those of ``good`` are as large as ever."""
    with pytest.MonkeyPatch.context() as patch:
        smaller = functools.partial(png.svg_to_png, width_px=350)
        patch.setattr(png, "svg_to_png", smaller)
        patch.setattr(arc_written, "PICTURE_WIDTH_PX", arc_written.PICTURE_WIDTH_PX // 4)
        yield


encodings = functools.cache(variants.encodings)


Make = Callable[..., re.Pattern[bytes]]


@functools.cache
def pattern(make: Make, values: tuple[bytes, ...], **how: int) -> re.Pattern[bytes]:
    """The pattern of these values."""
    return make(values, **how)


def kept(make: Make, values: Iterable[bytes], **how: int) -> re.Pattern[bytes]:
    """The same, from whatever holds them."""
    return pattern(make, tuple(values), **how)


@pytest.fixture(scope="module", autouse=True)
def people_are_learnt_once() -> Iterator[None]:
    """Every rehearsal registers the same made-up contacts: their encodings and pattern are kept.

    A tenth of a rehearsal. ``core/test_redaction*.py`` works them out anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactor, "encodings", encodings)
        for make in (tries.pattern, tries.begun):
            patch.setattr(tries, make.__name__, functools.partial(kept, make))
        yield


@pytest.fixture(scope="session")
def known() -> Settings:
    """Settings of this project, as its pyproject.toml has them."""
    return settings.load(ROOT / "pyproject.toml")


@pytest.fixture
def stage(tmp_path: Path, known: Settings) -> Iterator[Staged]:
    """Lineage smoke ready to run, its command in a process; a test spoils it, then plays it."""
    with contextlib.ExitStack() as cleanup:
        yield staged(tmp_path, known, cleanup)


@pytest.fixture
def quick_stage(tmp_path: Path, known: Settings) -> Iterator[Staged]:
    """Lineage smoke ready to run, where the command's own process does not matter."""
    with contextlib.ExitStack() as cleanup:
        yield staged(tmp_path, known, cleanup, command=InProcess)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory, known: Settings) -> Iterator[Played]:
    """Lineage smoke in which everything went well, played once; look, do not touch."""
    with contextlib.ExitStack() as cleanup:
        yield staged(tmp_path_factory.mktemp("good"), known, cleanup).play()


@pytest.fixture
def today_waiver() -> Waiver:
    """Waiver of the run guardrail that expires today."""
    return Waiver(
        guardrail="marquez.run-completed",
        reason="known defect",
        owner="QA",
        expires=datetime.now(UTC).date(),
    )
