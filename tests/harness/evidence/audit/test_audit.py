"""Whether claims hold: the public repository's own facts, and each kind of finding on its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.records.systems import Mode
from fixtures.evidence.audit import Report, lookup
from fixtures.evidence.audit.finding import ADVICE, LABELS, Acceptance, Claim, Kind
from fixtures.evidence.verify import Answer

Write = Callable[[str, "str | bytes"], Path]
Commit = Callable[[str], None]
Auditor = Callable[..., Report]
Seal = Callable[..., Path]

PLAN = "docs/operations/staging-rehearsal-plan.md"
RUN = "dist/staging/marquez/20251112T140000Z"
HEAD = "| Rehearsal | Date | Notes |\n| --- | --- | --- |\n"


def kinds(claim: Claim) -> list[str]:
    return [each.kind.value for each in claim.findings]


def by_line(report: Report, document: str) -> dict[int, Claim]:
    return {each.line: each for each in report.claims if each.document == document}


def saw(claim: Claim, kind: Kind) -> str:
    return next(each.saw for each in claim.findings if each.kind is kind)


def row(folder: Path, words: str = "Completed") -> str:
    """A row about a bundle of the lineage smoke, on its own day."""
    stamp = folder.name[:8]
    day = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
    name = "/".join(folder.parts[-4:])
    return f"{HEAD}| Marquez lineage smoke | {day} | {words}: `{name}/` |\n"


def test_public_facts_are_found(upstream: Path, audited: Auditor) -> None:
    """Both rehearsals called complete before their day are found, by row, commit and days."""
    claims = by_line(audited(), PLAN)
    for line, days in ((11, 12), (14, 13)):
        assert kinds(claims[line]) == ["absent", "early"]
        assert "nor in any commit" in saw(claims[line], Kind.ABSENT)
        assert f"of 2025-10-31 made the claim, {days} days" in saw(claims[line], Kind.EARLY)


def test_no_upstream_evidence_is_accepted(upstream: Path, audited: Auditor) -> None:
    """Not one of the claims on the eight files of the public repository holds."""
    report = audited()
    assert len(report.claims) == 9
    assert list(report.failing) == list(report.claims)


def test_dry_runs_of_old_are_judged_by_their_files(upstream: Path, audited: Auditor) -> None:
    """A line that says dry run is honest about that, and its files still prove nothing."""
    claims = by_line(audited(), PLAN)
    assert kinds(claims[12]) == ["unsealed", "missing", "blank", "hand-shaped"]
    assert "runs.json" in saw(claims[12], Kind.MISSING)
    assert "graph.png shows nothing" in saw(claims[12], Kind.BLANK)
    assert "'graph' is a required property" in saw(claims[12], Kind.HAND_SHAPED)
    assert kinds(claims[13]) == ["unsealed", "missing", "blank", "hand-shaped"]
    for name in ("prefect.log", "summary.json", "cli.sh"):
        assert name in saw(claims[13], Kind.MISSING)


def test_arc_files_without_a_mark_are_seen_through(upstream: Path, audited: Auditor) -> None:
    """Nothing in them says dry run; nobody's account number does."""
    claims = by_line(audited(), PLAN)
    assert kinds(claims[15]) == ["unsealed", "hand-shaped"]
    assert kinds(claims[23]) == ["unsealed", "hand-shaped", "simulated"]
    assert "123456789012" in saw(claims[23], Kind.SIMULATED)


@pytest.mark.parametrize(
    ("name", "content", "mark"),
    [
        ("metadata.json", '{"status": "simulated-pass"}', "status 'simulated-pass'"),
        ("metadata.json", '{"operator": "codex-simulated"}', "operator 'codex-simulated'"),
        ("graph.json", '{"a": [{"run_id": "simulated-2025"}]}', "run_id 'simulated-2025'"),
        ("x.json", '{"simulated": true}', "simulated 'true'"),
        ("sts.txt", "Account: 000000000000\n", "000000000000"),
        ("cli.log", "notes: this was a dry run\n", '"dry run"'),
    ],
)
def test_marks_of_simulation(
    write: Write, audited: Auditor, name: str, content: str, mark: str
) -> None:
    """Every way the old files marked themselves is read, wherever it stands."""
    write(f"{RUN}/{name}", content)
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    assert mark in saw(claim, Kind.SIMULATED)


