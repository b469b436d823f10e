"""Self-tests of asking git about a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fixtures.core import source


def git(root: Path, *argv: str) -> str:
    said = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(root), *argv],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    return tmp_path


def test_a_clean_checkout(repository: Path) -> None:
    """Its commit, and that nothing was changed; a new file that is no code is a note."""
    (repository / "notes.txt").write_text("x")
    assert source.of(repository) == source.Source(git(repository, "rev-parse", "HEAD"), False)


def test_a_changed_checkout(repository: Path) -> None:
    """One changed file, staged or not, makes it dirty; so does new code."""
    (repository / "new.py").write_text("")
    assert source.of(repository).dirty is True
    (repository / "new.py").unlink()
    assert source.of(repository).dirty is False
    (repository / "a").write_text("2")
    assert source.of(repository).dirty is True
    git(repository, "add", "a")
    assert source.of(repository).dirty is True


def test_nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder, no repository, no commit yet, no git: unknown, and no error."""
    assert source.of(tmp_path / "missing") == source.UNKNOWN
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert source.of(tmp_path) == source.UNKNOWN
    git(tmp_path, "init", "--quiet")
    assert source.of(tmp_path) == source.UNKNOWN
    monkeypatch.setenv("PATH", "")
    assert source.of(tmp_path) == source.UNKNOWN
