"""One bundle more costs its own few pages, and the result is what a whole build gives."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.publishing import board
from fixtures.publishing.board import above, changes, pages, places
from tests.harness.publishing.board.conftest import NOW, Draw, Make, pages_of


def anew(output: Path) -> None:
    """Forget what the last build knew."""
    shutil.rmtree(output / ".index")


def kept(index: Path, stem: str) -> Path:
    """A file that the index keeps, of the word there are bundles of."""
    return max(index.glob(f"{stem}*"), key=lambda path: path.stat().st_size)


def written(built: board.Built) -> set[str]:
    return {path.relative_to(built.output).as_posix() for path in built.written}


def test_one_more_rewrites_its_own_pages_only(make: Make, draw: Draw) -> None:
    """Its page, one page of history, its word's, the first: however many others there are."""
    for days in range(2, 120, 9):
        make(days)
        make(days, word="arc")
    draw()
    make(1)
    built = draw()
    assert built.read == 1
    names = {name for name in written(built) if not name.startswith("bundles/")}
    assert names == {"history/marquez-202611.html", "marquez.html", "index.html", ".gitignore"}
    assert len(built.written) == 5


def test_nothing_new_writes_nothing(make: Make, draw: Draw) -> None:
    """A build that finds what the last one found leaves every file alone."""
    make(1)
    draw()
    again = draw()
    assert (again.read, again.written, again.bundles) == (0, [], 1)
    assert again.lines[0].state == "ready for sign-off"


def test_the_index_changes_nothing_but_the_cost(make: Make, draw: Draw) -> None:
    """Added one by one, in any order, or read all at once: the same pages, byte for byte."""
    for days, mode in ((40, "live"), (3, "dry run"), (90, "local"), (1, "live"), (2, "live")):
        make(days, mode=mode)
        built = draw()
    grown = pages_of(built.output)
    anew(built.output)
    assert draw().read == 5
    assert pages_of(built.output) == grown
    shutil.rmtree(built.output)
    draw()
    assert pages_of(built.output) == grown


def test_a_day_later_only_ages_change(make: Make, draw: Draw) -> None:
    """Ages are told in days: the next day rewrites the pages that tell them, and no other."""
    make(1)
    output = draw().output
    assert "Last live rehearsal yesterday" in (output / "index.html").read_text("utf-8")
    built = draw(now=NOW + timedelta(days=1))
    assert not {name for name in written(built) if "/" in name}
    assert "Last live rehearsal 2 days ago" in (output / "index.html").read_text("utf-8")


def test_what_is_gone_is_gone(make: Make, draw: Draw) -> None:
    """A bundle taken away takes its pages with it."""
    kept, gone = make(1), make(40)
    output = draw().output
    assert len(list((output / "bundles").iterdir())) == 2
    shutil.rmtree(gone)
    built = draw()
    assert built.bundles == 1
    assert [path.name[:24] for path in (output / "bundles").iterdir()] == [f"marquez-{kept.name}"]
    assert [path.name for path in (output / "history").iterdir()] == ["marquez-202611.html"]


def test_pages_left_over_are_swept(make: Make, draw: Draw) -> None:
    """Without an index too: what no bundle stands behind is no page of the board."""
    folder = make(1)
    output = draw().output
    shutil.rmtree(folder)
    anew(output)
    (output / "bundles" / "mine.txt").write_text("not ours")
    draw()
    assert [path.name for path in (output / "bundles").iterdir()] == ["mine.txt"]


