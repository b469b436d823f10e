"""Writing a document: alone, whole, in the place of what was read and of nothing else."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.evidence import durable
from fixtures.publishing.documents import applying
from fixtures.publishing.documents.page import Page
from fixtures.publishing.documents.slot import Edited

GIT = shutil.which("git") or "git"
NAME = "Next_Steps.md"


def shout(page: Page) -> Edited:
    """An edit: the first line in capitals."""
    return Edited(page.replaced(0, page.text(0).upper()))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A document to edit."""
    path = tmp_path / NAME
    path.write_bytes(b"one\ntwo\n")
    path.chmod(0o640)
    return path


def meanwhile(path: Path, *texts: bytes) -> Callable[[Path, bytes, bytes], bool]:
    """Writes as we do, while a bot writes a text before each of the first attempts."""
    left = list(texts)

    def put(place: Path, before: bytes, after: bytes) -> bool:
        if left:
            path.write_bytes(left.pop(0))
        return applying.exchange(place, before, after)

    return put


def test_document_is_replaced_whole_with_its_mode(document: Path) -> None:
    """New bytes, the same permissions, nothing beside it."""
    before, after, _ = applying.edited(document.parent, NAME, shout, write=True)
    assert (before, after) == (b"one\ntwo\n", b"ONE\ntwo\n")
    assert document.read_bytes() == after
    assert stat.S_IMODE(document.stat().st_mode) == 0o640
    assert names(document.parent) == [NAME]


def test_without_write_nothing_changes(document: Path) -> None:
    """What would be is said; the document keeps its bytes and its inode."""
    inode = document.stat().st_ino
    _, after, _ = applying.edited(document.parent, NAME, shout, write=False)
    assert after == b"ONE\ntwo\n"
    assert (document.read_bytes(), document.stat().st_ino) == (b"one\ntwo\n", inode)


def test_edit_that_changes_nothing_does_not_touch(document: Path) -> None:
    """A repeat leaves even the inode."""
    inode = document.stat().st_ino
    applying.edited(document.parent, NAME, Edited, write=True)
    assert document.stat().st_ino == inode


def test_edit_of_a_bot_at_the_same_moment_is_kept(document: Path) -> None:
    """Somebody was quicker: the edit is made again, upon theirs."""
    put = meanwhile(document, b"uno\ntwo\nthree\n")
    applying.edited(document.parent, NAME, shout, write=True, put=put)
    assert document.read_bytes() == b"UNO\ntwo\nthree\n"


def test_bot_that_never_rests_wins(document: Path) -> None:
    """After three attempts the document is left as the bot has it."""
    put = meanwhile(document, b"a\n", b"b\n", b"c\n")
    with pytest.raises(errors.DocumentConflict, match="3 times"):
        applying.edited(document.parent, NAME, shout, write=True, put=put)
    assert document.read_bytes() == b"c\n"
    assert names(document.parent) == [NAME]


def test_edit_within_the_last_instant_is_put_back(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look and the exchange: what was swapped out is compared, and put back."""
    swap = applying._swapped

    def late(one: Path, other: Path) -> bool:
        if one.read_bytes() == b"ONE\ntwo\n" and document.read_bytes() == b"one\ntwo\n":
            document.write_bytes(b"late\n")
        return swap(one, other)

    monkeypatch.setattr(applying, "_swapped", late)
    applying.edited(document.parent, NAME, shout, write=True)
    assert document.read_bytes() == b"LATE\n"
    assert names(document.parent) == [NAME]


def test_edit_while_it_is_put_back_is_kept_aside(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed twice within an instant: neither change is lost, and the error names both files."""
    swap, calls = applying._swapped, []

    def later_and_later(one: Path, other: Path) -> bool:
        calls.append(one)
        document.write_bytes(b"late %d\n" % len(calls))
        return swap(one, other)

    monkeypatch.setattr(applying, "_swapped", later_and_later)
    with pytest.raises(errors.DocumentConflict) as told:
        applying.edited(document.parent, NAME, shout, write=True)
    kept = sorted(path.read_bytes() for path in document.parent.iterdir())
    assert kept == [b"late 1\n", b"late 2\n"]
    assert names(document.parent)[1].endswith(".kept")
    assert names(document.parent)[1] in told.value.message


def test_where_files_cannot_be_exchanged(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that system call a plain rename does it, and a bot's edit is seen before it."""
    monkeypatch.setattr(applying, "_swapped", lambda *_: False)
    put = meanwhile(document, b"uno\ntwo\n")
    applying.edited(document.parent, NAME, shout, write=True, put=put)
    assert document.read_bytes() == b"UNO\ntwo\n"
    assert names(document.parent) == [NAME]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda path: path.chmod(0o444), "is read-only", id="read-only"),
        pytest.param(lambda path: path.unlink(), "is not there", id="absent"),
        pytest.param(
            lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")),
            "is a link",
            id="link",
        ),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), "cannot be read", id="folder"),
    ],
)
def test_document_that_is_refused(
    document: Path, spoil: Callable[[Path], object], told: str
) -> None:
    """Each with a reason, and nothing is left beside it."""
    spoil(document)
    there = names(document.parent)
    with pytest.raises(errors.DocumentRefused, match=told):
        applying.edited(document.parent, NAME, shout, write=True)
    assert names(document.parent) == there


def test_what_a_killed_recorder_left_is_swept(document: Path) -> None:
    """Half of what was to come, or what was before, is no obstacle, and does not stay."""
    for left in (b"ONE\nt", b"one\ntwo\n"):
        (document.parent / f".{NAME}.part").write_bytes(left)
        applying.edited(document.parent, NAME, shout, write=True)
        assert names(document.parent) == [NAME]
        assert document.read_bytes() == b"ONE\ntwo\n"


def test_what_may_be_somebodys_is_kept(document: Path) -> None:
    """Killed within the exchange, what it left may be a bot's edit: renamed, and said."""
    (document.parent / f".{NAME}.part").write_bytes(b"of a bot\n")
    _, _, (note,) = applying.edited(document.parent, NAME, shout, write=True)
    (kept,) = [name for name in names(document.parent) if name != NAME]
    assert (document.parent / kept).read_bytes() == b"of a bot\n"
    assert kept in note


def test_disk_that_refuses_leaves_the_document(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the old bytes are whole."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync", full)
    with pytest.raises(errors.EvidenceNotWritable, match="No space"):
        applying.edited(document.parent, NAME, shout, write=True)
    assert document.read_bytes() == b"one\ntwo\n"
    assert names(document.parent) == [NAME]


def test_two_recorders_wait_for_each_other(tmp_path: Path) -> None:
    """One at a time, and no lock file is left in the checkout."""
    with (
        applying.alone(tmp_path),
        pytest.raises(errors.WaitExpired),
        applying.alone(tmp_path, timeout_s=0),
    ):
        pass
    with applying.alone(tmp_path, timeout_s=0):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"], ids=["no-final-newline", "lf", "crlf"])
def test_git_applies_the_diff(tmp_path: Path, end: bytes) -> None:
    """What `--dry-run` shows is a patch, whatever the line ends."""
    line_end = end or b"\n"
    before, after = (
        b"one" + line_end + b"two" + end,
        b"ONE" + line_end + b"two" + line_end + b"3" + end,
    )
    (tmp_path / "a b.md").write_bytes(before)
    patch = applying.diff("a b.md", before, after)
    done = subprocess.run(
        [GIT, "apply", "--whitespace=nowarn", "-"],
        cwd=tmp_path,
        input=patch.encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a b.md").read_bytes() == after
