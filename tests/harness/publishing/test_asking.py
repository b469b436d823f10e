"""Self-tests of asking verify and the journal: an answer that was taken away denies."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.command.main import main
from fixtures.core import errors
from fixtures.core.outcome import Exit
from fixtures.core.redaction import Redactor
from fixtures.core.settings.publishing import BucketTable
from fixtures.evidence import canonical, sign_offs, verify
from fixtures.evidence.verify import Answer, Policy
from fixtures.publishing import asking, journal, publish, sign_off
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing.bucket_stage import Kept, Shelf


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Sealed bundles of every kind."""
    return stage.shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def policy(shelf: Shelf) -> Policy:
    """Whoever signed them is trusted."""
    return shelf.policy


@pytest.fixture
def live(shelf: Shelf, tmp_path: Path) -> Path:
    """A live rehearsal that passed, below a root of its own."""
    return shelf.copy(shelf.live, tmp_path / "root")


@pytest.fixture
def reviewed(live: Path, policy: Policy) -> Path:
    """The same, accepted by Carol and rejected by Bob."""
    answer(live, policy, "Carol")
    answer(live, policy, "Bob", accepted=False, reason="the graph is empty")
    return live


def answer(
    folder: Path, policy: Policy, by: str, *, accepted: bool = True, reason: str = ""
) -> None:
    sign_off.give(folder, accepted=accepted, by=by, reason=reason, policy=policy)


def told(said: Answer) -> tuple[tuple[str, ...], str]:
    """What the journal's check denies and says."""
    return next((each.denied, each.said) for each in said.checks if each.name == asking.CHECK)


def take_last(folder: Path) -> None:
    (sign_offs.folder_of(folder) / sign_offs.file_name(2)).unlink()


def take_all(folder: Path) -> None:
    shutil.rmtree(sign_offs.folder_of(folder))


def spoil(folder: Path) -> None:
    """Something else in its place."""
    (sign_offs.folder_of(folder) / sign_offs.file_name(2)).write_bytes(b"{}")


def test_answers_that_are_all_there_are_verified(reviewed: Path, policy: Policy) -> None:
    """One more check than verify makes, beside the one it completes."""
    said = asking.ask(reviewed, policy)
    assert said.verified
    assert [each.name for each in said.checks][-2:] == ["sign-offs", "journal"]
    assert told(said) == ((), "2 answers to it given here, 2 beside it")
    assert asking.unasked(said, live=True) == ""


@pytest.mark.parametrize(
    ("take", "names"),
    [
        pytest.param(take_last, ["Bob rejected"], id="last"),
        pytest.param(take_all, ["Carol accepted", "Bob rejected"], id="all"),
        pytest.param(spoil, ["Bob rejected"], id="replaced"),
    ],
)
def test_an_answer_that_is_gone_denies(
    reviewed: Path, policy: Policy, take: Callable[[Path], None], names: list[str]
) -> None:
    """Who would rather forget a rejection has not a bundle that verifies any more."""
    take(reviewed)
    said = asking.ask(reviewed, policy)
    assert not said.verified
    denied, counted = told(said)
    assert [" ".join(why.split()[:2]) for why in denied] == names
    assert counted == f"2 answers to it given here, {2 - len(names)} beside it"


