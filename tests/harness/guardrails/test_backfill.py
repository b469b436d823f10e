"""Guardrails of the backfill, one condition at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fixtures.core.records.backfill import DeploymentFacts, KeyLimit, WorkerFacts, slot_uses
from fixtures.core.records.backfill_manifests import Manifests
from fixtures.core.verdict import Ruling, Verdict
from fixtures.guardrails import backfill
from tests.harness.guardrails import backfill_made as made

HELD, BROKE, OPEN = Ruling.HELD, Ruling.BROKE, Ruling.NOT_ESTABLISHED


def judged(guardrail: str, **spoilt: Any) -> Verdict:
    """A guardrail's verdict over a good rehearsal with these payloads instead."""
    return backfill.REGISTRY[f"backfill.{guardrail}"].over({**made.seen(), **spoilt})


@pytest.mark.parametrize("guardrail", [each.id for each in backfill.REGISTRY])
def test_good_rehearsal_holds(guardrail: str) -> None:
    """Over a good rehearsal each holds, under the id and artefact it is registered with."""
    verdict = backfill.REGISTRY[guardrail].over(made.seen())
    assert verdict, verdict.story
    registered = backfill.REGISTRY[guardrail]
    assert (verdict.guardrail, verdict.artefact) == (registered.id, registered.artefact)


SHALLOW, DEEP = "prefect/backfill.yaml", "prefect/deployments/hotpass-backfill.yaml"


@pytest.mark.parametrize(
    ("copies", "ruling", "told"),
    [
        pytest.param((made.copy(SHALLOW),), HELD, "1 copies", id="single"),
        pytest.param(
            (made.copy(SHALLOW, concurrency_limit=5), made.copy(DEEP)),
            BROKE,
            f"{DEEP} wins: limit 2, key hotpass-backfill; {SHALLOW} says otherwise",
            id="stale-shallow-copy",
        ),
        pytest.param(
            (made.copy(SHALLOW), made.copy(DEEP, concurrency_limit=5)),
            BROKE,
            f"{DEEP} wins: limit 5",
            id="stale-deep-copy-wins",
        ),
        pytest.param(
            (made.copy(SHALLOW, concurrency_limit=None),), BROKE, "that is no limit", id="no-limit"
        ),
        pytest.param((made.copy(SHALLOW, concurrency_limit=True),), BROKE, "no limit", id="true"),
        pytest.param((made.copy(SHALLOW, concurrency_limit="2"),), BROKE, "no limit", id="text"),
        pytest.param(
            (made.copy(SHALLOW, inner_key=None, concurrency_key="a"),),
            BROKE,
            "'a' at the top is dropped",
            id="key-at-the-top",
        ),
        pytest.param((made.copy(SHALLOW, inner_limit=1),), BROKE, "limit 1", id="inner-differs"),
        pytest.param((made.copy(SHALLOW, trouble="no YAML"),), BROKE, "no YAML", id="unreadable"),
    ],
)
def test_manifest_limits(copies: Any, ruling: Ruling, told: str) -> None:
    """Limit and key must be there, where Hotpass reads them, the same in every copy."""
    verdict = judged("manifest-limits", manifests=made.manifests(*copies))
    assert (verdict.ruling, told in verdict.observed) == (ruling, True), verdict.story


def test_no_manifest_breaks() -> None:
    """A deployment that no manifest describes has no promise to keep."""
    none = Manifests(flow="backfill", folder="prefect", copies=())
    assert judged("manifest-limits", manifests=none).ruling is BROKE


@pytest.mark.parametrize(
    ("changes", "ruling"),
    [
        pytest.param({"exit_code": 1, "how": "exit code 1"}, BROKE, id="failed"),
        pytest.param({"exit_code": None, "how": "ended by SIGKILL"}, BROKE, id="killed"),
        pytest.param(
            {"events": {"deploy.completed": {"deployment_ids": []}}}, BROKE, id="nothing-applied"
        ),
        pytest.param({"events": {}}, OPEN, id="silent"),
        pytest.param({"events": {"deploy.completed": {}}}, OPEN, id="no-word-on-ids"),
    ],
)
def test_deploy_confirmed(changes: dict[str, Any], ruling: Ruling) -> None:
    """Exit code 0 proves nothing on its own."""
    assert judged("deploy-confirmed", deploy=made.check(**changes)).ruling is ruling


@pytest.mark.parametrize(
    ("changes", "ruling"),
    [
        pytest.param({"exit_code": 1, "how": "exit code 1"}, BROKE, id="failed"),
        pytest.param({"last_lines": ()}, OPEN, id="silent"),
    ],
)
def test_acceptance_passed(changes: dict[str, Any], ruling: Ruling) -> None:
    """The gates passed, and said so."""
    assert judged("acceptance-passed", acceptance=made.check(**changes)).ruling is ruling


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"limit": None}, "no limit on the deployment", id="none"),
        pytest.param({"limit": 1}, "limit 1", id="other"),
        pytest.param({"active": False}, "would wait for ever", id="not-active"),
    ],
)
def test_limit_on_deployment(changes: dict[str, Any], told: str) -> None:
    """The server's own idea of the limit decides, not the manifest's."""
    verdict = judged("limit-on-deployment", deployment=made.deployment(**changes))
    assert (verdict.ruling, told in verdict.observed) == (BROKE, True)


