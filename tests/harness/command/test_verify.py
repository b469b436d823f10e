"""`rehearsal verify`: one screen for people, JSON for machines, and an exit code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.command import verify as answers
from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.evidence import sign_offs, verify
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures import closing
from fixtures.publishing import journal, sign_off
from tests.harness.command.conftest import Reserve


def test_honest_bundle_is_verified(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole, complete and what it says: verified, though it tells of a stopped rehearsal."""
    assert main(["verify", str(sealed)]) == Exit.HELD
    said = capsys.readouterr().out
    for what in (
        str(sealed),
        "mode        DRY RUN (simulated: hotpass), environment hotpass-staging",
        "outcome     SIMULATED, would have been INTERRUPTED",
        f"guardrails  0 of {sum(not each.optional for each in guardrails.REGISTRY)} held",
        "by          tester; owners QA (primary), Engineering (support)",
        "signature   unsigned",
        "reason      marquez.stack-healthy ended in no verdict",
        "waived      marquez.run-completed until 2999-01-01 by QA: known defect",
        "narrowed    -k run_completed: it never counts",
        "VERIFIED as what it says, and it never counts: only some guardrails were chosen.",
    ):
        assert what in said
    assert said.count("  ✓ ") == len(verify.CHECKS)
    assert "✗" not in said
    assert "DENIED" not in said


def test_honest_bundle_for_machines(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same answer as an in-toto verification result, every check by name."""
    assert main(["verify", str(sealed), "--json"]) == Exit.HELD
    statement = json.loads(capsys.readouterr().out)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.1"
    body = statement["predicate"]
    (subject,) = statement["subject"]
    assert subject == {"name": "manifest.json", "digest": {"sha256": body["manifest_sha256"]}}
    assert "REHEARSAL_VERIFIED" in body["properties"]
    assert "REHEARSAL_LIVE" not in body["properties"]
    assert body["verified"] is True
    assert body["directory"] == str(sealed)
    assert (body["word"], body["mode"]) == ("marquez", "dry run")
    assert (body["outcome"], body["would_be"]) == ("SIMULATED", "INTERRUPTED")
    assert body["narrowed"] == "-k run_completed"
    assert len(body["manifest_sha256"]) == 64
    assert [check["name"] for check in body["checks"]] == [name for name, _ in verify.CHECKS]
    assert all(check["holds"] and not check["denied"] for check in body["checks"])


def change(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b" ")


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        pytest.param(change("report.html"), "sums", id="changed-report"),
        pytest.param(change("ledger.jsonl"), "sums", id="changed-ledger"),
        pytest.param(change("manifest.json"), "sums", id="changed-manifest"),
        pytest.param(change("SHA256SUMS"), "sums", id="changed-sums"),
        pytest.param(lambda folder: (folder / "report.html").unlink(), "sums", id="lost-file"),
        pytest.param(
            lambda folder: (folder / "extra.txt").write_text("x"), "sums", id="file-too-many"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(), "directory", id="never-sealed"
        ),
        pytest.param(
            lambda folder: (folder / "link").symlink_to("/etc/hostname"), "directory", id="link"
        ),
    ],
)
def test_spoilt_bundle_is_denied(
    sealed: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], Any],
    check: str,
) -> None:
    """One spoilt byte denies, and both answers name the check and what was not looked at."""
    spoil(sealed)
    assert main(["verify", str(sealed)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert f"  ✗ {check}" in said
    assert "not looked at: " in said
    assert "DENIED: 1 reason(s)" in said
    assert "VERIFIED" not in said
    assert main(["verify", str(sealed), "--json"]) == Exit.BROKE
    body = json.loads(capsys.readouterr().out)["predicate"]
    assert body["verified"] is False
    assert body["properties"] == []
    assert [each["name"] for each in body["checks"] if not each["holds"]] == [check]


def test_renamed_bundle_is_denied(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted bundle under the name of a finished one is denied."""
    better = sealed.with_name(sealed.name.removesuffix(".interrupted"))
    sealed.rename(better)
    assert main(["verify", str(better)]) == Exit.BROKE
    assert "part company" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda _: None, "is no directory", id="missing"),
        pytest.param(lambda path: path.write_text("x"), "is no directory", id="file"),
        pytest.param(lambda path: path.mkdir(), "never sealed", id="empty-directory"),
        pytest.param(lambda path: path.symlink_to(path), "is no directory", id="link-to-itself"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["people", "machines"])
