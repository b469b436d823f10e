"""Self-tests of `rehearsal sign-off`, and of whose answers count by the settings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.command import sign_off as command
from fixtures.command import verify as verify_command
from fixtures.core import errors, settings
from fixtures.core.outcome import Exit
from fixtures.evidence import keys, sign_offs
from fixtures.publishing import reviewers
from tests.harness.publishing import bucket_stage as stage

ROOT = Path(__file__).parents[3]


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A live rehearsal that passed, unsigned."""
    return stage.sealed(tmp_path / "root")


@pytest.fixture
def pair(tmp_path: Path) -> keys.Pair:
    """A reviewer's key."""
    return keys.new(tmp_path / "key")


@pytest.fixture
def known(pair: keys.Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name the reviewer."""
    table = {"name": "Alice", "public_key": pair.public.read_text()}
    monkeypatch.setenv("REHEARSAL_PUBLISHING__REVIEWERS", json.dumps([table]))


def asked(folder: Path, **changes: Any) -> argparse.Namespace:
    told = {"accept": True, "reject": False, "by": "Alice", "reason": "", "key": ""}
    return argparse.Namespace(directory=str(folder), **{**told, **changes})


def test_an_answer_is_given_and_shown(
    live: Path, pair: keys.Pair, known: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what speaks against the bundle as evidence; verify shows it, for machines too."""
    assert command.run(asked(live, key=str(pair.private))) is Exit.HELD
    said = capsys.readouterr().out
    assert "accepted by Alice" in said
    assert f"signature  Alice (key {pair.keyid[:16]}…)" in said
    assert "it is unsigned" in said
    assert verify_command.run(verify_command.Asked(directory=str(live))) is Exit.HELD
    assert "✓ sign-offs            accepted by Alice" in capsys.readouterr().out
    verify_command.run(verify_command.Asked(directory=str(live), as_json=True))
    (told,) = json.loads(capsys.readouterr().out)["predicate"]["sign_offs"]
    assert (told["answer"], told["by"], told["key"]) == ("accepted", "Alice", pair.keyid)
    assert told["counts"]


def test_the_same_again_says_so(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And an unsigned one says what it is worth."""
    for _ in range(2):
        assert command.run(asked(live, by="Carol")) is Exit.HELD
    said = capsys.readouterr().out
    assert said.count("nothing was written") == 1
    assert "unsigned: it proves no more" in said


def test_a_key_that_is_not_in_the_settings_is_told(
    live: Path, pair: keys.Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given, kept, and no sign-off until somebody vouches for the key."""
    assert command.run(asked(live, key=str(pair.private))) is Exit.HELD
    assert "nobody here trusts" in capsys.readouterr().out


def test_what_cannot_be_answered_is_denied(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and nothing is left beside the bundle."""
    assert command.run(asked(live, accept=False, reject=True)) is Exit.BROKE
    assert "[sign-off-refused]" in capsys.readouterr().err
    (live / "notes.md").unlink()
    assert command.run(asked(live)) is Exit.BROKE
    assert "[bundle-denied]" in capsys.readouterr().err
    assert not sign_offs.folder_of(live).exists()


def test_a_key_that_is_none_is_refused(live: Path) -> None:
    """Before anything is looked at."""
    with pytest.raises(errors.KeyUnusable):
        command.run(asked(live, key=str(live / "cli.log")))


def test_a_doctored_answer_is_denied_by_the_command(
    live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1: whatever else is said there is not what was given."""
    command.run(asked(live))
    first = sign_offs.folder_of(live) / sign_offs.file_name(1)
    first.write_bytes(first.read_bytes()[:-1])
    assert verify_command.run(verify_command.Asked(directory=str(live))) is Exit.BROKE
    assert "✗ sign-offs" in capsys.readouterr().out


def test_the_settings_name_reviewers(pair: keys.Pair, known: None) -> None:
    """For bundles of either kind, and none of them signs one."""
    found = reviewers.trusted(settings.load(ROOT / "pyproject.toml"))
    assert {(each.name, each.key.keyid) for each in found} == {("Alice", pair.keyid)}
    assert {each.signs_live for each in found} == {True, False}
    assert reviewers.trusted(None) == ()


def test_a_reviewers_key_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would else count for nobody, in silence."""
    table = {"name": "Alice", "public_key": "no key"}
    monkeypatch.setenv("REHEARSAL_PUBLISHING__REVIEWERS", json.dumps([table]))
    with pytest.raises(errors.KeyUnusable, match="reviewer Alice"):
        reviewers.trusted(settings.load(ROOT / "pyproject.toml"))
