"""All rehearsals side by side, against the longest of them and against all CPU over the cores.

Covers: `-n 2` and `-n 4`; that what they come to is what they come to one after the other.
Not here: many of one word at once, which is about collisions (``harness/sweep``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.core.words import WORDS
from tests.benchmarks.measuring import ROOT, Row, tell

Verdicts = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Ran:
    """One session of rehearsals."""

    wall_s: float
    cpu_s: float
    verdicts: Verdicts
    """Word to what it came to, and to each guardrail's ruling."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Each word by itself."""
    home = tmp_path_factory.mktemp("alone")
    return {word: _run(home / word, "-m", word) for word in WORDS}


@pytest.mark.parametrize("workers", [2, 4])
def test_side_by_side(tmp_path: Path, alone: dict[str, Ran], workers: int) -> None:
    """To reach: at most 1.2 of the bound; the same verdicts in any case."""
    together = _run(tmp_path / "evidence", "-n", str(workers))
    cores = len(os.sched_getaffinity(0))
    longest = max(each.wall_s for each in alone.values())
    spread = sum(each.cpu_s for each in alone.values()) / min(cores, workers)
    bound = max(longest, spread)
    print(
        f"\n-n {workers}: {together.wall_s:.1f} s, {together.cpu_s:.1f} s CPU; longest alone "
        f"{longest:.1f} s, CPU over cores {spread:.1f} s, ratio {together.wall_s / bound:.2f}"
    )
    tell(
        Row(
            job=f"all rehearsals, -n {workers}",
            ours=together.wall_s,
            theirs=bound,
            against="max(longest alone, CPU over cores)",
            wanted="at most 1.2",
            bound=f"{sum(each.wall_s for each in alone.values()):.0f} s one after the other",
        )
    )
    assert together.verdicts == {
        word: said for each in alone.values() for word, said in each.verdicts.items()
    }


def _run(evidence: Path, *options: str) -> Ran:
    before, begun = os.times(), time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/rehearsals", "-q", "-p", "no:cacheprovider"),
            *("--evidence-root", str(evidence), *options),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    wall_s, after = time.perf_counter() - begun, os.times()
    cpu_s = after.children_user - before.children_user
    cpu_s += after.children_system - before.children_system
    return Ran(wall_s, cpu_s, _verdicts(evidence))


def _verdicts(evidence: Path) -> Verdicts:
    found: Verdicts = {}
    for path in evidence.glob("*/*Z/manifest.json"):
        body = json.loads(path.read_bytes())
        rulings = {each["id"]: str(each["ruling"]) for each in body["guardrails"]}
        found[body["word"]] = {"would be": str(body["would_be"]), **rulings}
    return found
