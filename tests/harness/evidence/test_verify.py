"""Self-tests of verify: the pristine bundle is verified, every broken one denied by name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from fixtures.core import words
from fixtures.core.registry import Registry
from fixtures.evidence import canonical, layout, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.ledger import write_moment
from fixtures.evidence.verify import CHECKS, Answer, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

FILES = (
    "SHA256SUMS",
    "cli.log",
    "cli.sh",
    "datasets.json",
    "graph.json",
    "graph.png",
    "health.json",
    "junit.xml",
    "ledger.jsonl",
    "manifest.json",
    "marquez.log",
    "notes.md",
    "picture.json",
    "redactions.json",
    "refine.json",
    "report.html",
    "runs.json",
)


class Forge(Protocol):
    """Somebody who edits a sealed bundle and knows how it is sealed (see conftest)."""

    folder: Path

    def entries(self) -> list[dict[str, Any]]:
        """The ledger's lines."""
        ...

    def write_ledger(self, entries: list[dict[str, Any]]) -> None:
        """Write a ledger, numbered anew."""
        ...

    def sums(self) -> None:
        """Recompute the sums."""
        ...

    def manifest(self) -> None:
        """Derive manifest and sums anew."""
        ...

    def report(self, before_sha256: str) -> None:
        """Have the report name the ledger."""
        ...


def answer(folder: Path) -> Answer:
    """What verify says of a folder."""
    return verify(folder, registries=REGISTRIES)


def denied_by(folder: Path) -> str:
    """The check that denies; one that is made and lets pass what is broken shows as none."""
    said = answer(folder)
    assert not said.verified, "a broken bundle was verified"
    return next(check.name for check in said.checks if check.denied)


def test_pristine_is_verified(pristine: Path) -> None:
    """A bundle as we seal it passes every check, and each check was made."""
    said = answer(pristine)
    assert said.denials == []
    assert said.verified
    assert [check.name for check in said.checks] == [name for name, _ in CHECKS]
    assert said.manifest["outcome"] == "SIMULATED"
    assert said.manifest["would_be"] == "PASSED"
    assert sorted(path.name for path in pristine.iterdir()) == sorted(FILES)


def test_a_copy_is_verified_anywhere(pristine: Path, tmp_path: Path) -> None:
    """Another folder, another machine: only the bundle itself counts."""
    copied = Path(shutil.copytree(pristine, tmp_path / "some where" / pristine.name))
    assert answer(copied).verified


def test_looking_changes_nothing(sealed: Path) -> None:
    """Verifying writes nothing and can be done twice."""
    before = {path: path.read_bytes() for path in sealed.rglob("*")}
    assert answer(sealed).verified
    assert {path: path.read_bytes() for path in sealed.rglob("*")} == before


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_byte_is_denied(sealed: Path, name: str) -> None:
    """First, last or in between: no byte of any file is free to change."""
    path = sealed / name
    data = path.read_bytes()
    for place in {0, len(data) // 3, len(data) // 2, len(data) - 1}:
        flipped = bytearray(data)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        assert denied_by(sealed) == "sums", place
    path.write_bytes(data)
    assert answer(sealed).verified


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-1], id="truncated"),
        pytest.param(lambda _: b"", id="emptied"),
        pytest.param(lambda data: data + b"\n", id="extended"),
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="byte-order-mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n") + b"\r", id="carriage-returns"),
        pytest.param(lambda data: data + data, id="doubled"),
    ],
)
def test_any_changed_file_is_denied(sealed: Path, change: Callable[[bytes], bytes]) -> None:
    """A file that another tool has touched is not the one that was sealed, whichever it is."""
    for name in FILES:
        data = (sealed / name).read_bytes()
        (sealed / name).write_bytes(change(data))
        assert denied_by(sealed) == "sums", name
        (sealed / name).write_bytes(data)
    assert answer(sealed).verified


