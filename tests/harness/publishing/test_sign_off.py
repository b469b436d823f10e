"""Self-tests of sign-offs: who may answer what, and that no answer can be faked or lost."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical, ledger, sign_offs
from fixtures.evidence.keys import TrustedKey
from fixtures.evidence.verify import Policy
from fixtures.publishing import journal, publish, sign_off
from fixtures.publishing.sign_off import Given, answers, standing
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing import judged
from tests.harness.publishing.bucket_stage import Shelf


@pytest.fixture(autouse=True)
def judging_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly every bundle here is a copy of one."""
    judged.once(monkeypatch)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Sealed bundles of every kind."""
    return stage.shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def alice() -> CryptoSigner:
    """A reviewer's key."""
    return stage.a_key()


@pytest.fixture
def policy(shelf: Shelf, alice: CryptoSigner) -> Policy:
    """Alice's answers count."""
    both = tuple(stage.trusted(alice, "Alice", live=live) for live in (True, False))
    return Policy(trusted=shelf.policy.trusted, reviewers=both)


@pytest.fixture
def live(shelf: Shelf, tmp_path: Path) -> Path:
    """A live rehearsal that passed, signed."""
    return shelf.copy(shelf.live, tmp_path)


def give(
    folder: Path, policy: Policy, by: str = "Alice", *, accepted: bool = True, **how: Any
) -> Given:
    reason = {} if accepted else {"reason": "the graph is empty"}
    return sign_off.give(folder, accepted=accepted, by=by, policy=policy, **{**reason, **how})


def policy_without(policy: Policy, name: str) -> Policy:
    return replace(policy, reviewers=tuple(e for e in policy.reviewers if e.name != name))


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_an_accepted_rehearsal_says_so(live: Path, policy: Policy, alice: CryptoSigner) -> None:
    """Who, what and when, signed; verify shows it, and nothing in the bundle has changed."""
    before = snapshot(live)
    given = give(live, policy, signer=alice)
    assert given.new
    assert snapshot(live) == before
    (answer,) = answers(live, trusted=policy.reviewers)
    assert (answer.accepted, answer.by, answer.signed_by) == (True, "Alice", "Alice")
    assert standing([answer]) == "accepted"
    said = publish.verify_once(live, policy)
    assert said.verified
    assert "accepted by Alice" in said.checks[-1].said
    assert "signed by Alice" in said.checks[-1].said
    (line,) = journal.read(live.parents[1])
    assert (line["kind"], line["by"], line["answer"]) == ("signed-off", "Alice", "accepted")


def test_the_same_again_writes_nothing(live: Path, policy: Policy, alice: CryptoSigner) -> None:
    """However the name is spelt, and however often it is said."""
    give(live, policy, signer=alice)
    before = snapshot(live.parents[1])
    for name in ("Alice", " alice ", "ALICE"):
        assert not give(live, policy, name, signer=alice).new
    assert snapshot(live.parents[1]) == before


def test_history_is_kept_and_the_latest_counts(
    live: Path, policy: Policy, alice: CryptoSigner
) -> None:
    """Who changes their mind leaves both answers; one rejection outweighs another's consent."""
    give(live, policy, signer=alice)
    give(live, policy, signer=alice, accepted=False)
    assert standing(answers(live, trusted=policy.reviewers)) == "rejected"
    give(live, policy, signer=alice)
    assert standing(answers(live, trusted=policy.reviewers)) == "accepted"
    give(live, policy, "Bob", accepted=False)
    found = answers(live, trusted=policy.reviewers)
    assert [(each.by, each.accepted) for each in found] == [
        ("Alice", True),
        ("Alice", False),
        ("Alice", True),
        ("Bob", False),
    ]
    assert standing(found) == "rejected"
    assert [each["n"] for each in journal.read(live.parents[1])] == [1, 2, 3, 4]


def test_nobody_answers_in_anothers_name(live: Path, policy: Policy, alice: CryptoSigner) -> None:
    """A reviewer who signs as Alice is not Alice: her rejection stands until her key says else."""
    bob = stage.a_key()
    both = Policy(trusted=policy.trusted, reviewers=(*policy.reviewers, stage.trusted(bob, "Bob")))
    give(live, both, signer=alice, accepted=False)
    with pytest.raises(errors.SignOffRefused, match=r"a key of Alice, and .* signed with another"):
        give(live, both, "Alice", signer=bob)
    # Of somebody whose settings knew no key of hers.
    assert give(live, policy_without(both, "Alice"), "Alice", signer=bob).new
    assert standing(answers(live, trusted=both.reviewers)) == "rejected"
    give(live, both, signer=alice)
    assert standing(answers(live, trusted=both.reviewers)) == "accepted"


