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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixtures.core.words import WORDS
from tests.benchmarks.measuring import ROOT, Row, tell

Verdicts = dict[str, dict[str, str]]
WORKERS = (2, 4)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
"""Of two minutes each; one says whether it runs, three say how it varies."""


@dataclass(frozen=True)
class Ran:
    """One session of rehearsals."""

    wall_s: float
    cpu_s: float
    verdicts: Verdicts
    """Word to what it came to, and to each guardrail's ruling."""


@dataclass(frozen=True)
class Round:
    """Everything once: what a machine is doing beside it hits the bound as well."""

    alone: Mapping[str, Ran]
    together: Mapping[int, Ran]
    """By number of workers."""

    def bound_s(self, workers: int) -> float:
        """The longest alone, or all CPU over the cores that many workers can use."""
        longest = max(each.wall_s for each in self.alone.values())
        cores = min(len(os.sched_getaffinity(0)), workers)
        return max(longest, sum(each.cpu_s for each in self.alone.values()) / cores)

    def ratio(self, workers: int) -> float:
        """What running together took, over the bound."""
        return self.together[workers].wall_s / self.bound_s(workers)


def test_side_by_side(tmp_path: Path) -> None:
    """To reach: at most 1.2 of the bound; the same verdicts in any case."""
    rounds = [_round(tmp_path / str(number)) for number in range(ROUNDS)]
    for workers in WORKERS:
        ratios = [each.ratio(workers) for each in rounds]
        middle = sorted(rounds, key=lambda each: each.ratio(workers))[ROUNDS // 2]
        tell(
            Row(
                job=f"all rehearsals, -n {workers}",
                ours=middle.together[workers].wall_s,
                theirs=middle.bound_s(workers),
                ratio=middle.ratio(workers),
                lowest=min(ratios),
                highest=max(ratios),
                against="max(longest alone, CPU over cores)",
                wanted="at most 1.2",
                bound=f"{sum(each.wall_s for each in middle.alone.values()):.0f} s one after the "
                f"other; {len(os.sched_getaffinity(0))} cores",
            )
        )
    for each in rounds:
        said = {
            word: rulings for ran in each.alone.values() for word, rulings in ran.verdicts.items()
        }
        assert [ran.verdicts for ran in each.together.values()] == [said] * len(WORKERS)


def _round(home: Path) -> Round:
    """Each word by itself, then all of them together."""
    return Round(
        alone={word: _run(home / word, "-m", word) for word in WORDS},
        together={each: _run(home / f"n{each}", "-n", str(each)) for each in WORKERS},
    )


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