@pytest.mark.parametrize(
    "place", ["gone", "x-{}", "x/{}", "{}.bak"], ids=["removed", "renamed", "moved", "set-aside"]
)
def test_any_missing_file_is_denied(sealed: Path, place: str) -> None:
    """A file that is gone is missing; under another name it is one too many as well."""
    for name in FILES:
        aside = sealed.parent / "gone" if place == "gone" else sealed / place.format(name)
        aside.parent.mkdir(exist_ok=True)
        (sealed / name).rename(aside)
        assert denied_by(sealed) == ("directory" if name == "manifest.json" else "sums"), name
        aside.rename(sealed / name)
        if aside.parent.name == "x":
            aside.parent.rmdir()
    assert answer(sealed).verified


def _symlink(folder: Path) -> None:
    (folder / "cli.log").rename(folder.parent / "cli.log")
    (folder / "cli.log").symlink_to(folder.parent / "cli.log")


def _folder_symlink(folder: Path) -> None:
    (folder / "more").symlink_to(folder.parent)


def _hard_link(folder: Path) -> None:
    os.link(folder / "cli.log", folder.parent / "cli.log")


def _twin(folder: Path) -> None:
    shutil.copy(folder / "cli.log", folder / "CLI.log")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        pytest.param(lambda folder: shutil.rmtree(folder), "directory", id="gone"),
        pytest.param(_symlink, "directory", id="symbolic-link"),
        pytest.param(_folder_symlink, "directory", id="link-to-a-folder"),
        pytest.param(_hard_link, "directory", id="hard-link"),
        pytest.param(_twin, "directory", id="twin-by-case"),
        pytest.param(lambda folder: (folder / "x").mkdir(), "directory", id="empty-folder"),
        pytest.param(lambda folder: os.mkfifo(folder / "x"), "directory", id="pipe"),
        pytest.param(
            lambda folder: (folder / "attestation.dsse.json").write_text("{}"),
            "signature",
            id="attestation-nobody-promised",
        ),
        pytest.param(lambda folder: (folder / "x.txt").write_text("x"), "sums", id="stranger"),
        pytest.param(lambda folder: (folder / ".hidden").write_text(""), "sums", id="hidden"),
        pytest.param(
            lambda folder: (folder / "a\nb").write_text(""), "sums", id="newline-in-name"
        ),
    ],
)
def test_a_changed_directory_is_denied(
    sealed: Path, change: Callable[[Path], object], check: str
) -> None:
    """Nothing is added, and every file is a file of its own."""
    change(sealed)
    assert denied_by(sealed) == check


def _edit_sums(edit: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "SHA256SUMS"
        path.write_text("".join(f"{line}\n" for line in edit(path.read_text().splitlines())))

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_edit_sums(lambda lines: lines[::-1]), id="another-order"),
        pytest.param(_edit_sums(lambda lines: [lines[0], *lines]), id="one-twice"),
        pytest.param(_edit_sums(lambda lines: [*lines, ""]), id="blank-line"),
        pytest.param(_edit_sums(lambda lines: [*lines, "# note"]), id="comment"),
        pytest.param(_edit_sums(lambda lines: lines[1:]), id="one-less"),
        pytest.param(_edit_sums(lambda _: []), id="empty"),
        pytest.param(
            _edit_sums(lambda lines: [line.replace("  ", " *") for line in lines]),
            id="binary-mark",
        ),
        pytest.param(
            _edit_sums(lambda lines: [line[:64].upper() + line[64:] for line in lines]),
            id="capitals",
        ),
        pytest.param(
            _edit_sums(lambda lines: [line.replace("  ", "  ./") for line in lines]),
            id="dot-slash",
        ),
        pytest.param(
            _edit_sums(lambda lines: [*lines, f"{'0' * 64}  ../other"]), id="file-outside"
        ),
        pytest.param(_edit_sums(lambda lines: [f"{line} " for line in lines]), id="blanks"),
    ],
)
def test_another_form_of_the_sums_is_denied(sealed: Path, change: Callable[[Path], None]) -> None:
    """`SHA256SUMS` has one form: what another reader would pass over has no place in it."""
    change(sealed)
    assert denied_by(sealed) == "sums"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            lambda folder: (folder / "cli.log").write_text("x"),
            "sums: cli.log was changed: its SHA-256 is not the one listed",
            id="changed",
        ),
        pytest.param(
            lambda folder: (folder / "cli.log").rename(folder / "cli.txt"),
            "sums: cli.log is listed and not there; cli.txt is there and not listed",
            id="renamed",
        ),
        pytest.param(
            _edit_sums(lambda lines: lines[::-1]),
            "sums: SHA256SUMS is not written as we write it",
            id="another-order",
        ),
    ],
)
def test_the_sums_say_what_is_wrong(
    sealed: Path, change: Callable[[Path], object], why: str
) -> None:
    """Which file, and in which way: one of many thousands has to be found."""
    change(sealed)
    assert answer(sealed).denials == [why]


