"""Linkage, level by level: what links a flow run to lineage, and what only seems to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.records.backfill_runs import FlowRun
from fixtures.core.records.linkage import Linkage, ShownRun, made_run_id
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez

CHILD = "1d2d9d3c-5c0b-4a55-8b26-6a7a5f1a2b01"
HELD, BROKE, OPEN = Ruling.HELD, Ruling.BROKE, Ruling.NOT_ESTABLISHED
Spoil = Callable[[Linkage], Linkage]


def shown(linkage: Linkage) -> ShownRun:
    assert linkage.by_id is not None
    return linkage.by_id


def own(linkage: Linkage, **changes: Any) -> Linkage:
    """The run of the flow run's own id, changed."""
    return replace(linkage, by_id=replace(shown(linkage), **changes))


def own_run(linkage: Linkage, **changes: Any) -> Linkage:
    return own(linkage, run=replace(shown(linkage).run, **changes))


def begun(linkage: Linkage) -> datetime:
    started_at = shown(linkage).run.started_at
    assert started_at is not None
    return started_at


def flow(linkage: Linkage, **changes: Any) -> Linkage:
    """The flow run, changed."""
    return replace(linkage, flow_runs=(replace(linkage.flow_runs[0], **changes),))


def other(linkage: Linkage, run_id: str, **changes: Any) -> ShownRun:
    """Another run than that of the flow run's own id."""
    known = shown(linkage)
    return replace(known, run=replace(known.run, id=run_id), **changes)


def child(linkage: Linkage, *, parent: str = "") -> Linkage:
    """Only a run that names the flow run as its parent."""
    named = frozenset({parent or linkage.flow_runs[0].id})
    return replace(
        linkage, by_id=None, by_parent=(other(linkage, CHILD, parents=named, job="any"),)
    )


def made(linkage: Linkage, *, run_id: str = "", deployment: str = "d1") -> Linkage:
    """Only a run of the id that openlineage-prefect makes."""
    run = other(linkage, run_id or linkage.made_id, deployment_id=deployment, job="the flow's")
    return replace(linkage, by_id=None, by_made_id=run)


def failed(linkage: Linkage) -> Linkage:
    first = linkage.flow_runs[0]
    last = replace(first.states[-1], type="FAILED", message="told to fail")
    return flow(linkage, states=(*first.states[:-1], last))


def never_ran(linkage: Linkage) -> Linkage:
    first = linkage.flow_runs[0]
    return flow(linkage, states=(first.states[0], first.states[-1]))


def twice(linkage: Linkage) -> Linkage:
    return replace(linkage, flow_runs=linkage.flow_runs * 2)


def stub_and_child(linkage: Linkage) -> Linkage:
    """What the service makes of a parent nobody reported: a run without a job."""
    stub = own(own_run(linkage, state="RUNNING"), job="", namespace="")
    return replace(stub, by_parent=child(linkage).by_parent)


@pytest.mark.parametrize(
    ("spoil", "ruling", "told"),
    [
        pytest.param(lambda it: it, HELD, "L1: flow run", id="own-id"),
        pytest.param(child, HELD, "L2: flow run", id="child"),
        pytest.param(stub_and_child, HELD, "L2: flow run", id="child-and-stub"),
        pytest.param(made, HELD, "L3: flow run", id="made-id"),
        pytest.param(
            lambda it: replace(it, by_id=None), BROKE, "shows no trace of it", id="no-trace"
        ),
        pytest.param(
            lambda it: replace(it, by_id=None, by_time=(CHILD,)),
            OPEN,
            f"L4: run {CHILD} agrees",
            id="time-and-name",
        ),
        pytest.param(
            lambda it: own_run(it, id=CHILD), BROKE, "shows no trace", id="another-id-as-own"
        ),
        pytest.param(
            lambda it: child(it, parent=CHILD), BROKE, "shows no trace", id="child-of-another"
        ),
        pytest.param(
            lambda it: made(it, run_id=CHILD), BROKE, "shows no trace", id="id-not-made-of-it"
        ),
        pytest.param(
            lambda it: made(it, deployment="d2"), BROKE, "no trace", id="another-deployment"
        ),
        pytest.param(
            lambda it: own(it, namespace="x"), BROKE, "should be hotpass.local", id="namespace"
        ),
        pytest.param(
            lambda it: own(it, job="hotpass.pipeline.generic"),
            BROKE,
            "the job should be hotpass.pipeline.aviation",
            id="another-profile",
        ),
        pytest.param(
            lambda it: replace(it, job=""), BROKE, "known by its profile", id="no-profile"
        ),
        pytest.param(
            lambda it: own_run(it, state="RUNNING"), BROKE, "not COMPLETED", id="lineage-open"
        ),
        pytest.param(
            lambda it: own(own_run(it, state="RUNNING"), job=""),
            BROKE,
            "not COMPLETED",
            id="stub-alone",
        ),
        pytest.param(
            lambda it: own_run(it, started_at=None), BROKE, "started never", id="never-started"
        ),
        pytest.param(
            lambda it: own_run(it, started_at=begun(it) - timedelta(seconds=7)),
            BROKE,
            "the flow ran from",
            id="before-the-flow",
        ),
        pytest.param(
            lambda it: own_run(it, started_at=begun(it) + timedelta(seconds=10)),
            BROKE,
            "the flow ran from",
            id="after-the-flow",
        ),
        pytest.param(failed, BROKE, "is FAILED: told to fail", id="flow-failed"),
        pytest.param(never_ran, BROKE, "never been RUNNING", id="flow-never-ran"),
        pytest.param(lambda it: flow(it, states=()), BROKE, "without any state", id="no-state"),
        pytest.param(
            lambda it: replace(it, asked_at=it.asked_at + timedelta(seconds=6)),
            BROKE,
            "before anybody asked",
            id="stale-flow-run",
        ),
        pytest.param(
            lambda it: replace(it, control_found=True), OPEN, "nobody ran", id="finds-anything"
        ),
        pytest.param(
            lambda it: replace(it, control_id=it.flow_runs[0].id),
            OPEN,
            "nobody ran",
            id="no-control",
        ),
        pytest.param(
            lambda it: replace(it, deployment_id=""), OPEN, "has no deployment", id="no-deployment"
        ),
        pytest.param(lambda it: replace(it, flow_runs=()), OPEN, "0 flow runs", id="no-flow-run"),
        pytest.param(twice, OPEN, "2 flow runs", id="two-flow-runs"),
    ],
)
def test_level(linkage: Linkage, spoil: Spoil, ruling: Ruling, told: str) -> None:
    """Ids link; time and name do not; and what is found must not be findable anyhow."""
    verdict = marquez.prefect_linkage(spoil(linkage))
    assert verdict.ruling is ruling, verdict.story
    assert told in verdict.observed


