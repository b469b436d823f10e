"""Where the time of a dry run goes, by its own ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measuring import ROOT, Row, tell

RUNS = 3


@pytest.mark.parametrize("browser", ["", "none"], ids=["any-browser", "no-browser"])
def test_where_the_time_goes(tmp_path: Path, browser: str) -> None:
    """Wall seconds of each part of `pytest -m marquez`; to reach: 10 s in all on two cores."""
    taken = [_parts(tmp_path / str(number), browser) for number in range(RUNS + 1)][1:]
    middle = {part: sorted(each[part] for each in taken)[RUNS // 2] for part in taken[0]}
    inside = sum(seconds for part, seconds in middle.items() if part.startswith("step "))
    apart = {
        part: seconds
        for part, seconds in middle.items()
        if not part.startswith(("step ", "  ", "in all"))
    }
    tell(
        Row(
            job=f"lineage smoke, browser {browser or 'as found'}: outside its steps",
            ours=sum(apart.values()),
            theirs=inside,
            against="time inside its steps",
            wanted="at most 5 % or 1 s",
            bound=", ".join(f"{part} {seconds:.1f} s" for part, seconds in apart.items()),
        )
    )
    print(f"\ndry run, browser {browser or 'as found'}, median of {RUNS}:")
    for part in taken[0]:
        seconds = sorted(each[part] for each in taken)
        print(f"  {part:<34} {seconds[RUNS // 2]:6.2f} s")


def _parts(root: Path, browser: str) -> dict[str, float]:
    began = time.time()
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "marquez"),
            *("tests/rehearsals", "--evidence-root", str(root)),
        ],
        cwd=ROOT,
        env={**os.environ, "REHEARSAL_BROWSER": browser},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    ended = time.time()
    (ledger,) = root.glob("marquez/*Z/ledger.jsonl")
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    opened, closing = _at(lines[0]), _at(lines[-1])
    steps = {
        f"step {line['step']}, {line['title']}": (line, other) for line, other in _pairs(lines)
    }
    parts = {"start, collection, stack": opened - began}
    parts |= {name: _at(other) - _at(line) for name, (line, other) in steps.items()}
    command = next(line for line in lines if line["kind"] == "command")
    parts["  of it inside `hotpass`"] = _seconds(command)
    last = max(_at(other) for _, other in steps.values())
    parts["notes, judging, stopping the stack"] = closing - last
    parts["sealing, reports, end"] = ended - closing
    parts["in all"] = ended - began
    return parts


def _pairs(lines: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
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