def _edit_manifest(edit: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        body = json.loads(data)
        edit(body)
        return canonical.pretty(body)

    return change


def _all_held(body: dict[str, Any]) -> None:
    body["guardrails"][0]["ruling"] = "broke"


@pytest.mark.parametrize(
    ("change", "check"),
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, "manifest", id="byte-order-mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), "manifest", id="carriage-returns"),
        pytest.param(lambda data: b" " + data, "manifest", id="blank-before"),
        pytest.param(lambda data: data + b"\n", "manifest", id="newline-after"),
        pytest.param(
            lambda data: json.dumps(json.loads(data)).encode(), "manifest", id="other-form"
        ),
        pytest.param(
            lambda data: data.replace(b"{", b'{\n  "word": "arc",', 1), "manifest", id="key-twice"
        ),
        pytest.param(lambda _: b"[" * 100_000, "manifest", id="deeply-nested"),
        pytest.param(lambda _: b"[]\n", "manifest", id="a-list"),
        pytest.param(lambda _: b"\xff", "manifest", id="no-utf-8"),
        pytest.param(_edit_manifest(lambda b: b.pop("taints")), "manifest", id="key-missing"),
        pytest.param(_edit_manifest(lambda b: b.update(x=1)), "manifest", id="key-too-many"),
        pytest.param(
            _edit_manifest(lambda b: b.update(outcome="PASSED")), "manifest", id="dry-run-passed"
        ),
        pytest.param(
            _edit_manifest(lambda b: b.update(mode="live", outcome="PASSED", would_be=None)),
            "manifest",
            id="mode-live",
        ),
        pytest.param(
            _edit_manifest(lambda b: b.update(would_be="FAILED")), "manifest", id="other-outcome"
        ),
        pytest.param(_edit_manifest(_all_held), "manifest", id="verdict-in-manifest-only"),
        pytest.param(
            _edit_manifest(lambda b: b["guardrails"].pop()), "manifest", id="guardrail-dropped"
        ),
        pytest.param(
            _edit_manifest(lambda b: b.update(owners=["Nobody"])), "manifest", id="other-owner"
        ),
        pytest.param(
            _edit_manifest(lambda b: b.update(registry_version=1.0)), "manifest", id="one-as-float"
        ),
        pytest.param(
            _edit_manifest(lambda b: b["settings"].update(idle_s=300)),
            "manifest",
            id="float-as-int",
        ),
        pytest.param(
            _edit_manifest(lambda b: b["commands"][0].update(exit_code=False)),
            "manifest",
            id="zero-as-false",
        ),
        pytest.param(
            _edit_manifest(lambda b: b["artefacts"][0].update(note="x")), "manifest", id="note"
        ),
        pytest.param(
            _edit_manifest(lambda b: b["artefacts"].append(b["artefacts"][0])),
            "manifest",
            id="artefact-twice",
        ),
    ],
)
def test_an_edited_manifest_is_denied(
    forge: Forge, change: Callable[[bytes], bytes], check: str
) -> None:
    """With the sums put right, the manifest still has to be what ledger and files say."""
    path = forge.folder / "manifest.json"
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    forge.sums()
    assert denied_by(forge.folder) == check


def test_an_edited_manifest_is_told_by_its_keys(forge: Forge) -> None:
    """What parts from ledger and files is named, and nothing else; what was claimed is shown."""
    path = forge.folder / "manifest.json"
    edit = _edit_manifest(lambda b: b.update(owners=["Nobody"], operator="Nobody"))
    path.write_bytes(edit(path.read_bytes()))
    forge.sums()
    said = answer(forge.folder)
    assert said.denials == [
        f"manifest: manifest.json says another {key} than ledger and files"
        for key in ("operator", "owners")
    ]
    assert said.manifest["owners"] == ["Nobody"]


