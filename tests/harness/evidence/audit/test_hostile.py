"""Documents and folders made to mislead, to escape or to stop the audit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.evidence.audit import Report, documents
from fixtures.evidence.audit.finding import Kind

Write = Callable[[str, "str | bytes"], Path]
Auditor = Callable[..., Report]

RUN = "dist/staging/marquez/20251112T140000Z"


@pytest.mark.parametrize(
    "path",
    [
        "dist/staging/../../../etc/passwd",
        "dist/staging/marquez/20251112T140000Z/../../../../../secret/",
        "../dist/staging/marquez/20251112T140000Z/",
        "../../../../dist/staging/marquez/20251112T140000Z/cli.log",
    ],
)
def test_path_that_leaves_the_checkout(
    write: Write, checkout: Path, audited: Auditor, path: str
) -> None:
    """It is denied by its words: whether it exists out there is not looked at."""
    outside = checkout.parent / "dist/staging/marquez/20251112T140000Z"
    outside.mkdir(parents=True)
    write("a.md", f"Completed: `{path}`\n")
    (claim,) = audited().claims
    (finding,) = claim.findings
    assert finding.kind is Kind.ESCAPES
    assert "`..` leads out" in finding.saw


def test_dots_that_stay_inside_are_followed(write: Write, audited: Auditor) -> None:
    """A relative path is one of its document's folder."""
    write(f"{RUN}/cli.log", "a log\n")
    write("docs/ops/a.md", f"Evidence: `../../{RUN}/cli.log`\n")
    write("docs/ops/b.md", f"Evidence: `../{RUN}/cli.log`\n")
    inside, astray = audited().claims
    assert inside.folder == RUN
    assert [each.kind for each in astray.findings][:1] == [Kind.ABSENT]
    assert astray.folder == f"docs/{RUN}"


def test_link_that_leaves_the_checkout(write: Write, checkout: Path, audited: Auditor) -> None:
    """A folder that is a link to elsewhere is not looked at."""
    outside = checkout.parent / "outside"
    outside.mkdir()
    (checkout / "dist/staging/marquez").mkdir(parents=True)
    (checkout / RUN).symlink_to(outside)
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    assert [each.kind for each in claim.findings] == [Kind.ESCAPES]


def test_links_in_a_ring(write: Write, checkout: Path, audited: Auditor) -> None:
    """A link to itself is nothing."""
    (checkout / "dist/staging/marquez").mkdir(parents=True)
    (checkout / RUN).symlink_to(checkout / RUN)
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    assert [each.kind for each in claim.findings][:1] == [Kind.ABSENT]


def test_folder_full_of_traps(write: Write, checkout: Path, audited: Auditor) -> None:
    """Pipes are not opened, links not followed, odd names and sizes do no harm."""
    folder = checkout / RUN
    write(f"{RUN}/cli.log", b"\xff\x00" * 1000)
    os.mkfifo(folder / "graph.json")
    os.mkfifo(folder / "graph.png")
    (folder / "runs.json").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder)
    (folder / "datasets.json").symlink_to(write("elsewhere/datasets.json", "{}"))
    write(f"{RUN}/new\nline.json", "{}")
    write(f"{RUN}/deep.json", "[" * 200_000)
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    told = next(each.saw for each in claim.findings if each.kind is Kind.MISSING)
    assert "graph.png" in told
    assert "runs.json" in told
    assert "datasets.json" in told


def test_manifest_that_is_a_pipe(write: Write, checkout: Path, audited: Auditor) -> None:
    """What looks sealed and is no file is denied, and nobody waits for it."""
    write(f"{RUN}/cli.log", "a log\n")
    os.mkfifo(checkout / RUN / "manifest.json")
    write("a.md", f"Completed: `{RUN}/`\n")
    (claim,) = audited().claims
    assert [each.kind for each in claim.findings] == [Kind.DENIED]


@pytest.mark.parametrize(
    "name", ["x" * 300, "ä" * 200, "a\tb", "20251112T140000Z" * 20], ids=["long", "wide", "t", "n"]
)
def test_names_no_file_system_takes(write: Write, audited: Auditor, name: str) -> None:
    """A path that cannot exist is absent."""
    write("a.md", f"Completed: dist/staging/marquez/{name}/\n")
    (claim,) = audited().claims
    assert Kind.ABSENT in [each.kind for each in claim.findings]


def test_document_that_is_not_utf8(write: Write, audited: Auditor) -> None:
    """It is read with its odd bytes replaced, and the report says so."""
    write("a.md", b"\xff\xfe caf\xe9 Completed: `" + RUN.encode() + b"/`\n")
    report = audited()
    assert report.claims[0].text.startswith("��")
    assert any("a.md is not all UTF-8" in each for each in report.warnings)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything: run as another user")
def test_unreadable_document_fails(write: Write, audited: Auditor) -> None:
    """What was not read may claim anything."""
    write("a.md", "text\n").chmod(0)
    (claim,) = audited().failing
    assert [each.kind for each in claim.findings] == [Kind.UNREAD]


def test_document_that_is_a_pipe_or_too_large_fails(
    write: Write, checkout: Path, audited: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no document of a size we read is not passed over in silence."""
    monkeypatch.setattr(documents, "LARGEST_BYTES", 10)
    os.mkfifo(checkout / "pipe.md")
    write("large.md", "a text of some length\n")
    write("small.md", "text\n")
    failing = audited().failing
    assert [each.document for each in failing] == ["large.md", "pipe.md"]
    assert {each.kind for claim in failing for each in claim.findings} == {Kind.UNREAD}


def test_shown_text_does_nothing_to_a_terminal(write: Write, audited: Auditor) -> None:
    """Escape sequences, bells and right-to-left marks of a document are not passed on."""
    write("a.md", f"Completed \x1b[2J\x07\u202e: `{RUN}/`\n")
    text = audited().claims[0].text
    assert text.isprintable()
    assert RUN in text
