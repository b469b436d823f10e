"""A small project whose one rehearsal is fed by hand: the plugins under test, without systems."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import jsonschema
import PIL.PngImagePlugin
import pytest

from fixtures.core import taint
from fixtures.evidence import ledger
from fixtures.evidence.summary import Summary, fold

ROOT = Path(__file__).parents[3]
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""Plugins the inner sessions do without: importing them anew takes longer than all else."""
KEPT = (PIL.PngImagePlugin, filelock, jsonschema)
"""An inner session forgets what only it has imported: these would be read anew by each."""
FED = (Path(__file__).parent / "fed_rehearsal.py.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Project:
    """The inner project: run it, then look at what lies below its evidence root."""

    pytester: pytest.Pytester

    @property
    def evidence(self) -> Path:
        """Where its bundles go."""
        return self.pytester.path / "dist" / "staging"

    def rehearsal(self, *more: str, seen: str = "") -> None:
        """Write the rehearsal module: seven guardrails that hold, and what a test adds to it.

        Args:
            seen: Lines that spoil the payloads in ``seen``, a dict.
        """
        body = FED.replace("    # spoilt here\n", "".join(f"    {line}\n" for line in [seen]))
        module = self.pytester.path / "tests" / "rehearsals" / "test_marquez.py"
        module.write_text("\n".join([body, *more]), encoding="utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest inside this process."""
        # The outer session may have collected the real rehearsal, whose module has the same name:
        # the inner one would be handed that. What is imported meanwhile is forgotten afterwards.
        for name in [each for each in sys.modules if each.startswith("tests.rehearsals")]:
            del sys.modules[name]
        # Ctrl-C in the inner session is not ours.
        return self.pytester.runpytest_inprocess(*WITHOUT, *arguments, no_reraise_ctrlc=True)

    def spawn(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*WITHOUT, *arguments)

    def bundles(self, root: str = "staging") -> list[Path]:
        """Every evidence directory, whatever its state, oldest first."""
        return sorted((self.pytester.path / "dist" / root / "marquez").glob("*Z*"))

    def summary(self, root: str = "staging") -> Summary:
        """What the only bundle's ledger adds up to."""
        (bundle,) = self.bundles(root)
        return fold(ledger.read(bundle / "ledger.jsonl"))


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, signals_as_before: None
) -> Iterator[Project]:
    """Project of its own with our plugins and one rehearsal fed by hand."""
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, pytester.path / name)
    (pytester.path / "tests" / "rehearsals").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("REHEARSAL_BROWSER", "none")
    monkeypatch.delenv("CI", raising=False)
    made = Project(pytester)
    made.rehearsal()
    before = taint.marks()
    yield made
    assert taint.marks() == before, "a fed rehearsal constructs no simulator"