def test_what_is_derived_is_what_was_read(sealed: Path) -> None:
    """Who asks verify for the manifest gets what the file says, value by value."""
    body = canonical.read((sealed / "manifest.json").read_bytes())
    assert canonical.line(answer(sealed).manifest) == canonical.line(body)


def _of(entries: list[dict[str, Any]], kind: str, number: int = 0) -> dict[str, Any]:
    return [each for each in entries if each["kind"] == kind][number]


def _without(entries: list[dict[str, Any]], dropped: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in entries if each is not dropped]


def _second_before(opened: dict[str, Any]) -> str:
    begin = datetime.fromisoformat(opened["started_at"])
    return write_moment(begin - timedelta(seconds=1))


def _changed(kind: str, /, **values: object) -> Callable[[list[dict[str, Any]]], object]:
    return lambda entries: _of(entries, kind).update(values)


Edit = Callable[[list[dict[str, Any]]], object]
EDITS: dict[str, tuple[Edit, str]] = {
    "verdict-turned-over": (_changed("verdict", ruling="broke"), "verdicts"),
    "verdict-not-established": (_changed("verdict", ruling="not established"), "verdicts"),
    "verdict-of-another": (_changed("verdict", guardrail="marquez.other"), "verdicts"),
    "verdict-dropped": (
        lambda entries: entries.remove(_of(entries, "verdict", 3)),
        "verdicts",
    ),
    "verdict-twice": (
        lambda entries: entries.insert(-1, dict(_of(entries, "verdict"))),
        "ledger",
    ),
    "verdict-without-words": (
        lambda entries: _of(entries, "verdict").pop("expected"),
        "ledger",
    ),
    "unknown-ruling": (_changed("verdict", ruling="fine"), "ledger"),
    "outcome-better": (_changed("closing", would_be="FAILED"), "verdicts"),
    "outcome-passed": (_changed("closing", outcome="PASSED", would_be=None), "manifest"),
    "reasons-invented": (_changed("closing", reasons=["all is well"]), "verdicts"),
    "closing-dropped": (lambda entries: entries.pop(), "ledger"),
    "interrupted-after-closing": (
        lambda entries: entries.append({**entries[-1], "kind": "interrupted", "reason": "x"}),
        "ledger",
    ),
    "line-after-closing": (
        lambda entries: entries.append({**_of(entries, "deviation"), "at": entries[-1]["at"]}),
        "ledger",
    ),
    "guardrail-dropped-from-registry": (
        lambda entries: entries[0]["registry"]["guardrails"].pop(),
        "verdicts",
    ),
    "guardrail-made-a-should": (
        lambda entries: entries[0]["registry"]["guardrails"][0].update(rank="should"),
        "verdicts",
    ),
    "guardrail-made-optional": (
        lambda entries: entries[0]["registry"]["guardrails"][0].update(optional=True),
        "verdicts",
    ),
    "no-guardrail-at-all": (
        lambda entries: entries[0]["registry"].update(guardrails=[]),
        "verdicts",
    ),
    "registry-of-the-future": (
        lambda entries: entries[0]["registry"].update(version=99),
        "verdicts",
    ),
    "word-of-another": (lambda entries: entries[0].update(word="arc"), "verdicts"),
    "word-unknown": (lambda entries: entries[0].update(word="other"), "manifest"),
    "run-id-of-another": (
        lambda entries: entries[0].update(run_id="00000000-0000-4000-8000-000000000000"),
        "references",
    ),
    "mode-local": (
        lambda entries: (
            entries[0].update(mode="local"),
            _of(entries, "closing").update(outcome="PASSED", would_be=None),
        ),
        "references",
    ),
    "artefact-line-dropped": (
        lambda entries: entries.remove(_of(entries, "artefact", 4)),
        "ledger",
    ),
    "artefact-of-another-digest": (_changed("artefact", sha256="0" * 64), "ledger"),
    "artefact-of-another-size": (_changed("artefact", size_bytes=1), "ledger"),
    "artefact-that-is-not-there": (_changed("artefact", path="other.json"), "ledger"),
    "absence-invented": (
        lambda entries: entries.insert(
            -1, {"at": entries[-1]["at"], "kind": "absent", "path": "cli.log", "reason": "x"}
        ),
        "verdicts",
    ),
    "began-an-hour-earlier": (
        lambda entries: entries[0].update(started_at="2020-01-01T00:00:00.000Z"),
        "window",
    ),
    "began-in-the-year-one": (
        lambda entries: entries[0].update(started_at="0001-01-01T00:00:00.000Z"),
        "window",
    ),
    "began-without-zone": (
        lambda entries: entries[0].update(started_at=entries[0]["started_at"][:-1]),
        "manifest",
    ),
    "ended-before-it-began": (_changed("closing", ended_at="2020-01-01T00:00:00.000Z"), "window"),
    "ended-a-second-before-it-began": (
        lambda entries: _of(entries, "closing").update(ended_at=_second_before(entries[0])),
        "window",
    ),
    "verdict-of-a-stranger": (
        lambda entries: entries.insert(
            -1, {**_of(entries, "verdict"), "guardrail": "marquez.x", "at": entries[-1]["at"]}
        ),
        "verdicts",
    ),
    "ends-in-the-future": (_changed("closing", ended_at="2199-01-01T00:00:00.000Z"), "window"),
    "times-go-backwards": (_changed("deviation", at="2020-01-01T00:00:00.000Z"), "window"),
    "line-of-the-future": (
        lambda entries: entries[-1].update(at="2199-01-01T00:00:00.000Z"),
        "window",
    ),
    "line-without-time": (lambda entries: _of(entries, "deviation").pop("at"), "window"),
    "reserved-as-another": (lambda entries: entries[0].update(stamp="20200101T000000Z"), "window"),
    "unknown-kind": (_changed("deviation", kind="remark"), "ledger"),
    "extra-note": (_changed("deviation", text="another deviation"), "references"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_ledger_is_denied(forge: Forge, name: str) -> None:
    """With manifest and sums derived anew, a ledger still has to add up, and the report with it.

    The last resort is the report: it names the ledger it was drawn from.
    """
    edit, check = EDITS[name]
    entries = forge.entries()
    edit(entries)
    forge.write_ledger(entries)
    try:
        forge.manifest()
    except Exception:
        # What no manifest can be derived from is sealed as it is.
        forge.sums()
    assert denied_by(forge.folder) == check


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-1], id="torn"),
        pytest.param(lambda data: data.replace(b'"n":2,', b'"n":3,'), id="numbered-wrong"),
        pytest.param(lambda data: data.replace(b'"n":2,', b'"n":2.0,'), id="number-as-float"),
        pytest.param(lambda data: data.replace(b'"n":1,', b'"n":true,'), id="number-as-true"),
        pytest.param(lambda data: data.replace(b'":', b'": ', 1), id="blank"),
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="byte-order-mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="carriage-returns"),
        pytest.param(lambda data: data + b"\n", id="blank-line"),
        pytest.param(lambda data: data.replace(b'{"at"', b'{"at":1,"at"', 1), id="key-twice"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"[" * 100_000 + b"\n", id="deeply-nested"),
        pytest.param(
            lambda data: data.replace(b'"kind":"step"', b'"kind":[]', 1), id="kind-a-list"
        ),
    ],
)
def test_a_ledger_written_otherwise_is_denied(
    forge: Forge, change: Callable[[bytes], bytes]
) -> None:
    """The ledger has one form, and every line its number."""
    path = forge.folder / "ledger.jsonl"
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    forge.sums()
    assert denied_by(forge.folder) == "ledger"


