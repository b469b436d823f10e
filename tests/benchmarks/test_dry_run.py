"""Where the time of a dry run goes, by its own ledger and by pytest's hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measuring import ROOT, Row, tell
from tests.benchmarks.test_start import COLLECT, plugins_off

RUNS = 3
OURS = (
    "start and collection",
    "opening the systems",
    "reserving the bundle",
    "between the steps",
    "notes and judging",
    "sealing",
    "reports",
    "end of the process",
)
WAITING = ("Prefect's own end, beside step 4", "closing the systems")
"""Outside any step, and not ours: children of ours that take their time to end."""
BESIDE = "  of both, beside Prefect's start"
"""Ours all the same; but step 3 waits for what comes up meanwhile, and would wait for longer."""
END = "5"
"""The step before which everything that runs beside the steps is waited for."""


@pytest.mark.parametrize("browser", ["", "none"], ids=["any-browser", "no-browser"])
def test_where_the_time_goes(tmp_path: Path, browser: str) -> None:
    """Wall seconds of each part of `pytest -m marquez`; to reach: 10 s in all on two cores."""
    taken = [_parts(tmp_path / str(number), browser) for number in range(RUNS + 1)][1:]
    middle = {part: sorted(each[part] for each in taken)[RUNS // 2] for part in taken[0]}
    alone = sorted(_collecting_alone() for _ in range(RUNS))[RUNS // 2]
    inside = sum(seconds for part, seconds in middle.items() if part.startswith("step "))
    named = f"lineage smoke, browser {browser or 'as found'}"
    tell(
        Row(
            job=f"{named}: harness outside its steps",
            ours=sum(middle[part] for part in OURS),
            theirs=inside + sum(middle[part] for part in WAITING),
            against="time inside its steps, and until its systems have ended",
            wanted="at most 5 % or 1 s",
            bound=f"{alone:.2f} s is pytest's own start and end, collecting with our plugins off; "
            + ", ".join(f"{part} {middle[part]:.2f} s" for part in OURS)
            + f"; {middle[BESIDE]:.2f} s of it beside Prefect's start",
        )
    )
    tell(
        Row(
            job=f"{named}: waiting for systems to end",
            ours=sum(middle[part] for part in WAITING),
            bound=", ".join(f"{part} {middle[part]:.2f} s" for part in WAITING),
        )
    )
    tell(
        Row(
            job=f"{named}: CPU of the harness's own process, its twins in it",
            ours=middle["  CPU of our process"],
            unit="s CPU",
            theirs=middle["  CPU of all processes"],
            against="CPU of all processes",
            bound=f"{middle['  CPU of our process, in the steps']:.2f} s of it inside the steps",
        )
    )
    print(f"\ndry run, browser {browser or 'as found'}, median of {RUNS}:")
    for part in taken[0]:
        seconds = sorted(each[part] for each in taken)
        print(f"  {part:<40} {seconds[RUNS // 2]:6.2f} s")


def _collecting_alone() -> float:
    """Wall seconds of pytest itself over the same module: what comes before anything of ours."""
    began = time.time()
    subprocess.run(
        [*COLLECT, *plugins_off(), "tests/rehearsals/test_marquez.py"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.time() - began


def _parts(root: Path, browser: str) -> dict[str, float]:
    root.mkdir()
    began, before = time.time(), os.times()
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "marquez"),
            *("-p", "tests.benchmarks.landmarks"),
            # After a blank pytest would start over, see `plugins/arguments.py`.
            *("tests/rehearsals", f"--evidence-root={root}"),
        ],
        cwd=ROOT,
        env={**os.environ, "REHEARSAL_BROWSER": browser, "LANDMARKS": str(root / "landmarks")},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    ended, after = time.time(), os.times()
    (ledger,) = root.glob("marquez/*Z/ledger.jsonl")
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    told = [json.loads(line) for line in (root / "landmarks").read_text("utf-8").splitlines()]
    at = {line["name"]: float(line["at"]) for line in told}
    cpu_s = {line["name"]: float(line["cpu_s"]) for line in told}
    steps = [(line, _at(line), _at(other)) for line, other in _pairs(lines)]
    gaps = {other[0]["step"]: other[1] - line[2] for line, other in pairwise(steps)}
    parts = {
        "start and collection": at["opening systems"] - began,
        "opening the systems": at["systems open"] - at["opening systems"],
        "reserving the bundle": steps[0][1] - at["systems open"],
        BESIDE: steps[0][1] - at["Prefect starts"],
    }
    parts |= {f"step {line['step']}, {line['title']}": end - start for line, start, end in steps}
    command = next(line for line in lines if line["kind"] == "command")
    return parts | {
        "  of it inside `hotpass`": _seconds(command),
        "between the steps": sum(gaps.values()) - gaps[END],
        WAITING[0]: gaps[END],
        "notes and judging": at["judged"] - steps[-1][2],
        WAITING[1]: at["systems closed"] - at["judged"],
        "sealing": at["sealed"] - at["systems closed"],
        "reports": at["told"] - at["sealed"],
        "end of the process": ended - at["told"],
        "in all": ended - began,
        "  CPU of our process": cpu_s["told"],
        "  CPU of our process, in the steps": cpu_s["judged"] - cpu_s["systems open"],
        "  CPU of all processes": after.children_user
        - before.children_user
        + after.children_system
        - before.children_system,
    }


def _pairs(lines: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Start and end of each step, in the order of their starts."""
    steps = [line for line in lines if line["kind"] == "step"]
    return [
        (line, other)
        for line in steps
        for other in steps
        if (line["state"], other["state"]) == ("started", "done") and line["step"] == other["step"]
    ]


def _at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["at"]).timestamp()


def _seconds(command: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(command[key]) for key in ("started_at", "ended_at"))
    return (ended - began).total_seconds()
