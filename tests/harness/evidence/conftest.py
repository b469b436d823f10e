"""A rehearsal that never happened, with everything a sealed bundle needs.

Covers: made-up but valid artefacts, a sealed bundle to break, ways to seal it again by hand.
"""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from PIL import Image, ImageDraw

from fixtures.core import process
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.core.verdict import Promise
from fixtures.drawing import banner
from fixtures.evidence import canonical, layout, ledger, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.summary import fold
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

RUN_ID = uuid.UUID("3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10")
JUNIT = (
    '<?xml version="1.0"?><testsuites><testsuite name="rehearsal.marquez">'
    + "".join(
        f'<testcase classname="test" name="{each.id}"/>'
        for each in REGISTRIES["marquez"]
        if not each.optional
    )
    + "</testsuite></testsuites>"
).encode()
OPENING: dict[str, Any] = {
    "environment": "hotpass-staging",
    "owners": ["QA"],
    "operator": "somebody",
    "runbook": "Lineage smoke test runbook",
    "strict": False,
    "staging": False,
    "narrowed": "",
    "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
    "source": {"commit": None, "dirty": None},
    "systems": [
        {
            "name": "marquez",
            "provenance": "simulated",
            "claimed": "simulated",
            "identity": {},
            "detail": "a twin",
            "demanded": "local",
            "pins": {},
        }
    ],
    "taints": ["a twin"],
    "settings": {"idle_s": 300.0},
}


class Reserve(Protocol):
    """Reserves a bundle below the test's own root."""

    def __call__(
        self,
        *,
        redactor: Redactor | None = None,
        mode: Mode = Mode.DRY_RUN,
        now: datetime | None = None,
        opening: dict[str, Any] | None = None,
    ) -> Bundle:
        """Reserve it; its ledger is closed when the test ends."""
        ...


def reserved(root: Path, **changed: Any) -> Bundle:
    """Reserve a bundle of the lineage smoke."""
    told: dict[str, Any] = {
        "word": "marquez",
        "mode": Mode.DRY_RUN,
        "redactor": Redactor(),
        "registry": REGISTRIES["marquez"],
        "opening": OPENING,
        "run_id": RUN_ID,
    }
    return Bundle.reserve(root, **{**told, **changed})


@pytest.fixture
def reserve(tmp_path: Path) -> Iterator[Reserve]:
    """Reserve a bundle; whatever becomes of it, its ledger is closed in the end."""
    made: list[Bundle] = []

    def one(
        *,
        redactor: Redactor | None = None,
        mode: Mode = Mode.DRY_RUN,
        now: datetime | None = None,
        opening: dict[str, Any] | None = None,
    ) -> Bundle:
        made.append(
            reserved(
                tmp_path / "staging",
                redactor=redactor or Redactor(),
                mode=mode,
                now=now,
                opening=opening or OPENING,
            )
        )
        return made[-1]

    yield one
    for each in made:
        each.ledger.close()


@pytest.fixture
def bundle(reserve: Reserve) -> Bundle:
    """A bundle with nothing in it yet."""
    return reserve()


@functools.cache
def a_png(text: str = "hotpass.pipeline.generic") -> bytes:
    """A small picture that shows something, marked as of a dry run."""
    picture = Image.new("RGB", (320, 160), "white")
    pen = ImageDraw.Draw(picture)
    for number in range(6):
        pen.rectangle((10 + number * 50, 20, 40 + number * 50, 120), outline="black", fill="navy")
    pen.text((10, 130), text, fill="black")
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return banner.stamp(out.getvalue(), text="DRY RUN")


def fill(bundle: Bundle) -> None:
    """Rehearse: every step, artefact and verdict of the lineage smoke, made up."""
    moment = datetime.now(UTC)
    at = ledger.write_moment(moment)
    file = {
        "path": "/data/a.xlsx",
        "size_bytes": 9,
        "sha256": "0" * 64,
        "modified_at": at,
        "magic": "504b0304",
    }
    bundle.note_step("1", "Start the stack", "started")
    bundle.save_json(
        "health.json",
        {"healthcheck": {"db": {"healthy": True}}, "namespaces": [{"name": "default"}]},
    )
    bundle.note_step("1", "Start the stack", "done")
    bundle.note_step("2", "Emit a run", "started")
    bundle.note_deviation("2", "the simulated `hotpass` ran")
    with bundle.log("cli.log", header=["argv: hotpass refine"]) as log:
        log.write(b"reading\nwriting a workbook that is long enough to count\n")
        log.end()
        log.remark(["exit code 0"])
    bundle.note_command(
        "2",
        process.Finished(
            argv=("hotpass", "refine"),
            cwd="/hotpass",
            variables=("COLUMNS",),
            ending=process.Ending.EXITED,
            exit_code=0,
            signal_name=None,
            started_at=moment,
            ended_at=moment,
            output_bytes=57,
        ),
        log="cli.log",
    )
    bundle.save_json(
        "refine.json",
        {
            "run_id": str(bundle.run_id),
            "namespace": "hotpass.local",
            "job": "hotpass.pipeline.generic",
            "how": "exit code 0",
            "exit_code": 0,
            "started_at": at,
            "ended_at": at,
            "workbook_path": "/out/refined.xlsx",
            "inputs": [file],
            "workbook": file,
            "archives": [],
            "workbook_before": None,
            "last_lines": ["writing"],
        },
    )
    bundle.note_step("2", "Emit a run", "done")
    bundle.note_not_exercised("3", "Trigger Prefect", "it is not in this stack")
    bundle.note_step("4", "Capture artefacts", "started")
    run = {
        "id": str(bundle.run_id),
        "createdAt": at,
        "updatedAt": at,
        "state": "COMPLETED",
        "startedAt": at,
        "endedAt": at,
        "inputDatasetVersions": [],
        "outputDatasetVersions": [],
    }
    bundle.save_json("runs.json", {"runs": [run]}, source="http://127.0.0.1:5000/x", pages=1)
    bundle.save_json("datasets.json", {"datasets": []}, source="http://127.0.0.1:5000/y", pages=1)
    node = {"id": "job:hotpass.local:j", "type": "JOB", "data": {}, "inEdges": [], "outEdges": []}
    bundle.save_json("graph.json", {"graph": [node]}, source="http://127.0.0.1:5000/z")
    bundle.save("graph.png", a_png())
    bundle.save_json(
        "picture.json",
        {
            "how": "drawn",
            "page_url": "",
            "labels": ["j"],
            "width_px": 320,
            "height_px": 160,
            "blank": False,
        },
    )
    bundle.note_step("4", "Capture artefacts", "done")
    bundle.note_step("5", "Archive logs", "started")
    with bundle.log("marquez.log", header=["log of the lineage service"]) as log:
        log.write(b"INFO started\n")
    bundle.note_step("5", "Archive logs", "done")
    bundle.save("cli.sh", b"#!/usr/bin/env bash\nhotpass refine\n")
    bundle.save("notes.md", b"# Notes\n\n" + b"| step | command | argv sha256 |\n" * 4)


