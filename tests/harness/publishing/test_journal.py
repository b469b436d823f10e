"""Self-tests of the journal beside the bundles."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical, durable
from fixtures.publishing import journal
from fixtures.publishing.journal_lines import UNREAD

ABOUT = {"run_id": "3f1c", "manifest_sha256": "ab" * 32}


def note(root: Path, kind: str = "told", **fields: Any) -> dict[str, Any] | None:
    return journal.append(root, {**ABOUT, "kind": kind, **fields})


def lines(root: Path) -> list[bytes]:
    return (root / journal.NAME).read_bytes().splitlines(keepends=True)


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Numbered, timed, each with the digest of the one before."""
    assert journal.read(tmp_path) == ()
    written = [note(tmp_path, said="a"), note(tmp_path, kind="recorded", said="ü\n")]
    found = journal.read(tmp_path)
    assert list(found) == written
    assert [each["n"] for each in found] == [1, 2]
    assert found[0]["previous"] is None
    assert len(found[1]["previous"]) == 64


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({}, id="empty"),
        pytest.param({"kind": "told"}, id="about-nothing"),
        pytest.param({**ABOUT, "kind": "invented"}, id="of-no-kind"),
        pytest.param({**ABOUT, "kind": "told", "run_id": ""}, id="of-no-run"),
    ],
)
def test_a_line_says_what_it_is_about(tmp_path: Path, entry: dict[str, Any]) -> None:
    """Run, manifest and kind, or it is no line."""
    with pytest.raises(ValueError, match="no line of a journal"):
        journal.append(tmp_path, entry)
    assert not (tmp_path / journal.NAME).exists()


def test_the_same_again_is_one_line(tmp_path: Path) -> None:
    """By the fields that make it the same; another place is another line."""
    once = (*journal.ABOUT, "where")
    for where in ("a", "a", "b", "a"):
        journal.append(tmp_path, {**ABOUT, "kind": "published", "where": where}, once=once)
    assert [each["where"] for each in journal.read(tmp_path)] == ["a", "b"]


def _swapped(found: list[bytes]) -> list[bytes]:
    return [found[1], found[0], *found[2:]]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda found: found[1:], id="first-gone"),
        pytest.param(lambda found: [found[0], *found[2:]], id="middle-gone"),
        pytest.param(_swapped, id="swapped"),
        pytest.param(lambda found: [found[0], *found], id="twice"),
        pytest.param(lambda found: [found[0].replace(b"a1", b"a9"), *found[1:]], id="edited"),
        pytest.param(lambda found: [b"{}\n", *found[1:]], id="emptied"),
        pytest.param(lambda found: [found[0].replace(b":", b": ", 1), *found[1:]], id="spaced"),
        pytest.param(lambda found: [b"\xff\n", *found], id="no-text"),
        pytest.param(lambda found: [b"[" * 100_000 + b"\n", *found], id="deep"),
    ],
)
def test_whatever_was_changed_is_found(
    tmp_path: Path, broken: Callable[[list[bytes]], list[bytes]]
) -> None:
    """A journal that is not as it was written is read by nobody, and nothing is added to it."""
    for number in range(3):
        note(tmp_path, said=f"a{number + 1}")
    (tmp_path / journal.NAME).write_bytes(b"".join(broken(lines(tmp_path))))
    before = (tmp_path / journal.NAME).read_bytes()
    with pytest.raises(errors.JournalUnreadable):
        journal.read(tmp_path)
    with pytest.raises(errors.JournalUnreadable):
        note(tmp_path)
    assert (tmp_path / journal.NAME).read_bytes() == before


@pytest.mark.parametrize("kept", [0, 1, 20, -2])
def test_a_torn_line_is_told_and_not_kept(tmp_path: Path, kept: int) -> None:
    """A kill in the middle of a line: readers leave it out, the next writer says so."""
    note(tmp_path, said="a")
    whole = (tmp_path / journal.NAME).read_bytes()
    note(tmp_path, said="b")
    torn = lines(tmp_path)[1][:kept]
    (tmp_path / journal.NAME).write_bytes(whole + torn)
    assert [each["said"] for each in journal.read(tmp_path)] == ["a"]
    assert bool(journal.unended(tmp_path)) == bool(torn)
    note(tmp_path, said="c")
    assert journal.unended(tmp_path) == ""
    found = journal.read(tmp_path)
    assert (tmp_path / journal.NAME).read_bytes().startswith(whole)
    told = [each["kind"] for each in found]
    assert told == (["told", "torn", "told"] if torn else ["told", "told"])
    if torn:
        assert found[1]["size_bytes"] == len(torn)


