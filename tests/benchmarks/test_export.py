"""Exporting every run of a job and every dataset, against the `curl` lines somebody would type.

Covers: time, memory over size, what the run-book's single `curl` leaves out, an export that is
killed half-way and made again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.core import waits
from fixtures.simulators.marquez.state import Recorder
from tests.benchmarks.measuring import ROOT, Row, tell

RUNS = 100_000
FEWER_RUNS = 10_000
DATASETS = 20_000
A_PAGE = 100
PAIRS = 3
NAMESPACE = "hotpass.local"
JOB = "hotpass.pipeline.generic"
SMALLER = "hotpass.pipeline.smaller"
RUNS_PATH = f"/api/v1/namespaces/{NAMESPACE}/jobs/{JOB}/runs"
DATASETS_PATH = "/api/v1/namespaces/catalogue/datasets"
PLAIN_LOOP = """
for offset in $(seq 0 $4 $(($3 - 1))); do
  curl -fsS "$1?limit=$4&offset=$offset" -o "$2/page-$offset.json"
done
"""
"""Told the number of rows beforehand: the fastest loop there is."""
OURS = """
import sys
from pathlib import Path
from fixtures.clients.marquez import Marquez
from fixtures.core.records.exports import Counting
from fixtures.core.redaction import Redactor
from fixtures.evidence.sink import Sink
from tests.benchmarks.measuring import peak_mib
url, folder, key, job = sys.argv[1:]
client, counting = Marquez(api_url=url, admin_url=url, ui_url=url), Counting()
if key == "runs":
    pages = client.run_pages(namespace="hotpass.local", job=job)
else:
    pages = client.dataset_pages(namespace="catalogue")
def counted():
    for page in pages:
        counting.add(page.answer[key])
        yield page.raw, page.answer
