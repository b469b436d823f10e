"""Self-tests of the one sink."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical
from fixtures.evidence.sink import Sink

SECRET = "secret-value"
MASK = "[REDACTED:v-1]"


@pytest.fixture
def sink(tmp_path: Path) -> Sink:
    """A sink that knows one secret."""
    redactor = Redactor()
    redactor.register(SECRET, name="S")
    return Sink(tmp_path, redactor)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../up.json",
        "a/../../up.json",
        "a/./b",
        "/etc/passwd",
        "a//b",
        "a/",
        "a\\b",
        "a b",
        "a\nb",
        "a\0b",
        "ä.json",
        "~root",
        "-rf",
        "a/b/c/d/e",
        "x" * 122,
        "a.json\n",
    ],
)
def test_illegal_names_are_refused(sink: Sink, name: str) -> None:
    """No path upwards, nothing hidden, nothing a shell or another system reads otherwise."""
    with pytest.raises(errors.ArtefactRefused):
        sink.save(name, b"x")
    with pytest.raises(errors.ArtefactRefused):
        sink.save_json(name, {})
    with pytest.raises(errors.ArtefactRefused), sink.stream(name):
        pass
    assert list(sink.folder.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "SHA256SUMS",
        "sha256sums",
        "attestation.dsse.json",
        "ledger.jsonl",
        "diff.json",
        "Diff.json",
        "diff.json/within.txt",
        "report.html",
        "redactions.json",
        "junit.xml",
        "manifest.json/within.txt",
    ],
)
def test_the_names_of_the_seal_are_taken(sink: Sink, name: str) -> None:
    """An artefact cannot stand where sealing would write over it."""
    with pytest.raises(errors.ArtefactRefused, match="sealing"):
        sink.save(name, b"x")


def test_sealing_has_its_own_names(sink: Sink) -> None:
    """Views are saved when it is sealed, under their very names, and nothing else is then free."""
    sink.sealing = True
    assert sink.save("diff.json", b"{}\n").path == "diff.json"
    for name in ("Report.html", "junit.xml/within", "manifest.json"):
        with pytest.raises(errors.ArtefactRefused, match="a name that sealing uses"):
            sink.save(name, b"x\n")


@pytest.mark.parametrize(
    "name", ["cli.log", "artifacts/summary.json", "runs.json.page-2", "a_b-c"]
)
def test_legal_names_are_taken(sink: Sink, name: str) -> None:
    """Sub-folders are made as needed, and what is said of the file is so."""
    saved = sink.save(name, b"content")
    assert (sink.folder / name).read_bytes() == b"content"
    assert (saved.path, saved.size_bytes) == (name, 7)
    assert saved.sha256 == hashlib.sha256(b"content").hexdigest()


@pytest.mark.parametrize(
    "again", ["cli.log", "CLI.LOG", "Cli.log"], ids=["same", "upper", "mixed"]
)
def test_a_name_is_taken_once(sink: Sink, again: str) -> None:
    """Nothing is written twice, nor beside a twin that another system takes for the same."""
    sink.save("cli.log", b"first")
    with pytest.raises(errors.ArtefactRefused, match="there already"):
        sink.save(again, b"second")
    assert [path.name for path in sink.folder.iterdir()] == ["cli.log"]
    assert (sink.folder / "cli.log").read_bytes() == b"first"


def test_text_is_masked_and_counted(sink: Sink) -> None:
    """The disk holds the mask, the digest is of what it holds, the count names no value."""
    saved = sink.save("notes.md", f"{SECRET} and {SECRET}".encode())
    data = (sink.folder / "notes.md").read_bytes()
    assert data == f"{MASK} and {MASK}".encode()
    assert saved.sha256 == hashlib.sha256(data).hexdigest()
    assert sink.masked == {"notes.md": {MASK: 2}}


@pytest.mark.parametrize("form", ["payload", "pretty"])
def test_json_is_masked_and_stays_json(sink: Sink, form: str) -> None:
    """Keys and values; nothing to count, nothing noted."""
    sink.save_json("a.json", {SECRET: [SECRET]}, form=form)  # type: ignore[arg-type]  # of the list
    sink.save_json("b.json", {"x": 1})
    assert SECRET.encode() not in (sink.folder / "a.json").read_bytes()
    assert sink.masked == {"a.json": {MASK: 2}}


def as_served(*pages: dict[str, Any]) -> list[tuple[bytes, dict[str, Any]]]:
    return [(json.dumps(page).encode(), page) for page in pages]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([[]], id="nothing"),
        pytest.param([[{"id": "1"}]], id="one-row"),
        pytest.param([[{"id": "1"}, {"id": "2"}], []], id="empty-last-page"),
        pytest.param([[{"id": "1"}], [{"id": "ü", "x": [1, None]}], ["3"]], id="three-pages"),
    ],
)
def test_pages_become_one_payload(sink: Sink, pages: list[list[Any]]) -> None:
    """All rows in their order under their key, a line each; below them what the last page says."""
    served = [{"totalCount": number, "runs": rows} for number, rows in enumerate(pages)]
    saved = sink.save_pages(
        "runs.json", as_served(*served), key="runs", beside=lambda: {"_rehearsal": {"pages": 3}}
    )
    data = (sink.folder / "runs.json").read_bytes()
    joined = [row for rows in pages for row in rows]
    assert canonical.read(data) == {
        "runs": joined,
        "totalCount": len(pages) - 1,
        "_rehearsal": {"pages": 3},
    }
    assert sum(line.startswith(b'{"') or line == b'"3"' for line in data.splitlines()) == len(
        joined
    )
    assert (saved.path, saved.size_bytes) == ("runs.json", len(data))
    assert saved.sha256 == hashlib.sha256(data).hexdigest()


def test_pages_without_anything_beside_them_are_json(sink: Sink) -> None:
    """A payload that is nothing but its list closes too."""
    sink.save_pages("runs.json", as_served({"runs": [{"id": 1}]}), key="runs")
    assert canonical.read((sink.folder / "runs.json").read_bytes()) == {"runs": [{"id": 1}]}


def test_pages_are_masked(sink: Sink) -> None:
    """In rows, in what stands beside them, by value and by name; and counted."""
    pages = as_served(
        {"runs": [{"id": "1"}]}, {"runs": [{"id": SECRET, "password": "hunter2"}], "at": SECRET}
    )
    sink.save_pages("runs.json", pages, key="runs")
    data = (sink.folder / "runs.json").read_text(encoding="utf-8")
    assert SECRET not in data
    assert "hunter2" not in data
    assert json.loads(data)["at"] == MASK
    assert sink.masked["runs.json"][MASK] == 2


@pytest.mark.parametrize(
    "wrong", [errors.SystemUnreachable("gone", hint="Look."), KeyboardInterrupt()]
)
def test_pages_that_break_off_leave_nothing(sink: Sink, wrong: BaseException) -> None:
    """No short list under any name; asked for again, the export begins anew and is whole."""
    first, second = as_served({"runs": [1, 2]}, {"runs": [3]})

    def broken() -> Iterator[tuple[bytes, dict[str, Any]]]:
        yield first
        raise wrong

    with pytest.raises(type(wrong)):
        sink.save_pages("lists/runs.json", broken(), key="runs")
    assert list(sink.folder.iterdir()) == []
    assert sink.masked == {}
    sink.save_pages("lists/runs.json", [first, second], key="runs")
    whole = canonical.read((sink.folder / "lists/runs.json").read_bytes())
    assert whole == {"runs": [1, 2, 3]}


def test_pages_killed_half_way_are_no_json(sink: Sink) -> None:
    """What a kill leaves lies aside, under a name and in a form that nobody takes for whole."""
    seen: list[bytes] = []

    def watched() -> Iterator[tuple[bytes, dict[str, Any]]]:
        for page in as_served({"runs": ["x" * 100_000]}, {"runs": ["y"]}):
            yield page
            assert [path.name for path in sink.folder.iterdir()] == [".runs.json.part"]
            seen.append((sink.folder / ".runs.json.part").read_bytes())

    sink.save_pages("runs.json", watched(), key="runs")
    for left in seen:
        with pytest.raises(ValueError, match=r"\S"):
            canonical.read(left)


def test_pages_with_a_value_that_is_no_json_are_refused(sink: Sink) -> None:
    """NaN in a later page too; nothing is left of the pages before."""
    nan: dict[str, Any] = {"runs": [float("nan")]}
    pages = [(b"{}", {"runs": [1]}), (b"{}", nan)]
    with pytest.raises(errors.ArtefactRefused, match=r"runs\.json"):
        sink.save_pages("runs.json", pages, key="runs")
    assert list(sink.folder.iterdir()) == []


def test_pictures_are_left_alone(sink: Sink) -> None:
    """A mask would break a picture; what it shows has passed as text before."""
    sink.save("graph.png", SECRET.encode())
    assert (sink.folder / "graph.png").read_bytes() == SECRET.encode()
    assert sink.masked == {}


def test_a_value_that_is_no_json_is_refused(sink: Sink) -> None:
    """NaN is refused before the name is taken."""
    with pytest.raises(errors.ArtefactRefused, match=r"a\.json"):
        sink.save_json("a.json", {"x": float("nan")})
    sink.save_json("a.json", {"x": 1.5})


def test_a_stream_is_kept_piece_by_piece(sink: Sink) -> None:
    """Pieces arrive aside, the name stands when all is there."""
    with sink.stream("cli.log") as file:
        file.write(b"one\n")
        file.flush()
        assert [path.name for path in sink.folder.iterdir()] == [".cli.log.part"]
        assert (sink.folder / ".cli.log.part").read_bytes() == b"one\n"
        file.write(b"two\n")
        assert not file.kept
    assert [path.name for path in sink.folder.iterdir()] == ["cli.log"]
    saved = file.saved("cli.log")
    assert saved.sha256 == hashlib.sha256(b"one\ntwo\n").hexdigest()
    assert (saved.size_bytes, file.kept) == (8, True)


@pytest.mark.parametrize("blow", [KeyboardInterrupt, ValueError, OSError])
def test_a_stream_is_kept_however_it_ends(sink: Sink, blow: type[BaseException]) -> None:
    """What arrived before the trouble is evidence of the trouble."""

    def arrive() -> None:
        with sink.stream("cli.log") as file:
            file.write(b"one\n")
            raise blow

    with pytest.raises(blow):
        arrive()
    assert (sink.folder / "cli.log").read_bytes() == b"one\n"


def test_a_stream_on_a_full_disk_is_no_artefact(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is an error, never a shorter file."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.EvidenceNotWritable), sink.stream("cli.log") as file:
        file.write(b"one\n")
    assert not file.kept
    assert not (sink.folder / "cli.log").exists()


class Full:
    """A disk that refuses some writes of a file."""

    def __init__(self, file: IO[Any], refused: set[int]) -> None:
        self._file = file
        self._refused = refused
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        """Write, or refuse."""
        self._calls += 1
        if self._calls in self._refused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(data))


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_stream_with_a_gap_is_no_artefact(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    """One piece refused, the next ones taken: what is there is a part, whoever caught that."""

    def opened(path: Path, mode: str) -> Full:
        return Full(io.open(path, mode), {missing})  # noqa: UP020 - Path.open is what is replaced

    monkeypatch.setattr(Path, "open", opened)
    with sink.stream("logs/cli.log") as file:
        for number in (1, 2, 3):
            with contextlib.suppress(errors.EvidenceNotWritable):
                file.write(b"%d\n" % number)
    left = b"1\n2\n3\n".replace(b"%d\n" % missing, b"")
    assert not file.kept
    assert [path.name for path in (sink.folder / "logs").iterdir()] == ["cli.log.part"]
    assert (sink.folder / "logs" / "cli.log.part").read_bytes() == left


@pytest.mark.parametrize("how", ["save", "save_json", "stream"])
def test_no_folder_without_an_artefact(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A folder whose first file was refused is gone again: no bundle holds an empty one."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    ways: dict[str, Callable[[], object]] = {
        "save": lambda: sink.save("a/b/x.txt", b"x"),
        "save_json": lambda: sink.save_json("a/b/x.json", {}),
        "stream": lambda: sink.stream("a/b/x.log").__enter__(),
    }
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(errors.EvidenceNotWritable):
        ways[how]()
    assert list(sink.folder.iterdir()) == []
