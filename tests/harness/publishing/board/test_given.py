"""Answers that the journal has and that lie beside no bundle any more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import sealing, sign_offs
from fixtures.publishing import journal
from fixtures.publishing.board.readiness import State
from fixtures.publishing.journal_lines import Reading, Upto
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import Draw, Make, pages_of
from tests.harness.publishing.board.test_readiness import answer, line


def given(root: Path, folder: Path, *, accepted: bool, by: str = "Ann") -> Path:
    """Answer, and write it down as `rehearsal sign-off` does; the file of the answer."""
    answer(folder, accepted=accepted, by=by)
    file = max(sign_offs.folder_of(folder).iterdir())
    manifest = made.manifest_of(folder)
    journal.append(
        root,
        {
            "kind": "signed-off",
            "word": manifest["word"],
            "run_id": manifest["run_id"],
            "stamp": manifest["stamp"],
            "manifest_sha256": sealing.digest(folder / "manifest.json").sha256,
            "answer": "accepted" if accepted else "rejected",
            "by": by,
            "sha256": sealing.digest(file).sha256,
        },
    )
    return file


def test_a_rejection_taken_away_does_not_make_it_done(make: Make, draw: Draw, root: Path) -> None:
    """Ann accepted, Bob rejected, Bob's answer is deleted: blocked, and whose answer is gone."""
    folder = make(1)
    given(root, folder, accepted=True)
    assert line(draw()).state is State.DONE
    rejected = given(root, folder, accepted=False, by="Bob")
    assert line(draw()).state is State.BLOCKED
    rejected.unlink()
    built = draw()
    (why,) = line(built).blocks
    assert why.startswith("its sign-off: Bob rejected it at ")
    assert why.endswith("that answer is gone")
    grown = pages_of(built.output)
    assert draw().written == []
    shutil.rmtree(built.output / ".index")
    draw()
    assert pages_of(built.output) == grown


def test_all_answers_taken_away(make: Make, draw: Draw, root: Path) -> None:
    """Also when nothing beside the bundle says that there ever was one."""
    folder = make(1)
    given(root, folder, accepted=False)
    shutil.rmtree(sign_offs.folder_of(folder))
    found = line(draw())
    assert found.state is State.BLOCKED
    assert "Ann rejected it" in found.blocks[0]


def test_an_answer_gone_is_told_whatever_else_blocks(make: Make, draw: Draw, root: Path) -> None:
    """Of one that failed, and of one that nobody signed."""
    cases: tuple[tuple[int, dict[str, Any]], ...] = (
        (2, {"outcome": "FAILED"}),
        (1, {"signer": None}),
    )
    for days, how in cases:
        folder = make(days, **how)
        given(root, folder, accepted=False)
        shutil.rmtree(sign_offs.folder_of(folder))
        blocks = line(draw()).blocks
        assert len(blocks) > 1
        assert blocks[-1].endswith("that answer is gone")


def test_what_the_journal_says_later_is_noticed(make: Make, draw: Draw, root: Path) -> None:
    """A line more, nothing else written: the bundle it is about is read again, and no other."""
    folder = make(1)
    make(2)
    make(40)
    file = given(root, folder, accepted=False)
    kept = (root / journal.NAME).read_bytes()
    (root / journal.NAME).unlink()
    shutil.rmtree(file.parent)
    assert line(draw()).state is State.SIGN_OFF
    (root / journal.NAME).write_bytes(kept)
    built = draw()
    assert (built.read, line(built).state) == (1, State.BLOCKED)


