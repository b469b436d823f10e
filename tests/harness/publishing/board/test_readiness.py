"""What makes a rehearsal ready, and all that never does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from fixtures.evidence import ledger, sealing, sign_offs
from fixtures.evidence.verify import Policy
from fixtures.publishing import board
from fixtures.publishing.board import Built
from fixtures.publishing.board.readiness import Readiness, State
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import NOW, Draw, Make


def line(built: Built, word: str = "marquez", environment: str = "hotpass-staging") -> Readiness:
    (found,) = [
        each for each in built.lines if (each.word, each.environment) == (word, environment)
    ]
    return found


def answer(folder: Path, *, accepted: bool, by: str = "Ann", signer: Any = None) -> None:
    """Sign a bundle off, as a reviewer would."""
    manifest = made.manifest_of(folder)
    beside = sign_offs.folder_of(folder)
    beside.mkdir(exist_ok=True)
    number = len(list(beside.iterdir())) + 1
    before = beside / sign_offs.file_name(number - 1)
    body = sign_offs.statement(
        manifest,
        manifest_sha256=sealing.digest(folder / "manifest.json").sha256,
        accepted=accepted,
        by=by,
        reason="the graph lacks a dataset" if not accepted else "",
        at=ledger.write_moment(NOW - timedelta(minutes=1)),
        previous=sealing.digest(before).sha256 if number > 1 else None,
    )
    (beside / sign_offs.file_name(number)).write_bytes(sign_offs.sealed(body, signer))


def test_nothing_rehearsed_is_nothing_ready(draw: Draw) -> None:
    """Four rehearsals, none of them ever: the board says so of each."""
    built = draw()
    assert [(each.word, each.state) for each in built.lines] == [
        (word, State.NEVER) for word in ("marquez", "arc", "backfill", "e2e")
    ]
    page = (built.output / "index.html").read_text("utf-8")
    assert "0 of 4 rehearsals" in page
    assert page.count("never rehearsed live") == 4


def test_passed_and_proved_waits_for_sign_off(make: Make, draw: Draw) -> None:
    """Live, passed, pinned, signed: ready for a reviewer, with its age in days."""
    make(3)
    found = line(draw())
    assert (found.state, found.age, found.blocks) == (State.SIGN_OFF, "3 days ago", ())


@pytest.mark.parametrize(
    ("how", "state", "said"),
    [
        pytest.param({"outcome": "FAILED"}, State.BLOCKED, "is why it FAILED", id="failed"),
        pytest.param({"outcome": "BLOCKED"}, State.BLOCKED, "is why it BLOCKED", id="blocked"),
        pytest.param({"signer": None}, State.BLOCKED, "it is unsigned", id="unsigned"),
        pytest.param(
            {"source": {"commit": None, "dirty": True}},
            State.BLOCKED,
            "the harness was changed",
            id="changed-harness",
        ),
        pytest.param(
            {"systems": made.systems(pins={})}, State.BLOCKED, "does not pin", id="unpinned"
        ),
        pytest.param({"outcome": "INTERRUPTED"}, State.NEVER, "no live", id="interrupted"),
        pytest.param({"narrowed": "-k one"}, State.NEVER, "no live", id="narrowed-only"),
        pytest.param({"mode": "local"}, State.NEVER, "no live", id="local"),
        pytest.param({"mode": "dry run"}, State.NEVER, "no live", id="dry-run"),
        pytest.param({"days": -3}, State.BLOCKED, "in the future", id="from-the-future"),
    ],
)
def test_not_ready(make: Make, draw: Draw, how: dict[str, Any], state: State, said: str) -> None:
    """Whatever is not a live bundle that passed and proves itself makes nothing ready."""
    make(**how)
    built = draw()
    found = [each for each in built.lines if each.word == "marquez"]
    assert built.refused == 0
    assert [each.state for each in found] == [state]
    assert any(said in each for each in found[0].blocks), found[0].blocks
    assert all(each.tone != "good" for each in built.lines)
    front = (built.output / "index.html").read_text("utf-8")
    assert "0 of 4 rehearsals" in front
    assert 'class="ready good"' not in front


def test_newest_live_one_decides(make: Make, draw: Draw) -> None:
    """Green yesterday and broken today is blocked; the green one is still told of."""
    make(2)
    make(1, outcome="FAILED")
    found = line(draw())
    assert found.state is State.BLOCKED
    assert found.notes == ("last green live rehearsal 2 days ago",)


def test_dry_runs_and_stopped_ones_take_nothing_away(make: Make, draw: Draw) -> None:
    """A later dry run, local or interrupted rehearsal is told of, and decides nothing."""
    make(5)
    make(3, outcome="INTERRUPTED")
    make(2, mode="local", outcome="FAILED")
    make(1, mode="dry run", outcome="FAILED")
    found = line(draw())
    assert found.state is State.SIGN_OFF
    assert found.notes == (
        "a newer live rehearsal was stopped, 3 days ago",
        "a newer rehearsal without simulators proved nothing live: FAILED 2 days ago",
    )
    assert found.dry is not None


def test_a_newer_refused_one_is_told_of(
    make: Make, draw: Draw, own: Callable[[Path], Path]
) -> None:
    """Spoiling the bundle that failed does not silently make an older green one the newest."""
    make(5)
    spoilt = own(make(1, outcome="FAILED"))
    (spoilt / "SHA256SUMS").write_bytes(b"")
    found = line(draw())
    assert found.state is State.SIGN_OFF
    assert found.notes == (f"a newer bundle of this rehearsal is refused: {spoilt.name}",)


def test_a_refused_one_alone_is_told_of(
    make: Make, draw: Draw, own: Callable[[Path], Path]
) -> None:
    """Never rehearsed live, by what can be believed: and that there is one that cannot."""
    spoilt = own(make(1))
    (spoilt / "SHA256SUMS").write_bytes(b"")
    (found,) = [each for each in draw().lines if each.word == "marquez"]
    assert found.state is State.NEVER
    assert found.notes == (f"a bundle of this rehearsal is refused: {spoilt.name}",)


def test_each_environment_has_its_own_line(make: Make, draw: Draw) -> None:
    """Ready in one place says nothing about another."""
    make(2)
    make(1, environment="elsewhere", outcome="FAILED")
    built = draw()
    assert line(built).state is State.SIGN_OFF
    assert line(built, environment="elsewhere").state is State.BLOCKED


def test_sign_off_is_shown(make: Make, draw: Draw) -> None:
    """An answer given after the board was built changes it: done, then rejected by another."""
    folder = make(1)
    assert line(draw()).state is State.SIGN_OFF
    answer(folder, accepted=True)
    built = draw()
    assert (built.read, line(built).state) == (1, State.DONE)
    assert "Accepted by Ann." in (built.output / "index.html").read_text("utf-8")
    answer(folder, accepted=False, by="Bob")
    found = line(draw())
    assert found.state is State.BLOCKED
    assert found.blocks == ("rejected by Bob: the graph lacks a dataset",)


def test_reviewers_keys_count(make: Make, root: Path, key: CryptoSigner) -> None:
    """A reviewer's signed rejection is one, as it is for `verify`, from the moment it is known."""
    folder = make(1)
    bob = CryptoSigner(Ed25519PrivateKey.generate())
    answer(folder, accepted=True)
    answer(folder, accepted=False, by="Bob", signer=bob)
    policy = Policy(trusted=(made.trust(key),))
    unknown = board.build((root,), root / "board", policy=policy, now=NOW)
    assert line(unknown).state is State.DONE
    policy = Policy(trusted=(made.trust(key),), reviewers=(made.trust(bob),))
    found = line(board.build((root,), root / "board", policy=policy, now=NOW))
    assert found.blocks == ("rejected by Bob: the graph lacks a dataset",)


