"""Reports that are wrong on purpose: each switch does what its line says, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

Events = list[dict[str, Any]]
Refine = Callable[..., int]

RUN_ID = "5e0d3a34-6f55-4cd1-9d3a-0c0f6a1d2b3c"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param("fail-run", ["START", "FAIL"], id="fail-run"),
        pytest.param("late-start", ["START", "COMPLETE", "START"], id="late-start"),
        pytest.param("lost-output", ["START", "COMPLETE"], id="lost-output"),
        pytest.param("no-complete", ["START"], id="no-complete"),
        pytest.param("no-lineage", [], id="no-lineage"),
        pytest.param("twice", ["START", "COMPLETE"] * 2, id="twice"),
        pytest.param("wrong-namespace", ["START", "COMPLETE"], id="wrong-namespace"),
        pytest.param("wrong-run-id", ["START", "COMPLETE"], id="wrong-run-id"),
    ],
)
def test_faults_in_reporting(
    workspace: Path,
    received: Events,
    refine: Refine,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    expected: list[str],
) -> None:
    """Each switch changes the events as its line says, and neither files nor exit code."""
    (workspace / "run.json").write_text(json.dumps({"pipeline": {"run_id": RUN_ID}}))
    monkeypatch.setenv("HOTPASS_SIMULATOR_FAULTS", fault)
    assert refine("--config", "run.json") == 0
    assert (workspace / "dist/refined.xlsx").exists()
    assert [event["eventType"] for event in received] == expected
    ours = [event for event in received if event["run"]["runId"] == RUN_ID]
    strangers = {"twice": 2, "wrong-run-id": 2}.get(fault, 0)
    assert len(received) - len(ours) == strangers
    assert all(UUID(event["run"]["runId"]) for event in received)
    elsewhere = {event["job"]["namespace"] for event in received} - {"hotpass.local"}
    assert bool(elsewhere) == (fault == "wrong-namespace")
    lost = any(event["eventType"] == "COMPLETE" and not event["outputs"] for event in received)
    assert lost == (fault == "lost-output")
    assert {event["job"]["name"] for event in received} <= {"hotpass.pipeline.generic"}
