"""Self-tests of the seal, and of bundles that a kill left behind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical, contract, durable, layout, recovery, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.verify import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

SHA256SUM = shutil.which("sha256sum")


class Reserve(Protocol):
    """Reserves a bundle (see conftest)."""

    def __call__(self, *, redactor: Redactor | None = None, mode: Mode = Mode.DRY_RUN) -> Bundle:
        """Reserve it."""
        ...


def denials(folder: Path) -> list[str]:
    """What verify has against a folder."""
    return verify(folder, registries=REGISTRIES).denials


def test_the_manifest_lists_every_file(pristine: Path) -> None:
    """All but itself and the sums, with size and digest; valid by its schema."""
    body = json.loads((pristine / "manifest.json").read_text())
    assert contract.trouble_with(body, "bundle-manifest") is None
    listed = {each["path"]: each for each in body["artefacts"]}
    assert sorted(listed) == [
        name for name in sealing.files_in(pristine) if name not in ("manifest.json", "SHA256SUMS")
    ]
    for path, each in listed.items():
        data = (pristine / path).read_bytes()
        assert each["size_bytes"] == len(data)
        assert each["sha256"] == hashlib.sha256(data).hexdigest()


def test_the_manifest_says_what_the_ledger_says(pristine: Path) -> None:
    """Mode, outcome, verdicts, tests, deviations, what was not exercised."""
    body = json.loads((pristine / "manifest.json").read_text())
    assert (body["mode"], body["outcome"], body["would_be"]) == ("dry run", "SIMULATED", "PASSED")
    known = REGISTRIES["marquez"]
    assert [each["id"] for each in body["guardrails"]] == [
        each.id for each in known if not each.optional
    ]
    assert body["not_exercised"] == [each.id for each in known if each.optional]
    assert {each["ruling"] for each in body["guardrails"]} == {"held"}
    assert body["tests"] == {"passed": len(body["guardrails"])}
    assert body["deviations"] == [{"step": "2", "text": "the simulated `hotpass` ran"}]
    assert [(s["step"], s["state"]) for s in body["steps"] if s["state"] != "done"] == [
        ("3", "not exercised")
    ]


@pytest.mark.parametrize(
    "size_bytes",
    [0, 1, sealing.FIRST_BYTES - 1, sealing.FIRST_BYTES, sealing.FIRST_BYTES + 1, 2**21 + 1],
)
def test_a_digest_is_of_every_byte(tmp_path: Path, size_bytes: int) -> None:
    """Whatever the size of the pieces it is read in; the first line comes with it."""
    data = (b"run id\n" + b"0123456789" * (size_bytes // 10 + 1))[:size_bytes]
    (tmp_path / "a.log").write_bytes(data)
    found = sealing.digest(tmp_path / "a.log")
    assert found == sealing.Digest(size_bytes, hashlib.sha256(data).hexdigest())
    assert found.first_line == data.partition(b"\n")[0]


def test_a_first_line_without_end_is_cut(tmp_path: Path) -> None:
    """A file without lines is not kept in memory."""
    (tmp_path / "a.log").write_bytes(b"x" * 10_000)
    found = sealing.digest(tmp_path / "a.log")
    assert found.first_line == b"x" * sealing.LONGEST_FIRST_LINE


@pytest.mark.skipif(SHA256SUM is None, reason="no sha256sum here: install coreutils")
def test_coreutils_check_the_sums(sealed: Path) -> None:
    """A stranger without our code can check every byte."""
    argv = [str(SHA256SUM), "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(argv, cwd=sealed, capture_output=True, text=True, check=True)
    checked = [line.removesuffix(": OK") for line in done.stdout.splitlines()]
    assert sorted([*checked, "SHA256SUMS"]) == sealing.files_in(sealed)
    (sealed / "cli.log").write_text("other")
    assert subprocess.run(argv, cwd=sealed, capture_output=True, check=False).returncode == 1


def test_a_seal_never_replaces(filled: Bundle, junit: bytes) -> None:
    """Somebody else's directory of that name stays; ours stays partial, and whole."""
    final = filled.folder.with_name(filled.folder.name[1:].removesuffix(".partial"))
    final.mkdir()
    with pytest.raises(errors.EvidenceNotWritable):
        closing.close(filled, junit=junit)
    assert list(final.iterdir()) == []
    assert (filled.folder / "cli.log").exists()
    final.rmdir()
    recovered = closing.recover(filled.folder)
    assert recovered.folder.name == f"{final.name}.interrupted"
    assert denials(recovered.folder) == []