def test_a_line_without_its_end_is_kept(tmp_path: Path) -> None:
    """Taking one byte away hides nothing: it is read, nobody vouches, and its end is put back."""
    note(tmp_path, said="a")
    note(tmp_path, said="b")
    path = tmp_path / journal.NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert [each["said"] for each in journal.read(tmp_path)] == ["a", "b"]
    assert journal.unended(tmp_path) == journal.UNENDED
    note(tmp_path, said="c")
    assert path.read_bytes().startswith(whole)
    assert [each["kind"] for each in journal.read(tmp_path)] == ["told"] * 3
    path.write_bytes(path.read_bytes()[:-1])
    same = {**ABOUT, "kind": "told", "said": "c"}
    assert journal.append(tmp_path, same, once=("kind", "said")) is None
    assert journal.unended(tmp_path) == ""


def test_a_journal_without_end_is_refused(tmp_path: Path) -> None:
    """Neither read nor added to, and no traceback for want of memory."""
    with (tmp_path / journal.NAME).open("wb") as file:
        file.truncate(30 * 2**30)
    for use in (journal.read, journal.unended, note):
        with pytest.raises(errors.JournalUnreadable, match="more than"):
            use(tmp_path)


def test_reading_on_gives_the_lines_since(tmp_path: Path) -> None:
    """What was read before is compared and not read again; the numbers go on."""
    assert journal.read_on(tmp_path, UNREAD).lines == []
    upto, told = UNREAD, []
    for said in ("a", "b", "ü"):
        note(tmp_path, said=said)
        found = journal.read_on(tmp_path, upto)
        told += [(found.on, each["n"], each["said"]) for each in found.lines]
        upto = found.upto
    assert told == [(False, 1, "a"), (True, 2, "b"), (True, 3, "ü")]
    again = journal.read_on(tmp_path, upto)
    assert (list(again.lines), again.on, again.upto) == ([], True, upto)
    assert upto == journal.read_on(tmp_path, UNREAD).upto