Sink(Path(folder), Redactor()).save_pages(f"{key}.json", counted(), key=key)
facts = counting.facts(key, None, rows_a_page=0)
print(peak_mib(), facts.rows, facts.distinct)
"""


@dataclass(frozen=True)
class Exported:
    """What one export of ours came to."""

    seconds: float
    peak_mib: float
    rows: int
    distinct: int


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A recorder in a process of its own, holding a hundred thousand runs."""
    database = tmp_path_factory.mktemp("recorder") / "runs.sqlite"
    recorder = Recorder(str(database))
    for number in range(RUNS):
        recorder.record(_event(number))
    for number in range(FEWER_RUNS):
        recorder.record(_event(RUNS + number, job=SMALLER))
    for number in range(0, DATASETS, A_PAGE):
        recorder.record(_catalogued(number))
    recorder.close()
    with subprocess.Popen(
        [sys.executable, "-m", "fixtures.simulators.marquez", "--database", str(database)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        yield str(json.loads(server.stdout.readline())["api_url"])
        server.terminate()


def test_runs_against_curl(filled: str, tmp_path: Path) -> None:
    """Wall seconds for all runs on disk, pair by pair; ours complete, redacted and one file."""
    _compared(filled, tmp_path, "runs", RUNS_PATH, RUNS, a_page=A_PAGE, wanted="3 x faster")
    few, many = (_ours(filled, tmp_path / job, "runs", job=job) for job in (SMALLER, JOB))
    print(f"\npeak of {few.rows} runs {few.peak_mib:.0f} MiB, of {many.rows} {many.peak_mib:.0f}")
    tell(
        Row(
            job=f"export: peak memory, {many.rows:,} runs",
            ours=many.peak_mib,
            theirs=few.peak_mib,
            unit="MiB",
            against=f"the same with {few.rows:,}",
            wanted="flat",
        )
    )


def test_datasets_against_curl(filled: str, tmp_path: Path) -> None:
    """All datasets with the facets of every one, which only pages of ten have."""
    _compared(filled, tmp_path, "datasets", DATASETS_PATH, DATASETS, a_page=10, wanted="")
    body = json.loads((tmp_path / "ours-0" / "datasets.json").read_bytes())
    assert all(each["facets"] for each in body["datasets"])


def test_single_curl_is_incomplete(filled: str) -> None:
    """The run-book's one line: how much of it is there, and how long it takes."""
    begun = time.perf_counter()
    done = subprocess.run(
        ["curl", "-fsS", filled + RUNS_PATH],  # noqa: S607 - the run-book's line
        capture_output=True,
        check=True,
    )
    taken_s = time.perf_counter() - begun
    body = json.loads(done.stdout)
    print(f"\nsingle curl: {len(body['runs'])} of {body['totalCount']} runs in {taken_s:.2f} s")
    assert len(body["runs"]) < body["totalCount"] == RUNS


def test_killed_export_leaves_nothing_that_looks_whole(filled: str, tmp_path: Path) -> None:
    """SIGKILL amid the pages: no runs.json; made again, in another folder, it is complete."""
    first, again = tmp_path / "first", tmp_path / "again"
    first.mkdir()
    argv = [sys.executable, "-c", OURS, filled, str(first), "runs", JOB]
    aside = first / ".runs.json.part"
    with subprocess.Popen(argv, cwd=ROOT) as exporting:
        waits.until(
            lambda: aside.exists() and aside.stat().st_size > 1_000_000,
            bool,
            what="the first pages",
            timeout_s=60,
            hint="Read what the export says.",
            poll_s=0.005,
        )
        os.kill(exporting.pid, signal.SIGKILL)
    assert [path.name for path in first.iterdir()] == [".runs.json.part"]
    with pytest.raises(ValueError, match=r"\S"):
        json.loads(aside.read_bytes())
    assert _ours(filled, again, "runs", job=JOB).rows == RUNS


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
    tell(Row(job="recorder start, imports included", ours=sorted(taken)[2]))
    print(
        f"\nrecorder start, process and imports included: {sorted(taken)[2]:.2f} s (median of 5)"
    )


def _wall_s(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _ours(url: str, folder: Path, key: str, *, job: str) -> Exported:
    folder.mkdir()
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", OURS, url, str(folder), key, job],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    taken_s = time.perf_counter() - begun
    peak, rows, distinct = done.stdout.split()
    return Exported(taken_s, float(peak), int(rows), int(distinct))


def _compared(
    url: str, home: Path, key: str, path: str, rows: int, *, a_page: int, wanted: str
) -> None:
    pairs = []
    for number in range(PAIRS):
        plain = home / f"plain-{number}"
        plain.mkdir()
        ours = _ours(url, home / f"ours-{number}", key, job=JOB)
        argv = ["bash", "-c", PLAIN_LOOP, "-", url + path, str(plain), str(rows), str(a_page)]
        pairs.append((ours.seconds, _wall_s(argv)))
        assert (ours.rows, ours.distinct) == (rows, rows)
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    ours_s, theirs_s = (sorted(each)[PAIRS // 2] for each in zip(*pairs, strict=True))
    size_mib = (home / "ours-0" / f"{key}.json").stat().st_size / 2**20
    print(
        f"\nexport of {rows} {key}: ours {ours_s:.1f} s ({size_mib:.0f} MiB in one file), curl "
        f"loop over pages of {a_page} {theirs_s:.1f} s, ours {ratios[PAIRS // 2]:.1f} times as "
        f"fast (pairs from {ratios[0]:.1f} to {ratios[-1]:.1f})"
    )
    tell(
        Row(
            job=f"export of {rows:,} {key}",
            ours=ours_s,
            theirs=theirs_s,
            against=f"curl loop, {a_page} a page",
            ratio=ratios[PAIRS // 2],
            lowest=ratios[0],
            highest=ratios[-1],
            faster=True,
            wanted=wanted,
            bound="the recorder's own CPU for the pages",
        )
    )


def _catalogued(number: int) -> dict[str, object]:
    """A page of datasets, each with a facet."""
    facet = {"_producer": "https://example.org", "_schemaURL": "https://example.org", "fields": []}
    written = [
        {"namespace": "catalogue", "name": f"set-{each:05}", "facets": {"schema": facet}}
        for each in range(number, number + A_PAGE)
    ]
    made = _event(2 * RUNS + number, job="catalogue.writer")
    return {**made, "outputs": written}


def _event(number: int, *, job: str = JOB) -> dict[str, object]:
    second = number % 86_400
    day = 1 + number // 86_400
    stamp = f"2026-01-{day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    return {
        "eventType": "COMPLETE",
        "eventTime": stamp,
        "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
        "job": {"namespace": NAMESPACE, "name": job},
        "inputs": [{"namespace": "hotpass.local", "name": "/data/a.xlsx"}],
        "outputs": [{"namespace": "hotpass.local", "name": "/dist/refined.xlsx"}],
        "producer": "https://example.org/bench",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
