"""Evidence to work on: sealed, killed, still owned; and the command in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.outcome import Waiver
from fixtures.core.records.systems import Mode, Provenance, System
from fixtures.core.redaction import Redactor
from fixtures.core.verdict import Promise
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures import closing

Reserve = Callable[..., Bundle]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def reserved(root: Path, **opening: Any) -> Bundle:
    """Open a bundle of the lineage smoke."""
    return Bundle.reserve(
        root,
        word="marquez",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=guardrails.REGISTRY,
        opening={
            "environment": "hotpass-staging",
            "owners": ["QA (primary)", "Engineering (support)"],
            "operator": "tester",
            "runbook": "Lineage smoke test runbook",
            "strict": False,
            "staging": False,
            "narrowed": "",
            "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
            "source": {"commit": None, "dirty": None},
            "systems": systems_entry([System(name="hotpass", claimed=Provenance.SIMULATED)]),
            "taints": [],
            "settings": {},
            **opening,
        },
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Evidence root."""
    return tmp_path / "evidence"


@pytest.fixture
def reserve(root: Path) -> Iterator[Reserve]:
    """Opens a bundle below the root; whoever asked decides how it ends."""
    opened: list[Bundle] = []

    def made(**opening: Any) -> Bundle:
        bundle = reserved(root, **opening)
        opened.append(bundle)
        return bundle

    yield made
    for bundle in opened:
        bundle.ledger.close()


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence root with one honest bundle, to be copied."""
    root = tmp_path_factory.mktemp("sealed")
    bundle = reserved(root, narrowed="-k run_completed")
    waiver = Waiver(
        guardrail="marquez.run-completed",
        reason="known defect",
        owner="QA",
        expires=date(2999, 1, 1),
    )
    promise = Promise("marquez.run-completed", "runs.json", "one run")
    bundle.note_verdict(promise.broke("none"), waiver=waiver)
    closing.close(bundle, junit=None)
    return root


@pytest.fixture
def sealed(root: Path, sealed_once: Path) -> Path:
    """Honest bundle of a rehearsal that broke one promise, waived, and was then stopped."""
    shutil.copytree(sealed_once, root, dirs_exist_ok=True)
    (folder,) = (root / "marquez").glob("*.interrupted")
    return folder


@pytest.fixture
def killed(reserve: Reserve) -> Path:
    """Directory a killed rehearsal left behind."""
    bundle = reserve()
    bundle.save("notes.md", b"half of the notes\n")
    bundle.ledger.close()
    return bundle.folder


@pytest.fixture
def rehearsal(tmp_path: Path) -> Run:
    """Runs ``rehearsal`` as a user would, in an empty folder."""
    program = "import sys; from fixtures.command.main import main; sys.exit(main())"

    def run(
        *argv: str, code: str = program, unbuffered: str = "", **how: Any
    ) -> subprocess.CompletedProcess[str]:
        import fixtures

        path = str(Path(fixtures.__file__).parents[1])
        return subprocess.run(
            [sys.executable, "-c", code, *argv],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": unbuffered},
            text=True,
            check=False,
            timeout=30,
            **{"capture_output": True, **how},
        )

    return run