def test_nobody_accepts_unsigned_for_who_has_a_key(live: Path, policy: Policy) -> None:
    """However the name is spelt, nor in another once a reviewer's key is known; but object."""
    for name in ("Alice", " alice "):
        with pytest.raises(errors.SignOffRefused, match=r"a key of .*lice, and .* unsigned"):
            give(live, policy, name)
    assert answers(live) == ()
    with pytest.raises(errors.SignOffRefused, match=r"unsigned acceptance, .* reviewers' keys"):
        give(live, policy, "Carol")
    assert answers(live) == ()
    assert give(live, policy, accepted=False).new
    nobody = replace(policy, reviewers=())
    assert give(live, nobody, "Carol").new


def test_an_unsigned_acceptance_counts_only_where_no_reviewers_key_is_known(
    live: Path, policy: Policy
) -> None:
    """Else whoever leaves --key out would get further than whoever signs with an unlisted one."""
    nobody = replace(policy, reviewers=())
    give(live, nobody, "Zoe")
    (heard,) = answers(live, trusted=nobody.trusted)
    assert (heard.counts, heard.unvouched, standing([heard])) == (True, False, "accepted")
    (unheard,) = answers(live, trusted=policy.trusted, reviewers=policy.reviewers)
    assert (unheard.counts, unheard.unvouched, standing([unheard])) == (False, True, "")
    own = tuple(each for each in policy.trusted if each.key.keyid == signed_by(live))
    assert own, "it is signed by a key that is trusted"
    (still,) = answers(live, trusted=policy.trusted, reviewers=own)
    assert still.counts, "the bundle's own key vouches for no answer"
    assert "does not count" in str(publish.verify_once(live, policy).checks)
    give(live, nobody, "Zoe", accepted=False)
    found = answers(live, trusted=policy.trusted, reviewers=policy.reviewers)
    assert standing(found) == "rejected"


def signed_by(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_bytes())["signed_by"])


def test_an_answer_in_anothers_name_does_not_count(live: Path, policy: Policy) -> None:
    """Put there by other means, with a key that is trusted, and not hers."""
    mallory = stage.a_key()
    theirs = replace(policy, reviewers=(stage.trusted(mallory, "Mallory", live=True),))
    give(live, theirs, "Alice", signer=mallory)
    both = (*theirs.reviewers, *policy.reviewers)
    (answer,) = answers(live, trusted=both)
    assert (answer.by, answer.signed_by, answer.counts) == ("Alice", "Mallory", False)
    assert standing([answer]) == ""


def test_a_signed_answer_replaces_an_unsigned_one(
    live: Path, policy: Policy, alice: CryptoSigner
) -> None:
    """Of the same name: what anybody could have written gives way to what only she can."""
    give(live, policy, accepted=False)
    give(live, policy, signer=alice)
    assert standing(answers(live, trusted=policy.reviewers)) == "accepted"


def test_no_answer_is_neither_yes_nor_no(live: Path) -> None:
    """Nobody has looked yet."""
    assert answers(live) == ()
    assert standing(()) == ""


@pytest.mark.parametrize("which", ["dry", "failed"])
def test_what_is_not_done_cannot_be_accepted(
    shelf: Shelf, policy: Policy, tmp_path: Path, which: str
) -> None:
    """A dry run and a failure can be rejected, with a reason; never accepted."""
    folder = shelf.copy(getattr(shelf, which), tmp_path)
    with pytest.raises(errors.SignOffRefused):
        give(folder, policy)
    assert not sign_offs.folder_of(folder).exists()
    assert give(folder, policy, accepted=False).new


def test_a_blocked_rehearsal_cannot_be_accepted(policy: Policy, tmp_path: Path) -> None:
    """Promises that were never established are not kept ones."""
    folder = stage.sealed(tmp_path, first="not_established")
    with pytest.raises(errors.SignOffRefused, match="is BLOCKED"):
        give(folder, policy)


