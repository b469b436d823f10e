"""Self-tests of finding the checkout somebody stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.core import checkouts


@pytest.mark.parametrize(
    ("at", "below"),
    [
        pytest.param("ours", ".", id="itself"),
        pytest.param("ours", "deep/down", id="below"),
        pytest.param("", "elsewhere", id="outside"),
    ],
)
def test_nearest(tmp_path: Path, at: str, below: str) -> None:
    """The nearest folder above whose pyproject.toml has our table; another project is not it."""
    start = tmp_path / (at or "theirs") / below
    start.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool]\n")
    if at:
        (tmp_path / at / "pyproject.toml").write_text("[tool.rehearsals]\n")
    assert checkouts.nearest(start) == ((tmp_path / at) if at else None)


@pytest.mark.parametrize("text", ["not toml [", "tool = 1\n", "[project]\nname = 'x'\n"])
def test_nearest_passes_over_other_files(tmp_path: Path, text: str) -> None:
    """A pyproject.toml that is no TOML, or another project's, is passed over."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.rehearsals]\n")
    assert checkouts.nearest(inner) == tmp_path