def test_a_full_month_is_split(make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a month holds too many, its days have pages; the step over leaves no stale page."""
    monkeypatch.setattr(places, "MOST", 3)
    for days in (1, 2, 3):
        make(days)
    output = draw().output
    assert [path.name for path in (output / "history").iterdir()] == ["marquez-202611.html"]
    make(3.1)
    built = draw()
    assert built.read == 1
    assert sorted(path.name for path in (output / "history").iterdir()) == [
        "marquez-2026111.html",
        "marquez-2026112.html",
    ]
    grown = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == grown


def test_one_bundle_below_two_roots_is_one(
    make: Make, draw: Draw, root: Path, tmp_path: Path
) -> None:
    """A copy is not a second rehearsal; taking away the one that is linked links the other."""
    folder = make(1)
    other = tmp_path / "copy"
    copy = Path(shutil.copytree(folder, other / "marquez" / folder.name))
    built = draw(root, other)
    assert built.bundles == 1
    (page,) = (built.output / "bundles").iterdir()
    both = pages_of(built.output)
    shutil.rmtree(folder)
    draw(root, other)
    assert f"../../../{other.name}/marquez/{copy.name}/report.html" in page.read_text("utf-8")
    shutil.copytree(copy, folder)
    draw(root, other)
    assert pages_of(built.output) == both


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda at: (at / "board.json").write_bytes(b"{"), id="no-json"),
        pytest.param(lambda at: (at / "board.json").write_bytes(b"[1]"), id="no-index"),
        pytest.param(lambda at: (at / "board.json").unlink(), id="top-gone"),
        pytest.param(
            lambda at: (at / "board.json").write_bytes(
                (at / "board.json").read_bytes().replace(b'"shown"', b'"show"')
            ),
            id="of-another-form",
        ),
        pytest.param(lambda at: kept(at, "names-").unlink(), id="names-gone"),
        pytest.param(lambda at: kept(at, "names-").write_bytes(b"x"), id="other-names"),
        pytest.param(lambda at: kept(at, "pages-marquez").unlink(), id="pages-gone"),
    ],
)
def test_spoilt_index_is_made_again(
    make: Make, draw: Draw, spoil: Callable[[Path], object]
) -> None:
    """It saves time and nothing else: all is read again, the pages come out the same."""
    make(1)
    make(2, mode="dry run")
    output = draw().output
    spoil(output / ".index")
    make(3, mode="local")
    assert draw().read == 3
    grown = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == grown


def test_spoilt_rows_are_read_again(make: Make, draw: Draw) -> None:
    """Rows of history that cannot be read are read from the bundles when their page is due."""
    make(2)
    output = draw().output
    (output / ".index" / "marquez-202611.json").write_bytes(b"nothing")
    make(1)
    built = draw()
    assert (built.read, built.bundles) == (2, 2)


def test_spoilt_rows_of_what_decides_are_read_again(make: Make, draw: Draw) -> None:
    """Of a page of history that is not due, and from which the word's own page is drawn."""
    make(40)
    output = draw().output
    (output / ".index" / "marquez-202610.json").write_bytes(b"nothing")
    make(1, mode="dry run")
    assert draw().read == 2
    grown = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == grown


def test_a_build_cut_short_is_finished_by_the_next(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at any write: the next build leaves what an undisturbed one would have."""
    make(40)
    output = draw().output
    make(1)
    replace, stops = Path.replace, 0

    class Stop(Exception):
        pass

    def after(limit: int) -> Callable[[Path, Path], Path]:
        writes = iter(range(limit))

        def act(self: Path, target: Path) -> Path:
            if next(writes, None) is None:
                raise Stop
            return replace(self, target)

        return act

    with monkeypatch.context() as cut:
        while True:
            cut.setattr(Path, "replace", after(stops))
            try:
                draw()
            except Stop:
                stops += 1
            else:
                break
    assert stops >= 5
    draw()
    finished = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == finished


def test_two_builders_at_once(make: Make, draw: Draw) -> None:
    """They wait for each other; the pages are those of one."""
    for days in (1, 2, 3):
        make(days)
    threads = [threading.Thread(target=draw) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    output = draw().output
    together = pages_of(output)
    anew(output)
    draw()
    assert pages_of(output) == together


def test_a_builder_that_does_not_end_is_told_of(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the board is named, not waited for without end."""
    from filelock import FileLock

    output = draw().output
    monkeypatch.setattr(board, "LOCK_TIMEOUT_S", 0.01)
    with FileLock(output / ".lock"), pytest.raises(errors.EvidenceNotWritable, match=r"\.lock"):
        draw()


def test_nothing_is_written_into_a_bundle(make: Make, draw: Draw) -> None:
    """A sealed directory is no place for pages, nor is anything below it."""
    folder = make(1)
    for output in (folder, folder / "board"):
        with pytest.raises(errors.SettingsInvalid, match="sealed"):
            draw(output=output)


def test_bundles_are_left_alone(make: Make, draw: Draw, root: Path) -> None:
    """A build changes nothing below the roots but its own folder."""
    make(1)
    make(2, mode="dry run")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path != root}
    output = draw().output
    after = {
        path: path.stat().st_mtime_ns
        for path in root.rglob("*")
        if output not in (path, *path.parents)
    }
    assert after == before


def test_old_history_is_looked_through_in_turns(
    make: Make, draw: Draw, own: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written into an old bundle is seen within days, and at once by a full look."""
    monkeypatch.setattr(changes, "LOOKED_THROUGH_A_DAY", 2)
    monkeypatch.setattr(pages, "TREND", 2)
    old = own(make(400))
    for days in (1, 2, 3, 40, 80, 120, 160):
        make(days)
    output = draw().output
    (old / "SHA256SUMS").write_bytes(b"nothing")
    seen = [draw(now=NOW + timedelta(days=days)).refused for days in range(4)]
    assert sorted(seen) == seen
    assert (seen[0], seen[-1]) == (0, 1)
    anew(output)
    assert draw().refused == 1
    (old / "SHA256SUMS").unlink()
    assert draw(everything=True).read == 8


@pytest.mark.parametrize("day", [0, 1])
def test_what_decides_is_always_looked_at(
    make: Make,
    draw: Draw,
    own: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
    day: int,
) -> None:
    """The live bundle a rehearsal's readiness hangs on, however old; whosever turn it is."""
    monkeypatch.setattr(changes, "LOOKED_THROUGH_A_DAY", 1)
    old = own(make(700))
    for days in range(1, 300, 40):
        make(days, mode="dry run")
    assert draw().refused == 0
    (old / "SHA256SUMS").write_bytes(b"nothing")
    assert draw(now=NOW + timedelta(days=day)).refused == 1


def test_one_more_rewrites_little_of_the_index(make: Make, draw: Draw) -> None:
    """Of the index too: the names on its shelf, its word's pages, its own rows, and the top."""
    for days in range(2, 300, 20):
        for word in ("marquez", "arc", "e2e"):
            make(days, word=word)
    index = draw().output / ".index"
    before = {path.name: path.stat().st_mtime_ns for path in index.iterdir()}
    make(1)
    draw()
    after = {path.name: path.stat().st_mtime_ns for path in index.iterdir()}
    assert len(after) == len(before)
    changed = {name.partition("@")[0] for name in after if after[name] != before.get(name)}
    assert {name for name in changed if not name.startswith("names-")} == {
        "board.json",
        "marquez-202611.json",
        "pages-marquez",
    }
    assert len(changed) == 4


def test_old_history_is_found_by_year(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal's page links to so many months; the others by pages of their years."""
    monkeypatch.setattr(above, "LISTED", 2)
    for days in (1, 40, 80, 400, 430):
        make(days)
    output = draw().output
    page = (output / "marquez.html").read_text("utf-8")
    assert page.count('href="history/marquez-20') == 4
    for year, months in (("2025", ("202510", "202509")), ("2026", ("202609",))):
        listed = (output / "history" / f"marquez-{year}.html").read_text("utf-8")
        assert [month for month in months if f"history/marquez-{month}.html" in listed] == [
            *months
        ]
        assert f'href="history/marquez-{year}.html"' in page
    make(2)
    built = draw()
    assert {name for name in written(built) if name.startswith("history/")} == {
        "history/marquez-202611.html"
    }
    for days in (1, 2, 40, 80):
        shutil.rmtree(
            next((output.parent / "marquez").glob(f"{NOW - timedelta(days=days):%Y%m%d}*"))
        )
    draw()
    assert {path.name for path in (output / "history").iterdir()} == {
        "marquez-202510.html",
        "marquez-202509.html",
    }


def test_history_is_looked_through_once_a_day(
    make: Make, draw: Draw, own: Callable[[Path], Path]
) -> None:
    """Further builds of a day look at the first pages' bundles, and leave old history alone."""
    old = own(make(400))
    for days in range(1, 14):
        make(days)
    draw()
    (old / "SHA256SUMS").write_bytes(b"nothing")
    make(0.5)
    assert draw().refused == 0
    assert draw(now=NOW + timedelta(days=1)).refused == 1