def test_a_narrowed_rehearsal_cannot_be_answered(policy: Policy, tmp_path: Path) -> None:
    """It never counts, whatever somebody thinks of it."""
    folder = stage.sealed(tmp_path, narrowed="-k run_completed")
    with pytest.raises(errors.BundleDenied, match="never counts"):
        give(folder, policy)


def test_what_verify_denies_cannot_be_answered(live: Path, policy: Policy) -> None:
    """One byte is enough."""
    (live / "notes.md").write_bytes((live / "notes.md").read_bytes() + b"\n")
    for accepted in (True, False):
        with pytest.raises(errors.BundleDenied, match=r"notes\.md"):
            give(live, policy, accepted=accepted)
    assert not sign_offs.folder_of(live).exists()


def test_nobody_accepts_their_own(live: Path, policy: Policy, shelf: Shelf) -> None:
    """Neither by name nor by key; a rejection by name is welcome."""
    with pytest.raises(errors.SignOffRefused, match="rehearsed it"):
        give(live, policy, "Somebody")
    with pytest.raises(errors.SignOffRefused, match="signed the bundle"):
        give(live, policy, "Bob", signer=shelf.signer)
    assert give(live, policy, "somebody", accepted=False).new


def test_a_rejection_says_why(live: Path, policy: Policy) -> None:
    """Else nobody knows what to mend; and an answer is somebody's."""
    with pytest.raises(errors.SignOffRefused, match="without a reason"):
        give(live, policy, accepted=False, reason=" ")
    with pytest.raises(errors.SignOffRefused, match="of nobody"):
        give(live, policy, "  ")


def test_a_signature_can_be_required(live: Path, policy: Policy, alice: CryptoSigner) -> None:
    """Of reviewers as of rehearsals."""
    strict = Policy(trusted=policy.trusted, reviewers=policy.reviewers, require_signature=True)
    with pytest.raises(errors.SignOffRefused, match="a signature is required"):
        give(live, replace(strict, reviewers=()))
    assert give(live, strict, signer=alice).new
    give(live, policy, "Bob", accepted=False)
    said = publish.verify_once(live, strict)
    assert [each.name for each in said.checks if each.denied] == ["sign-offs"]


def test_nobody_takes_back_unsigned_what_another_signed(
    live: Path, policy: Policy, alice: CryptoSigner
) -> None:
    """Whoever can write there could else speak for Alice."""
    give(live, policy, signer=alice)
    with pytest.raises(errors.SignOffRefused, match="signed an answer"):
        give(live, policy, accepted=False)
    _forge(live, policy, number=2, accepted=False, by="Alice", reason="no")
    assert "Alice signed before" in _denied(live, policy)


def test_a_key_nobody_trusts_does_not_count(live: Path, policy: Policy) -> None:
    """It is shown, it denies nothing, and it is no sign-off."""
    given = give(live, policy, "Mallory", signer=stage.a_key())
    assert not given.answer.counts
    assert standing(answers(live, trusted=policy.reviewers)) == ""
    said = publish.verify_once(live, policy)
    assert said.verified
    assert "nobody here trusts" in said.checks[-1].said


def test_a_reviewers_key_signs_no_bundle(
    policy: Policy, alice: CryptoSigner, tmp_path: Path
) -> None:
    """To vouch for a rehearsal and to have made it are two things."""
    folder = stage.sealed(tmp_path, signer=alice)
    said = publish.verify_once(folder, policy)
    assert [each.name for each in said.checks if each.denied] == ["signature"]


def test_an_expired_key_is_denied(live: Path, policy: Policy, alice: CryptoSigner) -> None:
    """By the day of the answer, not of the look."""
    give(live, policy, signer=alice)
    old = TrustedKey(name="Alice", key=alice.public_key, signs_live=True, expires=date(2020, 1, 1))
    assert "expired" in _denied(live, Policy(trusted=policy.trusted, reviewers=(old,)))


def test_acceptance_says_what_is_not_proved(policy: Policy, tmp_path: Path) -> None:
    """An unsigned live bundle may be accepted, and the reviewer is told what it is worth."""
    folder = stage.sealed(tmp_path)
    given = give(folder, replace(policy, reviewers=()), "Carol")
    assert any("unsigned" in each for each in given.unproved)


