"""`rehearsal diff`: lines for people, JSON for machines, a page, and an exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.core.records.systems import Mode
from fixtures.evidence import contract
from tests.harness.publishing.board import made


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A green live rehearsal and one that broke a promise, both unsigned; for reading only."""
    root = tmp_path_factory.mktemp("pair")
    older = made.whole(root, mode=Mode.LIVE)
    return older, made.whole(root, mode=Mode.LIVE, first="broke")


def test_against_the_last_green_one(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """One argument: the last green live one is found, and a difference is no failure."""
    assert main(["diff", str(pair[1])]) == Exit.HELD
    said = capsys.readouterr().out
    assert said.splitlines()[0] == str(pair[1])
    assert f"{pair[0].name}, live, PASSED, verified" in said
    assert "marquez.stack-healthy  held → broke" in said


def test_nothing_to_compare_with_is_no_failure(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one: a clear line, and exit code 0."""
    assert main(["diff", str(pair[0])]) == Exit.HELD
    assert "against     nothing: no green live rehearsal" in capsys.readouterr().out


def test_refused_side_is_told_and_fails(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is compared must be what was sealed: else it is said, and the exit code says so too."""
    spoilt = tmp_path / "marquez" / pair[1].name
    shutil.copytree(pair[1], spoilt)
    (spoilt / "notes.md").write_text("rewritten")
    assert main(["diff", str(spoilt), str(pair[0])]) == Exit.BROKE
    said = " ".join(capsys.readouterr().out.split())
    assert f"! refused {spoilt.name}: sums: notes.md was changed" in said


def test_machines_and_readers_are_told_the_same(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON by its schema on stdout, a self-contained page in the file that was named."""
    page = tmp_path / "changed.html"
    assert main(["diff", *map(str, reversed(pair)), "--json", "--html", str(page)]) == Exit.HELD
    body = json.loads(capsys.readouterr().out)
    assert contract.trouble_with(body, "bundle-diff") is None
    assert body["older"]["stamp"] == pair[0].name
    assert "marquez.stack-healthy" in page.read_text("utf-8")


def test_no_bundle_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One error with code and hint, and nothing on stdout."""
    assert main(["diff", str(tmp_path)]) == Exit.HARNESS_FAULT
    out, err = capsys.readouterr()
    assert out == ""
    assert "[bundle-unreadable]" in err
    assert "hint: " in err
