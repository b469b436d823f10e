"""Pictures written to after the board has read them: seen by the next build, either way."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.publishing.board import above, changes, pages, places
from fixtures.publishing.board.readiness import State
from tests.harness.publishing.board.conftest import NOW, Draw, Make, pages_of
from tests.harness.publishing.board.test_incremental import anew, kept
from tests.harness.publishing.board.test_readiness import answer, line

PICTURE = "graph.png"


@pytest.mark.parametrize(
    "how", [{}, {"everything": True}, {"now": NOW + timedelta(days=1)}], ids=["next", "all", "day"]
)
def test_a_picture_that_was_replaced_is_not_done(
    make: Make, draw: Draw, how: dict[str, Any]
) -> None:
    """Accepted and done, then another picture: refused by whatever build comes next."""
    folder = make(1)
    answer(folder, accepted=True)
    assert line(draw()).state is State.DONE
    (folder / PICTURE).write_bytes(b"another")
    built = draw(**how)
    assert built.refused == 1
    assert all(each.state is State.NEVER for each in built.lines)
    assert "graph.png was changed" in (built.output / "index.html").read_text("utf-8")


def test_a_picture_that_was_restored_is_refused_no_more(make: Make, draw: Draw) -> None:
    """The bytes that were sealed are back: done, and the pages are what they were."""
    folder = make(1)
    answer(folder, accepted=True)
    sealed = (folder / PICTURE).read_bytes()
    before = pages_of(draw().output)
    for spoil in (lambda at: at.write_bytes(b"another"), Path.unlink):
        spoil(folder / PICTURE)
        assert draw().refused == 1
        (folder / PICTURE).write_bytes(sealed)
        built = draw()
        assert line(built).state is State.DONE
        assert pages_of(built.output) == before


def test_times_set_back_hide_no_picture(make: Make, draw: Draw) -> None:
    """As many bytes, and the old time: seen all the same."""
    picture = make(1) / PICTURE
    draw()
    seen = picture.stat()
    picture.write_bytes(b"x" * seen.st_size)
    os.utime(picture, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert draw().refused == 1


def test_old_pictures_are_looked_at_in_turns_and_by_all(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a bundle that stands on no first page: when its turn comes, or at once by --all."""
    monkeypatch.setattr(changes, "LOOKED_THROUGH_A_DAY", 2)
    monkeypatch.setattr(pages, "TREND", 2)
    monkeypatch.setattr(pages, "RECENT", 1)
    old = make(400)
    for days in (1, 40, 80, 120, 160):
        make(days)
    output = draw().output
    sealed = (old / PICTURE).read_bytes()
    (old / PICTURE).write_bytes(b"another")
    seen = [draw(now=NOW + timedelta(days=days)).refused for days in range(4)]
    assert (seen[0], seen[-1]) == (0, 1)
    (old / PICTURE).write_bytes(sealed)
    assert draw(everything=True).refused == 0
    (old / PICTURE).write_bytes(b"another")
    assert draw(everything=True).refused == 1
    before = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == before


def test_all_reads_every_bundle_again(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In earnest: also what has the same marks as when it was read."""
    monkeypatch.setattr(places, "_mark", lambda _: "the same")
    folders = [make(days) for days in (1, 50)]
    draw()
    (folders[0] / PICTURE).write_bytes(b"another")
    assert draw().refused == 0
    built = draw(everything=True)
    assert (built.read, built.refused) == (2, 1)


@pytest.mark.parametrize("name", ["index.html", "marquez.html", "arc.html", ".index/board.json"])
def test_a_first_page_taken_away_comes_back(make: Make, draw: Draw, name: str) -> None:
    """Nothing else has changed: drawn again, as it was; and a third build writes nothing."""
    make(1)
    output = draw().output
    before = pages_of(output)
    (output / name).unlink()
    draw()
    assert pages_of(output) == before
    assert (output / name).is_file()
    assert draw().written == []


def test_a_page_of_a_bundle_or_of_history_taken_away_comes_back(make: Make, draw: Draw) -> None:
    """Those that the first pages link to, each alone and all at once; also by --all."""
    for days in (1, 2, 40):
        make(days)
    output = draw().output
    before = pages_of(output)
    below = [output / name for name in before if "/" in name]
    assert len(below) == 5
    for lost in (*([each] for each in below), below):
        for each in lost:
            each.unlink()
        draw()
        assert pages_of(output) == before
    for each in below:
        each.write_text("spoilt")
    draw(everything=True)
    assert pages_of(output) == before


def test_a_year_taken_away_comes_back(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to old history is a page like others."""
    monkeypatch.setattr(above, "LISTED", 1)
    for days in (1, 40, 400):
        make(days)
    output = draw().output
    before = pages_of(output)
    (output / "history" / "marquez-2025.html").unlink()
    draw()
    assert pages_of(output) == before


@pytest.mark.parametrize("stem", ["board.json", "names-", "pages-marquez", "marquez-202611.json"])
def test_a_folder_in_the_place_of_the_index_is_no_index(make: Make, draw: Draw, stem: str) -> None:
    """Whichever file of it: all that is needed is made again, and the folder is gone."""
    make(2)
    output = draw().output
    file = kept(output / ".index", stem)
    file.unlink()
    (file / "inner").mkdir(parents=True)
    make(1)
    grown = pages_of(draw().output)
    assert all(path.is_file() for path in (output / ".index").iterdir())
    anew(output)
    draw()
    assert pages_of(output) == grown