def a_line(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the first line, and write it as the journal writes."""
    path = root / journal.NAME
    first, *others = path.read_bytes().splitlines(keepends=True)
    entry = json.loads(first)
    change(entry)
    path.write_bytes(b"".join([canonical.line(entry), *others]))


def drop(number: int) -> Callable[[Path], None]:
    def dropped(root: Path) -> None:
        lines = (root / journal.NAME).read_bytes().splitlines(keepends=True)
        (root / journal.NAME).write_bytes(b"".join(lines[:number] + lines[number + 1 :]))

    return dropped


def elsewhere(root: Path) -> None:
    (root / journal.NAME).rename(root / "other.jsonl")
    (root / journal.NAME).symlink_to("other.jsonl")


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def put(root: Path) -> None:
        (root / journal.NAME).unlink()
        make(root / journal.NAME)

    return put


@pytest.mark.parametrize(
    "doctor",
    [
        pytest.param(lambda root: a_line(root, lambda line: line.update(by="Eve")), id="edited"),
        pytest.param(drop(0), id="first-line-gone"),
        pytest.param(instead(lambda path: path.write_bytes(b"\xff\n")), id="rubbish"),
        pytest.param(instead(lambda path: path.write_bytes(b"[" * 99_999 + b"\n")), id="deep"),
        pytest.param(instead(Path.mkdir), id="folder"),
        pytest.param(instead(os.mkfifo), id="pipe"),
        pytest.param(instead(lambda path: path.symlink_to("nowhere")), id="link-to-nowhere"),
        pytest.param(elsewhere, id="link"),
    ],
)
def test_a_journal_that_does_not_read_denies(
    reviewed: Path, policy: Policy, doctor: Callable[[Path], None]
) -> None:
    """There is no saying what was answered: nothing is verified by leaving that out."""
    doctor(reviewed.parents[1])
    said = asking.ask(reviewed, policy)
    assert not said.verified
    (why,), _ = told(said)
    assert "is not as it was written" in why


@pytest.mark.parametrize("kind", ["signed-off", "recorded"])
def test_a_journal_of_others_says_nothing(live: Path, policy: Policy, kind: str) -> None:
    """Answers to another bundle of the same root are not missed here."""
    other = {"kind": kind, "run_id": "x", "manifest_sha256": "0" * 64, "sha256": "1" * 64}
    journal.append(live.parents[1], other)
    said = asking.ask(live, policy)
    assert said.verified
    assert told(said) == ((), "no answer to it was given here")


@pytest.mark.parametrize(
    ("cut", "names"),
    [
        pytest.param(-1, ["Bob rejected", "the last"], id="end"),
        pytest.param(-2, ["the last"], id="brace"),
        pytest.param(-200, ["the last"], id="half"),
    ],
)
def test_a_rejection_is_not_hidden_by_its_end(
    reviewed: Path, policy: Policy, cut: int, names: list[str]
) -> None:
    """Nobody can say what the last line was: denied, until the next writer says so."""
    take_last(reviewed)
    path = reviewed.parents[1] / journal.NAME
    path.write_bytes(path.read_bytes()[:cut])
    denied, _ = told(asking.ask(reviewed, policy))
    assert [" ".join(why.split()[:2]) for why in denied] == names
    assert "rehearsal sign-off" in denied[-1]


def test_half_a_line_is_mended_by_the_next_writer(live: Path, policy: Policy) -> None:
    """A kill while somebody answered elsewhere: denied for now, and a line says so ever after."""
    path = live.parents[1] / journal.NAME
    path.write_bytes(b'{"kind":')
    assert told(asking.ask(live, policy)) == ((journal.UNENDED,), "")
    answer(live, policy, "Carol")
    assert [each["kind"] for each in journal.read(live.parents[1])] == ["torn", "signed-off"]
    assert asking.ask(live, policy).verified


@pytest.mark.parametrize("place", ["copy/marquez", "attached"])
def test_without_a_journal_it_is_verified_as_before(
    reviewed: Path, tmp_path: Path, policy: Policy, place: str
) -> None:
    """Copied elsewhere: every check of verify, no claim of more, a word on what is not known."""
    copied = tmp_path / place / reviewed.name
    shutil.copytree(reviewed, copied)
    said = asking.ask(copied, policy)
    assert said.verified
    assert said.asked == tuple(name for name, _ in verify.CHECKS)
    assert asking.unasked(said) == ""
    assert "not missed" in asking.unasked(said, live=True)
    shutil.copytree(sign_offs.folder_of(reviewed), sign_offs.folder_of(copied))
    assert "not missed" in asking.unasked(asking.ask(copied, policy))


def test_what_is_denied_before_is_not_asked(reviewed: Path, policy: Policy) -> None:
    """Whose manifest does not hold has no answers to miss."""
    (reviewed / "report.html").write_bytes(b"")
    said = asking.ask(reviewed, policy)
    assert not said.verified
    assert asking.CHECK not in said.asked
    assert asking.unasked(said, live=True) == ""


def test_live_is_asked_as_well(reviewed: Path, policy: Policy) -> None:
    """The journal's check stands among those of a live question, and decides with them."""
    asked = replace(policy, live=True)
    assert asking.ask(reviewed, asked).verified
    take_last(reviewed)
    said = asking.ask(reviewed, asked)
    assert [each.split(":")[0] for each in said.denials] == ["journal"]


def test_the_bucket_remembers_what_the_journal_forgot(reviewed: Path, policy: Policy) -> None:
    """The answer and the journal's last line are both gone; the bucket has what was published."""
    kept = Kept()
    places = publish.Places(s3=kept.client(), table=BucketTable(name=stage.BUCKET))

    def push() -> publish.Result:
        return publish.publish(reviewed, places, policy=policy, redactor=Redactor())

    before = (reviewed.parents[1] / journal.NAME).read_bytes()
    push()
    take_last(reviewed)
    first = before.splitlines(keepends=True)[0]
    (reviewed.parents[1] / journal.NAME).write_bytes(first)
    assert asking.ask(reviewed, policy).verified
    with pytest.raises(errors.BundleDenied, match=r"holds 1 answer\(s\) .*: 002.dsse.json"):
        push()
    take_all(reviewed)
    (reviewed.parents[1] / journal.NAME).unlink()
    with pytest.raises(errors.BundleDenied, match=r"holds 2 answer\(s\)"):
        push()


def test_a_document_cites_no_bundle_whose_answer_is_gone(
    shelf: Shelf, policy: Policy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`rehearsal audit` asks the journal of the checkout as well."""
    folder = shelf.copy(shelf.dry, tmp_path / "dist" / "staging")
    answer(folder, policy, "Bob", accepted=False, reason="the graph is empty")
    row = f"Dry-run rehearsal captured at `dist/staging/marquez/{folder.name}/`.\n"
    (tmp_path / "plan.md").write_text(row, encoding="utf-8")
    assert main(["audit", str(tmp_path)]) == Exit.HELD
    take_all(folder)
    capsys.readouterr()
    assert main(["audit", str(tmp_path)]) == Exit.BROKE
    assert "Bob rejected it at" in " ".join(capsys.readouterr().out.split())
