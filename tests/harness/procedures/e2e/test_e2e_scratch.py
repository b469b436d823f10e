"""Where workbooks lie while a preflight runs: gone with it, or with the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from fixtures.procedures.e2e import stack

HOLD = """
import sys, time
from fixtures.procedures.e2e import stack
with stack.scratch_folder() as made:
    (made / "refined.xlsx").write_text("people")
    print(made, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scratch directories of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def left_behind(folder: Path, name: str, *, age_s: float) -> Path:
    """A scratch directory as a killed run leaves it."""
    made = folder / f"{stack.PREFIX}{name}"
    made.mkdir()
    (made / "refined.xlsx").write_text("people", encoding="utf-8")
    (made / stack.OWNER).touch()
    then = (made / stack.OWNER).stat().st_mtime - age_s
    os.utime(made / stack.OWNER, (then, then))
    return made


def test_it_goes_away_with_the_stack() -> None:
    """Nothing of it is left, lock included."""
    with stack.scratch_folder() as made:
        (made / "refined.xlsx").write_text("people", encoding="utf-8")
    assert not made.exists()


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    """Whoever was killed cannot tidy up: the next preflight does."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert child.stdout is not None
    left = Path(child.stdout.readline().strip())
    old = (left / stack.OWNER).stat().st_mtime - 2 * stack.YOUNG_S
    os.utime(left / stack.OWNER, (old, old))
    assert stack.sweep(tmp_path) == [], "its owner is alive"
    child.kill()
    child.wait()
    child.stdout.close()
    assert (left / "refined.xlsx").exists()
    with stack.scratch_folder():
        assert not left.exists()


def test_what_is_locked_young_or_unmarked_stays(tmp_path: Path) -> None:
    """Another process's directory is not touched, nor one that nobody can tell the owner of."""
    locked = left_behind(tmp_path, "locked", age_s=2 * stack.YOUNG_S)
    left_behind(tmp_path, "young", age_s=0)
    (tmp_path / f"{stack.PREFIX}unmarked").mkdir()
    with FileLock(locked / stack.OWNER):
        assert stack.sweep(tmp_path) == []


def test_link_is_not_followed(tmp_path: Path) -> None:
    """What a link of that name leads to is somebody else's."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    real = left_behind(elsewhere, "x", age_s=2 * stack.YOUNG_S)
    (tmp_path / f"{stack.PREFIX}x").symlink_to(real)
    assert stack.sweep(tmp_path) == []
    assert real.exists()