def test_sealed_live_rehearsal_holds(
    write: Write, commit: Commit, audited: Auditor, seal: Seal
) -> None:
    """A completed row whose bundle verifies, is live and passed: the one thing that holds."""
    folder = seal(Mode.LIVE)
    write("plan.md", row(folder))
    commit(datetime.now(UTC).isoformat())
    report = audited(now=None)
    (claim,) = report.claims
    assert kinds(claim) == []
    assert claim.notes == ["live, PASSED", "signed by QA laptop"]
    assert report.failing == ()
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("mode", "words", "expected"),
    [
        pytest.param(Mode.DRY_RUN, "Dry-run rehearsal captured at", [], id="dry-run-said"),
        pytest.param(Mode.DRY_RUN, "Completed", ["simulated"], id="dry-run-called-complete"),
        pytest.param(Mode.DRY_RUN, "Evidence", ["simulated"], id="dry-run-unsaid"),
        pytest.param(Mode.LOCAL, "Completed", ["local"], id="local-called-complete"),
        pytest.param(Mode.LOCAL, "Evidence", [], id="local-cited"),
        pytest.param(Mode.LIVE, "Evidence", [], id="live-cited"),
        pytest.param(Mode.LIVE, "Dry run", [], id="live-called-dry-run"),
    ],
)
def test_mode_against_words(
    write: Write, audited: Auditor, seal: Seal, mode: Mode, words: str, expected: list[str]
) -> None:
    """Only live counts as complete; a dry run holds where the line says that it is one."""
    write("plan.md", row(seal(mode), words))
    (claim,) = audited(now=None).claims
    assert kinds(claim) == expected


def test_completed_wants_every_proof(write: Write, audited: Auditor, seal: Seal) -> None:
    """A passed live rehearsal nobody signed may be cited; complete is what `--live` accepts."""
    folder = seal(Mode.LIVE, signed=False)
    write("cited.md", row(folder, "Evidence"))
    write("plan.md", row(folder))
    cited, complete = audited(now=None).claims
    assert kinds(cited) == []
    assert saw(complete, Kind.UNVOUCHED) == "live: it is unsigned"


def test_signed_off_wants_an_acceptance(write: Write, audited: Auditor, seal: Seal) -> None:
    """Who writes that somebody signed off needs that somebody's answer beside the bundle."""
    folder = seal(Mode.LIVE)
    write("plan.md", row(folder, "Completed, signed off by Ada"))
    write("soon.md", row(folder, "Completed, not signed off yet"))
    plan, soon = audited(now=None).claims
    assert saw(plan, Kind.UNVOUCHED) == "it says signed off, and no acceptance lies beside it"
    assert kinds(soon) == []


@pytest.mark.parametrize("first", ["broke", "not_established"])
def test_completed_is_not_failed(write: Write, audited: Auditor, seal: Seal, first: str) -> None:
    """A live rehearsal that did not pass is evidence, and not of completion."""
    folder = seal(Mode.LIVE, first)
    write("plan.md", row(folder))
    write("honest.md", row(folder, "Outcome on staging"))
    assert [kinds(each) for each in audited(now=None).claims] == [[], ["not-passed"]]


def test_narrowed_run_never_counts(write: Write, audited: Auditor, seal: Seal) -> None:
    """Some guardrails chosen by hand are no rehearsal, whatever the line says."""
    write("plan.md", row(seal(narrowed="-k run_completed"), "Dry run"))
    (claim,) = audited(now=None).claims
    assert kinds(claim) == ["not-passed"]


def test_edited_bundle_is_denied(write: Write, audited: Auditor, seal: Seal) -> None:
    """One byte after sealing, and the finding says which check denies."""
    folder = seal(Mode.LIVE)
    with (folder / "cli.log").open("ab") as log:
        log.write(b".")
    write("plan.md", row(folder))
    (claim,) = audited(now=None).claims
    assert kinds(claim) == ["denied"]
    assert "cli.log was changed" in saw(claim, Kind.DENIED)


