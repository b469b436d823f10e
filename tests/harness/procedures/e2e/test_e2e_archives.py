"""Looking into archives: members and checksums, whatever somebody put there."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from fixtures.procedures.e2e import archives


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def test_members_and_checksums(tmp_path: Path) -> None:
    """Each by its digest; the list itself is no member."""
    path = packed(tmp_path / "a.zip", {"x.xlsx": b"rows", "SHA256SUMS": b"abc  x.xlsx\n"})
    found = archives.look_into(path)
    assert [(each.name, each.size_bytes) for each in found.members] == [("x.xlsx", 4)]
    assert found.members[0].sha256 == hashlib.sha256(b"rows").hexdigest()
    assert (found.sums, found.unreadable) == ({"x.xlsx": "abc"}, "")
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_archive_without_a_list(tmp_path: Path) -> None:
    """No list is None, which an empty one is not."""
    assert archives.look_into(packed(tmp_path / "a.zip", {"x": b"1"})).sums is None
    assert archives.look_into(packed(tmp_path / "b.zip", {"SHA256SUMS": b""})).sums == {}


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"<html>"])
def test_archive_that_is_none(tmp_path: Path, data: bytes) -> None:
    """What cannot be read says why, and raises nothing."""
    (tmp_path / "a.zip").write_bytes(data)
    assert archives.look_into(tmp_path / "a.zip").unreadable


def test_corrupt_member_is_unreadable(tmp_path: Path) -> None:
    """A member that fails its own check is no member to compare."""
    path = packed(tmp_path / "a.zip", {"x": b"content" * 20})
    path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT", 1))
    assert "CRC" in archives.look_into(path).unreadable


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damaged_stream_is_unreadable(tmp_path: Path, method: int) -> None:
    """Each way of packing fails with an error of its own; none is a fault of ours."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("x", bytes(range(256)) * 40)
    data = bytearray(path.read_bytes())
    data[45:75] = b"\xff" * 30
    path.write_bytes(data)
    assert archives.look_into(path).unreadable


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abc  x.xlsx\n", {"x.xlsx": "abc"}),
        ("abc *x.xlsx\ndef  y z\n", {"x.xlsx": "abc", "y z": "def"}),
        ("\n nonsense \n", {}),
    ],
)
def test_list_of_checksums(text: str, found: dict[str, str]) -> None:
    """Text or binary mode, names with blanks; lines that are none are left out."""
    assert archives.parsed(text) == found


def test_archive_written_again_under_its_name_is_new(tmp_path: Path) -> None:
    """The state of a file tells that it was written, not its name alone."""
    path = packed(tmp_path / "a.zip", {"x": b"1"})
    before = archives.states(tmp_path)
    packed(path, {"x": b"2"})
    os.utime(path, (1, 1))
    assert archives.states(tmp_path) != before
    assert archives.states(tmp_path / "nowhere") == {}