SAVED = ("cli.log", "cli.sh", "graph.png", "notes.md", "runs.json", "health.json", "marquez.log")


@pytest.mark.parametrize("name", SAVED)
def test_an_edited_artefact_is_denied(forge: Forge, name: str) -> None:
    """With manifest and sums derived anew, an artefact still has to be what the ledger saw."""
    path = forge.folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    forge.manifest()
    assert denied_by(forge.folder) == "ledger"


def test_two_artefacts_swapped_are_denied(forge: Forge) -> None:
    """The content of one file under the name of another is not what was saved."""
    one, other = forge.folder / "runs.json", forge.folder / "datasets.json"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    forge.manifest()
    assert denied_by(forge.folder) == "ledger"


def test_a_stranger_in_the_manifest_is_denied(forge: Forge) -> None:
    """A file that no ledger line tells of was not part of the rehearsal."""
    (forge.folder / "sign-off.md").write_text("All good.\n")
    forge.manifest()
    said = answer(forge.folder)
    assert said.denials == ["ledger: sign-off.md is there, and the ledger knows nothing of it"]


def test_a_removed_artefact_is_denied(forge: Forge) -> None:
    """What the ledger saw saved has to be there."""
    (forge.folder / "graph.json").unlink()
    forge.manifest()
    assert denied_by(forge.folder) == "ledger"


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x0b"], ids=ascii)
def test_a_name_that_reads_as_two_files_is_denied(forge: Forge, end: str) -> None:
    """Ledger, manifest and sums rewritten to match: a line of the sums is one file still."""
    name = f"a.txt{end}{'0' * 64}  b.txt"
    (forge.folder / name).write_text("x")
    seen = sealing.digest(forge.folder / name)
    entries = forge.entries()
    line = {**_of(entries, "artefact"), "path": name, "at": entries[-1]["at"]}
    entries.insert(-1, {**line, "sha256": seen.sha256, "size_bytes": seen.size_bytes})
    before = sealing.digest(forge.folder / layout.LEDGER).sha256
    forge.write_ledger(entries)
    forge.report(before)
    forge.manifest()
    assert denied_by(forge.folder) == "sums"


