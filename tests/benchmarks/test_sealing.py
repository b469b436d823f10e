"""Sealing and verifying many files, against reading their bytes once.

The floor is a plain loop that opens, reads and hashes each file and keeps nothing: whoever wants
to know that files are unchanged must do that much. What reading alone costs, and what of sealing
the disk's sync is, stand beside it.

All of it in CPU seconds, by turns: neither waits for anything but the disk's sync, and what else
the machine does at that moment belongs to nobody's figure.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import time
import uuid
from collections.abc import Callable
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
from tests.benchmarks.measuring import CURVES, Curve, Row, fitted, paired, tell, tell_ratio

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

SEALED = 3
"""Bundles: what is sealed cannot be sealed again."""


@dataclass
class Spent:
    """Counts what something takes."""

    cpu_s: float = 0.0
    passed_s: float = 0.0
    """By the clock on the wall: who waits uses no CPU."""

    def forget(self) -> None:
        """Begin to count anew."""
        self.cpu_s = self.passed_s = 0.0


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Spent:
    """Time spent waiting for the disk, apart from everything else."""
    spent = Spent()
    monkeypatch.setattr(durable, "sync", counted(durable.sync, spent))
    monkeypatch.setattr(durable, "sync_folder", counted(durable.sync_folder, spent))
    return spent


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Spent:
    """Time spent looking for secrets, which has a benchmark of its own."""
    spent = Spent()
    monkeypatch.setattr(quarantine, "refuse_leaks", counted(quarantine.refuse_leaks, spent))
    return spent


def counted(action: Callable[..., None], spent: Spent) -> Callable[..., None]:
    """The same, and what it takes is added up."""

    def run(*arguments: Any, **named: Any) -> None:
        began, began_cpu = time.perf_counter(), time.process_time()
        action(*arguments, **named)
        spent.cpu_s += time.process_time() - began_cpu
        spent.passed_s += time.perf_counter() - began

    return run


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
    """CPU seconds to read every file, and to hash it if wanted."""
    began = time.process_time()
    for name in os.listdir(folder):  # noqa: PTH208 - the floor is the plainest loop there is
        inner = folder / name
        for path in sorted(inner.iterdir()) if inner.is_dir() else [inner]:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
                data = file.read()
            if hashed:
                hashlib.sha256(data).hexdigest()
    return time.process_time() - began


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
    with monkeypatch.context() as quick:
        # Filling is not measured: its syncs would take minutes.
        quick.setattr(os, "fsync", lambda _: None)
        bundles = [
            filled(tmp_path / str(number), files=files, size_bytes=size_bytes)
            for number in range(SEALED)
        ]
    read = median(lambda: read_once(bundles[0].folder, hashed=False))
    synced.forget()
    scanned.forget()
    sealings = []
    for bundle in bundles:
        floor_s = read_once(bundle.folder, hashed=True)
        apart_s, began = synced.cpu_s + scanned.cpu_s, time.process_time()
        folder = closing.close(bundle, junit=None).folder
        taken_s = time.process_time() - began
        sealings.append((taken_s - (synced.cpu_s + scanned.cpu_s - apart_s), floor_s))
    sealed = paired(sealings)
    sync_s, scan_s = synced.passed_s / SEALED, scanned.cpu_s / SEALED

    def verified() -> float:
        begun = time.process_time()
        answer = verify(folder, registries=REGISTRIES)
        assert answer.checks[-1].name == answer.asked[-1], answer.denials
        return time.process_time() - begun

    looked = paired([(verified(), read_once(folder, hashed=True)) for _ in range(5)])
    size_mb = sum((folder / name).stat().st_size for name in sealing.files_in(folder)) / 1e6
    bounds = {"sealing": "syncs, scan apart", "verifying": f"reading alone {read:.2f} s"}
    for doing, ratio in (("sealing", sealed), ("verifying", looked)):
        tell_ratio(
            f"{doing} {files:,} files, {size_mb:.0f} MB",
            ratio,
            against="reading and hashing once",
            wanted="at most 1.3",
            bound=bounds[doing],
        )
    hashed = looked.theirs_s
    tell(
        Row(
            job=f"scanning {files:,} files, {size_mb:.0f} MB of hex",
            ours=size_mb / scan_s,
            unit="MB/s",
            bound=f"hashing {size_mb / hashed:.0f} MB/s",
        )
    )
    print(
        f"\n{files} files, {size_mb:.0f} MB, CPU: reading {read:.2f} s; sealing {sealed}; "
        f"syncing {sync_s:.2f} s and scanning for secrets {scan_s:.1f} s beside it; "
        f"verifying {looked}; the first seal of a process takes "
        f"{max(0.0, once_s):.2f} s more"
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
        synced.forget()
        scanned.forget()
        began = time.process_time()
        folder = closing.close(bundle, junit=None).folder
        sealing_s = time.process_time() - began - synced.cpu_s - scanned.cpu_s
        began = time.process_time()
        verify(folder, registries=REGISTRIES)
        taken = (hashed, sealing_s, scanned.cpu_s, time.process_time() - began)
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
