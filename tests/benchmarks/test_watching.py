"""Watching 1,000 and 5,000 runners, against looking every ten seconds and every second, at once.

Covers: transitions missed, how late each is noticed, CPU and memory of whoever looks; memory over
100,000 events.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.benchmarks import measuring
from tests.benchmarks.churning import BATCH, Row
from tests.benchmarks.measuring import CURVES, ROOT, Curve, tell

RUNNERS = 1_000
PARTS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
EVENTS = 100_000
FLAT_MIB = 6.0
"""More than the allocator's own unrest; a list of 80,000 events would be tens of MiB."""


@dataclass(frozen=True)
class Role:
    """One process of ``churning.py``."""

    process: subprocess.Popen[str]

    def hears(self) -> Any:
        """The next line it tells."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def go(self) -> None:
        """Tell it to go on, or to end: what it does at its next line."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def role(*arguments: str) -> Iterator[Role]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.churning", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Role(process)
        finally:
            process.terminate()


@dataclass(frozen=True)
class Noticed:
    """What one observer made of the transitions there were."""

    missed: int
    late_ms: Sequence[float]

    def percentile(self, part: float) -> float:
        """How late that part of them was noticed at most."""
        ordered = sorted(self.late_ms)
        return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]


def transitions(changes: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Each state a runner came into, and when first; its end is one too."""
    first: dict[tuple[str, str], int] = {}
    for uid, _, kind, state, at in changes:
        first.setdefault((uid, "gone" if kind == "DELETED" else state), at)
    return first


def noticed(there_were: dict[tuple[str, str], int], rows: Sequence[Row]) -> Noticed:
    seen = transitions(rows)
    late = [(seen[key] - at) / 1e6 for key, at in there_were.items() if key in seen]
    return Noticed(missed=len(there_were.keys() - seen.keys()), late_ms=late)


@pytest.mark.parametrize("count", [RUNNERS, 5 * RUNNERS])
def test_watch_misses_nothing(count: int) -> None:
    """Runners come and go in real time; each observer a process, all at once."""
    with contextlib.ExitStack() as cleanup:
        server = cleanup.enter_context(role("churn", "--runners", str(count)))
        told = server.hears()
        where = ("--server", told["server"], "--token", told["token"])
        lookers = {
            "our watch": cleanup.enter_context(role("watch", *where)),
            "10 s poll": cleanup.enter_context(role("poll", *where, "--every", "10")),
            "1 s poll": cleanup.enter_context(role("poll", *where, "--every", "1")),
        }
        for each in lookers.values():
            assert each.hears()["ready"]
        server.go()
        truth = server.hears()
        for each in lookers.values():
            each.go()
        ended = {name: each.hears() for name, each in lookers.items()}
        server.go()
    changes = [tuple(each) for each in truth["changes"]]
    there_were = transitions(changes)
    lasted_s = (changes[-1][4] - changes[0][4]) / 1e9
    runners = len({each[0] for each in changes})
    print(
        f"\n{runners} runners in {lasted_s:.0f} s of real time, {len(changes)} changes, "
        f"{len(there_were)} transitions; twin {truth['cpu_s']:.1f} s CPU"
    )
    found = {name: noticed(there_were, told["rows"]) for name, told in ended.items()}
    for name, one in found.items():
        print(
            f"  {name:9}: {one.missed} missed ({100 * one.missed / len(there_were):.0f} %), "
            f"noticed after p50 {statistics.median(one.late_ms):.1f} ms, "
            f"p99 {one.percentile(0.99):.1f} ms, most {max(one.late_ms):.1f} ms; "
            f"{ended[name]['cpu_s']:.1f} s CPU, peak {ended[name]['peak_mib']:.0f} MiB"
        )
    ours = ended["our watch"]
    for name in ("10 s poll", "1 s poll"):
        tell(
            measuring.Row(
                job=f"noticing what {runners:,} runners do, p99",
                ours=found["our watch"].percentile(0.99),
                theirs=found[name].percentile(0.99),
                unit="ms",
                against=f"{name}, which missed {found[name].missed / len(there_were):.0%}",
                faster=True,
                wanted="0 missed, p99 under 100 ms",
                bound=f"ours {ours['cpu_s']:.1f} s CPU, {ours['peak_mib']:.0f} MiB",
            )
        )
    CURVES.append(
        Curve(
            title=f"How late a change of {runners:,} runners is noticed",
            across="percentile",
            up="ms",
            series={
                name: [(100 * part, one.percentile(part)) for part in PARTS]
                for name, one in found.items()
            },
        )
    )
    assert runners >= count
    # Not only every state: every single change, once.
    assert [each[:2] for each in changes] == [tuple(each[:2]) for each in ours["rows"]]
    assert (found["our watch"].missed, ours["gaps"]) == (0, 0)
    assert (ours["kept"], ours["lives"]) == (len(changes), runners)
    assert found["10 s poll"].missed > 0


def test_memory_is_flat() -> None:
    """A hundred thousand events of a thousand runners, through watch, collector and file."""
    with contextlib.ExitStack() as cleanup:
        server = cleanup.enter_context(role("storm", "--runners", str(RUNNERS)))
        told = server.hears()
        where = ("--server", told["server"], "--token", told["token"])
        looker = cleanup.enter_context(role("watch-storm", *where))
        assert looker.hears()["ready"]
        told = []
        for _ in range(EVENTS // BATCH):
            server.go()
            told.append(looker.hears())
        looker.go()
        end = looker.hears()
    after_warm_up, at_end = told[1], told[-1]
    grown_mib = (at_end["resident_kib"] - after_warm_up["resident_kib"]) / 1024
    print(
        f"\n{at_end['events']} events, {end['size_bytes'] / 2**20:.0f} MiB on disk: memory "
        f"{after_warm_up['resident_kib'] / 1024:.1f} MiB after {after_warm_up['events']} and "
        f"{at_end['resident_kib'] / 1024:.1f} MiB after all of them ({grown_mib:+.1f} MiB), "
        f"peak {at_end['peak_mib']:.0f} MiB, {at_end['cpu_s']:.1f} s CPU"
    )
    tell(
        measuring.Row(
            job=f"watching: memory grown over {at_end['events']:,} events",
            ours=grown_mib,
            unit="MiB",
            wanted="flat",
        )
    )
    assert (at_end["events"], end["gaps"]) == (EVENTS, 0)
    assert grown_mib == pytest.approx(0, abs=FLAT_MIB)