def test_limit_on_the_wrong_object_is_named() -> None:
    """A limit on pool or queue is told apart, and said where it was found."""
    pool = made.pool(limit=2, queue_limits={"default": 2})
    verdict = judged("limit-on-deployment", deployment=made.deployment(limit=None), pool=pool)
    assert "pool hotpass-e2e-staging has 2, queue default has 2" in verdict.observed


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        pytest.param({"deployment": made.deployment(paused=True)}, "is paused", id="deployment"),
        pytest.param(
            {"deployment": made.deployment(work_pool="default-agent-pool")},
            "runs on default-agent-pool",
            id="another-pool",
        ),
        pytest.param({"pool": made.pool(paused=True)}, "the pool is paused", id="pool"),
        pytest.param({"pool": made.pool(paused_queues=("default",))}, "queue default", id="queue"),
        pytest.param({"pool": made.pool(workers=())}, "none of them online", id="no-worker"),
        pytest.param(
            {
                "pool": made.pool(
                    workers=(
                        WorkerFacts(
                            name="gone",
                            status="ONLINE",
                            heartbeat_at=made.BEGIN - timedelta(seconds=61),
                        ),
                    )
                )
            },
            "none of them online",
            id="online-by-name-only",
        ),
    ],
)
def test_pool_ready(spoilt: dict[str, Any], told: str) -> None:
    """A pool is ready when somebody was heard of there a moment ago."""
    verdict = judged("pool-ready", **spoilt)
    assert (verdict.ruling, told in verdict.observed) == (BROKE, True), verdict.story


def test_runs_completed_never_holds_for_others() -> None:
    """A run under our key without our tag is an older one, whatever its state."""
    runs = [replace(made.runs()[0], tags=frozenset()), *made.runs()[1:]]
    verdict = judged("runs-completed", flock=made.flock(runs))
    assert (verdict.ruling, "older run under our key" in verdict.observed) == (BROKE, True)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        pytest.param(
            made.a_run(1, (1, "PENDING"), (4, "RUNNING"), (8, "CRASHED")), "Crashed", id="crashed"
        ),
        pytest.param(made.a_run(1, (1, "PENDING")), "Pending", id="pending"),
        pytest.param(made.a_run(1), "without any state", id="no-state"),
        pytest.param(
            made.a_run(
                1,
                (1, "PENDING"),
                (4, "RUNNING"),
                (6, "CANCELLED"),
                (8, "COMPLETED"),
            ),
            "Completed after it was Cancelled at 14:00:06Z",
            id="cancelled-and-went-on",
        ),
        pytest.param(replace(made.runs()[0], parameters={}), "other values", id="parameters"),
        pytest.param(
            replace(made.runs()[0], deployment_id=made.PROBE),
            "another deployment",
            id="deployment",
        ),
    ],
)
def test_runs_completed_breaks(run: Any, told: str) -> None:
    """Anything but a completed run of ours with what we asked for breaks."""
    verdict = judged("runs-completed", flock=made.flock([run, *made.runs()[1:]]))
    assert (verdict.ruling, told in verdict.observed) == (BROKE, True), verdict.story


def test_fewer_runs_than_triggers_break() -> None:
    """Two keys that led to one run are one run."""
    asked = made.triggering().triggered
    verdict = judged(
        "runs-completed", triggering=made.triggering(triggered=(asked[0], asked[0], *asked[2:]))
    )
    assert "3 runs for 4 triggers" in verdict.observed


def test_nothing_triggered_is_not_established() -> None:
    """No run, no verdict."""
    empty = made.triggering(triggered=())
    assert judged("runs-completed", triggering=empty).ruling is OPEN
    assert judged("contracts-held", triggering=empty).ruling is OPEN
    assert judged("logs-complete", triggering=empty).ruling is OPEN
    assert judged("nothing-left-running", triggering=empty).ruling is OPEN