def test_what_is_no_bundle_is_denied(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], object],
    told: str,
    options: list[str],
) -> None:
    """A place without a bundle is denied in the same form: no traceback, no other exit code."""
    place = tmp_path / "20261122T000000Z"
    make(place)
    assert main(["verify", str(place), *options]) == Exit.BROKE
    said = capsys.readouterr().out
    assert told in said
    if options:
        body = json.loads(said)["predicate"]
        assert body["verified"] is False
        assert body["manifest_sha256"] is None


def test_copied_bundle_is_verified_elsewhere(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy on another disk, named relatively, says the same of itself."""
    copy = tmp_path / "usb stick" / sealed.name
    shutil.copytree(sealed, copy)
    assert main(["verify", str(copy)]) == Exit.HELD


def test_relative_name_is_enough(
    sealed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standing inside, a dot will do: the name is that of the directory."""
    monkeypatch.chdir(sealed)
    assert main(["verify", "."]) == Exit.HELD
    assert str(sealed) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "worth"),
    [
        pytest.param({}, "SIMULATED. A dry run is no evidence of staging.", id="dry-run"),
        pytest.param(
            {"would_be": "INTERRUPTED"},
            "and it never counts: the rehearsal was INTERRUPTED.",
            id="interrupted",
        ),
        pytest.param(
            {"narrowed": "-k x"}, "and it never counts: only some guardrails", id="narrowed"
        ),
        pytest.param(
            {"absent": [{"path": "runs.json", "reason": "refused"}]},
            "SIMULATED, with artefacts missing that are accounted for.",
            id="absent",
        ),
        pytest.param(
            {"mode": "live", "outcome": "PASSED", "would_be": None},
            "PASSED. Unsigned: no proof of liveness.",
            id="unsigned",
        ),
    ],
)
def test_last_line_says_what_it_is_worth(changes: dict[str, object], worth: str) -> None:
    """Nobody who reads one line takes a dry run, or half a rehearsal, for a staging success."""
    manifest: dict[str, object] = {
        "mode": "dry run",
        "outcome": "SIMULATED",
        "would_be": "PASSED",
        "narrowed": "",
        "absent": [],
        "signed_by": None,
    }
    answer = verify.Answer(folder=Path(), asked=(), manifest={**manifest, **changes})
    said = answers.worth(answer)
    assert said.startswith("VERIFIED as what it says")
    assert worth in said


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "1w", "1 d"])
def test_an_age_that_is_none_is_refused(
    sealed: Path, capsys: pytest.CaptureFixture[str], age: str
) -> None:
    """A limit nobody understands is an error of whoever typed it, not an answer."""
    assert main(["verify", str(sealed), f"--max-age={age}"]) == Exit.USAGE
    assert "Say 30d, 12h or 45m" in capsys.readouterr().err


