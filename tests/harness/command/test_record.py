"""`rehearsal record`: from a sealed bundle to documents that the audit accepts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from fixtures.command.main import main
from fixtures.core import errors, settings
from fixtures.core.outcome import Exit
from fixtures.core.records.systems import Mode
from fixtures.evidence import durable, sign_offs
from fixtures.evidence.audit import Report, audit
from fixtures.evidence.verify import Answer, Policy
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing, schedule, signing
from fixtures.publishing import sign_off
from fixtures.publishing.documents import log, plan, rehearsal, steps
from tests.harness.evidence.conftest import JUNIT, OPENING, fill, judge, reserved
from tests.harness.publishing import judged
from tests.harness.publishing.documents.made import LOG, PLAN, RUNNERS, STEPS

GIT = shutil.which("git") or "git"
RUNNERS_PATH = "docs/how-to-guides/manage-arc-runners.md"
TEXTS = {plan.PATH: PLAN, steps.PATH: STEPS, log.PATH: LOG, RUNNERS_PATH: RUNNERS}
SYSTEMS = [
    {
        "name": name,
        "provenance": "local",
        "claimed": "local",
        "identity": {"digest": f"{name}-1"},
        "detail": "",
        "demanded": "local",
        "pins": {"digest": f"{name}-1"},
    }
    for name in ("marquez", "hotpass")
]

Seal = Callable[..., Path]
State = dict[str, bytes]


@pytest.fixture(autouse=True)
def judging_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle is verified here before, while and after it is copied and cited."""
    judged.once(monkeypatch)


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    """A key that signs live bundles."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def project(
    tmp_path: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> settings.Settings:
    """A checkout of this project that trusts the key; the test stands in it."""
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    own = Path(settings.__file__).parents[3] / "pyproject.toml"
    trust = (
        f'\n[[tool.rehearsals.trusted_keys]]\nname = "QA"\npublic_key = """{public.decode()}"""\n'
    )
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text(own.read_text("utf-8") + trust, "utf-8")
    monkeypatch.chdir(tmp_path / "project")
    return settings.load(tmp_path / "project" / "pyproject.toml")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git checkout with the documents, to be copied."""
    folder = tmp_path_factory.mktemp("committed") / "hotpass"
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    git(folder, "init", "-q", "-b", "main", "--template=")
    commit(folder)
    return folder


@pytest.fixture
def hotpass(tmp_path: Path, committed: Path) -> Path:
    """A git checkout with the documents."""
    return Path(shutil.copytree(committed, tmp_path / "hotpass"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, key: Ed25519PrivateKey) -> Seal:
    """Seals each kind of bundle once."""
    known: dict[str, Path] = {}

    def made(how: dict[str, Any]) -> Path:
        if repr(how) not in known:
            root = tmp_path_factory.mktemp("sealed")
            known[repr(how)] = sealed(root, key, **how)
        return known[repr(how)]

    return made


@pytest.fixture
def seal(tmp_path: Path, key: Ed25519PrivateKey, shelf: Seal) -> Seal:
    """A live and signed bundle outside the checkout, unless said otherwise."""

    def made(mode: Mode = Mode.LIVE, **how: Any) -> Path:
        root = tmp_path / "elsewhere"
        if root.exists():
            # Another one beside the first, which has a second of its own.
            return sealed(root, key, mode=mode, **how)
        one = shelf({"mode": mode, **how})
        return Path(shutil.copytree(one, root / "marquez" / one.name))

    return made


def sealed(
    root: Path,
    key: Ed25519PrivateKey,
    *,
    mode: Mode,
    first: str = "held",
    signed: bool = True,
    stopped: str = "",
    **changes: Any,
) -> Path:
    """Rehearse and seal."""
    real = {"staging": True, "taints": [], "systems": SYSTEMS}
    bundle = reserved(
        root,
        mode=mode,
        signer=CryptoSigner(key) if signed and mode is Mode.LIVE else None,
        opening={**OPENING, **({} if mode is Mode.DRY_RUN else real), **changes},
    )
    fill(bundle)
    judge(bundle, first)
    if stopped:
        bundle.note_interruption(stopped)
    return closing.close(bundle, junit=JUNIT).folder


def git(folder: Path, *arguments: str) -> str:
    quiet = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}
    told = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        [GIT, *told, *arguments], cwd=folder, env=quiet, text=True, capture_output=True, check=True
    ).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "work", "--allow-empty")


