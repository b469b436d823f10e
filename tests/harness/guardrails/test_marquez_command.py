"""Guardrail over the refinement command: it exited 0 and left a workbook of this run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fixtures.core.records.refine import FileFact, RefineResult
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez


def the_workbook(refine: RefineResult) -> FileFact:
    assert refine.workbook is not None
    return refine.workbook


def test_refine_holds(refine: RefineResult) -> None:
    """Exit code 0 and a fresh workbook: held, with its size, time and digest."""
    verdict = marquez.refine_succeeded(refine)
    assert verdict, verdict.story
    assert verdict.observed == (
        "exit code 0; 4096 bytes written 2026-11-22T14:00:03Z, sha256 5f5f5f5f5f5f…"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"exit_code": 1, "how": "exit code 1"},
            "exit code 1; its last words: 48 rows read | refined workbook written",
            id="exit-1",
        ),
        pytest.param(
            {"exit_code": 1, "how": "exit code 1", "last_lines": ()},
            "exit code 1; its last words: no output",
            id="exit-1-and-mute",
        ),
        pytest.param(
            {"exit_code": None, "how": "ended by SIGKILL"}, "ended by SIGKILL", id="signal"
        ),
        pytest.param(
            {"exit_code": None, "how": "ended by us after its idle deadline (SIGTERM)"},
            "idle deadline",
            id="hung",
        ),
        pytest.param({"workbook": None}, "no workbook is there", id="no-workbook"),
    ],
)
def test_bad_end_breaks(refine: RefineResult, changes: dict[str, Any], told: str) -> None:
    """Any end but exit code 0 with a workbook breaks, and says how it ended."""
    verdict = marquez.refine_succeeded(replace(refine, **changes))
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"size_bytes": 0, "magic": ""}, "begin with nothing", id="zero-byte"),
        pytest.param({"size_bytes": 0}, "0 bytes that are no workbook", id="size-lies"),
        pytest.param({"magic": "3c68746d"}, "they begin 3c68746d", id="html-for-workbook"),
        pytest.param(
            {"magic": "504b0506"},
            "4096 bytes that are no workbook (they begin 504b0506)",
            id="empty-zip",
        ),
        pytest.param({"magic": "d0cf11e0"}, "they begin d0cf11e0", id="old-xls"),
        pytest.param({"magic": "50"}, "they begin 50", id="one-byte"),
    ],
)
def test_no_workbook_in_the_file_breaks(
    refine: RefineResult, changes: dict[str, Any], told: str
) -> None:
    """A file that does not begin like a workbook is none, whatever its name."""
    file = replace(the_workbook(refine), **changes)
    verdict = marquez.refine_succeeded(replace(refine, workbook=file))
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


@pytest.mark.parametrize(
    ("late", "holds"),
    [
        pytest.param(timedelta(milliseconds=-250), True, id="the-second-we-began-in"),
        pytest.param(timedelta(milliseconds=-251), False, id="the-second-before"),
        pytest.param(timedelta(days=-7), False, id="last-week"),
        pytest.param(timedelta(0), True, id="the-very-moment"),
    ],
)
def test_age_of_the_workbook(refine: RefineResult, late: timedelta, holds: bool) -> None:
    """Older than the second the command began in is stale; file systems keep whole seconds."""
    file = replace(the_workbook(refine), modified_at=refine.started_at + late)
    verdict = marquez.refine_succeeded(replace(refine, workbook=file))
    assert bool(verdict) is holds
    told = f"exit code 0, but the workbook there is older: {file.modified_at:%FT%TZ}"
    assert holds or verdict.observed == told


def test_untouched_workbook_of_the_same_second_breaks(refine: RefineResult) -> None:
    """The very file that lay there before is not this run's, however young."""
    stale = replace(refine, workbook_before=refine.workbook)
    verdict = marquez.refine_succeeded(stale)
    assert verdict.ruling is Ruling.BROKE
    assert "older" in verdict.observed


@pytest.mark.parametrize(
    "before",
    [
        pytest.param({"modified_at": -60}, id="touched-since"),
        pytest.param({"sha256": "aa" * 32}, id="rewritten-within-the-clock-tick"),
    ],
)
def test_overwritten_workbook_holds(refine: RefineResult, before: dict[str, Any]) -> None:
    """A workbook that replaced an older one is this run's."""
    file = the_workbook(refine)
    if "modified_at" in before:
        before = {"modified_at": file.modified_at + timedelta(seconds=before["modified_at"])}
    verdict = marquez.refine_succeeded(replace(refine, workbook_before=replace(file, **before)))
    assert verdict, verdict.story
