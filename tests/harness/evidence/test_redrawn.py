"""Self-tests of the report: what people read is what the ledger says, or it is denied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import layout, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.verify import Answer, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing, report_view

Seal = Callable[[str], Path]


@pytest.fixture
def seal(
    tmp_path: Path, opening: dict[str, Any], rehearsed: Callable[[Bundle, str], None], junit: bytes
) -> Seal:
    """Seal a rehearsal whose report was drawn by code of a given digest."""

    def made(drawing_sha256: str) -> Path:
        harness = {**opening["harness"], "drawing_sha256": drawing_sha256}
        bundle = Bundle.reserve(
            tmp_path / "staging",
            word="marquez",
            mode=Mode.DRY_RUN,
            redactor=Redactor(),
            registry=REGISTRIES["marquez"],
            opening={**opening, "harness": harness},
        )
        rehearsed(bundle, "broke")
        return closing.close(bundle, junit=junit).folder

    return made


def ask(folder: Path) -> Answer:
    return verify(folder, registries=REGISTRIES, redraw=report_view.redrawn)


def touch_up(folder: Path, before: str, after: str) -> None:
    """Edit the report, and manifest and sums so that they agree with it."""
    page = folder / "report.html"
    text = page.read_text("utf-8")
    assert before in text
    was = sealing.digest(page)
    page.write_text(text.replace(before, after), "utf-8")
    now = sealing.digest(page)
    manifest = folder / layout.MANIFEST
    said = manifest.read_text("utf-8").replace(was.sha256, now.sha256)
    manifest.write_text(said.replace(f": {was.size_bytes},", f": {now.size_bytes},"), "utf-8")
    names = [name for name in sealing.files_in(folder) if name not in layout.UNLISTED_IN_SUMS]
    sums = {name: each.sha256 for name, each in sealing.digests_of(folder, names).items()}
    (folder / layout.SUMS).write_bytes(sealing.sums_text(sums))


def test_the_page_is_drawn_again(seal: Seal, tmp_path: Path) -> None:
    """The same ledger and files give the same page, wherever the bundle lies by now."""
    folder = seal(report_view.drawing_sha256())
    moved = tmp_path / "usb stick" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    said = ask(moved)
    assert said.denials == []
    assert any("the report is what the ledger says" in check.said for check in said.checks)


def test_a_touched_up_page_is_denied(seal: Seal) -> None:
    """One word made better, manifest and sums with it: only drawing it again shows that."""
    folder = seal(report_view.drawing_sha256())
    touch_up(folder, "<strong>FAILED</strong>", "<strong>PASSED</strong>")
    assert verify(folder, registries=REGISTRIES).verified
    assert ask(folder).denials == [
        "references: report.html is not the page that ledger and files come to"
    ]


def test_a_page_of_another_version_is_not_compared(seal: Seal) -> None:
    """Next year's templates say nothing against this year's page; that it was not compared, do."""
    said = ask(seal("0" * 64))
    assert said.verified
    assert any("drawn by other code, and not compared" in check.said for check in said.checks)