FLAWED: dict[str, tuple[str, bytes]] = {
    "picture-that-is-none": ("graph.png", b"\x89PNG\r\n\x1a\n" + b"0" * 600),
    "schema-broken": ("health.json", b'{"healthcheck": {}}\n'),
    "no-json": ("graph.json", b"{'graph': []}\n"),
    "too-short": ("notes.md", b"# Notes\n"),
    "empty": ("cli.sh", b""),
}


@pytest.mark.parametrize("name", FLAWED)
def test_an_artefact_that_does_not_count_is_denied(forge: Forge, name: str) -> None:
    """Ledger and all rewritten to match: a file that shows nothing is still no evidence."""
    path, data = FLAWED[name]
    (forge.folder / path).write_bytes(data)
    _match_ledger(forge, path)
    forge.manifest()
    assert denied_by(forge.folder) == "required artefacts"


MARKS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "other-run": ("runs.json", lambda data: data.replace(b'"run_id": "3f1c', b'"run_id": "4f1c')),
    "other-mode": (
        "health.json",
        lambda data: data.replace(b'"mode": "dry run"', b'"mode": "live"'),
    ),
    "log-of-another-run": ("cli.log", lambda data: data.replace(b"3f1c2a7e", b"4f1c2a7e", 1)),
    "log-without-header": ("marquez.log", lambda data: data.partition(b"\n")[2]),
}


@pytest.mark.parametrize("name", MARKS)
def test_a_foreign_artefact_is_denied(forge: Forge, name: str) -> None:
    """Ledger and all rewritten to match: an artefact says of which run it is."""
    path, change = MARKS[name]
    before = (forge.folder / path).read_bytes()
    (forge.folder / path).write_bytes(change(before))
    assert (forge.folder / path).read_bytes() != before
    _match_ledger(forge, path)
    forge.manifest()
    assert denied_by(forge.folder) == "references"


def _match_ledger(forge: Forge, path: str) -> None:
    entries = forge.entries()
    line = next(each for each in entries if each.get("path") == path)
    fresh = sealing.digest(forge.folder / path)
    line.update(sha256=fresh.sha256, size_bytes=fresh.size_bytes)
    before = sealing.digest(forge.folder / layout.LEDGER).sha256
    forge.write_ledger(entries)
    forge.report(before)