def test_spoilt_sign_off_is_no_sign_off(make: Make, draw: Draw) -> None:
    """One byte of an answer changed: blocked, and told why."""
    folder = make(1)
    answer(folder, accepted=True)
    file = sign_offs.folder_of(folder) / sign_offs.file_name(1)
    assert line(draw()).state is State.DONE
    file.write_bytes(file.read_bytes().replace(b'"payload": "ey', b'"payload": "fy'))
    found = line(draw())
    assert found.state is State.BLOCKED
    assert found.blocks[0].startswith("its sign-off: 001.dsse.json")


def test_sign_off_of_a_dry_run_is_no_readiness(make: Make, draw: Draw) -> None:
    """Accepting a dry run makes nothing ready, and its badge is not green."""
    folder = make(1, mode="dry run")
    answer(folder, accepted=True)
    built = draw()
    assert line(built).state is State.NEVER
    page = (built.output / "marquez.html").read_text("utf-8")
    assert "accepted" in page
    assert 'class="badge good"' not in page


def test_a_stranger_signs_nothing(make: Make, draw: Draw, own: Callable[[Path], Path]) -> None:
    """A signature of a key nobody trusts is refused, as `verify` refuses it."""
    make(1, signer=CryptoSigner(Ed25519PrivateKey.generate()))
    built = draw()
    assert built.refused == 1
    assert "which nobody here trusts" in (built.output / "index.html").read_text("utf-8")


def test_an_unsigned_acceptance_is_not_shown_as_a_signed_one(make: Make, draw: Draw) -> None:
    """Done, and in amber who is said to have accepted: on the card, its word's page, its own."""
    folder = make(1)
    answer(folder, accepted=True)
    built = draw()
    found, said = line(built), "done, by an unsigned sign-off of Ann"
    assert (found.state, found.said, found.tone) == (State.DONE, said, "amber")
    (page,) = (built.output / "bundles").iterdir()
    for shown in (built.output / "index.html", built.output / "marquez.html", page):
        assert said in shown.read_text("utf-8")
    assert 'class="ready amber"' in (built.output / "index.html").read_text("utf-8")
    assert "1 of 4 rehearsals" in (built.output / "index.html").read_text("utf-8")
    assert (
        "badge good"
        not in page.read_text("utf-8").partition("Check it yourself")[2].partition("Guardrails")[0]
    )


def test_a_signed_acceptance_is_plainly_done(make: Make, root: Path, key: CryptoSigner) -> None:
    """By a reviewer's own key, with or without an unsigned one before it."""
    reviewer = CryptoSigner(Ed25519PrivateKey.generate())
    policy = Policy(trusted=(made.trust(key), made.trust(reviewer)))
    folder = make(1)
    answer(folder, accepted=True)
    answer(folder, accepted=True, by="Bea", signer=reviewer)
    built = board.build([root], root / "board", policy=policy, now=NOW)
    found = line(built)
    assert (found.said, found.tone) == ("done", "good")
    assert "unsigned sign-off" not in (built.output / "index.html").read_text("utf-8")
