"""A disk that refuses any one call, or every call from one on: told with a code, never glossed.

Covers: ENOSPC, EIO and EINTR at each system call that writes evidence, and at those of a recovery.
Not here: kills (``test_killed_writes.py``); real small disks (``test_starved.py``).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core.outcome import Exit
from tests.harness.sweep import aftermath, strace

if TYPE_CHECKING:
    from tests.harness.sweep.conftest import Clean

ONCE = ("ENOSPC", "EIO", "EINTR")
SHARES = 4
TOLD = "[evidence-not-writable]"


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("error", ONCE)
def test_refused_once(clean: Clean, place: Path, error: str, share: int) -> None:
    """One call fails, the next ones do not: what was lost is told, and decides the outcome."""
    wrong: dict[str, list[str]] = {}
    for point in clean.points[share::SHARES]:
        root = place / f"{point.name}-{point.nth}"
        inject = f"{point.name}:error={error}:when={point.nth}"
        flaws = _refused(clean, root, point, inject)
        if flaws:
            wrong[f"{point.nth}: {point.told(clean.root)}"] = flaws
        shutil.rmtree(root, ignore_errors=True)
    assert wrong == {}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_refused_from_then_on(clean: Clean, place: Path, error: str) -> None:
    """The disk stays full, or broken: nothing can be sealed, and recovery finds what there is."""
    wrong: dict[str, list[str]] = {}
    for point in clean.points[::6]:
        root = place / f"{point.name}-{point.nth}"
        faults = [
            f"{point.name}:error={error}:when={point.nth}+",
            # Nor can what was begun be taken back.
            f"ftruncate:error={error}",
        ]
        flaws = _refused(clean, root, point, *faults)
        if flaws:
            wrong[f"{point.nth}: {point.told(clean.root)}"] = flaws
        shutil.rmtree(root, ignore_errors=True)
    assert wrong == {}


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_refused_for_a_while(clean: Clean, place: Path, width: int) -> None:
    """Neither an artefact nor the line that tells of its loss; then the disk takes all again."""
    wrong: dict[str, list[str]] = {}
    for point in [each for each in clean.points if each.name == "write"][::2]:
        root = place / f"{point.name}-{point.nth}"
        fault = f"{point.name}:error=ENOSPC:when={point.nth}..{point.nth + width}"
        flaws = _refused(clean, root, point, fault)
        if flaws:
            wrong[f"{point.nth}: {point.told(clean.root)}"] = flaws
        shutil.rmtree(root, ignore_errors=True)
    assert wrong == {}


def _refused(clean: Clean, root: Path, point: strace.Call, *faults: str) -> list[str]:
    """Publish with these faults; everything that is wrong with what was said and left."""
    ran = clean.publish(root, inject=faults)
    struck = ran.struck(point)
    assert struck is not None, ran.said
    assert "INJECTED" in struck.result, struck
    assert struck.below(root), struck
    found = clean.look(root)
    return found.flaws + _told(ran, found, late=clean.is_late(point))


def _told(ran: strace.Ran, found: aftermath.Aftermath, *, late: bool) -> list[str]:
    """What the program said against what it left: a loss is told, and never a pass.

    Args:
        late: The bundle had its final name by then; only the folder's sync was still to come.
    """
    flaws = []
    if "Traceback" in ran.said:
        flaws.append(f"a traceback: {ran.said}")
    if ran.code == Exit.HELD:
        if (found.kind, found.would_be) != ("sealed", "PASSED"):
            flaws.append(f"exit 0, and {found.kind} as {found.would_be}: {ran.said}")
    elif ran.code != Exit.HARNESS_FAULT:
        flaws.append(f"exit {ran.code}: {ran.said}")
    elif TOLD not in ran.said or "hint:" not in ran.said:
        flaws.append(f"exit 3, and no word of it: {ran.said}")
    elif found.would_be == "PASSED" and not late:
        flaws.append(f"evidence was lost, and it is {found.kind} as PASSED: {ran.said}")
    return flaws