def _forge(folder: Path, policy: Policy, *, number: int, **changes: Any) -> None:
    """Write an answer by hand, as somebody would who knows the form."""
    seen = publish.verify_once(folder, policy)
    before = seen.answers[number - 2].sha256 if number > 1 else None
    told: dict[str, Any] = {
        "manifest_sha256": seen.manifest_sha256,
        "accepted": True,
        "by": "Bob",
        "reason": "",
        "at": ledger.now(),
        "previous": before,
        **changes,
    }
    signer = told.pop("signer", None)
    beside = sign_offs.folder_of(folder)
    beside.mkdir(exist_ok=True)
    body = sign_offs.statement(seen.manifest, **told)
    (beside / sign_offs.file_name(number)).write_bytes(sign_offs.sealed(body, signer))


def _denied(folder: Path, policy: Policy) -> str:
    said = publish.verify_once(folder, policy)
    assert [each.name for each in said.checks if each.denied] == ["sign-offs"]
    assert not said.verified
    return "; ".join(said.denials)


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    body = json.loads(path.read_text())
    told = json.loads(base64.b64decode(body["payload"]))
    change(told)
    body["payload"] = base64.b64encode(canonical.line(told).rstrip(b"\n")).decode()
    path.write_bytes(canonical.pretty(body))


def _first(folder: Path) -> Path:
    return sign_offs.folder_of(folder) / sign_offs.file_name(1)


def _reject(told: dict[str, Any]) -> None:
    told["predicate"]["answer"] = "rejected"


def _outside(folder: Path) -> None:
    _first(folder).rename(folder.parents[1] / "kept")
    _first(folder).symlink_to(folder.parents[1] / "kept")


DOCTORED: dict[str, Callable[[Path], object]] = {
    "turned": lambda folder: _edit(_first(folder), _reject),
    "of-another": lambda folder: _edit(
        _first(folder), lambda told: told["predicate"].update(by="Bob")
    ),
    "extra-field": lambda folder: _edit(
        _first(folder), lambda told: told["predicate"].update(note="")
    ),
    "spaced": lambda folder: _first(folder).write_bytes(_first(folder).read_bytes() + b" "),
    "emptied": lambda folder: _first(folder).write_bytes(b""),
    "truncated": lambda folder: _first(folder).write_bytes(_first(folder).read_bytes()[:-2]),
    "huge": lambda folder: _first(folder).write_bytes(b" " * 200_000),
    "deep": lambda folder: _first(folder).write_bytes(b"[" * 90_000),
    "no-text": lambda folder: _first(folder).write_bytes(b"\xff"),
    "first-gone": lambda folder: _first(folder).unlink(),
    "first-gone-renamed": lambda folder: (
        sign_offs.folder_of(folder) / sign_offs.file_name(2)
    ).replace(_first(folder)),
    "swapped-in": lambda folder: shutil.copy(
        sign_offs.folder_of(folder) / sign_offs.file_name(2), _first(folder)
    ),
    "link": _outside,
    "stranger-file": lambda folder: (sign_offs.folder_of(folder) / "notes.txt").write_text("ok"),
}


@pytest.mark.parametrize("flaw", DOCTORED)
def test_a_doctored_answer_is_denied(
    live: Path, policy: Policy, alice: CryptoSigner, flaw: str
) -> None:
    """No byte of an answer is free, and none can be taken out of the middle."""
    give(live, policy, signer=alice)
    give(live, policy, "Bob", accepted=False)
    DOCTORED[flaw](live)
    assert _denied(live, policy)
    with pytest.raises(errors.SignOffRefused):
        answers(live, trusted=policy.reviewers)
    with pytest.raises(errors.BundleDenied):
        give(live, policy, "Carol")


@pytest.mark.parametrize("gone", ["last", "all"])
def test_an_answer_that_was_taken_away_is_missed(live: Path, policy: Policy, gone: str) -> None:
    """The journal remembers a rejection that somebody would rather forget."""
    policy = replace(policy, reviewers=())
    give(live, policy, "Carol")
    give(live, policy, "Bob", accepted=False)
    (sign_offs.folder_of(live) / sign_offs.file_name(2)).unlink()
    if gone == "all":
        shutil.rmtree(sign_offs.folder_of(live))
    with pytest.raises(
        errors.SignOffRefused, match=r"Bob rejected it at .*, and that answer is gone"
    ):
        answers(live)
    with pytest.raises(errors.SignOffRefused, match="is gone"):
        give(live, policy, "Carol")
    with pytest.raises(errors.BundleDenied, match=r"Bob rejected it at .* is gone"):
        publish.publish(live, publish.Places(), policy=policy, redactor=Redactor())