def test_clocks_may_part_by_five_seconds(linkage: Linkage) -> None:
    """The worker's clock stamps lineage, the server's the states."""
    began = next(each.at for each in linkage.flow_runs[0].states if each.type == "RUNNING")
    edge = own_run(linkage, started_at=began - timedelta(seconds=5))
    assert marquez.prefect_linkage(edge)
    past = own_run(linkage, started_at=began - timedelta(seconds=5, microseconds=1))
    assert not marquez.prefect_linkage(past)


@pytest.mark.parametrize("zone", ["+00:00", "+02:00"])
def test_made_id_is_that_of_the_openlineage_client(zone: str) -> None:
    """The id is the one that openlineage-python makes, bit by bit."""
    from openlineage.client.uuid import generate_static_uuid

    start = datetime.fromisoformat(f"2026-11-22T08:28:45.840498{zone}")
    known = generate_static_uuid(start, b"hotpass.local.hotpass-refinement-pipeline")
    assert made_run_id(start, "hotpass.local", "hotpass-refinement-pipeline") == str(known)


def payload() -> dict[str, Any]:
    flow_id = "5b9b4d0e-0c5e-4d35-9b53-0f6a9d6a1c11"
    return {
        "deployment": "f/d",
        "deployment_id": "d1",
        "flow": "f",
        "namespace": "n",
        "job": "j",
        "tag": "t",
        "how": "h",
        "asked_at": "2026-11-22T08:28:40Z",
        "flow_runs": [{"id": flow_id, "start_time": "2026-11-22T08:28:45Z"}],
        "states": {
            flow_id: [{"type": "RUNNING", "name": "Running", "timestamp": "2026-11-22T08:28:45Z"}]
        },
        "lineage": {
            "by_id": None,
            "by_parent": [
                {
                    "id": CHILD,
                    "state": "COMPLETED",
                    "jobVersion": {"namespace": "n", "name": "j", "version": "v"},
                    "facets": {"parentRun": {"run": {"runId": flow_id}}},
                }
            ],
            "by_made_id": None,
            "by_time": [{"runId": "r", "job": "j", "at": None}],
        },
        "control": {"run_id": "c", "found": False},
    }


def test_payload_is_read() -> None:
    """Both names of the parent facet are known, and the made id is computed, not believed."""
    read = Linkage.from_json(payload())
    assert read.by_parent[0].parents == {read.flow_runs[0].id}
    start = datetime(2026, 11, 22, 8, 28, 45, tzinfo=UTC)
    assert read.made_id == made_run_id(start, "n", "f")
    assert isinstance(read.flow_runs[0], FlowRun)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda it: it.pop("control"), id="no-control"),
        pytest.param(lambda it: it["states"].clear(), id="no-states"),
        pytest.param(lambda it: it.update(asked_at="2026-11-22T08:28:40"), id="no-zone"),
        pytest.param(lambda it: it["lineage"].update(by_id=[]), id="a-list-for-a-run"),
    ],
)
def test_unreadable_payload_is_told(spoil: Callable[[dict[str, Any]], object]) -> None:
    """Any other shape is no payload, rather than half of one."""
    body = payload()
    spoil(body)
    with pytest.raises(errors.PayloadUnreadable):
        Linkage.from_json(body)