def test_dry_run_under_another_name_is_denied(
    write: Write, checkout: Path, audited: Auditor, seal: Seal
) -> None:
    """A dry run copied to the claimed folder proves nothing about it."""
    shutil.copytree(seal(), checkout / RUN)
    write("plan.md", row(checkout / RUN))
    (claim,) = audited(now=None).claims
    assert "denied" in kinds(claim)


def test_hand_made_manifest_is_denied(write: Write, audited: Auditor) -> None:
    """A manifest somebody typed is no seal."""
    write(f"{RUN}/manifest.json", json.dumps({"mode": "live", "outcome": "PASSED"}))
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    assert kinds(claim) == ["denied"]


def test_check_that_was_not_made_denies(
    write: Write, audited: Auditor, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer without a denial is no yes when a check is lacking."""

    def incomplete(folder: Path, **_: object) -> Answer:
        return Answer(folder=folder, asked=("signature",))

    write("plan.md", row(seal(Mode.LIVE)))
    monkeypatch.setattr(lookup, "verify", incomplete)
    (claim,) = audited(now=None).claims
    assert kinds(claim) == ["denied"]


def test_named_file_must_be_there(write: Write, audited: Auditor, seal: Seal) -> None:
    """A sealed bundle does not make a file exist that the line names beside it."""
    folder = seal(Mode.LIVE)
    write("plan.md", row(folder).replace("/` |", "/`, `cli.log` and `proof.png` |"))
    (claim,) = audited(now=None).claims
    assert kinds(claim) == ["missing"]
    assert "proof.png" in saw(claim, Kind.MISSING)
    assert "cli.log" not in saw(claim, Kind.MISSING)


def test_evidence_of_another_day_or_rehearsal(write: Write, audited: Auditor, seal: Seal) -> None:
    """A row may not borrow the bundle of another day, nor of another rehearsal."""
    folder = seal(Mode.LIVE)
    name = f"dist/staging/marquez/{folder.name}"
    write("day.md", f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Completed: `{name}/` |\n")
    text = row(folder).replace("Marquez lineage smoke", "ARC runner lifecycle")
    write("word.md", text)
    day, word = audited(now=None).claims
    assert kinds(day) == ["mismatched"]
    assert kinds(word) == ["mismatched"]
    assert "the row is about arc, the path marquez" in saw(word, Kind.MISMATCHED)


def test_row_without_a_path(write: Write, audited: Auditor, seal: Seal) -> None:
    """A completed row names its evidence, or evidence of that day must be there to be found."""
    folder = seal(Mode.LIVE)
    lacking = f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Completed |\n"
    found = row(folder).partition(": `")[0].replace("Completed", "Completed |\n")
    write("a.md", lacking)
    write("b.md", found)
    first, second = audited(now=None).claims
    assert kinds(first) == ["unproven"]
    assert kinds(second) == []
    assert f"found, and not named: dist/staging/marquez/{folder.name}" in second.notes


def test_deleted_evidence_is_told_from_evidence_that_never_was(
    write: Write, checkout: Path, commit: Commit, audited: Auditor
) -> None:
    """Git knows whether some commit ever held the folder."""
    write(f"{RUN}/cli.log", "a log\n")
    write("a.md", f"Evidence: `{RUN}/`, and `dist/staging/arc/20251113T160000Z/`\n")
    commit("2025-11-14T00:00:00Z")
    shutil.rmtree(checkout / "dist")
    commit("2025-11-15T00:00:00Z")
    gone, never = audited().claims
    assert "of 2025-11-14 brought it, and it is gone" in saw(gone, Kind.ABSENT)
    assert "nor in any commit" in saw(never, Kind.ABSENT)


def test_evidence_elsewhere_is_said(write: Write, audited: Auditor) -> None:
    """A bucket is not looked at; the finding says so instead of guessing."""
    write("a.md", f"Completed: s3://evidence/{RUN}/\n")
    (claim,) = audited().claims
    assert "s3://evidence" in saw(claim, Kind.ABSENT)


def test_ignored_evidence_is_noted(write: Write, commit: Commit, audited: Auditor) -> None:
    """What git does not track is on one machine only, and the reader is told."""
    write("a.md", f"Evidence: `{RUN}/`\n")
    commit("2025-11-14T00:00:00Z")
    write(f"{RUN}/cli.log", "a log\n")
    (claim,) = audited().claims
    assert "not in git: it is on this machine only" in claim.notes


@pytest.mark.parametrize(
    ("name", "body", "shaped"),
    [
        ("runs.json", '{"runs": []}', "has no _rehearsal"),
        ("runs.json", '{"runs": "yes"}', "is not what the system answers"),
        ("runs.json", '{"runs": [], "runs": []}', "a key stands twice"),
        ("runs.json", '{"runs": NaN}', "NaN is no JSON"),
        ("runs.json", "[" * 100_000, "cannot be read as JSON"),
        ("runs.json", b"\xff\xfe", "cannot be read as JSON"),
        ("other.json", '{"a": 1}', "has no _rehearsal"),
        ("other.json", '{"_rehearsal": "yes"}', "has no _rehearsal"),
    ],
)
def test_hand_shaped_json(
    write: Write, audited: Auditor, name: str, body: str | bytes, shaped: str
) -> None:
    """A payload that no system answered is told by its shape."""
    write(f"{RUN}/{name}", body)
    write("a.md", f"Evidence: `{RUN}/`\n")
    (claim,) = audited().claims
    assert shaped in saw(claim, Kind.HAND_SHAPED)


def test_own_summary_of_hotpass_is_its_own_shape(write: Write, audited: Auditor) -> None:
    """What Hotpass itself stores is not called hand-shaped; it is not sealed all the same."""
    write(".hotpass/arc/20251113T160000Z/metadata.json", '{"command": "hotpass arc"}')
    write("a.md", "Evidence: `.hotpass/arc/20251113T160000Z/`\n")
    (claim,) = audited().claims
    assert "hand-shaped" not in kinds(claim)
    assert "unsealed" in kinds(claim)


def test_logs_of_old_are_asked_for_the_same_files(write: Write, audited: Auditor) -> None:
    """The older folder of the preflight is one of that rehearsal."""
    write("dist/logs/e2e-20251107T105820Z/overview.log", "ok\n")
    write("a.md", "Done, logs in `dist/logs/e2e-20251107T105820Z/`\n")
    (claim,) = audited().claims
    assert claim.word == "e2e"
    assert "qa.log" in saw(claim, Kind.MISSING)
    assert "overview.log" not in saw(claim, Kind.MISSING)


def test_no_folder_and_no_document_are_refused(checkout: Path, audited: Auditor) -> None:
    """Nothing read is nothing audited: never a quiet success."""
    with pytest.raises(errors.SettingsInvalid, match="is no folder"):
        audited(at=checkout / "nowhere")
    with pytest.raises(errors.SettingsInvalid, match="no Markdown document"):
        audited()


def accepted(kind: str, expires: date) -> Acceptance:
    return Acceptance("./a.md", f"{RUN}/", kind, "kept in a bucket", "QA", expires)


def test_accepted_finding_no_longer_fails(write: Write, audited: Auditor) -> None:
    """Set aside by document, claim and kind: shown, and not counted, up to its last day."""
    write("a.md", f"Evidence: `{RUN}/`\n")
    write("b.md", f"Evidence: `{RUN}/`\n")
    report = audited((accepted("absent", date(2026, 11, 21)),))
    assert [each.document for each in report.failing] == ["b.md"]
    assert report.claims[0].findings[0].accepted is not None
    assert report.unmet == ()


def test_expired_acceptance_no_longer_counts(write: Write, audited: Auditor) -> None:
    """The day after, the finding stands again and says until when it was accepted."""
    write("a.md", f"Evidence: `{RUN}/`\n")
    report = audited((accepted("absent", date(2026, 11, 20)),))
    (finding,) = report.failing[0].findings
    assert finding.expired is not None
    assert finding.accepted is None


def test_acceptance_is_of_one_kind(write: Write, audited: Auditor) -> None:
    """Accepting one finding accepts no other of the same claim; what meets none is said."""
    day = datetime(2099, 1, 1, tzinfo=UTC)
    write("a.md", f"Evidence: `{RUN}/`\n")
    given = accepted("early", day.date())
    report = audited((given,))
    assert len(report.failing) == 1
    assert report.unmet == (given,)


def test_later_acceptance_wins_over_an_expired_one(write: Write, audited: Auditor) -> None:
    """Renewing is adding: the old entry may stay."""
    write("a.md", f"Evidence: `{RUN}/`\n")
    old, new = accepted("absent", date(2026, 1, 1)), accepted("absent", date(2026, 12, 1))
    for order in ((old, new), (new, old)):
        assert audited(order).failing == ()


def test_every_kind_has_words() -> None:
    """No finding is shown without a name and a next step."""
    assert set(LABELS) == set(ADVICE) == set(Kind)


def test_hundreds_of_documents(write: Write, commit: Commit, audited: Auditor) -> None:
    """Every document is read, and git is asked a handful of times, not once per claim."""
    padding = "text\n" * 40
    for number in range(400):
        stamp = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=number)).strftime("%Y%m%dT%H")
        write(
            f"docs/{number}.md",
            f"---\nlast_updated: 2025-12-01\n---\n\n# A\n\n{padding}\n"
            f"Evidence: `dist/staging/marquez/{stamp}0000Z/`\n",
        )
    commit("2026-01-01T00:00:00Z")
    report = audited()
    assert report.documents == 400
    assert len(report.failing) == 400


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("see `$HOTPASS/dist/staging/arc/20251113T220000Z` completed", id="variable"),
        pytest.param("dist/staging/arc/{20251113T190000Z,20251113T200000Z}/", id="braces"),
        pytest.param("dist/staging/arc/20251113T160000Z<!-- x -->", id="comment"),
        pytest.param("Completed: `staging/arc/20251113T230004Z/sts.txt`", id="without-dist"),
        pytest.param(
            "---\nevidence: dist/staging/arc/20240108T000000Z\nstatus: Completed\n---\n",
            id="front-matter",
        ),
        pytest.param("s3://bucket/staging/marquez/20251113T160000Z/ uploaded", id="bucket"),
        pytest.param("dist&#47;staging/arc/20251113T160000Z/", id="entity"),
        pytest.param("DIST/STAGING/ARC/20251113T160000Z/", id="capitals"),
    ],
)
def test_false_claim_fails_however_it_is_spelled(
    write: Write, commit: Commit, audited: Auditor, text: str
) -> None:
    """Each alone in a checkout: every run it names is absent, and git is asked about it."""
    write("docs/a.md", f"{text}\n")
    commit("2025-11-20T12:00:00+00:00")
    report = audited()
    assert len(report.claims) == text.count("Z")
    assert all(kinds(each) == ["absent"] for each in report.claims)


def test_bucket_is_not_looked_at(write: Write, audited: Auditor) -> None:
    """What is said to be in a bucket is absent here, and the finding says who was not asked."""
    write("docs/a.md", "s3://bucket/staging/marquez/20251113T160000Z/ uploaded\n")
    (claim,) = audited().claims
    assert "in a bucket, not looked at (s3://bucket)" in saw(claim, Kind.ABSENT)


@pytest.mark.parametrize(
    "text", ["DIST/STAGING/ARC/20251113T160000Z/", "staging/arc/20251113T160000Z/"]
)
def test_other_spelling_finds_what_is_there(write: Write, audited: Auditor, text: str) -> None:
    """A folder that exists is not called absent for the way a line spells it."""
    write("dist/staging/arc/20251113T160000Z/sts.txt", "Account: 1\n")
    write("docs/a.md", f"{text}\n")
    (claim,) = audited().claims
    assert "unsealed" in kinds(claim)
    assert "absent" not in kinds(claim)


def test_first_commit_of_another_spelling_is_found(
    write: Write, commit: Commit, audited: Auditor
) -> None:
    """A claim made before its date is early, however its path is spelled."""
    write("docs/a.md", "STAGING/ARC/20251113t160000z/ done\n")
    commit("2025-11-01T12:00:00+00:00")
    write("docs/a.md", "More.\n\nSTAGING/ARC/20251113t160000z/ done\n")
    commit("2025-11-20T12:00:00+00:00")
    (claim,) = audited().claims
    assert "of 2025-11-01 made the claim" in saw(claim, Kind.EARLY)
