"""Self-tests of logs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import transcript
from fixtures.evidence.sink import Sink
from fixtures.evidence.transcript import LONGEST_LINE_BYTES, Transcript, output_lines

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (.*)\n")


class Written:
    """A log under way, and what the disk has of it in the end."""

    def __init__(self, log: Transcript, path: Path) -> None:
        self.log = log
        self._path = path

    def take(self, *pieces: bytes) -> Written:
        """Write all pieces, and the end."""
        for piece in pieces:
            self.log.write(piece)
        self.log.end()
        return self

    @property
    def text(self) -> str:
        """The file as it stands."""
        return self._path.read_bytes().decode("utf-8", "replace")

    @property
    def lines(self) -> list[str]:
        """The output, read back."""
        with self._path.open(encoding="utf-8", errors="replace") as file:
            return list(output_lines(file))


@pytest.fixture(params=[Mode.LIVE, Mode.DRY_RUN], ids=["live", "dry-run"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Every mode a log can be of."""
    return Mode(request.param)


@pytest.fixture
def written(tmp_path: Path, mode: Mode) -> Iterator[Written]:
    """A log that knows one secret."""
    redactor = Redactor()
    redactor.register("secret-value", name="S")
    with Sink(tmp_path, redactor).stream("cli.log") as file:
        yield Written(Transcript(file, redactor, mode=mode), tmp_path / ".cli.log.part")


def test_every_line_is_stamped(written: Written, mode: Mode) -> None:
    """A moment before each line, and in a dry run the words that say so."""
    text = written.take(b"one\ntwo\n").text
    said = STAMPED.findall(text)
    prefix = "[dry run] " if mode is Mode.DRY_RUN else ""
    assert said == [f"{prefix}one", f"{prefix}two"]
    assert len(text.splitlines()) == 2


def test_header_and_footer_are_remarks(written: Written, mode: Mode) -> None:
    """Our own lines begin with a hash, and are no output."""
    head = transcript.header(["hotpass", "a b"], cwd=Path("/x"), variables=["B", "A", "A"])
    written.log.remark(head)
    written.log.write(b"# not a remark\n")
    written.log.end()
    written.log.remark(["exit code 0"])
    prefix = "[dry run] " if mode is Mode.DRY_RUN else ""
    first, second, third, _, last = written.text.splitlines()
    assert first == f"# {prefix}argv: hotpass 'a b'"
    assert second == f"# {prefix}working directory: /x"
    assert third == f"# {prefix}variables set: A, B"
    assert last == f"# {prefix}exit code 0"
    assert written.lines == ["# not a remark"]


def test_no_variable_is_said_in_words() -> None:
    """Nothing handed over is said, not left out."""
    assert transcript.header(["x"], cwd=Path("/"), variables=[])[-1] == "variables set: none"


def test_a_remark_is_one_line_and_masked(written: Written) -> None:
    """An argv may hold anything: an end of line, a secret, bytes that are no UTF-8."""
    written.log.remark(["argv: a\nb secret-value \udcff"])
    assert written.text.count("\n") == 1
    assert "argv: a\\nb [REDACTED:v-1] \\udcff" in written.text


TEXT = b"one\r\ntwo\rthree\n\r\nfour"
LINES = ["one", "two", "three", "", "four"]


@pytest.mark.parametrize("size", range(1, len(TEXT) + 1))
def test_ends_of_line_survive_any_cut(written: Written, size: int) -> None:
    """CR LF is one end wherever it is cut; a bare CR, as progress bars write it, is one too."""
    written.take(*(TEXT[start : start + size] for start in range(0, len(TEXT), size)))
    assert written.lines == LINES


def test_an_unfinished_last_line_is_kept(written: Written) -> None:
    """The end of the output ends the line, once."""
    written.take(b"one\nhalf")
    written.log.end()
    assert written.lines == ["one", "half"]
    assert written.text.endswith("half\n")


def test_lines_arrive_as_they_end(written: Written) -> None:
    """A kill loses no line that was whole."""
    written.log.write(b"one\ntw")
    assert written.lines == ["one"]


def test_an_endless_line_is_broken(written: Written) -> None:
    """One line without end does not fill the memory, and nothing of it is lost."""
    for _ in range(5):
        written.log.write(b"x" * LONGEST_LINE_BYTES)
    assert len(written.text.splitlines()) >= 4
    written.take(b"\nend\n")
    assert max(map(len, written.lines)) <= LONGEST_LINE_BYTES
    assert "".join(written.lines) == "x" * LONGEST_LINE_BYTES * 5 + "end"


def test_secrets_and_colours_do_not_reach_the_disk(written: Written) -> None:
    """Wherever a value is cut, and whatever colour it has."""
    written.take(b"\x1b[31msec", b"ret-", b"val\x1b[0", b"mue\x1b[0m and\n")
    assert written.lines == ["[REDACTED:v-1] and"]


def test_last_lines(written: Written) -> None:
    """The last lines that say anything, as they were saved."""
    written.take(*(b"%d\n\n  \n" % number for number in range(100)), b"  secret-value\n")
    assert written.log.last_lines(3) == ("98", "99", "[REDACTED:v-1]")
    assert written.log.last_lines(0) == ()
    assert len(written.log.last_lines(1000)) == transcript.KEPT_LINES


def test_a_last_line_is_not_endless(written: Written) -> None:
    """What is quoted elsewhere is cut."""
    written.take(b"x" * 5000 + b"\n")
    assert [len(line) for line in written.log.last_lines(1)] == [500]


def test_output_reads_back(written: Written) -> None:
    """Stamps and prefixes are taken off again, and nothing of the output with them."""
    said = ["", "a", " indented", "# hash", "2025-12-03T12:00:00.000Z x", "é\u2028", "a  b "]
    written.take("\n".join(said).encode() + b"\n")
    assert written.lines == said


def test_bytes_that_are_no_text_pass(written: Written) -> None:
    """A log may hold anything; all but control codes is kept byte by byte."""
    written.take(b"\xff\xfe\x00\n")
    assert written.lines == ["\ufffd\ufffd"]


def test_stamps_never_go_back(written: Written) -> None:
    """Lines are stamped in the order they came."""
    stamps = [line[:24] for line in written.take(*[b"x\n"] * 50).text.splitlines()]
    assert all(one <= other for one, other in itertools.pairwise(stamps))