def test_a_folder_that_is_none_is_denied(live: Path, policy: Policy) -> None:
    """A file, or a link to somewhere else, in the place of the answers."""
    beside = sign_offs.folder_of(live)
    beside.write_bytes(b"")
    assert "is no directory" in _denied(live, policy)
    beside.unlink()
    beside.symlink_to(live)
    assert "is no directory" in _denied(live, policy)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"manifest_sha256": "0" * 64}, id="another-bundle"),
        pytest.param({"at": "2020-01-01T00:00:00.000Z"}, id="before-the-rehearsal"),
        pytest.param({"at": "2999-01-01T00:00:00.000Z"}, id="in-the-future"),
        pytest.param({"at": "yesterday"}, id="no-time"),
        pytest.param({"at": "2999-01-01T00:00:00Z"}, id="time-written-otherwise"),
        pytest.param({"by": "  "}, id="nobody"),
        pytest.param({"by": 7}, id="no-name"),
        pytest.param({"previous": "0" * 64}, id="follows-what-is-not-there"),
    ],
)
def test_a_made_up_answer_is_denied(live: Path, policy: Policy, changes: dict[str, Any]) -> None:
    """Also one that its maker wrote in the right form."""
    _forge(live, policy, number=1, **changes)
    assert _denied(live, policy)


@pytest.mark.parametrize("spare", [b" ", b"\n", b"\n{}"])
def test_no_byte_of_an_unsigned_answer_is_free(live: Path, policy: Policy, spare: bytes) -> None:
    """Also of the last one, which no other names."""
    _forge(live, policy, number=1)
    assert publish.verify_once(live, policy).verified
    _first(live).write_bytes(_first(live).read_bytes() + spare)
    assert _denied(live, policy)


def test_the_bundles_own_key_answers_nothing(live: Path, policy: Policy, shelf: Shelf) -> None:
    """Also when the answer was written by hand: nobody else has looked."""
    _forge(live, policy, number=1, signer=shelf.signer)
    assert "signed the bundle signed it too" in _denied(live, policy)


def test_an_answer_moved_to_another_bundle_is_denied(
    live: Path, policy: Policy, alice: CryptoSigner, tmp_path: Path, shelf: Shelf
) -> None:
    """It names the manifest it was given for."""
    give(live, policy, signer=alice)
    other = shelf.copy(shelf.failed, tmp_path / "other")
    shutil.copytree(sign_offs.folder_of(live), sign_offs.folder_of(other))
    assert "another bundle" in _denied(other, policy)


def test_what_a_kill_left_half_written_is_no_answer(live: Path, policy: Policy) -> None:
    """It was never given; the next one takes its place."""
    give(live, policy, accepted=False)
    half = sign_offs.folder_of(live) / f".{sign_offs.file_name(2)}.part"
    half.write_bytes(b'{"payl')
    assert len(answers(live)) == 1
    assert give(live, policy, "Bob", accepted=False).answer.number == 2
    assert not half.exists()


def test_an_answer_without_its_line_gets_it(live: Path, policy: Policy) -> None:
    """Killed between the two: the answer stands, and saying it again completes the journal."""
    give(live, policy, accepted=False)
    (live.parents[1] / journal.NAME).unlink()
    assert not give(live, policy, accepted=False).new
    assert len(journal.read(live.parents[1])) == 1


def test_two_reviewers_at_once_are_both_heard(live: Path, policy: Policy) -> None:
    """Each waits for its turn, and the second answer names the first."""
    names = ["Bob", "Carol", "Dan"]
    threads = [
        threading.Thread(target=give, args=(live, policy, name), kwargs={"accepted": False})
        for name in names
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(each.by for each in answers(live)) == names
    assert publish.verify_once(live, policy).verified


def test_an_answer_is_told_by_its_own_day(live: Path, policy: Policy) -> None:
    """Aware, UTC, now."""
    answer = give(live, policy, accepted=False).answer
    assert answer.at.tzinfo is UTC
    assert abs(datetime.now(UTC) - answer.at) < timedelta(minutes=5)
