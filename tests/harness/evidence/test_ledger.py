"""Self-tests of the ledger."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import durable, ledger
from fixtures.evidence.ledger import Ledger, write_moment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger goes."""
    return tmp_path / ledger.NAME


@pytest.fixture
def book(path: Path) -> Iterator[Ledger]:
    """A ledger with two lines."""
    made = Ledger(path, Redactor())
    made.append("opened", word="marquez")
    made.append("step", step="1")
    yield made
    made.close()


def test_lines_are_numbered_and_stamped(book: Ledger, path: Path) -> None:
    """Each line says its number, its moment and its kind."""
    lines = ledger.read(path)
    assert [(line["n"], line["kind"]) for line in lines] == [(1, "opened"), (2, "step")]
    assert all(line["at"].endswith("Z") for line in lines)


def test_each_line_is_synced(book: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is on the disk when append returns."""
    synced: list[int] = []
    monkeypatch.setattr(durable, "sync", lambda fd: synced.append(os.fstat(fd).st_size))
    for number in (1, 2):
        book.append("step", step=str(number))
        assert synced[-1] == path.stat().st_size
    assert len(synced) == 2


def test_one_owner_within_a_process(book: Ledger, path: Path) -> None:
    """Opening a second time is refused: holding the lock is owning the bundle."""
    with pytest.raises(errors.BundleUnreadable, match="still running"):
        Ledger(path, Redactor(), create=False)


def test_one_owner_among_processes(
    book: Ledger, path: Path, in_child: Callable[[Callable[[], object]], int]
) -> None:
    """Another process is refused while we own it, and welcome when we are gone."""

    def adopt() -> None:
        Ledger(path, Redactor(), create=False)

    assert in_child(adopt) == 1
    book.close()
    assert in_child(adopt) == 0


def test_a_dead_owner_owns_nothing(
    path: Path, in_child: Callable[[Callable[[], object]], int]
) -> None:
    """A process that was killed lets go: the next one goes on with the next number."""
    assert in_child(lambda: Ledger(path, Redactor()).append("opened")) == 0
    adopted = Ledger(path, Redactor(), create=False)
    assert adopted.append("interrupted", reason="x")["n"] == 2
    adopted.close()


def test_never_created_twice(book: Ledger, path: Path) -> None:
    """A ledger that is there is not begun anew."""
    with pytest.raises(errors.EvidenceNotWritable):
        Ledger(path, Redactor())


def test_closing_twice_does_no_harm(book: Ledger) -> None:
    """Who cleans up need not know whether somebody has."""
    book.close()
    book.close()


@pytest.mark.parametrize("tail", [b"x", b'{"n":3', b'{"at":"","kind":"a","n":3}'])
def test_a_torn_line_is_refused_or_cut(book: Ledger, path: Path, tail: bytes) -> None:
    """A kill leaves half a line: a reader refuses it, recovery cuts it and goes on."""
    book.close()
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    with pytest.raises(errors.BundleUnreadable, match="torn"):
        ledger.read(path)
    assert len(ledger.read(path, torn="cut")) == 2
    adopted = Ledger(path, Redactor(), create=False)
    adopted.cut_torn_line()
    assert path.read_bytes() == whole
    adopted.append("step", step="2")
    adopted.close()
    assert [line["n"] for line in ledger.read(path)] == [1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data.replace(b'"n":2', b'"n":3'), id="number-skipped"),
        pytest.param(lambda data: data.replace(b'"n":2', b'"n":"2"'), id="number-as-text"),
        pytest.param(lambda data: data.partition(b"\n")[2], id="first-line-gone"),
        pytest.param(lambda data: data + data, id="twice"),
        pytest.param(lambda data: data.replace(b",", b", ", 1), id="blank"),
        pytest.param(lambda data: data.replace(b'"kind"', b'"\\u006bind"'), id="escaped"),
        pytest.param(lambda data: data.replace(b'"n":2', b'"n":2,"n":2'), id="key-twice"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="carriage-returns"),
        pytest.param(lambda data: data + b"\n", id="blank-line"),
        pytest.param(lambda data: data + b"3\n", id="a-number"),
        pytest.param(lambda data: data + b"\xff\n", id="no-utf-8"),
        pytest.param(lambda data: data + b"[" * 100_000 + b"\n", id="deeply-nested"),
    ],
)
def test_an_edited_ledger_is_refused(
    book: Ledger, path: Path, change: Callable[[bytes], bytes]
) -> None:
    """Every line has its number and the one form we write."""
    book.close()
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(errors.BundleUnreadable):
        ledger.read(path)


def test_an_unreadable_ledger_is_let_go(book: Ledger, path: Path) -> None:
    """Refused twice for the same reason: a failed adoption does not keep the lock."""
    book.close()
    path.write_bytes(b"nonsense\n")
    for _ in range(2):
        with pytest.raises(errors.BundleUnreadable, match="is no ledger"):
            Ledger(path, Redactor(), create=False)


def test_a_missing_ledger_is_told(tmp_path: Path) -> None:
    """No file is no ledger."""
    with pytest.raises(errors.BundleUnreadable, match="is no ledger"):
        ledger.read(tmp_path / "none.jsonl")


def test_what_is_secret_is_masked(path: Path) -> None:
    """Values and keys, counted by mask; what append returns is what was written."""
    redactor = Redactor()
    redactor.register("correct-horse", name="S")
    book = Ledger(path, redactor)
    entry = book.append("trouble", message="got correct-horse", more={"correct-horse": 1})
    book.close()
    assert b"correct-horse" not in path.read_bytes()
    assert ledger.read(path) == (entry,)
    assert book.masked == {"[REDACTED:v-1]": 2}


@pytest.mark.parametrize("flaw", ["write", "short-write", "sync", "interrupt"])
def test_a_line_that_failed_was_never_there(
    book: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch, flaw: str
) -> None:
    """Full disk or Ctrl-C in the middle of a line: the next one takes its number."""
    before, write = path.read_bytes(), os.write

    def broken_write(descriptor: int, data: bytes) -> int:
        if flaw == "short-write":
            return write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def broken_sync(descriptor: int) -> None:
        if flaw == "interrupt":
            raise KeyboardInterrupt
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        if "write" in flaw:
            patch.setattr(os, "write", broken_write)
        else:
            patch.setattr(os, "fsync", broken_sync)
        refused = KeyboardInterrupt if flaw == "interrupt" else errors.EvidenceNotWritable
        with pytest.raises(refused):
            book.append("step", step="2")
    assert path.read_bytes() == before
    book.append("step", step="3")
    kinds = [line["kind"] for line in ledger.read(path)]
    # Who stopped it with Ctrl-C says so; who goes on after a refusal has a gap, which is told.
    told = [] if flaw == "interrupt" else ["interrupted"]
    assert kinds == ["opened", "step", *told, "step"]


@pytest.fixture
def refused(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of a line that the disk has just refused."""

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for kind in ("artefact", "interrupted"):
            with pytest.raises(errors.EvidenceNotWritable):
                book.append(kind, path="a.json", reason="lost")
    return "artefact"


def test_a_gap_is_told_by_the_next_line(book: Ledger, path: Path, refused: str) -> None:
    """Whatever could not be written, nobody can add the ledger up as if it had been whole."""
    book.append("step", step="2")
    book.append("step", step="3")
    told = ledger.read(path)
    assert [line["kind"] for line in told[2:]] == ["interrupted", "step", "step"]
    assert f"a line ({refused}) is missing: [evidence-not-writable]" in told[2]["reason"]


def test_a_gap_stands_before_any_closing_line(book: Ledger, path: Path, refused: str) -> None:
    """The outcome was decided without the gap: that decision is not written."""
    with pytest.raises(errors.EvidenceNotWritable, match="is missing") as caught:
        book.append("closing", outcome="PASSED")
    assert "rehearsal recover" in caught.value.hint
    assert ledger.read(path)[-1]["kind"] == "interrupted"
    book.append("closing", outcome="INTERRUPTED")


def test_half_a_line_that_stayed_is_cut_later(
    book: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may also refuse to take half a line back: the next line does not follow it."""
    write = os.write

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(errors.EvidenceNotWritable):
            book.append("step", step="2")
    assert not path.read_bytes().endswith(b"\n")
    book.append("step", step="3")
    assert [line["n"] for line in ledger.read(path)] == [1, 2, 3, 4]


def test_what_was_refused_counts_no_mask(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks are counted as they stand on the disk."""
    redactor = Redactor()
    redactor.register("secret-value", name="S")
    book = Ledger(path, redactor)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: 0)
        with pytest.raises(errors.EvidenceNotWritable):
            book.append("trouble", message="got secret-value")
    book.append("trouble", message="got secret-value")
    book.close()
    assert sum(book.masked.values()) == path.read_bytes().count(b"[REDACTED:")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 12, 3, 12, tzinfo=UTC), "2025-12-03T12:00:00.000Z"),
        (datetime(2025, 12, 3, 12, 0, 0, 999_999, tzinfo=UTC), "2025-12-03T12:00:00.999Z"),
        (
            datetime(2025, 12, 3, 1, tzinfo=timezone(timedelta(hours=2))),
            "2025-12-02T23:00:00.000Z",
        ),
    ],
    ids=["whole-second", "cut-not-rounded", "other-zone"],
)
def test_moments_have_one_form(moment: datetime, text: str) -> None:
    """UTC, milliseconds, Z: moments sort as texts."""
    assert write_moment(moment) == text