def judge(bundle: Bundle, first: str = "held") -> None:
    """Have every guardrail held but, if wanted, the first one; and pytest say so."""
    for number, each in enumerate(REGISTRIES["marquez"].expected(steps_run=frozenset())):
        promise = Promise(each.id, each.artefact, each.promise)
        ruling = first if number == 0 else "held"
        bundle.note_verdict(getattr(promise, ruling)("as observed"))
        bundle.note_test(f"test::{each.id}", when="call", outcome="passed", duration_s=0.1)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed dry run in which every guardrail held; for reading only."""
    made = reserved(tmp_path_factory.mktemp("pristine"))
    fill(made)
    judge(made)
    return closing.close(made, junit=JUNIT).folder


@pytest.fixture
def sealed(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the sealed dry run, to break."""
    return Path(shutil.copytree(pristine, tmp_path / "root" / "marquez" / pristine.name))


@pytest.fixture
def filled(reserve: Reserve) -> Bundle:
    """A bundle that has everything but its seal."""
    made = reserve()
    fill(made)
    judge(made)
    return made


@pytest.fixture(scope="session")
def junit() -> bytes:
    """What pytest would have said as JUnit XML."""
    return JUNIT


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A small picture that shows something."""
    return a_png()


class Forge:
    """Somebody who edits a sealed bundle and knows how it is sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[dict[str, Any]]:
        """The ledger's lines."""
        text = (self.folder / layout.LEDGER).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def write_ledger(self, entries: list[dict[str, Any]]) -> None:
        """Write a ledger, numbered anew."""
        data = b"".join(
            canonical.line({**each, "n": number}) for number, each in enumerate(entries, 1)
        )
        (self.folder / layout.LEDGER).write_bytes(data)

    def sums(self) -> None:
        """Recompute ``SHA256SUMS`` over what is there."""
        names = [n for n in sealing.files_in(self.folder) if n not in layout.UNLISTED_IN_SUMS]
        digests = {name: sealing.digest(self.folder / name).sha256 for name in names}
        (self.folder / layout.SUMS).write_bytes(sealing.sums_text(digests))

    def manifest(self) -> None:
        """Derive the manifest anew from ledger and files, and the sums with it."""
        summary = fold(ledger.read(self.folder / layout.LEDGER))
        names = [n for n in sealing.files_in(self.folder) if n not in layout.UNLISTED_IN_MANIFEST]
        digests = {name: sealing.digest(self.folder / name) for name in names}
        body = canonical.pretty(sealing.manifest(summary, digests))
        (self.folder / layout.MANIFEST).write_bytes(body)
        self.sums()

    def report(self, before_sha256: str) -> None:
        """Have the report name the ledger that is there now."""
        path = self.folder / "report.html"
        now = sealing.digest(self.folder / layout.LEDGER).sha256
        path.write_text(path.read_text("utf-8").replace(before_sha256, now), "utf-8")


@pytest.fixture
def forge(sealed: Path) -> Forge:
    """A forger at work on the copy."""
    return Forge(sealed)


@pytest.fixture
def in_child() -> Callable[[Callable[[], object]], int]:
    """Run something in a forked process: 0 when it returned, 1 when it raised."""

    def run(action: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                action()
            except BaseException:
                os._exit(1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    return run


@pytest.fixture(scope="session")
def opening() -> dict[str, Any]:
    """What a bundle's first line says beside what the bundle knows itself."""
    return OPENING


@pytest.fixture(scope="session")
def rehearsed() -> Callable[[Bundle, str], None]:
    """Fill a bundle; its first guardrail ends as said."""

    def rehearse(bundle: Bundle, first: str) -> None:
        fill(bundle)
        judge(bundle, first)

    return rehearse
