"""SIGKILL at every system call that writes evidence: old or new, never torn, never falsely sealed.

Covers: a publication killed at each call below its root, and the recovery of one killed likewise.
Not here: whole rehearsals killed at a ledger line (``test_stopped.py``); power loss, which keeps
less than a kill does (``test_sync_order.py``).
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.sweep import strace

if TYPE_CHECKING:
    from tests.harness.sweep.conftest import Clean

SHARES = 6
"""Each test takes every sixth call, so that the shares last alike."""
LEAST_KILLS = 200


@pytest.fixture(scope="module")
def half_written(clean: Clean, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kill amid a log leaves: something noted, something not, and a half."""
    root = tmp_path_factory.mktemp("half") / "root"
    writes = [each for each in clean.points if each.name == "write"]
    log = [each for each in writes if "worker.log" in each.paths[0]]
    killed = clean.publish(root, inject=[_killing(log[len(log) // 2])])
    assert killed.code == -9
    return root


@pytest.fixture(scope="module")
def recovering(
    clean: Clean, half_written: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[strace.Call]:
    """Every call worth striking of a recovery that nobody strikes."""
    root = _copy(half_written, tmp_path_factory.mktemp("recovered") / "root")
    done = clean.recover(root)
    assert done.code == 0, done.said
    return strace.points(done.calls, root)


def test_enough_is_struck(clean: Clean, recovering: list[strace.Call]) -> None:
    """At least two hundred kills, at every kind of call that writes evidence."""
    kinds = Counter(each.name for each in clean.points)
    assert len(clean.points) + len(recovering) >= LEAST_KILLS, kinds
    for kind in ("openat", "write", "fsync", "mkdir", "rename", "unlink"):
        assert any(name.startswith(kind) for name in kinds), kinds


def test_every_call_is_known(clean: Clean, tmp_path: Path) -> None:
    """No call touches evidence but those we strike and those that only look."""
    ran = clean.publish(tmp_path / "root", calls=("%file", "%desc"))
    assert ran.code == 0, ran.said
    touching = {each.name for each in ran.calls if each.below(tmp_path / "root")}
    assert touching - strace.LOOKS - set(strace.CHANGES) == set()


@pytest.mark.parametrize("share", range(SHARES))
def test_killed_publication(clean: Clean, place: Path, share: int) -> None:
    """A whole bundle under its final name, or none; recovery seals what began as INTERRUPTED."""
    wrong: dict[str, list[str]] = {}
    for point in clean.points[share::SHARES]:
        root = place / f"{point.name}-{point.nth}"
        killed = clean.publish(root, inject=[_killing(point)])
        _fell_there(killed, point, root)
        found = clean.look(root)
        if found.kind == "sealed" and found.would_be != "PASSED":
            found.flaws.append(f"sealed as {found.would_be} by the run that was killed")
        if found.flaws:
            wrong[f"{point.nth}: {point.told(clean.root)}"] = found.flaws
        shutil.rmtree(root, ignore_errors=True)
    assert wrong == {}


@pytest.mark.parametrize("share", range(2))
def test_killed_recovery(
    clean: Clean, half_written: Path, recovering: list[strace.Call], place: Path, share: int
) -> None:
    """Recovering what a killed recovery left is recovering."""
    wrong: dict[str, list[str]] = {}
    for point in recovering[share::2]:
        root = _copy(half_written, place / f"{point.name}-{point.nth}")
        killed = clean.recover(root, inject=[_killing(point)])
        _fell_there(killed, point, root)
        found = clean.look(root)
        if found.would_be != "INTERRUPTED":
            found.flaws.append(f"{found.kind} as {found.would_be}")
        if found.flaws:
            wrong[f"{point.name} {point.nth}: {point.paths}"] = found.flaws
        shutil.rmtree(root)
    assert wrong == {}


def _copy(root: Path, to: Path) -> Path:
    return Path(shutil.copytree(root, to))


def _fell_there(killed: strace.Ran, point: strace.Call, root: Path) -> None:
    """A kill that fell elsewhere proves nothing."""
    assert killed.code == -9, killed.said
    last = killed.calls[-1]
    assert (last.name, last.nth, last.result) == (point.name, point.nth, "?"), last
    assert last.below(root), last


def _killing(point: strace.Call) -> str:
    return f"{point.name}:signal=KILL:when={point.nth}"