def audited(folder: Path, known: settings.Settings) -> Report:
    """The audit of a checkout, before and after its changes are committed."""
    policy = policy_of(known)
    for _ in range(2):
        report = audit(folder, registries=REGISTRIES, policy=policy)
        assert [(claim.text, claim.findings) for claim in report.failing if recorded(claim)] == []
        commit(folder)
    return report


def recorded(claim: Any) -> bool:
    """Whether a claim is of a recorded run: the documents tell of an older, unsealed one too."""
    return "20261101T" not in claim.folder


def state(folder: Path) -> State:
    """Every document, to the byte."""
    return {name: (folder / name).read_bytes() for name in TEXTS}


def changed(before: State, after: State) -> list[str]:
    return sorted(name for name, data in after.items() if data != before[name])


def run(folder: Path, hotpass: Path, *options: str) -> int:
    return main(["record", str(folder), "--hotpass-root", str(hotpass), *options])


def policy_of(known: settings.Settings) -> Policy:
    return Policy(trusted=signing.trusted(known))


def accept(folder: Path, known: settings.Settings, *, accepted: bool = True) -> None:
    policy = policy_of(known)
    sign_off.give(folder, accepted=accepted, by="Ada", reason="as agreed", policy=policy)


def test_dry_run_is_a_row_and_nothing_more(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copied, cited as what it is, accepted by the audit; three repeats leave the same bytes."""
    folder, before = seal(Mode.DRY_RUN), state(hotpass)
    assert run(folder, hotpass) == Exit.HELD
    once = state(hotpass)
    assert changed(before, once) == [plan.PATH]
    assert [claim.says for claim in audited(hotpass, project).claims if recorded(claim)] == [
        "dry run"
    ]
    said = capsys.readouterr().out
    assert f"evidence: dist/staging/marquez/{folder.name}, copied and verified" in said
    add = f"dist/staging/marquez/{folder.name} {plan.PATH} dist/staging/journal.jsonl"
    assert f"next: git -C {hotpass} add {add}" in said
    for _ in range(3):
        assert run(folder, hotpass) == Exit.HELD
        assert state(hotpass) == once
    assert git(hotpass, "status", "--porcelain") == ""


def test_live_run_from_ready_to_done(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Ready for sign-off, and, after the reviewer's acceptance, done; the audit accepts both."""
    folder, before = seal(), state(hotpass)
    assert run(folder, hotpass) == Exit.HELD
    ready = state(hotpass)
    assert changed(before, ready) == [steps.PATH, plan.PATH]
    assert b"Ready for sign-off" in ready[steps.PATH]
    assert {claim.says for claim in audited(hotpass, project).claims if recorded(claim)} == {
        "completed",
        "cited",
    }
    accept(folder, project)
    assert run(folder, hotpass) == Exit.HELD
    done = state(hotpass)
    assert changed(ready, done) == [steps.PATH, log.PATH, plan.PATH]
    assert b"- [x] Schedule Marquez lineage smoke" in done[steps.PATH]
    assert b"Completed, signed off by Ada" in done[plan.PATH]
    assert b"signed off by Ada" in done[log.PATH]
    audited(hotpass, project)
    for _ in range(3):
        # From the copy too: the reviewer's answer came along.
        copy = hotpass / "dist" / "staging" / "marquez" / folder.name
        for each in (folder, copy):
            assert run(each, hotpass) == Exit.HELD
            assert state(hotpass) == done


def test_rejection_that_was_taken_away_is_missed(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody would rather forget the last answer: the documents do not say done."""
    folder = seal()
    accept(folder, project)
    beside = sign_offs.folder_of(folder)
    last = beside / sign_offs.file_name(2)
    sign_off.give(folder, accepted=False, by="Bob", reason="blank", policy=policy_of(project))
    last.unlink()
    before = state(hotpass)
    assert run(folder, hotpass) == Exit.BROKE
    assert "Bob rejected it" in capsys.readouterr().err
    assert state(hotpass) == before


def test_rejection_is_written_and_never_as_done(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """A reviewer who says no: blocked, logged with an open box, accepted by the audit."""
    folder = seal()
    accept(folder, project, accepted=False)
    assert run(folder, hotpass) == Exit.HELD
    now = state(hotpass)
    assert b"Blocked: sign-off rejected by Ada" in now[steps.PATH]
    assert b"- [ ] **QA** \xe2\x80\x94 Marquez lineage smoke sign-off rejected" in now[log.PATH]
    assert "completed" not in {
        each.says for each in audited(hotpass, project).claims if recorded(each)
    }


@pytest.mark.parametrize(
    ("made", "says"),
    [
        pytest.param({"first": "broke"}, b"Blocked: FAILED (", id="failed"),
        pytest.param(
            {"mode": Mode.LIVE, "first": "not_established"},
            b"Blocked: marquez.stack-healthy is not established",
            id="not-established",
        ),
        pytest.param(
            {"mode": Mode.LOCAL, "first": "not_established", "systems": []},
            b"Blocked: marquez.stack-healthy is not established",
            id="nothing-was-opened",
        ),
    ],
)
def test_what_did_not_pass_is_blocked(
    project: settings.Settings, hotpass: Path, seal: Seal, made: dict[str, Any], says: bytes
) -> None:
    """Bad news needs less proof: recorded as blocked, with the reason, and never as complete."""
    assert run(seal(**made), hotpass) == Exit.HELD
    now = state(hotpass)
    assert says in now[steps.PATH]
    assert says in now[plan.PATH]
    assert now[log.PATH] == LOG.encode()
    assert {each.says for each in audited(hotpass, project).claims if recorded(each)} == {"cited"}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        pytest.param({"signed": False}, "it is unsigned", id="live-unsigned"),
        pytest.param(
            {"source": {"commit": "f" * 40, "dirty": True}}, "changed since", id="live-dirty"
        ),
        pytest.param(
            {"mode": Mode.LOCAL, "systems": [{**SYSTEMS[0], "demanded": "staging"}]},
            "neither a dry run nor evidence",
            id="local-passed",
        ),
        pytest.param(
            {"mode": Mode.LOCAL, "staging": False, "first": "broke"}, "neither", id="local-failed"
        ),
        pytest.param({"stopped": "Ctrl-C"}, "INTERRUPTED", id="interrupted"),
        pytest.param({"mode": Mode.DRY_RUN, "stopped": "x"}, "INTERRUPTED", id="dry-interrupted"),
        pytest.param({"narrowed": "-k one"}, "narrowed by -k one", id="narrowed"),
    ],
)
def test_what_no_document_may_cite(
    project: settings.Settings,
    hotpass: Path,
    seal: Seal,
    capsys: pytest.CaptureFixture[str],
    made: dict[str, Any],
    told: str,
) -> None:
    """Refused with the reason; nothing is copied and no document is touched."""
    folder = seal(**made)
    assert run(folder, hotpass) == Exit.BROKE
    said = capsys.readouterr().err
    assert "[rehearsal-not-recordable]" in said
    assert told in said
    assert git(hotpass, "status", "--porcelain", "--ignored") == ""


def test_bundle_of_the_future_is_refused(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Nobody records what has not taken place."""
    folder = seal(Mode.DRY_RUN)
    with pytest.raises(errors.RehearsalNotRecordable, match="lies in the future"):
        rehearsal.record(
            folder, hotpass, policy=policy_of(project), now=datetime.now(UTC) - timedelta(hours=1)
        )


def test_edited_bundle_is_refused(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """One byte after sealing."""
    folder = seal(Mode.DRY_RUN)
    with (folder / "cli.log").open("ab") as file:
        file.write(b".")
    assert run(folder, hotpass) == Exit.BROKE
    assert "sums: cli.log was changed" in capsys.readouterr().err


def test_another_bundle_in_its_place_is_never_replaced(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Evidence is not overwritten, nor cited in place of other evidence."""
    folder, before = seal(Mode.DRY_RUN), state(hotpass)
    place = hotpass / "dist" / "staging" / "marquez" / folder.name
    place.mkdir(parents=True)
    (place / "SHA256SUMS").write_bytes(b"of another\n")
    assert run(folder, hotpass) == Exit.BROKE
    assert "[bundle-differs]" in capsys.readouterr().err
    assert (place / "SHA256SUMS").read_bytes() == b"of another\n"
    assert state(hotpass) == before


def test_changed_copy_is_not_cited(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same sums there, and a byte changed behind them: denied where it would be cited."""
    folder, before = seal(Mode.DRY_RUN), state(hotpass)
    place = hotpass / "dist" / "staging" / "marquez" / folder.name
    shutil.copytree(folder, place)
    (place / "cli.log").write_bytes(b"other")
    assert run(folder, hotpass) == Exit.BROKE
    assert "[bundle-differs]" in capsys.readouterr().err
    assert state(hotpass) == before


def test_what_a_killed_copy_left_is_no_obstacle(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Half a copy is swept away by the next one."""
    folder = seal(Mode.DRY_RUN)
    half = hotpass / "dist" / "staging" / ".arriving" / "marquez" / folder.name
    half.mkdir(parents=True)
    (half / "cli.log").write_bytes(b"half")
    assert run(folder, hotpass) == Exit.HELD
    assert not half.parents[1].exists()


def test_blocked_run_says_what_was_missing(
    project: settings.Settings, hotpass: Path, tmp_path: Path
) -> None:
    """What could not be looked at, item by item, and not the guardrails that went unjudged."""
    real = {"staging": True, "taints": [], "systems": []}
    bundle = reserved(tmp_path / "elsewhere", mode=Mode.LOCAL, opening={**OPENING, **real})
    missing = [f"thing {number}" for number in range(5)]
    bundle.note_trouble(errors.PrerequisitesMissing(missing, hint="Bring it."), step="1")
    judge(bundle, "not_established")
    folder = closing.close(bundle, junit=JUNIT).folder
    assert run(folder, hotpass) == Exit.HELD
    said = (
        "Blocked: prerequisites-missing: thing 0; prerequisites-missing: thing 1; "
        "prerequisites-missing: thing 2; and 2 more in its report"
    )
    assert said.encode() in state(hotpass)[steps.PATH]
    assert said.encode() in state(hotpass)[plan.PATH]
    audited(hotpass, project)


def test_disk_that_refuses_the_copy_leaves_nothing(
    project: settings.Settings,
    hotpass: Path,
    seal: Seal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A full disk while copying: no half of a bundle, and no document that cites it."""

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    folder = seal(Mode.DRY_RUN)
    monkeypatch.setattr(durable, "sync_file", full)
    assert run(folder, hotpass) == Exit.HARNESS_FAULT
    assert "[evidence-not-writable]" in capsys.readouterr().err
    assert git(hotpass, "status", "--porcelain", "--ignored") == ""


def test_link_that_leads_out_is_not_followed(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Evidence that documents cite lies in their checkout."""
    folder, before = seal(Mode.DRY_RUN), state(hotpass)
    (hotpass / "dist").symlink_to(hotpass.parent / "elsewhere")
    assert run(folder, hotpass) == Exit.BROKE
    assert "leads out of the checkout" in capsys.readouterr().err
    assert state(hotpass) == before


def test_dry_run_option_shows_the_diff(
    project: settings.Settings,
    hotpass: Path,
    seal: Seal,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A patch that git takes, and nothing else on standard output; nothing is changed."""
    folder = seal()
    assert run(folder, hotpass, "--dry-run") == Exit.HELD
    said = capsysbinary.readouterr()
    assert git(hotpass, "status", "--porcelain", "--ignored") == ""
    assert b"to be copied there first" in said.err
    (hotpass.parent / "patch").write_bytes(said.out)
    git(hotpass, "apply", str(hotpass.parent / "patch"))
    shown = state(hotpass)
    git(hotpass, "checkout", "-q", ".")
    assert run(folder, hotpass) == Exit.HELD
    assert state(hotpass) == shown


def test_each_document_is_edited_or_left_whole(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document without its anchor and one read-only: listed, left, and the third is edited."""
    folder = seal()
    accept(folder, project)
    (hotpass / plan.PATH).write_text(PLAN.replace("**Marquez smoke**", "**Smoke**"), "utf-8")
    (hotpass / log.PATH).chmod(0o444)
    before = state(hotpass)
    assert run(folder, hotpass) == Exit.BROKE
    assert changed(before, state(hotpass)) == [steps.PATH]
    said = capsys.readouterr().out
    for told in (
        f"✗ {plan.PATH}: left as it is",
        "[anchor-not-found]",
        f"✗ {log.PATH}: left as it is",
        "[document-refused]",
        f"✓ {steps.PATH}: written",
    ):
        assert told in said
    (hotpass / plan.PATH).write_text(PLAN, "utf-8")
    (hotpass / log.PATH).chmod(0o644)
    assert run(folder, hotpass) == Exit.HELD


def test_documents_with_crlf_stay_so(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Every line ends as it did, and the audit reads them all the same."""
    for name, text in TEXTS.items():
        (hotpass / name).write_bytes(text.replace("\n", "\r\n").rstrip().encode())
    assert run(seal(), hotpass) == Exit.HELD
    for data in state(hotpass).values():
        assert data.count(b"\n") == data.count(b"\r\n")
        assert not data.endswith(b"\n")
    audited(hotpass, project)


def test_two_recorders_at_once_leave_one_result(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Neither doubles a row nor loses one."""
    folders = [seal(Mode.DRY_RUN), seal(Mode.DRY_RUN)]
    threads = [
        threading.Thread(
            target=rehearsal.record,
            args=(each, hotpass),
            kwargs={"policy": policy_of(project)},
        )
        for each in (*folders, *folders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    said = (hotpass / plan.PATH).read_text("utf-8")
    for folder in folders:
        assert said.count(folder.name) == 1
    audited(hotpass, project)


def killed_at(point: int, folder: Path, hotpass: Path) -> int:
    """Record in a child that dies at its so-manieth sync; how many there were when it did not."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        count = 0
        sync = os.fsync

        def counted(descriptor: Any) -> None:
            nonlocal count
            count += 1
            if count == point:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(descriptor)

        os.fsync = counted  # type: ignore[assignment]  # stands in for it
        try:
            run(folder, hotpass)
            os.write(writing, str(count).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    told = os.read(reading, 20)
    os.close(reading)
    return int(told or b"0")


def test_killed_anywhere_the_next_one_finishes(
    project: settings.Settings, hotpass: Path, seal: Seal
) -> None:
    """Killed while copying, between two documents, within one: recording again comes out whole."""
    folder = seal()
    accept(folder, project)
    syncs = killed_at(0, folder, hotpass)
    expected, there = state(hotpass), git(hotpass, "status", "--porcelain", "-uall")
    assert syncs > 20
    # While copying every file is like the next; the documents come last.
    for point in (syncs // 3, *range(syncs - 10, syncs + 1, 3)):
        git(hotpass, "checkout", "-q", ".")
        shutil.rmtree(hotpass / "dist")
        assert killed_at(point, folder, hotpass) == 0
        for data, name in zip(state(hotpass).values(), TEXTS, strict=True):
            assert data in (TEXTS[name].encode(), expected[name])
        assert run(folder, hotpass) == Exit.HELD
        assert state(hotpass) == expected
        assert git(hotpass, "status", "--porcelain", "-uall") == there


def test_booked_window_is_told(
    project: settings.Settings, hotpass: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the ledger keeps of the booking is said, and the booked row is filled."""
    now = datetime.now(UTC)
    span = f"{now - timedelta(hours=1):%Y-%m-%d %H:%M} – {now + timedelta(hours=1):%Y-%m-%d %H:%M}"
    text = PLAN.replace("2026-11-12 14:00 – 15:00", span)
    (hotpass / plan.PATH).write_text(text, "utf-8")
    (window,) = [each for each in schedule.read(hotpass) or () if each.covers(now)]
    entry = {"begin": window.begin.isoformat(), "end": window.end.isoformat(), "owners": "QA"}
    folder = seal(booked={"document": plan.PATH, "window": entry, "next": None})
    assert run(folder, hotpass) == Exit.HELD
    assert "window: It was inside its booked window" in capsys.readouterr().out
    assert "In its booked window." in (hotpass / plan.PATH).read_text("utf-8")
    assert len((hotpass / plan.PATH).read_text("utf-8").splitlines()) == len(text.splitlines())
    # A booking stays one for the next attempt in it.
    assert window.word in {each.word for each in schedule.read(hotpass) or () if each.covers(now)}
    audited(hotpass, project)


@pytest.mark.parametrize("named", ["", "nowhere"], ids=["no-checkout", "no-folder"])
def test_no_checkout_is_a_wrong_usage(
    project: settings.Settings, seal: Seal, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside a Hotpass checkout one has to be named."""
    assert main(["record", str(seal(Mode.DRY_RUN)), "--hotpass-root", named]) == Exit.USAGE
    assert "Name the Hotpass checkout with --hotpass-root." in capsys.readouterr().err


def test_workflow_runs_are_read_from_the_evidence(tmp_path: Path) -> None:
    """URLs of both jobs, once each, and nothing that is no URL."""
    jobs = {
        "a": {"html_url": "https://github.com/o/r/actions/runs/1"},
        "b": {"html_url": "https://github.com/o/r/actions/runs/1"},
        "c": {"html_url": "javascript:x"},
        "d": None,
    }
    (tmp_path / "lifecycle.json").write_text(json.dumps({"jobs": jobs}))
    answer = Answer(folder=tmp_path, asked=(), manifest={"word": "arc"})
    assert rehearsal._urls(tmp_path, answer) == ("https://github.com/o/r/actions/runs/1",)