def test_an_old_bundle_is_denied_when_asked(
    sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Age denies for whoever asks for it, and for nobody else."""
    assert main(["verify", str(sealed), "--max-age", "1d"]) == Exit.HELD
    assert main(["verify", str(sealed), "--max-age", "0m"]) == Exit.BROKE
    assert "at most 0.0 days asked" in capsys.readouterr().out


def test_a_dry_run_is_never_live(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked whether it is evidence of staging, it says everything that is lacking."""
    assert main(["verify", str(sealed), "--live"]) == Exit.BROKE
    said = capsys.readouterr().out
    for why in ("its mode is dry run", "it is unsigned", "nothing proves which hotpass it was"):
        assert why in said
    assert "VERIFIED" not in said


def test_a_key_is_made_and_trusted(
    tmp_path: Path, sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`key new` says how to use both halves; a second one there is refused, never replaced."""
    assert main(["key", "new", str(tmp_path / "keys")]) == Exit.HELD
    said = capsys.readouterr().out
    private = tmp_path / "keys" / "rehearsal-signing-key.pem"
    public = tmp_path / "keys" / "rehearsal-signing-key.pub.pem"
    assert f"export REHEARSAL_SIGNING_KEY={private}" in said
    assert public.read_text().strip() in said
    assert private.read_text() not in said
    assert private.stat().st_mode & 0o777 == 0o600
    assert main(["key", "new", str(tmp_path / "keys")]) == Exit.USAGE
    assert "is there already" in capsys.readouterr().err
    assert main(["verify", str(sealed), "--trust", str(public)]) == Exit.HELD
    assert main(["verify", str(sealed), "--trust", str(sealed / "report.html")]) == Exit.USAGE
    assert "is no public key" in capsys.readouterr().err


@pytest.fixture
def rejected(reserve: Reserve) -> Path:
    """A bundle that Bob rejected, and the journal beside it says so."""
    folder = closing.close(reserve(), junit=None).folder
    sign_off.give(folder, accepted=False, by="Bob", reason="empty", policy=verify.Policy())
    return folder


def test_a_rejection_that_was_taken_away_is_denied(
    rejected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people and for machines: who gave it, when, and that it is gone."""
    assert main(["verify", str(rejected)]) == Exit.HELD
    said = capsys.readouterr().out
    assert "  ✓ journal              1 answer to it given here, 1 beside it" in said
    shutil.rmtree(sign_offs.folder_of(rejected))
    assert main(["verify", str(rejected)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert "  ✓ sign-offs            none beside it" in said
    assert "  ✗ journal " in said
    assert "      Bob rejected it at " in said
    assert "DENIED: 1 reason(s)" in said
    assert main(["verify", str(rejected), "--json"]) == Exit.BROKE
    body = json.loads(capsys.readouterr().out)["predicate"]
    assert (body["verified"], body["properties"], body["not_asked"]) == (False, [], {})
    assert [each["name"] for each in body["checks"] if not each["holds"]] == ["journal"]


def test_an_edited_journal_is_denied(rejected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, not that of a fault of ours: there is no saying what was answered."""
    book = rejected.parents[1] / journal.NAME
    sign_off.give(rejected, accepted=False, by="Eve", reason="empty", policy=verify.Policy())
    book.write_bytes(book.read_bytes().replace(b"Bob", b"Ben"))
    assert main(["verify", str(rejected)]) == Exit.BROKE
    assert "is not as it was written: line 2 does not follow" in capsys.readouterr().out


def test_where_no_journal_is_there_nothing_is_claimed(
    rejected: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verified as before; one line where answers lie beside it, none where none do."""
    copy = tmp_path / "attached" / rejected.name
    shutil.copytree(rejected, copy)
    assert main(["verify", str(copy)]) == Exit.HELD
    assert "– journal" not in capsys.readouterr().out
    shutil.copytree(sign_offs.folder_of(rejected), sign_offs.folder_of(copy))
    assert main(["verify", str(copy)]) == Exit.HELD
    said = capsys.readouterr().out
    assert "  – journal              none here to ask: an answer that was taken away" in said
    assert main(["verify", str(copy), "--json"]) == Exit.HELD
    body = json.loads(capsys.readouterr().out)["predicate"]
    assert "REHEARSAL_SIGN-OFFS" in body["properties"]
    assert "REHEARSAL_JOURNAL" not in body["properties"]
    assert body["not_asked"].keys() == {"journal"}


HOSTILE = "a\n\x1b[2J\x1b[H\r\nVERIFIED as LIVE: PASSED, signed by QA."


def test_a_file_cannot_draw_a_verdict(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is printed as one line that acts on no terminal, for people and for machines."""
    (sealed / HOSTILE).write_text("x")
    assert main(["verify", str(sealed)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert not any(line.startswith("VERIFIED") for line in said.splitlines())
    assert "VERIFIED as LIVE: PASSED, signed by QA. is there and not listed" in said
    assert main(["verify", "--json", str(sealed)]) == Exit.BROKE
    checks = json.loads(capsys.readouterr().out)["predicate"]["checks"]
    assert all(why.isprintable() for check in checks for why in check["denied"])


def test_a_folder_cannot_draw_a_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor can the name of what is asked about."""
    (tmp_path / HOSTILE).mkdir()
    assert main(["verify", str(tmp_path / HOSTILE)]) == Exit.BROKE
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


def test_a_name_that_is_no_text_is_named(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its bytes; it is a file too many like any other."""
    Path(os.fsdecode(os.fsencode(sealed) + b"/\xffx")).write_text("x")
    assert main(["verify", str(sealed)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert "\\xffx is there and not listed: its name is no UTF-8" in said
    assert "codec" not in said


def test_an_error_cannot_draw_a_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it quotes acts on no terminal; its own lines stay."""
    (tmp_path / HOSTILE).mkdir()
    assert main(["judge", str(tmp_path / HOSTILE)]) == Exit.HARNESS_FAULT
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\r" not in said
    assert "\n  hint: " in said
