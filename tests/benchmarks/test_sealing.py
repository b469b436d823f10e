"""Sealing and verifying many files, against reading their bytes once.

The floor is a plain loop that opens, reads and hashes each file and keeps nothing: whoever wants
to know that files are unchanged must do that much. What reading alone costs, and what of sealing
the disk's sync is, stand beside it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.core.verdict import Promise
from fixtures.evidence import durable, quarantine, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.verify import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from tests.benchmarks.measuring import CURVES, Curve, Row, fitted, tell

OPENING: dict[str, Any] = {
    "environment": "hotpass-staging",
    "owners": ["QA"],
    "operator": "bench",
    "runbook": "none",
    "strict": False,
    "staging": False,
    "narrowed": "",
    "harness": {"version": "0"},
    "source": {"commit": None, "dirty": None},
    "systems": [],
    "taints": ["a benchmark"],
    "settings": {},
}


@dataclass
class Spent:
    """Counts what something takes."""

    seconds: float = 0.0


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Spent:
    """Time spent waiting for the disk, apart from everything else."""
    spent = Spent()

    def timed(action: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: Any) -> None:
            began = time.perf_counter()
            action(*arguments)
            spent.seconds += time.perf_counter() - began

        return run

    monkeypatch.setattr(durable, "sync", timed(durable.sync))
    monkeypatch.setattr(durable, "sync_folder", timed(durable.sync_folder))
    return spent


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Spent:
    """Time spent looking for secrets, which has a benchmark of its own."""
    spent, look = Spent(), quarantine.refuse_leaks

    def timed(folder: Path, *, values: Iterable[str]) -> None:
        began = time.perf_counter()
        look(folder, values=values)
        spent.seconds += time.perf_counter() - began

    monkeypatch.setattr(quarantine, "refuse_leaks", timed)
    return spent


def drawn_first(root: Path) -> float:
    """Seconds that the first seal of a process takes beyond the second: its page's templates."""
    taken = []
    for _ in range(2):
        bundle = filled(root, files=1, size_bytes=100)
        began = time.process_time()
        closing.close(bundle, junit=None)
        taken.append(time.process_time() - began)
    return taken[0] - taken[1]


