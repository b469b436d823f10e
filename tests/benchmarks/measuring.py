"""Measuring two ways of doing a thing against each other, in one run.

Covers: alternating pairs of child processes, CPU seconds, the ratio with its spread; the rows and
curves of the table that a run of the benchmarks ends with.
Not here: drawing that table (``conftest.py``, ``page.py``); limits; figures are printed, never
gated: two shared cores make absolute times noise.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ratio:
    """Ours against theirs, pair by pair."""

    ours_s: float
    """Median CPU seconds, user and system, children included."""
    theirs_s: float
    ratio: float
    """Median of the pairs' ratios."""
    lowest: float
    highest: float

    def __str__(self) -> str:
        return (
            f"ours {self.ours_s:.2f} s CPU, theirs {self.theirs_s:.2f} s CPU, ratio "
            f"{self.ratio:.2f} (pairs from {self.lowest:.2f} to {self.highest:.2f})"
        )


def peak_mib() -> float:
    """Peak resident memory of this process, in MiB.

    By Linux's own high-water mark: what getrusage says of a child begins at its parent's.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 2**20 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def cpu_s(argv: Sequence[str], *, extra_env: Mapping[str, str] | None = None) -> float:
    """CPU seconds of one command and all its children; it must end with exit code 0."""
    kept = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    subprocess.run(
        argv,
        cwd=ROOT,
        env={**kept, **(extra_env or {})},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def compare(ours: Sequence[str], theirs: Sequence[str], *, pairs: int = 7) -> Ratio:
    """Run both in turn; the first pair only warms up."""
    return paired([(cpu_s(ours), cpu_s(theirs)) for _ in range(pairs + 1)][1:])


def paired(seconds: Sequence[tuple[float, float]]) -> Ratio:
    """Ours and theirs, pair by pair."""
    ratios = [ours / theirs for ours, theirs in seconds]
    return Ratio(
        ours_s=statistics.median(ours for ours, _ in seconds),
        theirs_s=statistics.median(theirs for _, theirs in seconds),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job of the table."""

    job: str
    ours: float
    unit: str = "s"
    theirs: float | None = None
    """None where nobody else's figure can be had."""
    against: str = ""
    """What somebody would type, or use, instead; or the floor."""
    ratio: float | None = None
    """Ours to theirs, or theirs to ours where ``faster``."""
    lowest: float | None = None
    highest: float | None = None
    """Of the ratios measured; None where there was one."""
    faster: bool = False
    """The ratio says how many times as good ours is, not how many times as dear."""
    wanted: str = ""
    bound: str = ""
    """What physics or the other side leave us, where that is known."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One figure over a size."""

    title: str
    across: str
    up: str
    series: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    fit: str = ""
    """What the points come to, in words."""


ROWS: list[Row] = []
CURVES: list[Curve] = []
"""Of this run, in the order in which they were measured."""


def tell(row: Row) -> None:
    """Add a row; its ratio is that of its figures unless it brings one."""
    if row.ratio is None and row.theirs:
        better, worse = (row.theirs, row.ours) if row.faster else (row.ours, row.theirs)
        row = Row(**{**vars(row), "ratio": better / worse})
    ROWS.append(row)


def tell_ratio(job: str, ratio: Ratio, *, against: str, wanted: str = "", bound: str = "") -> None:
    """Add the row of a comparison."""
    tell(
        Row(
            job=job,
            ours=ratio.ours_s,
            unit="s CPU",
            theirs=ratio.theirs_s,
            against=against,
            ratio=ratio.ratio,
            lowest=ratio.lowest,
            highest=ratio.highest,
            wanted=wanted,
            bound=bound,
        )
    )


def fitted(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and intercept of the line through points, by least squares."""
    slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
    return slope, intercept
