"""Disks that are full or read-only: a clear error, exit 3, nothing falsely sealed."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.evidence import verify
from fixtures.guardrails.registries import REGISTRIES

if TYPE_CHECKING:
    from tests.harness.sweep.conftest import Rehearsal

Mount = Callable[[str], Path]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mount]:
    """Small file systems of our own; needs root, as mounting does."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root: run as root, or in a container")
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk-{len(places)}"
        place.mkdir()
        subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True
        )
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["/bin/umount", str(place)], check=True)


@pytest.mark.parametrize("size_kib", [8, 16, 24, 32, 48, 64, 96, 160, 256, 384, 512])
def test_full_disk(rehearsal: Rehearsal, mounted: Mount, size_kib: int) -> None:
    """However late the disk fills: exit 3 with code and hint, and what is sealed verifies."""
    disk = mounted(f"size={size_kib}k")
    place = dataclasses.replace(rehearsal, evidence=disk / "evidence")
    code = place.start().wait(timeout=60)
    sealed = list((disk / "evidence" / "marquez").glob("2*"))
    for bundle in sealed:
        assert verify.verify(bundle, registries=REGISTRIES).verified
    assert "Traceback" not in place.output()
    assert "INTERNALERROR" not in place.output()
    if code != 0:
        assert code == 3, place.output()
        assert all(bundle.name.endswith(".interrupted") for bundle in sealed)
        assert "[evidence-not-writable]" in place.output() or "session's report" in place.output()
        assert "Free space on that disk" in place.output() or sealed


def test_read_only_disk(rehearsal: Rehearsal, mounted: Mount) -> None:
    """A read-only evidence root: exit 3 with code and hint."""
    place = dataclasses.replace(rehearsal, evidence=mounted("ro") / "evidence")
    assert place.start().wait(timeout=60) == 3
    assert "[evidence-not-writable]" in place.output()
    assert "Choose a writable place with --evidence-root" in place.output()
    assert "INTERNALERROR" not in place.output()
