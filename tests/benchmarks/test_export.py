"""Exporting every run of a job, against the `curl` loop somebody would type instead."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.simulators.marquez.state import Recorder
from tests.benchmarks.measuring import ROOT

RUNS = 100_000
JOB = "hotpass.pipeline.generic"
PATH = f"/api/v1/namespaces/hotpass.local/jobs/{JOB}/runs"
PLAIN_LOOP = """
for offset in $(seq 0 100 $(($3 - 1))); do
  curl -fsS "$1?limit=100&offset=$offset" -o "$2/page-$offset.json"
done
"""
"""Told the number of rows beforehand: the fastest loop there is."""
OURS = """
import sys
from pathlib import Path
from fixtures.clients.marquez import Marquez
from fixtures.core.redaction import Redactor
from fixtures.evidence.sink import Sink
client = Marquez(api_url=sys.argv[1], admin_url=sys.argv[1], ui_url=sys.argv[1])
export = client.runs(namespace="hotpass.local", job="hotpass.pipeline.generic")
Sink(Path(sys.argv[2]), Redactor()).save_json("runs.json", export.payload)
from tests.benchmarks.measuring import peak_mib
print(peak_mib())
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A recorder in a process of its own, holding a hundred thousand runs."""
    database = tmp_path_factory.mktemp("recorder") / "runs.sqlite"
    recorder = Recorder(str(database))
    for number in range(RUNS):
        recorder.record(_event(number))
    recorder.close()
    with subprocess.Popen(
        [sys.executable, "-m", "fixtures.simulators.marquez", "--database", str(database)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        yield str(json.loads(server.stdout.readline())["api_url"])
        server.terminate()


def test_export_against_curl(filled: str, tmp_path: Path) -> None:
    """Wall seconds for all runs on disk; ours complete and redacted, theirs as pages."""
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    for folder in (plain, ours):
        folder.mkdir()
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", OURS, filled, str(ours)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    ours_s, peak = time.perf_counter() - began, float(done.stdout)
    plain_s = _wall_s(["bash", "-c", PLAIN_LOOP, "-", filled + PATH, str(plain), str(RUNS)])
    rows = len(json.loads((ours / "runs.json").read_bytes())["runs"])
    size_mib = (ours / "runs.json").stat().st_size / 2**20
    print(
        f"\nexport of {RUNS} runs: ours {ours_s:.1f} s ({rows} rows, {size_mib:.0f} MiB on disk, "
        f"peak {peak:.0f} MiB), curl loop {plain_s:.1f} s, "
        f"ours {plain_s / ours_s:.1f} times as fast"
    )
    assert rows == RUNS


def test_recorder_start() -> None:
    """Wall seconds from the first byte of the process to its URLs, and CPU."""
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "fixtures.simulators.marquez"], cwd=ROOT, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()
            taken.append(time.perf_counter() - began)
            server.terminate()
    print(
        f"\nrecorder start, process and imports included: {sorted(taken)[2]:.2f} s (median of 5)"
    )


def _wall_s(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _event(number: int) -> dict[str, object]:
    second = number % 86_400
    day = 1 + number // 86_400
    stamp = f"2026-01-{day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    return {
        "eventType": "COMPLETE",
        "eventTime": stamp,
        "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
        "job": {"namespace": "hotpass.local", "name": JOB},
        "inputs": [{"namespace": "hotpass.local", "name": "/data/a.xlsx"}],
        "outputs": [{"namespace": "hotpass.local", "name": "/dist/refined.xlsx"}],
        "producer": "https://example.org/bench",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