def filled(root: Path, *, files: int, size_bytes: int) -> Bundle:
    bundle = Bundle.reserve(
        root,
        word="marquez",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["marquez"],
        opening=OPENING,
        run_id=uuid.uuid4(),
        now=datetime.now(UTC),
    )
    head = f"run id {bundle.run_id}\n".encode()
    for number in range(files):
        body = head + os.urandom(size_bytes // 2).hex().encode()
        bundle.save(f"part-{number % 40:02}/{number:05}.log", body)
    for each in REGISTRIES["marquez"]:
        promise = Promise(each.id, each.artefact, each.promise)
        bundle.note_verdict(promise.not_established("a benchmark judges nothing"))
    return bundle


def read_once(folder: Path, *, hashed: bool) -> float:
    """Seconds to read every file, and to hash it if wanted."""
    began = time.perf_counter()
    for name in os.listdir(folder):  # noqa: PTH208 - the floor is the plainest loop there is
        inner = folder / name
        for path in sorted(inner.iterdir()) if inner.is_dir() else [inner]:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
                data = file.read()
            if hashed:
                hashlib.sha256(data).hexdigest()
    return time.perf_counter() - began


def median(action: Callable[[], float], times: int = 5) -> float:
    return statistics.median(action() for _ in range(times))


@pytest.mark.parametrize(
    ("files", "size_bytes"),
    [
        pytest.param(10_000, 20_000, id="10,000-files-of-20-kB"),
        pytest.param(20, 10_000_000, id="20-files-of-10-MB"),
    ],
)
def test_sealing_and_verifying(
    tmp_path: Path,
    synced: Spent,
    scanned: Spent,
    monkeypatch: pytest.MonkeyPatch,
    files: int,
    size_bytes: int,
) -> None:
    """From the last artefact saved to the rename, and all checks; to reach: at most 1.3."""
    once_s = drawn_first(tmp_path / "first")
    scanned.seconds = 0.0
    with monkeypatch.context() as quick:
        # Filling is not measured: its syncs would take minutes.
        quick.setattr(os, "fsync", lambda _: None)
        bundle = filled(tmp_path, files=files, size_bytes=size_bytes)
    hashed = median(lambda: read_once(bundle.folder, hashed=True))
    read = median(lambda: read_once(bundle.folder, hashed=False))
    synced.seconds = 0.0
    began = time.perf_counter()
    folder = closing.close(bundle, junit=None).folder
    sealing_s = time.perf_counter() - began
    sync_s, scan_s = synced.seconds, scanned.seconds

    def verified() -> float:
        begun = time.perf_counter()
        answer = verify(folder, registries=REGISTRIES)
        assert answer.checks[-1].name == answer.asked[-1], answer.denials
        return time.perf_counter() - begun

    verifying_s = median(verified, times=3)
    size_mb = sum((folder / name).stat().st_size for name in sealing.files_in(folder)) / 1e6
    own_s = sealing_s - sync_s - scan_s
    for doing, seconds in (("sealing", own_s), ("verifying", verifying_s)):
        tell(
            Row(
                job=f"{doing} {files:,} files, {size_mb:.0f} MB",
                ours=seconds,
                theirs=hashed,
                against="reading and hashing once",
                wanted="at most 1.3",
                bound=f"reading alone {read:.2f} s"
                if doing == "verifying"
                else "syncs, scan apart",
            )
        )
    tell(
        Row(
            job=f"scanning {files:,} files, {size_mb:.0f} MB of hex",
            ours=size_mb / scan_s,
            unit="MB/s",
            bound=f"hashing {size_mb / hashed:.0f} MB/s",
        )
    )
    print(
        f"\n{files} files, {size_mb:.0f} MB: reading {read:.2f} s, reading and hashing "
        f"{hashed:.2f} s; sealing {own_s:.2f} s, ratio {own_s / hashed:.2f}, and {sync_s:.2f} s "
        f"of syncing and {scan_s:.1f} s of scanning for secrets; verifying {verifying_s:.2f} s, "
        f"ratio {verifying_s / hashed:.2f} (reading: {verifying_s / read:.1f}); the first seal of "
        f"a process takes {max(0.0, once_s):.2f} s more"
    )


def test_over_size(tmp_path: Path, synced: Spent, scanned: Spent) -> None:
    """Up to 1 GiB of bundle: a line through sealing, scanning and verifying, and its slope."""
    points: dict[str, list[tuple[float, float]]] = {
        "reading and hashing once": [],
        "sealing": [],
        "scanning": [],
        "verifying": [],
    }
    for files in (8, 32, 64, 128):
        bundle = filled(tmp_path / str(files), files=files, size_bytes=2**23)
        size_mib = files * 8.0
        hashed = median(lambda: read_once(bundle.folder, hashed=True), times=3)  # noqa: B023
        synced.seconds = scanned.seconds = 0.0
        began = time.perf_counter()
        folder = closing.close(bundle, junit=None).folder
        sealing_s = time.perf_counter() - began - synced.seconds - scanned.seconds
        began = time.perf_counter()
        verify(folder, registries=REGISTRIES)
        taken = (hashed, sealing_s, scanned.seconds, time.perf_counter() - began)
        for line, seconds in zip(points.values(), taken, strict=True):
            line.append((size_mib, seconds))
        shutil.rmtree(tmp_path / str(files))
    fits = {name: fitted(line) for name, line in points.items()}
    said = "; ".join(
        f"{name} {slope * 1024:.2f} s a GiB and {at_zero:+.2f} s"
        for name, (slope, at_zero) in fits.items()
    )
    print(f"\n{said}")
    CURVES.append(
        Curve(title="A bundle, by its size", across="MiB", up="seconds", series=points, fit=said)
    )