def _stamp_later(seconds: int) -> Callable[[Path], str]:
    return lambda folder: words.stamp(words.moment_of(folder.name) + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(_stamp_later(1), "window", id="a-second-later"),
        pytest.param(_stamp_later(-1), "window", id="a-second-earlier"),
        pytest.param(_stamp_later(86_400), "window", id="a-day-later"),
        pytest.param(lambda _: "latest", "window", id="no-stamp"),
        pytest.param(lambda folder: f".{folder.name}.partial", "window", id="partial"),
        pytest.param(lambda folder: f"{folder.name}.interrupted", "verdicts", id="interrupted"),
        pytest.param(lambda folder: f"{folder.name}.bak", "window", id="suffix"),
    ],
)
def test_another_name_is_denied(sealed: Path, name: Callable[[Path], str], check: str) -> None:
    """A bundle keeps the name it was reserved under."""
    assert denied_by(sealed.rename(sealed.with_name(name(sealed)))) == check


@pytest.mark.parametrize("word", [word for word in words.WORDS if word != "marquez"])
def test_another_words_folder_is_denied(sealed: Path, word: str) -> None:
    """A lineage smoke is no evidence for another rehearsal."""
    moved = sealed.parent.with_name(word) / sealed.name
    shutil.copytree(sealed, moved)
    assert denied_by(moved) == "window"


def test_the_future_is_denied(sealed: Path) -> None:
    """A bundle sealed after now was sealed by a wrong clock, or by somebody in no hurry."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    said = verify(sealed, registries=REGISTRIES, now=long_ago)
    assert [denial.split(":")[0] for denial in said.denials] == ["window"]


def test_a_word_nobody_knows_is_denied(sealed: Path) -> None:
    """Without the registry of its word nothing can be complete."""
    said = verify(sealed, registries={})
    assert not said.verified
    assert said.checks[-1].name == "verdicts"


def test_a_registry_that_has_grown_is_told(sealed: Path) -> None:
    """A bundle of an older registry stays verified, and says what it was not asked."""
    ours = REGISTRIES["marquez"]
    grown = Registry(ours.word, ours.version + 1, dict(ours._guardrails))

    def new_one() -> Any:
        """Something we promise since."""

    grown.guardrail(rank=next(iter(ours)).rank, step="9", artefact=None)(new_one)
    said = verify(sealed, registries={"marquez": grown})
    assert said.verified
    assert any("marquez.new-one" in check.said for check in said.checks)


def test_a_guardrail_added_without_a_new_version_is_denied(sealed: Path) -> None:
    """Within one version the set of guardrails is fixed."""
    ours = REGISTRIES["marquez"]
    grown = Registry(ours.word, ours.version, dict(ours._guardrails))

    def new_one() -> Any:
        """Something we promise since."""

    grown.guardrail(rank=next(iter(ours)).rank, step="9", artefact=None)(new_one)
    assert not verify(sealed, registries={"marquez": grown}).verified


def test_an_unreadable_file_is_denied(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read cannot be verified, and raises nothing."""

    def refuse(path: Path) -> sealing.Digest:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(sealing, "digest", refuse)
    assert denied_by(sealed) == "sums"


def test_only_a_signature_could_tell(forge: Forge) -> None:
    """Everything rewritten to match is another bundle: this is where verify ends, and says so.

    A deviation's words changed in ledger, report, manifest and sums alike.
    """
    before = sealing.digest(forge.folder / layout.LEDGER).sha256
    entries = forge.entries()
    _of(entries, "deviation").update(text="nothing worth telling")
    forge.write_ledger(entries)
    forge.report(before)
    forge.manifest()
    assert answer(forge.folder).verified


def test_a_test_that_failed_though_its_guardrail_held(filled: Bundle, junit: bytes) -> None:
    """A test may know more than its guardrail: held beside failed is denied, not chosen from."""
    node = "tests/rehearsals/test_marquez.py::test_run_completed"
    filled.note_test(node, when="call", outcome="failed", duration_s=0.1)
    folder = closing.close(filled, junit=junit).folder
    assert (
        "verdicts: marquez.run-completed is said to have held, and its test ended failed"
        in answer(folder).denials
    )
