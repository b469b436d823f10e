"""The Compose stack: from ready to the first step, and its share of the whole rehearsal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients import compose
from fixtures.core import errors
from fixtures.procedures.compose import plans

ROOT = Path(__file__).parents[2]
RUNS = 3


@pytest.fixture
def stack_images() -> None:
    """Engine and images that are here: nothing is fetched while the clock runs."""
    try:
        compose.check_versions()
        used = [plans.own().variables.get(name, "") for name in plans.IMAGES]
        here = all(compose.is_here(each) for each in used if each not in ("", plans.NO_IMAGE))
    except errors.HarnessError as trouble:
        pytest.skip(f"no container engine: {trouble.message}")
    if "" in used or not here:
        pytest.skip('no images: eval "$(python -m tests.images.build recorder)"')


@contextmanager
def health_events(path: Path) -> Iterator[None]:
    """Write down every change of health, by the engine's own clock."""
    argv = ["docker", "events", "--filter", "event=health_status", "--format", "{{json .}}"]
    with path.open("wb") as file, subprocess.Popen(argv, stdout=file) as watching:
        try:
            yield
        finally:
            watching.terminate()


def moments(evidence: Path, events: Path) -> tuple[float, float]:
    """When the last service became healthy and the first step began: seconds of the epoch."""
    healthy: dict[str, float] = {}
    for line in events.read_text().splitlines():
        body: dict[str, Any] = json.loads(line)
        if str(body.get("status") or body.get("Action")).endswith(": healthy"):
            healthy.setdefault(body["Actor"]["ID"], body["timeNano"] / 1e9)
    (ledger,) = (evidence / "marquez").glob("*/ledger.jsonl")
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    began = next(each for each in lines if each.get("state") == "started" and each["step"] == "1")
    return max(healthy.values()), datetime.fromisoformat(began["at"]).timestamp()


def one_run(folder: Path) -> tuple[float, float, float]:
    """Seconds: from ready to the first step, of the steps, and of the whole run."""
    folder.mkdir()
    argv = [
        *(sys.executable, "-m", "pytest", "-m", "marquez", "--stack", "compose", "-q"),
        *("-p", "no:cacheprovider", "--evidence-root", str(folder / "evidence")),
    ]
    events = folder / "events"
    with health_events(events):
        begin = time.monotonic()
        subprocess.run(
            argv, cwd=ROOT, env=dict(os.environ), capture_output=True, check=False, timeout=600
        )
        whole_s = time.monotonic() - begin
    ready, first = moments(folder / "evidence", events)
    (manifest,) = (folder / "evidence" / "marquez").glob("*/manifest.json")
    window = json.loads(manifest.read_text())["window"]
    ended = datetime.fromisoformat(window["ended_at"]).timestamp()
    return first - ready, ended - first, whole_s


@pytest.mark.usefixtures("stack_images")
def test_time_from_ready_to_the_first_step(tmp_path: Path) -> None:
    """Target: at most 0.5 s from the last service healthy to the first step."""
    runs = sorted(one_run(tmp_path / str(number)) for number in range(RUNS))
    lag_s, steps_s, whole_s = runs[RUNS // 2]
    print(f"\nlast service healthy to first step: median {lag_s:.2f} s of {RUNS} runs")
    print(f"all runs: {', '.join(f'{each[0]:.2f} s' for each in runs)}")
    print(f"the stack's share of the rehearsal: {1 - steps_s / whole_s:.0%} of {whole_s:.1f} s")
