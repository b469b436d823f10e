"""What ``hotpass refine`` tells the lineage server, and what it does when it cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fixtures.simulators.hotpass import BANNER, VERSION

Events = list[dict[str, Any]]
Refine = Callable[..., int]

RUN_ID = "5e0d3a34-6f55-4cd1-9d3a-0c0f6a1d2b3c"


def kinds(events: Events) -> list[str]:
    return [event["eventType"] for event in events]


def names(datasets: Events) -> set[str]:
    return {dataset["name"] for dataset in datasets}


@pytest.fixture
def run_id(workspace: Path) -> list[str]:
    """Arguments that fix the run id."""
    (workspace / "run.json").write_text(json.dumps({"pipeline": {"run_id": RUN_ID}}))
    return ["--config", "run.json"]


def test_start_then_complete(workspace: Path, received: Events, refine: Refine) -> None:
    """Inputs from the start, outputs at the end: the workbook and the archive."""
    assert refine() == 0
    start, complete = received
    inputs = {str(path) for path in (workspace / "data").iterdir()}
    assert kinds(received) == ["START", "COMPLETE"]
    assert names(start["inputs"]) == names(complete["inputs"]) == inputs
    assert start["outputs"] == []
    assert names(complete["outputs"]) == {str(path) for path in (workspace / "dist").iterdir()}
    assert len(complete["outputs"]) == 2


def test_names_are_the_real_ones(received: Events, refine: Refine) -> None:
    """Job and namespace are those of the real command, whatever the profile."""
    assert refine("--profile", "aviation") == 0
    for event in received:
        assert event["job"]["namespace"] == "hotpass.local"
        assert event["job"]["name"] == "hotpass.pipeline.generic"
        assert {dataset["namespace"] for dataset in event["inputs"]} == {"hotpass.local"}


def test_configured_run_id_is_used(received: Events, refine: Refine, run_id: list[str]) -> None:
    """The id handed in with ``--config`` is in every event: that is the correlation."""
    assert refine(*run_id) == 0
    assert [event["run"]["runId"] for event in received] == [RUN_ID, RUN_ID]


def test_run_id_is_new_unless_given(received: Events, refine: Refine) -> None:
    """Without one, a UUID as everybody writes it, the same in both events of a run."""
    assert refine() == refine() == 0
    first, second, third, fourth = (event["run"]["runId"] for event in received)
    assert (first, third) == (second, fourth)
    assert first != third
    assert first == str(UUID(first))


def test_facets_say_what_ran(received: Events, refine: Refine) -> None:
    """Run and job carry the facet, and the version says that it is simulated."""
    assert refine() == 0
    facet = {
        "_producer": "https://hotpass.dev/lineage",
        "hotpass_version": VERSION,
        "profile": "generic",
        "research_enabled": False,
        "source_spreadsheet": "data/example-clubs.xlsx",
    }
    assert "simulated" in VERSION
    base = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
    for event in received:
        assert event["run"]["facets"]["hotpass"] == {**facet, "_schemaURL": f"{base}RunFacet"}
        assert event["job"]["facets"] == {"hotpass": {**facet, "_schemaURL": f"{base}JobFacet"}}


def test_variables_name_namespace_and_producer(
    received: Events, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ``HOTPASS_LINEAGE_*`` variables are obeyed."""
    monkeypatch.setenv("HOTPASS_LINEAGE_NAMESPACE", "rehearsal.one")
    monkeypatch.setenv("HOTPASS_LINEAGE_PRODUCER", "https://example.org/producer")
    assert refine() == 0
    assert {event["job"]["namespace"] for event in received} == {"rehearsal.one"}
    assert {event["producer"] for event in received} == {"https://example.org/producer"}


def test_lineage_can_be_turned_off(
    received: Events, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``HOTPASS_DISABLE_LINEAGE=1`` sends nothing and works all the same."""
    monkeypatch.setenv("HOTPASS_DISABLE_LINEAGE", "1")
    assert refine() == 0
    assert received == []


def test_failure_after_start_is_reported(
    workspace: Path, received: Events, refine: Refine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A corrupt workbook fails the run, which names the workbook it did not write."""
    (workspace / "data/zz.xlsx").write_bytes(b"not a zip file")
    assert refine() == 1
    assert kinds(received) == ["START", "FAIL"]
    assert names(received[1]["outputs"]) == {str(workspace / "dist/refined.xlsx")}
    reason = received[1]["run"]["facets"]["errorMessage"]
    assert reason["message"].startswith("data/zz.xlsx cannot be read")
    assert reason["_schemaURL"]
    assert "Error: data/zz.xlsx cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--input-dir", "absent"], id="no-folder"),
        pytest.param(["--input-dir", "data/example-clubs.xlsx"], id="a-file"),
        pytest.param(["--input-dir", "."], id="no-excel-file"),
        pytest.param(["--profile", "nobody"], id="no-profile"),
        pytest.param(["--config", "absent.json"], id="no-config"),
    ],
)
def test_early_refusal_reports_nothing(
    received: Events, refine: Refine, arguments: list[str]
) -> None:
    """What is found out before the start never becomes a run."""
    assert refine(*arguments) != 0
    assert received == []


def test_run_id_that_is_none_fails_before_any_event(
    workspace: Path, received: Events, refine: Refine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The official client refuses it, and so the command fails as the real one does."""
    (workspace / "run.json").write_text('{"pipeline": {"run_id": "backfill-2025-11-22-v1"}}')
    assert refine("--config", "run.json") == 1
    assert received == []
    assert "badly formed hexadecimal UUID string" in capsys.readouterr().err


def test_refused_events_change_no_exit_code(
    received: Events,
    refine: Refine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A URL that ends in /api/v1 loses every event: a traceback, and success all the same."""
    monkeypatch.setenv("OPENLINEAGE_URL", os.environ["OPENLINEAGE_URL"] + "/api/v1")
    assert refine() == 0
    assert received == []
    err = capsys.readouterr().err
    assert err.startswith(BANNER)
    assert "Failed to emit OpenLineage event COMPLETE" in err
    assert "Traceback (most recent call last):" in err
    assert "404" in err


def test_environment_is_left_alone(received: Events, refine: Refine) -> None:
    """The client's copies of the URL do not outlive the run."""
    before = dict(os.environ)
    assert refine() == 0
    assert dict(os.environ) == before
