"""What lies among bundles and is none: named with a reason, never counted."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.publishing.board import oddities
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import Draw, Make, pages_of
from tests.harness.publishing.board.test_given import given
from tests.harness.publishing.board.test_unreadable import shut

Put = Callable[[Path], object]
PARTIAL = ".20261122T000000Z.partial"


def hidden(folder: Path, name: str) -> None:
    """A folder with one file in it."""
    folder.mkdir()
    (folder / name).write_text("{}")


@pytest.mark.parametrize(
    ("name", "put", "why"),
    [
        pytest.param(PARTIAL, Path.mkdir, "left by a killed run", id="killed"),
        pytest.param(".20261122T000000Z.quarantined", Path.mkdir, "secret", id="quarantined"),
        pytest.param("20261122T0000Z", Path.mkdir, "misspelt", id="misspelt"),
        pytest.param("20261122T000000Z (1)", Path.mkdir, "misspelt", id="copied-empty"),
        pytest.param("old", Path.mkdir, "no time stamp", id="old"),
        pytest.param("20261122T000000Z.zip", Path.touch, "unpack it", id="archive"),
        pytest.param("notes.md", Path.touch, "a file", id="file"),
        pytest.param("latest", lambda at: at.symlink_to("old"), "a link", id="link"),
        pytest.param(".x", lambda at: hidden(at, "manifest.json"), "hidden, and it", id="hidden"),
        pytest.param(
            ".20261122T000000Z",
            lambda at: hidden(at, "manifest.json"),
            "hidden, and it",
            id="hidden-stamp",
        ),
        pytest.param("20261122T000000Z.sign-offs", Path.mkdir, "not here", id="answers-alone"),
        pytest.param(
            "nightly",
            lambda at: (at / "20261122T000000Z").mkdir(parents=True),
            "move 20261122T000000Z/ up",
            id="too-deep",
        ),
    ],
)
def test_each_is_named_with_its_reason(
    root: Path, make: Make, draw: Draw, name: str, put: Put, why: str
) -> None:
    """Passed over with a word, before and after it comes; gone from the board when it is gone."""
    make(1)
    assert draw().passed == 0
    put(root / "marquez" / name)
    built = draw()
    assert (built.passed, built.bundles, built.refused) == (1, 1, 0)
    page = (built.output / "index.html").read_text("utf-8")
    assert f"../marquez/{name}" in page
    assert why in page
    assert draw().written == []
    stray = root / "marquez" / name
    shutil.rmtree(stray) if stray.is_dir() and not stray.is_symlink() else stray.unlink()
    built = draw()
    assert built.passed == 0
    assert "Passed over" not in (built.output / "index.html").read_text("utf-8")


def test_who_is_still_writing_was_not_killed(root: Path, draw: Draw) -> None:
    """Its ledger is locked by whoever runs it; the next build sees when it is not any more."""
    ledger = root / "arc" / PARTIAL / "ledger.jsonl"
    ledger.parent.mkdir(parents=True)
    with ledger.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        page = draw().output / "index.html"
        assert "a rehearsal that runs is writing it" in page.read_text("utf-8")
    draw()
    assert "left by a killed run" in page.read_text("utf-8")


def test_a_stamp_too_deep_is_refused_with_the_way_out(root: Path, make: Make, draw: Draw) -> None:
    """An archive unpacked into a folder of its own name: refused, and where its files are."""
    inner = make(1)
    outer = inner.with_name("20261101T000000Z")
    outer.mkdir()
    inner.rename(outer / inner.name)
    built = draw()
    assert built.refused == 1
    assert f"one folder too deep, in {inner.name}/" in (built.output / "index.html").read_text()


def test_a_whole_root_too_deep_is_told(root: Path, make: Make, draw: Draw) -> None:
    """Evidence of another night, unpacked beside the words."""
    make(1, below=root / "nightly")
    built = draw()
    assert (built.bundles, built.passed) == (0, 1)
    assert "--evidence-root" in (built.output / "index.html").read_text("utf-8")


def test_the_list_has_an_end(root: Path, draw: Draw) -> None:
    """The first so many, and how many there are."""
    for number in range(oddities.TOLD + 5):
        (root / "e2e" / f"old-{number:02}").mkdir(parents=True)
    built = draw()
    page = (built.output / "index.html").read_text("utf-8")
    assert built.passed == oddities.TOLD + 5
    assert page.count("../e2e/old-") == oddities.TOLD
    assert "The first 20 of 25 names" in page


def test_hidden_files_of_others_are_nobodys_evidence(root: Path, draw: Draw) -> None:
    """Neither a folder's own settings nor what a desktop leaves."""
    (root / "marquez").mkdir()
    for name in (".gitignore", ".DS_Store"):
        (root / "marquez" / name).touch()
    assert draw().passed == 0