def test_a_disk_that_fills_up_leaves_the_bundle_partial(
    filled: Bundle, junit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be sealed whole is not sealed, and can be recovered later."""
    whole = durable.write

    def full(path: Path, data: bytes) -> None:
        if path.name == layout.MANIFEST:
            with durable.writing(path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write", full)
        with pytest.raises(errors.EvidenceNotWritable, match="No space left"):
            closing.close(filled, junit=junit)
    assert filled.folder.is_dir()
    assert denials(closing.recover(filled.folder).folder) == []


@pytest.mark.parametrize(
    ("ruling", "outcome"),
    [("held", "PASSED"), ("broke", "FAILED"), ("not_established", "BLOCKED")],
)
def test_every_outcome_is_verified(
    reserve: Reserve,
    rehearsed: Callable[[Bundle, str], None],
    junit: bytes,
    ruling: str,
    outcome: str,
) -> None:
    """A bundle of a failed rehearsal is evidence like any other."""
    made = reserve()
    rehearsed(made, ruling)
    sealed = closing.close(made, junit=junit)
    assert (sealed.outcome, sealed.would_be) == (Outcome.SIMULATED, Outcome(outcome))
    assert denials(sealed.folder) == []


def test_what_is_absent_is_accounted_for(bundle: Bundle) -> None:
    """A rehearsal that never began to gather says of each artefact why it is not there."""
    bundle.note_trouble(errors.SystemUnreachable("no answer", hint="Start it."), step="1")
    sealed = closing.close(bundle, junit=None)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert sealed.folder.name.endswith(".interrupted")
    absent = sealed.summary.absent
    assert absent["health.json"] == "step 1: [system-unreachable] no answer"
    assert absent["cli.log"] == "step 2 was not reached"
    assert "junit.xml" in absent
    assert denials(sealed.folder) == []


def test_an_interrupt_between_file_and_line_is_evidence(filled: Bundle, junit: bytes) -> None:
    """Ctrl-C may leave a file without its line: interrupted, and verified as that."""
    (filled.folder / "more.txt").write_text("saved, and not yet noted")
    filled.note_interruption("Ctrl-C")
    sealed = closing.close(filled, junit=junit)
    assert sealed.folder.name.endswith(".interrupted")
    assert denials(sealed.folder) == []


def test_a_sealed_bundle_reads_back(pristine: Path) -> None:
    """Another process sealed it: the same is read from the disk."""
    read = closing.read_sealed(pristine)
    assert (read.word, read.outcome, read.would_be) == ("marquez", "SIMULATED", "PASSED")
    assert read.manifest_sha256 == sealing.digest(pristine / "manifest.json").sha256


# What a kill leaves behind.


@pytest.fixture(scope="module")
def whole(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sealed bundle's files, to cut at any point."""
    return Path(shutil.copytree(pristine, tmp_path_factory.mktemp("whole") / pristine.name))


def left_behind(whole: Path, root: Path, lines: int, *, how: str) -> Path:
    """What a kill after so many ledger lines leaves behind.

    Args:
        how: ``clean`` between two lines; ``torn`` within the next; ``part`` while the next
            artefact was written, ``unnoted`` before its line was.
    """
    folder = root / "marquez" / f".{whole.name}.partial"
    shutil.rmtree(root, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n")
    told = (whole / layout.LEDGER).read_bytes().splitlines(keepends=True)
    data = b"".join(told[:lines])
    following: dict[str, Any] = json.loads(told[lines]) if lines < len(told) else {}
    if how == "torn" and following:
        data += told[lines][: len(told[lines]) // 2]
    (folder / layout.LEDGER).write_bytes(data)
    for each in map(json.loads, told[:lines]):
        if each["kind"] == "artefact":
            shutil.copy(whole / each["path"], folder / each["path"])
    if following.get("kind") == "artefact":
        name = following["path"]
        if how == "part":
            (folder / f".{name}.part").write_bytes((whole / name).read_bytes()[:50])
        elif how == "unnoted":
            shutil.copy(whole / name, folder / name)
    return folder


@pytest.mark.parametrize("how", ["clean", "torn", "part", "unnoted"])
def test_killed_at_any_line(
    whole: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever line was the last one: it is sealed as interrupted, and verified as that."""
    # The disk is trusted here: a thousand syncs would take most of the test's time.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    told = (whole / layout.LEDGER).read_bytes().splitlines()
    saved = [b'"kind":"artefact"' in line for line in told[1:]]
    places = [number for number, is_saved in enumerate(saved, 1) if is_saved]
    if how in ("clean", "torn"):
        # Each line is the last one once: every other cleanly, every other with half of the next.
        places = list(range(1 if how == "clean" else 2, len(told) + 1, 2))
    assert len(places) > 10
    for lines in places:
        folder = left_behind(whole, tmp_path / "root", lines, how=how)
        sealed = closing.recover(folder)
        assert sealed.folder.name == f"{whole.name}.interrupted", lines
        assert sealed.would_be is Outcome.INTERRUPTED, lines
        assert denials(sealed.folder) == [], lines
        assert not folder.exists(), lines


@pytest.mark.parametrize("rest", [b"", b'{"at":"2025'], ids=["no-line", "half-a-line"])
def test_killed_before_it_began(whole: Path, tmp_path: Path, rest: bytes) -> None:
    """Without a whole line there is no evidence to seal: the hint says what to do."""
    folder = left_behind(whole, tmp_path / "root", 0, how="clean")
    (folder / layout.LEDGER).write_bytes(rest)
    for _ in range(2):
        with pytest.raises(errors.BundleUnreadable, match="before it began") as caught:
            closing.recover(folder)
        assert "Remove the directory" in caught.value.hint


@pytest.mark.parametrize("made", ["artifacts", "artifacts/deep"])
def test_killed_before_a_folder_held_anything(whole: Path, tmp_path: Path, made: str) -> None:
    """A folder made for an artefact that never came is not sealed: nobody could list it."""
    folder = left_behind(whole, tmp_path / "root", 3, how="clean")
    (folder / made).mkdir(parents=True)
    sealed = closing.recover(folder)
    assert denials(sealed.folder) == []
    assert not (sealed.folder / "artifacts").exists()


def test_killed_before_the_ledger(tmp_path: Path) -> None:
    """A directory without a ledger was killed before it began."""
    folder = tmp_path / "marquez" / ".20251203T120000Z.partial"
    folder.mkdir(parents=True)
    with pytest.raises(errors.BundleUnreadable, match="no ledger"):
        closing.recover(folder)


@pytest.mark.parametrize(
    "views",
    [
        pytest.param((), id="closing-line"),
        pytest.param(("junit.xml",), id="junit"),
        pytest.param(("junit.xml", "report.html", "redactions.json"), id="views"),
        pytest.param(
            ("junit.xml", "report.html", "redactions.json", "manifest.json"), id="manifest"
        ),
        pytest.param(
            ("junit.xml", "report.html", "redactions.json", "manifest.json", "SHA256SUMS"),
            id="all-but-the-rename",
        ),
    ],
)
@pytest.mark.parametrize("half", [False, True], ids=["whole", "half-written"])
def test_killed_while_sealing(
    whole: Path, tmp_path: Path, views: tuple[str, ...], half: bool
) -> None:
    """Between the closing line and the rename: views are made again, nothing is counted twice."""
    folder = left_behind(whole, tmp_path / "root", 10_000, how="clean")
    (folder / ".gitignore").unlink()
    for name in views:
        shutil.copy(whole / name, folder / name)
    if half and views:
        (folder / views[-1]).rename(folder / f".{views[-1]}.part")
    sealed = closing.recover(folder)
    assert sealed.folder.name.endswith(".interrupted")
    assert denials(sealed.folder) == []


def test_recovery_that_is_killed_is_recovered(whole: Path, tmp_path: Path) -> None:
    """Recovering what a recovery left is recovering."""
    folder = left_behind(whole, tmp_path / "root", 12, how="part")
    with recovery.adopt(folder):
        pass
    assert folder.is_dir()
    sealed = closing.recover(folder)
    assert len(sealed.summary.interruptions) == 1
    assert denials(sealed.folder) == []


def test_what_is_owned_is_left_alone(filled: Bundle) -> None:
    """A rehearsal still running keeps its directory as it is."""
    before = sorted(filled.folder.iterdir())
    book = filled.ledger.path.read_bytes()
    with pytest.raises(errors.BundleUnreadable, match="still running"):
        closing.recover(filled.folder)
    assert sorted(filled.folder.iterdir()) == before
    assert filled.ledger.path.read_bytes() == book
    filled.note_deviation("5", "goes on")


def test_a_killed_process_is_recovered(
    reserve: Reserve,
    rehearsed: Callable[[Bundle, str], None],
    in_child: Callable[[Callable[[], object]], int],
    tmp_path: Path,
) -> None:
    """The real thing: a process dies by SIGKILL in the middle of a log."""

    def rehearse() -> None:
        made = reserve()
        rehearsed(made, "held")
        with made.log("more.log", header=[]) as log:
            log.write(b"said before the end\n")
            os.kill(os.getpid(), 9)

    assert in_child(rehearse) == -9
    (folder,) = recovery.partials(tmp_path / "staging")
    sealed = closing.recover(folder)
    assert (sealed.folder / "more.log.part").read_bytes().endswith(b"said before the end\n")
    assert denials(sealed.folder) == []
    assert recovery.partials(tmp_path / "staging") == []


def test_partials_are_found_oldest_first(tmp_path: Path) -> None:
    """Only directories of a word, only ``.partial`` ones."""
    for name in (
        "marquez/.20251203T120001Z.partial",
        "arc/.20251203T120000Z.partial",
        "marquez/20251203T120000Z",
        "other/.20251203T120000Z.partial",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "arc" / ".x.partial").write_text("a file")
    found = recovery.partials(tmp_path)
    assert [path.parent.name for path in found] == ["arc", "marquez"]
    assert recovery.partials(tmp_path / "none") == []


def test_masks_of_a_killed_run_are_counted(
    reserve: Reserve, whole: Path, in_child: Callable[[Callable[[], object]], int], tmp_path: Path
) -> None:
    """The count died with the process: it is taken from the masks themselves."""
    redactor = Redactor()
    redactor.register("secret-value", name="S")

    def rehearse() -> None:
        made = reserve(redactor=redactor)
        made.save("notes.md", b"secret-value secret-value")
        os._exit(0)

    in_child(rehearse)
    (folder,) = recovery.partials(tmp_path / "staging")
    sealed = closing.recover(folder)
    body = canonical.read((sealed.folder / "redactions.json").read_bytes())
    assert body["files"] == {"notes.md": {"[REDACTED:v-1]": 2}}
