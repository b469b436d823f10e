"""Self-tests of the file operations evidence rests on."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.evidence import durable


def test_a_whole_file_is_written(tmp_path: Path) -> None:
    """The content under its name, and nothing beside it."""
    durable.write(tmp_path / "a.json", b"{}")
    assert (tmp_path / "a.json").read_bytes() == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_synced_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name never stands for bytes the disk does not hold."""
    seen: list[tuple[bool, int]] = []
    path = tmp_path / "a.json"

    def look(descriptor: int) -> None:
        seen.append((path.exists(), os.fstat(descriptor).st_size))

    monkeypatch.setattr(durable, "sync", look)
    durable.write(path, b"12345")
    assert seen == [(False, 5)]


def test_the_name_is_synced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is synced once the name stands: without that a power cut may take it."""
    seen: list[tuple[Path, bool]] = []
    path = tmp_path / "a.json"
    monkeypatch.setattr(durable, "sync_folder", lambda each: seen.append((each, path.exists())))
    durable.write(path, b"12345")
    assert seen == [(tmp_path, True)]
    durable.replace(path, b"678")
    assert seen == [(tmp_path, True)] * 2


def test_a_name_that_cannot_be_synced_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told as refused is not there."""

    def refuse(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(durable, "sync_folder", refuse)
    with pytest.raises(errors.EvidenceNotWritable):
        durable.write(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_each_folder_made_is_synced_into_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first one that was missing on; those that were there are left alone."""
    seen: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", seen.append)
    durable.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert seen == [tmp_path, tmp_path / "a"]
    durable.make_folder(tmp_path / "a" / "b")
    assert len(seen) == 2


def test_empty_folders_go_and_others_stay(tmp_path: Path) -> None:
    """Whatever holds a file, however deep, stays; a link is no folder."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "x").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    durable.remove_empty_folders(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"d", "e", "x", "link"}


def _old_system(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSuchCall:
        def __init__(self, *_: object, **__: object) -> None:
            pass

    monkeypatch.setattr(ctypes, "CDLL", NoSuchCall)


def _old_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Refuses)


SYSTEMS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "renameat2": lambda _: None,
    "no-such-call": _old_system,
    "not-on-this-file-system": _old_file_system,
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system with and without the call that renames without replacing."""
    SYSTEMS[request.param](monkeypatch)
    return str(request.param)


def test_renames(system: str, tmp_path: Path) -> None:
    """Where nothing is in the way, the new name stands."""
    (tmp_path / "a").mkdir()
    durable.rename_new(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("there", ["file", "empty-folder", "folder", "dangling-link"])
@pytest.mark.parametrize("source", ["file", "folder"])
def test_never_replaces(system: str, tmp_path: Path, source: str, there: str) -> None:
    """Neither a file nor a folder, not even an empty one, not even a link to nowhere."""
    one, other = tmp_path / "one", tmp_path / "other"
    if source == "file":
        one.write_text("new")
    else:
        one.mkdir()
    if there == "file":
        other.write_text("old")
    elif there == "dangling-link":
        other.symlink_to(tmp_path / "nowhere")
    else:
        other.mkdir()
        if there == "folder":
            (other / "x").write_text("old")
    with pytest.raises(FileExistsError):
        durable.rename_new(one, other)
    assert one.exists()
    assert there != "file" or other.read_text() == "old"


def test_a_taken_name_is_not_written_over(tmp_path: Path) -> None:
    """An artefact is written once; what was there stays, nothing half-written is left."""
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(errors.EvidenceNotWritable):
        durable.write(path, b"new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


REFUSALS = [
    (errno.ENOSPC, "Free space"),
    (errno.EDQUOT, "Free space"),
    (errno.EROFS, "Choose a writable place"),
    (errno.EACCES, "Choose a writable place"),
    (errno.EPERM, "Choose a writable place"),
    (errno.ENOTDIR, "Name a folder"),
    (errno.EIO, "Check the disk"),
]


@pytest.mark.parametrize(("number", "hint"), REFUSALS, ids=lambda v: errno.errorcode.get(v, ""))
def test_a_refusing_disk_is_told_with_a_hint(
    number: int, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full, read-only, forbidden: each has its own first thing to try; the name stays free."""

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(errors.EvidenceNotWritable, match=os.strerror(number)) as caught:
            durable.write(tmp_path / "a.json", b"{}")
    assert caught.value.hint.startswith(hint)
    assert str(tmp_path / "a.json") in caught.value.message
    assert list(tmp_path.iterdir()) == []
    durable.write(tmp_path / "a.json", b"{}")


def test_an_interrupt_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the disk is busy: no name, no half."""

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        durable.write(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    """Below a file nothing can be written, and the hint says what to name instead."""
    (tmp_path / "root").write_text("a file")
    with pytest.raises(errors.EvidenceNotWritable) as caught:
        durable.write(tmp_path / "root" / "a.json", b"{}")
    assert caught.value.hint.startswith("Name a folder")