def _longer(path: Path) -> None:
    """Another first line, and as many bytes as before in front of the last."""
    note(path.parent, said="more")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"a1", b"a9", 1))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_longer, id="an-old-line-edited-and-one-added"),
        pytest.param(lambda at: at.write_bytes(b"\n" + at.read_bytes()), id="a-line-put-before"),
        pytest.param(
            lambda at: at.write_bytes(at.read_bytes() + at.read_bytes().splitlines(True)[-1]),
            id="the-last-line-twice",
        ),
        pytest.param(
            lambda at: at.write_bytes(at.read_bytes() + at.read_bytes().splitlines(True)[0]),
            id="the-first-line-again",
        ),
        pytest.param(lambda at: at.write_bytes(at.read_bytes() + b"{}\n"), id="a-line-of-nothing"),
    ],
)
def test_reading_on_misses_nothing(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """It refuses, and in the same words, whatever reading it whole would refuse."""
    for number in range(3):
        note(tmp_path, said=f"a{number + 1}")
    upto = journal.read_on(tmp_path, UNREAD).upto
    spoil(tmp_path / journal.NAME)
    told = []
    for read in (journal.read, lambda root: journal.read_on(root, upto)):
        with pytest.raises(errors.JournalUnreadable) as refused:
            read(tmp_path)
        told.append(refused.value.message)
    assert told[0] == told[1]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_reading_on_in_another_journal_reads_it_whole(tmp_path: Path, kept: int) -> None:
    """Lines taken from its end, and others put there: none of those known is taken for granted."""
    for number in range(3):
        note(tmp_path, said=f"a{number + 1}")
    upto = journal.read_on(tmp_path, UNREAD).upto
    (tmp_path / journal.NAME).write_bytes(b"".join(lines(tmp_path)[:kept]))
    for number in range(3):
        note(tmp_path, said=f"b{number + 1}")
        found = journal.read_on(tmp_path, upto)
        assert not found.on
        assert tuple(found.lines) == journal.read(tmp_path)


def test_reading_on_does_not_read_lines_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: each is taken apart once."""
    for number in range(20):
        note(tmp_path, said=f"a{number + 1}")
    upto = journal.read_on(tmp_path, UNREAD).upto
    note(tmp_path, said="b")
    taken: list[bytes] = []
    read = canonical.read

    def noted(data: bytes) -> Any:
        taken.append(data)
        return read(data)

    monkeypatch.setattr(canonical, "read", noted)
    (found,) = journal.read_on(tmp_path, upto).lines
    assert found["said"] == "b"
    # The last one known too: it is what the new one names.
    assert taken == lines(tmp_path)[-2:]


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_reading_on_tells_of_an_end_that_is_missing(tmp_path: Path, kept: int) -> None:
    """Half a line is left out, and what lacks its end alone is read; either way it is told."""
    note(tmp_path, said="a")
    upto = journal.read_on(tmp_path, UNREAD).upto
    note(tmp_path, said="b")
    first, last = lines(tmp_path)
    (tmp_path / journal.NAME).write_bytes(first + last[:kept])
    found = journal.read_on(tmp_path, upto)
    assert (found.on, found.ended, found.upto) == (True, False, UNREAD)
    assert [each["said"] for each in found.lines] == (["b"] if kept == -1 else [])
    assert [each["said"] for each in journal.read(tmp_path)] == (
        ["a", "b"] if kept == -1 else ["a"]
    )


def test_an_answer_that_is_gone_is_told_in_one_line() -> None:
    """Whoever answered may be called anything."""
    (told,) = journal.gone_of([{"by": "a\n\x1b[2JVERIFIED", "answer": "rejected"}], ())
    assert told.isprintable()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be synced is taken back, and its number is free again."""
    note(tmp_path, said="a")
    before = (tmp_path / journal.NAME).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(durable, "sync", full)
        with pytest.raises(errors.EvidenceNotWritable):
            note(tmp_path, said="b")
    assert (tmp_path / journal.NAME).read_bytes() == before
    note(tmp_path, said="b")
    assert [each["n"] for each in journal.read(tmp_path)] == [1, 2]


def test_many_writers_leave_one_chain(tmp_path: Path) -> None:
    """Each waits for its turn; no line is lost, none stands twice."""
    threads = [
        threading.Thread(target=lambda n=n: [note(tmp_path, said=f"{n}-{m}") for m in range(5)])
        for n in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    said = [each["said"] for each in journal.read(tmp_path)]
    assert sorted(said) == sorted(f"{n}-{m}" for n in range(6) for m in range(5))


def test_no_secret_is_kept(tmp_path: Path) -> None:
    """What a notifier's error quotes goes through the redactor like everything else."""
    redactor = Redactor()
    redactor.register("hunter2-hunter2", name="a token")
    entry = {**ABOUT, "kind": "told-failed", "why": "401 for hunter2-hunter2"}
    journal.append(tmp_path, entry, redactor=redactor)
    assert b"hunter2" not in (tmp_path / journal.NAME).read_bytes()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nobody can have the journal written elsewhere by putting a link in its place."""
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / journal.NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.EvidenceNotWritable):
        note(tmp_path)
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_bundle_outside_a_root_has_no_journal(tmp_path: Path) -> None:
    """There is no saying where it would belong."""
    assert journal.root_of(tmp_path / "marquez" / "x", "marquez") == tmp_path
    with pytest.raises(errors.BundleUnreadable, match="evidence root"):
        journal.root_of(tmp_path / "arc" / "x", "marquez")


def test_it_is_lines_that_other_tools_read(tmp_path: Path) -> None:
    """One JSON object a line, in UTF-8."""
    note(tmp_path, said="ü")
    (line,) = lines(tmp_path)
    assert json.loads(line)["said"] == "ü"
    assert "ü".encode() in line