@pytest.mark.parametrize(
    ("changes", "ruling", "told"),
    [
        pytest.param({"key": None}, OPEN, "names no key", id="no-key"),
        pytest.param({"key": "hotpass/backfill"}, BROKE, "takes no such name", id="slash"),
        pytest.param({"exists": False}, BROKE, "no limit of that name", id="missing"),
        pytest.param({"active": False}, BROKE, "not active", id="not-active"),
        pytest.param({"limit": 1}, BROKE, "limit 1", id="other-limit"),
        pytest.param({"uses": ()}, OPEN, "no run ever asked", id="unused"),
        pytest.param(
            {"uses": (made.a_use(0, 1, slots=2),)}, BROKE, "1 at most run at once", id="greedy"
        ),
        pytest.param(
            {"uses": tuple(made.a_use(each, 9) for each in range(3))},
            BROKE,
            "3 slots were taken at once",
            id="overdrawn",
        ),
        pytest.param(
            {"uses": (made.a_use(0, None), made.a_use(1, None), made.a_use(2, 3))},
            BROKE,
            "3 slots were taken at once",
            id="never-released",
        ),
    ],
)
def test_key_limit_kept(changes: dict[str, Any], ruling: Ruling, told: str) -> None:
    """The flow's own limit is there, takes one slot a run, and was never overdrawn."""
    verdict = judged("key-limit-kept", key_limit=made.key_limit(**changes))
    assert (verdict.ruling, told in verdict.observed) == (ruling, True), verdict.story


@pytest.mark.parametrize(
    ("label", "key", "ruling"),
    [
        pytest.param("exists2", "hotpass-backfill", HELD, id="enforced"),
        pytest.param("inactive", "inactivelimit", BROKE, id="inactive-limit-is-overdrawn"),
        pytest.param("occ2", "hotpass-backfill", BROKE, id="a-run-takes-two"),
        pytest.param("missing", "nosuchlimit", OPEN, id="no-events"),
        pytest.param("occ_gt", "hotpass-backfill", OPEN, id="more-than-there-are"),
    ],
)
def test_recorded_events(label: str, key: str, ruling: Ruling) -> None:
    """What a real server recorded of its global limits is judged for what it was."""
    uses = slot_uses(made.RECORDED["events"][label])
    limit = KeyLimit(
        key=key,
        exists=True,
        # Even where it was not: its events alone show the breach.
        active=True,
        limit=2,
        promised=2,
        uses=tuple(use for use in uses if use.limit_name == key),
    )
    verdict = judged("key-limit-kept", key_limit=limit)
    assert verdict.ruling is ruling, verdict.story


@pytest.mark.parametrize(
    ("outcomes", "ruling", "told"),
    [
        pytest.param(((2, 1),), BROKE, "1 of 2 windows", id="one-broke"),
        pytest.param(((0, 0),), BROKE, "no window at all", id="idle"),
        pytest.param(((1, 1),) * 3, BROKE, "ran its body 3 times", id="three-times"),
        pytest.param((), OPEN, "no closing line", id="silent"),
    ],
)
def test_contracts_held(outcomes: Any, ruling: Ruling, told: str) -> None:
    """A COMPLETED run says nothing of its contracts: its closing line does."""
    verdict = judged("contracts-held", logs=made.logs(outcomes=outcomes))
    assert (verdict.ruling, told in verdict.observed) == (ruling, True), verdict.story


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"lines": 0}, "has no line", id="empty"),
        pytest.param({"settled": False}, "still growing", id="growing"),
        pytest.param({"ended": False}, "without Prefect's last line", id="cut"),
        pytest.param({"counted": 12}, "the server counts 12", id="miscounted"),
    ],
)
def test_logs_complete(changes: dict[str, Any], told: str) -> None:
    """A log counts when it is there to its end."""
    verdict = judged("logs-complete", logs=made.logs(**changes))
    assert (verdict.ruling, told in verdict.observed) == (BROKE, True), verdict.story


def test_logs_of_a_server_that_cannot_count_hold() -> None:
    """Servers before 3.5 have no second way of counting."""
    assert judged("logs-complete", logs=made.logs(counted=None))


@pytest.mark.parametrize(
    ("changes", "ruling"),
    [
        pytest.param({"cancelled": ("a",)}, BROKE, id="we-had-to-cancel"),
        pytest.param({"unended": ("a",)}, BROKE, id="possibly-still-running"),
        pytest.param({"slots_left": 1}, BROKE, id="slot-kept"),
        pytest.param({"slots_left": None}, OPEN, id="limit-gone"),
    ],
)
def test_nothing_left_running(changes: dict[str, Any], ruling: Ruling) -> None:
    """Slots are back where they were, and nobody had to be ended."""
    verdict = judged("nothing-left-running", triggering=made.triggering(**changes))
    assert verdict.ruling is ruling


def test_fewer_slots_than_before_are_others_business() -> None:
    """What somebody else had at work before us may have ended meanwhile."""
    assert judged("nothing-left-running", deployment=made.deployment(slots_taken=1))


def test_deployment_reads_the_limit_that_counts() -> None:
    """``concurrency_limit`` is always null there: the global limit is the truth."""
    body = {
        "id": made.DEPLOYMENT,
        "name": "hotpass-backfill",
        "concurrency_limit": None,
        "global_concurrency_limit": {"limit": 2, "active": True, "active_slots": 1},
        "concurrency_options": None,
    }
    facts = DeploymentFacts.from_api(body)
    assert (facts.limit, facts.active, facts.slots_taken) == (2, True, 1)
    assert facts.strategy == "ENQUEUE"
