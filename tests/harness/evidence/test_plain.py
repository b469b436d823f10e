"""Self-tests of reading a file that others could have put there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.evidence import plain


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    """Up to the last byte that may be read."""
    (tmp_path / "a").write_bytes(b"12345")
    assert plain.read(tmp_path / "a", most_bytes=5) == b"12345"


def a_link(path: Path) -> None:
    path.with_name("b").write_bytes(b"x")
    path.symlink_to("b")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(os.mkfifo, id="pipe"),
        pytest.param(Path.mkdir, id="folder"),
        pytest.param(a_link, id="link"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), id="device"),
        pytest.param(lambda path: path.write_bytes(b"123456"), id="too-large"),
        pytest.param(lambda _: None, id="nothing"),
    ],
)
def test_nothing_else_is_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """Nor waited for."""
    make(tmp_path / "a")
    with pytest.raises(OSError, match=r".+"):
        plain.read(tmp_path / "a", most_bytes=5)


def test_a_file_that_hides_its_size_is_refused(tmp_path: Path) -> None:
    """Some file systems say 0: what is read is counted."""
    with pytest.raises(OSError, match="more than 5 bytes"):
        plain.read(Path("/proc/self/status"), most_bytes=5)


def test_a_file_that_hides_its_size_is_read_whole() -> None:
    """What is read decides, and not what the system says beforehand."""
    path = Path("/proc/self/cmdline")
    assert path.stat().st_size == 0
    assert plain.read(path, most_bytes=2**20) == path.read_bytes() != b""