def test_a_journal_is_read_once_and_only_when_it_changed(
    make: Make, draw: Draw, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many bundles it is about; and what was added to it alone."""
    for days in (1, 2, 3):
        given(root, make(days), accepted=True)
    reads: list[Path] = []
    lines: list[int] = []
    read = journal.read_on

    def noted(base: Path, before: Upto) -> Reading:
        reads.append(base)
        found = read(base, before)
        lines.append(len(found.lines))
        return found

    monkeypatch.setattr(journal, "read_on", noted)
    draw()
    assert reads.count(root) == 1
    make(4)
    draw()
    assert reads.count(root) == 1
    given(root, make(5), accepted=True)
    reads.clear()
    lines.clear()
    assert draw().read == 1
    assert reads.count(root) == 1
    assert sum(lines) == 1


def test_reading_on_gives_what_reading_whole_gives(make: Make, draw: Draw, root: Path) -> None:
    """A line at a time, with answers taken away in between: the pages of a board made anew."""
    for days in (1, 2, 3):
        folder = make(days)
        given(root, folder, accepted=True)
        draw()
        given(root, folder, accepted=False, by="Bob").unlink()
        built = draw()
    shutil.rmtree(make(4))
    given(root, folder, accepted=True, by="Cay")
    built = draw()
    assert built.read == 1
    grown = pages_of(built.output)
    draw(everything=True)
    assert pages_of(built.output) == grown


def test_another_journal_is_compared_with_the_one_known(
    make: Make, draw: Draw, root: Path
) -> None:
    """Written anew with one answer less and one more: both are noticed, whatever its length."""
    first, second = make(1), make(2, word="arc")
    path = root / journal.NAME
    for folder in (first, second):
        given(root, folder, accepted=True)
    given(root, first, accepted=False, by="Bob").unlink()
    assert line(draw()).state is State.BLOCKED
    told = journal.read(root)[:-1]
    path.unlink()
    for entry in told:
        journal.append(root, entry)
    given(root, second, accepted=False, by="Bob").unlink()
    built = draw()
    assert built.read == 2
    assert (line(built).state, line(built, "arc").state) == (State.DONE, State.BLOCKED)
    grown = pages_of(built.output)
    draw(everything=True)
    assert pages_of(built.output) == grown


def test_an_old_line_edited_with_a_new_one_behind_it(make: Make, draw: Draw, root: Path) -> None:
    """Where reading on begins nothing is wrong; what was read before is compared all the same."""
    given(root, make(1), accepted=True, by="Ann")
    given(root, make(2), accepted=True, by="Bob")
    assert not draw().unread
    path = root / journal.NAME
    given(root, make(3), accepted=True, by="Cay")
    path.write_bytes(path.read_bytes().replace(b'"by":"Ann"', b'"by":"Amy"'))
    built = draw()
    assert built.unread
    assert all(each.tone != "good" for each in built.lines)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda at: at.write_bytes(b"{}" + at.read_bytes()), id="edited"),
        pytest.param(lambda at: at.write_bytes(at.read_bytes()[20:]), id="cut"),
        pytest.param(lambda at: at.write_bytes(at.read_bytes()[:-1]), id="unended"),
        pytest.param(lambda at: (at.unlink(), at.mkdir()), id="a-folder"),
    ],
)
def test_no_acceptance_counts_by_a_journal_that_cannot_be_read(
    make: Make, draw: Draw, root: Path, spoil: Callable[[Path], object]
) -> None:
    """Deny by default: nothing of that root is done, nor ready for an answer; the page says so."""
    given(root, make(1), accepted=True)
    make(1, word="arc", environment="arc-staging")
    assert line(draw()).state is State.DONE
    path = root / journal.NAME
    kept = path.read_bytes()
    spoil(path)
    built = draw()
    assert built.unread
    assert all(each.tone != "good" for each in built.lines)
    page = (built.output / "index.html").read_text("utf-8")
    assert "cannot be read" in page
    assert "no sign-off there counts" in page
    assert str(root) not in page
    assert draw().unread
    path.rmdir() if path.is_dir() else path.unlink()
    path.write_bytes(kept)
    built = draw()
    assert not built.unread
    assert line(built).state is State.DONE
    assert "no sign-off there counts" not in (built.output / "index.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["size_bytes", "answers", "sha256"])
def test_what_an_index_says_of_a_journal_may_be_anything(
    make: Make, draw: Draw, root: Path, name: str
) -> None:
    """Others can write it: what is of another kind is read anew, without a traceback."""
    folder = make(1)
    given(root, folder, accepted=True)
    built = draw()
    top = built.output / ".index" / "board.json"
    body = json.loads(top.read_bytes())
    for noted in body["journals"].values():
        noted[name] = "7" if name == "size_bytes" else 7
    top.write_text(json.dumps(body), encoding="utf-8")
    given(root, folder, accepted=False, by="Bob")
    assert line(draw()).state is State.BLOCKED


@pytest.mark.parametrize("order", [1, -1], ids=["asked-before", "asked-after"])
def test_another_root_is_not_forgotten(
    make: Make, draw: Draw, root: Path, tmp_path: Path, order: int
) -> None:
    """One root's journal cannot be read, and all is made again: what another tells still holds."""
    other = tmp_path / "other"
    given(root, make(1), accepted=False).unlink()
    given(other, make(2, below=other, word="arc"), accepted=True)
    roots = (root, other)[::order]
    output = root / "board"
    assert "that answer is gone" in line(draw(*roots, output=output)).blocks[0]
    (other / journal.NAME).write_bytes(b"{}")
    for _ in range(2):
        built = draw(*roots, output=output)
        assert built.unread
        assert "that answer is gone" in line(built).blocks[0]


def test_a_good_copy_does_not_hide_a_bad_one(
    make: Make, draw: Draw, root: Path, tmp_path: Path
) -> None:
    """The same bundle below two roots: rejected, or an answer gone, beside one is enough."""
    folder = make(1)
    given(root, folder, accepted=True)
    other = tmp_path / "copy"
    for each in (folder, sign_offs.folder_of(folder)):
        shutil.copytree(each, other / "marquez" / each.name)
    assert line(draw(other, root)).state is State.DONE
    rejected = given(root, folder, accepted=False, by="Bob")
    assert line(draw(other, root)).state is State.BLOCKED
    rejected.unlink()
    found = line(draw(other, root))
    assert found.state is State.BLOCKED
    assert "Bob" in found.blocks[0]
