"""Warnings of the cluster, and the workflow runs' URLs: found again from the evidence alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.procedures import arc_written
from fixtures.simulators.cluster.world import World
from tests.harness.procedures import arc_faults
from tests.harness.procedures.arc_stage import Played, staged

BEGUN = "2026-11-22T14:00:00.250Z"


def an_event(**changes: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "arc-staging", "name": "a-pod.1"},
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting",
        "involvedObject": {"kind": "Pod", "name": "a-pod"},
        "source": {"component": "kubelet"},
        "count": 4,
        "lastTimestamp": "2026-11-22T14:00:00Z",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="of-the-second-we-began-in"),
        pytest.param({"lastTimestamp": "2026-11-22T13:59:59Z"}, False, id="before"),
        pytest.param({"type": "Normal"}, False, id="no-warning"),
        pytest.param(
            {"lastTimestamp": None, "series": {"lastObservedTime": "2026-11-22T14:01:00.5Z"}},
            True,
            id="series",
        ),
        pytest.param(
            {"lastTimestamp": None, "eventTime": "2026-11-22T14:01:00.000001Z"}, True, id="once"
        ),
        pytest.param({"lastTimestamp": None}, False, id="without-any-time"),
    ],
)
def test_warnings_of_this_time_are_told(changes: dict[str, Any], expected: bool) -> None:
    """A warning heard of since the beginning is ours to tell, by whichever field it says when."""
    assert arc_written.warns_since(an_event(**changes), BEGUN) is expected


def test_warning_is_cut_to_what_it_says() -> None:
    """Who, of what, how often; nothing else of the object is kept."""
    assert arc_written.warning(an_event(count=None)) == {
        "namespace": "arc-staging",
        "object": "Pod/a-pod",
        "reason": "BackOff",
        "message": "Back-off restarting",
        "count": 1,
        "last_seen": "2026-11-22T14:00:00Z",
        "by": "kubelet",
    }


def played(folder: Path, *, may_list: bool) -> Played:
    def spoil(world: World) -> None:
        arc_faults.FAULTS["pod-fails-once"](world)
        if not may_list:
            world.api.access.denied.add(("list", "events"))

    with staged(folder, spoil) as stage:
        return stage.play()


@pytest.mark.parametrize("may_list", [True, False], ids=["allowed", "not-allowed"])
def test_warnings_and_urls_are_in_the_evidence(tmp_path: Path, may_list: bool) -> None:
    """A pod that failed is warned of; who may not list events is told so, and nothing breaks."""
    rehearsed = played(tmp_path, may_list=may_list)
    saved = json.loads(rehearsed.text("warnings.json"))
    assert [each["reason"] for each in saved["warnings"]] == (["BackOff"] if may_list else [])
    assert saved["not_allowed"] == ([] if may_list else ["arc-staging", "arc-systems"])
    assert not rehearsed.sealed.summary.troubles
    note = rehearsed.sealed.summary.artefacts["warnings.json"]["note"]
    assert ("1 warning of the cluster: BackOff ×1" if may_list else "may not be listed") in note
    assert note in rehearsed.text("report.html")
    facts = json.loads(rehearsed.text("manifest.json"))["facts"]
    assert [each["name"] for each in facts] == ["workflow run", "second workflow run"]
    urls = [
        job["html_url"] for job in json.loads(rehearsed.text("lifecycle.json"))["jobs"].values()
    ]
    assert [each["value"] for each in facts] == urls
    assert all(url in rehearsed.text("report.html") for url in urls)