def test_a_manifest_that_comes_later_makes_it_refused(root: Path, draw: Draw) -> None:
    """Its folder's name has not changed: it is looked at each time."""
    folder = root / "marquez" / "latest"
    folder.mkdir(parents=True)
    assert (draw().passed, draw().refused) == (1, 0)
    (folder / "manifest.json").write_text("{}")
    built = draw()
    assert (built.passed, built.refused) == (0, 1)
    (folder / "manifest.json").unlink()
    built = draw()
    assert (built.passed, built.refused, built.bundles) == (1, 0, 0)


@pytest.mark.parametrize(
    "away",
    [
        pytest.param(shutil.rmtree, id="deleted"),
        pytest.param(lambda at: at.rename(at.with_name(".hidden")), id="hidden"),
        pytest.param(lambda at: at.rename(at.with_name("20200101T000000Z")), id="renamed"),
    ],
)
def test_a_bundle_only_the_journal_knows_is_told(
    root: Path, make: Make, draw: Draw, away: Put
) -> None:
    """A newer failure that was answered, then put away: whose run is gone, until it is back."""
    make(2)
    newer = make(1, outcome="FAILED")
    kept = shutil.copytree(newer, root / "aside")
    given(root, newer, accepted=False)
    run_id = made.manifest_of(newer)["run_id"]
    whole = f'<span class="whole">{run_id}</span>'
    said = f"the journal knows of marquez run {whole}, and its bundle is gone"
    output = draw().output
    assert said not in (output / "index.html").read_text("utf-8")
    away(newer)
    draw()
    assert said in (output / "index.html").read_text("utf-8")
    grown = pages_of(output)
    assert draw().written == []
    shutil.rmtree(output / ".index")
    draw()
    assert pages_of(output) == grown
    kept.rename(newer)
    draw()
    assert said not in (output / "index.html").read_text("utf-8")


def test_a_bundle_of_the_bucket_prefix_is_not_gone(root: Path, make: Make, draw: Draw) -> None:
    """The journal beside the words also tells of dry runs that a bucket keeps apart."""
    folder = make(1, below=root / "dry-run", mode="dry run")
    given(root, folder, accepted=True)
    assert draw().passed == 0


def test_what_was_named_stays_named(root: Path, make: Make, draw: Draw) -> None:
    """When other names come and go beside it, until it is as it should be."""
    folder = make(1)
    (root / "marquez" / "old").mkdir()
    (root / "marquez" / "20200101T000000Z.sign-offs").mkdir()
    assert draw().passed == 2
    make(2)
    assert draw().passed == 2
    shutil.rmtree(folder)
    assert draw().passed == 2
    (root / "marquez" / "old").rmdir()
    (root / "marquez" / "20200101T000000Z").mkdir()
    built = draw()
    assert (built.passed, built.refused) == (0, 1)


def test_an_old_line_tells_of_its_bundle_too(root: Path, make: Make, draw: Draw) -> None:
    """It was read builds ago, and others were since."""
    first = make(9)
    for days in (8, 7, 6):
        given(root, first if days == 8 else make(days), accepted=True)
        assert draw().passed == 0
    shutil.rmtree(first)
    given(root, make(5), accepted=True)
    # The answer that lies beside nothing now, and the run.
    assert draw().passed == 2


def test_an_interrupted_bundle_is_there(root: Path, make: Make, draw: Draw) -> None:
    """Its folder is named so; the journal tells of its stamp alone."""
    given(root, make(1, outcome="INTERRUPTED"), accepted=False)
    assert draw().passed == 0


def test_where_nobody_can_look_nothing_is_gone(root: Path, make: Make, draw: Draw) -> None:
    """The journal knows of a bundle in a folder that cannot be read: that is told instead."""
    given(root, make(1), accepted=True)
    draw()
    with shut(root / "marquez"):
        built = draw()
    assert (built.passed, len(built.unreadable)) == (0, 1)
