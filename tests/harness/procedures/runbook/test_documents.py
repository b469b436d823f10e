"""Run-books of a checkout: found, dated, digested, their commands given to words and steps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fixtures.procedures.runbook import documents
from tests.harness.procedures.runbook import made_up


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Checkout with both run-books."""
    return made_up.write(tmp_path)


def test_both_are_found(checkout: Path) -> None:
    """By their usual names, with title, date and the digest of their bytes."""
    found, absent = documents.find(checkout)
    assert not absent
    assert [each.title for each in found] == [
        "Staging Rehearsal Plan",
        "Lineage smoke test runbook",
    ]
    for each in found:
        data = (checkout / each.document.path).read_bytes()
        assert each.sha256 == hashlib.sha256(data).hexdigest()


def test_commands_have_word_step_and_line(checkout: Path) -> None:
    """The heading says whose a command is, the list item which step, the document where."""
    found, _ = documents.find(checkout)
    told = [
        (each.word, each.step, each.command.argv[-1])
        for runbook in found
        for each in runbook.written
    ]
    assert told == [
        ("backfill", "1", "prefect"),
        ("backfill", "1", "ta"),
        ("backfill", "2", '{"pipeline": {"backfill": true}}'),
        ("e2e", "1", "overview"),
        ("e2e", "1", "staging"),
        ("e2e", "1", "--profile=staging"),
        ("e2e", "1", "all"),
        ("marquez", "1", "hotpass-web"),
        ("marquez", "2", "--archive"),
        ("marquez", "3", "--watch"),
        ("marquez", "4", "http://localhost:5000/api/v1/namespaces/hotpass.local/datasets"),
    ]
    for runbook in found:
        lines = runbook.document.text.split("\n")
        for each in runbook.written:
            assert each.command.argv[0] in lines[each.line - 1]


def test_other_languages_are_not_commands(checkout: Path) -> None:
    """What is no shell is named as unread, so that nobody takes it for covered."""
    found, _ = documents.find(checkout)
    assert [each.unread for each in found] == [("line 32 (json)",), ()]


def test_moved_document_is_found_by_its_title(checkout: Path) -> None:
    """A run-book that was renamed is still the run-book."""
    (checkout / made_up.SMOKE).rename(checkout / "docs/smoke.md")
    found, absent = documents.find(checkout)
    assert not absent
    assert found[1].document.path == "docs/smoke.md"


@pytest.mark.parametrize("name", [made_up.PLAN, made_up.SMOKE])
def test_absent_one_is_reported(checkout: Path, name: str) -> None:
    """And the other one is read all the same."""
    (checkout / name).unlink()
    found, absent = documents.find(checkout)
    assert len(found) == len(absent) == 1
    assert name in absent[0]


def test_no_documents_at_all(tmp_path: Path) -> None:
    """A folder that is no checkout has neither."""
    found, absent = documents.find(tmp_path)
    assert not found
    assert len(absent) == 2


def test_bytes_that_are_no_utf8(checkout: Path) -> None:
    """The rest of the document is read, and its digest is that of its bytes."""
    path = checkout / made_up.PLAN
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    found, _ = documents.find(checkout)
    assert found[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(found[0].written) == 7


def test_carriage_returns_and_an_open_fence(checkout: Path) -> None:
    """A document written on Windows, whose last fence nobody closed."""
    path = checkout / made_up.PLAN
    text = made_up.PLAN_TEXT + "\n## E2E again\n\n```sh\nuv run hotpass overview"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    found, _ = documents.find(checkout)
    last = found[0].written[-1]
    assert (last.word, last.command.argv[-1], last.section) == ("e2e", "overview", "E2E again")
    assert len(found[0].written) == 8
