"""The scripted ARC controller, held to what its sources say: phases, drain, exit codes, limits.

Covers: one clock, no HTTP; what happens to runners, listeners and GitHub's books.
Not here: the API server's own rules (``contract/test_cluster*.py``).
"""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.simulators.cluster.arc import Arc
from fixtures.simulators.cluster.arc_objects import Names
from fixtures.simulators.cluster.kinds import (
    EPHEMERAL_SETS,
    LISTENERS,
    PODS,
    RUNNER_SETS,
    RUNNERS,
    SECRETS,
    Kind,
)
from fixtures.simulators.cluster.store import Change, Store
from fixtures.simulators.cluster.timeline import Timeline
from fixtures.simulators.github.state import Github

QUIET_S = 60.0


class Stage:
    """A scale set in a quiet hour, and everything that becomes of its runners."""

    def __init__(self, **world: Any) -> None:
        version = world.pop("version", "0.14.2")
        self.timeline = Timeline()
        self.store = Store(self.timeline)
        self.github = Github(self.timeline)
        self.seen: list[tuple[str, str, Change]] = []
        self.store.listeners.append(self._note)
        self.arc = Arc(store=self.store, github=self.github, names=Names(version=version), **world)
        self.arc.install()
        self.timeline.advance(QUIET_S)

    def _note(self, kind: Kind, change: Change) -> None:
        self.seen.append((kind.plural, change.after["metadata"]["name"], change))

    def runners(self) -> list[dict[str, Any]]:
        """Those there are now."""
        return self.store.items(RUNNERS)

    def limits(self, least: int, most: int) -> None:
        """Patch both limits, as an operator does."""
        patch = {"spec": {"minRunners": least, "maxRunners": most}}
        self.store.patch(RUNNER_SETS, "arc-staging", "arc-eph", patch)

    def told(self, name: str) -> list[tuple[str, str]]:
        """(type, phase) of one runner's events, repetitions left out."""
        told: list[tuple[str, str]] = []
        for plural, whose, change in self.seen:
            if plural == RUNNERS.plural and whose == name:
                phase = change.after.get("status", {}).get("phase", "")
                if not told or told[-1] != (change.type, phase):
                    told.append((change.type, phase))
        return told


def job(stage: Stage, seconds: float = 20.0) -> Any:
    return stage.github.dispatch({"seconds": str(seconds), "correlation_id": "x"}).job


def test_quiet_set_keeps_its_minimum() -> None:
    """As many idle runners as asked, registered and online; one listener with its limits."""
    stage = Stage(min_runners=2, max_runners=5)
    assert len(stage.runners()) == 2
    assert [each.online for each in stage.github.runners.values()] == [True, True]
    (listener,) = stage.store.items(LISTENERS, "arc-systems")
    assert (listener["spec"]["minRunners"], listener["spec"]["maxRunners"]) == (2, 5)
    assert stage.store.items(LISTENERS, "arc-staging") == []


def test_today_a_finished_runner_is_never_seen_succeeded() -> None:
    """From 0.13 it is deleted at once: none, Pending, Running, then gone."""
    stage = Stage(min_runners=0)
    done = job(stage)
    stage.timeline.advance(120)
    phases = [phase for _, phase in stage.told(done.runner_name)]
    assert list(dict.fromkeys(phases)) == ["", "Pending", "Running"]
    kinds = [kind for kind, _ in stage.told(done.runner_name)]
    assert (kinds[0], kinds[-1]) == ("ADDED", "DELETED")


def test_until_0_12_it_was() -> None:
    """And until then the registration secret stood in its status."""
    stage = Stage(min_runners=0, version="0.12.1")
    done = job(stage)
    stage.timeline.advance(120)
    assert ("MODIFIED", "Succeeded") in stage.told(done.runner_name)
    last = [change.after for _, name, change in stage.seen if name == done.runner_name][-1]
    assert "runnerJITConfig" in last["status"]


def test_registration_goes_before_pod_and_secret() -> None:
    """Deregister, drop that finalizer, delete pod and Secret, drop the last finalizer."""
    stage = Stage(min_runners=0)
    done = job(stage)
    stage.timeline.advance(120)
    mine = [
        (plural, change.type, tuple(change.after["metadata"].get("finalizers", ())))
        for plural, name, change in stage.seen
        if name == done.runner_name
        and (change.after["metadata"].get("deletionTimestamp") or change.type == "DELETED")
    ]
    order = [(plural, kind, len(left)) for plural, kind, left in mine]
    assert order == [
        (RUNNERS.plural, "MODIFIED", 2),
        (RUNNERS.plural, "MODIFIED", 1),
        (PODS.plural, "DELETED", 0),
        (SECRETS.plural, "DELETED", 0),
        (RUNNERS.plural, "DELETED", 0),
    ]
    assert done.runner_id not in stage.github.runners


def test_never_more_than_the_maximum() -> None:
    """Jobs beyond it wait until a runner is free."""
    stage = Stage(min_runners=0, max_runners=2)
    jobs = [job(stage, 30) for _ in range(5)]
    most = 0
    for _ in range(200):
        stage.timeline.advance(1)
        most = max(most, len([each for each in jobs if each.status == "in_progress"]))
    assert most == 2
    assert {each.conclusion for each in jobs} == {"success"}


def test_drain_takes_the_idle_and_leaves_the_busy() -> None:
    """Both limits 0: a new listener, idle runners go, the busy one ends its job, none is made."""
    stage = Stage(min_runners=2, max_runners=4)
    busy = job(stage, 60)
    stage.timeline.advance(20)
    before = stage.store.items(LISTENERS, "arc-systems")[0]["metadata"]["uid"]
    stage.limits(0, 0)
    stage.timeline.advance(20)
    assert [each["metadata"]["name"] for each in stage.runners()] == [busy.runner_name]
    assert stage.store.items(LISTENERS, "arc-systems")[0]["metadata"]["uid"] != before
    waiting = job(stage)
    stage.timeline.advance(120)
    assert (busy.conclusion, waiting.status, waiting.runner_id) == ("success", "queued", None)
    assert stage.runners() == []
    stage.limits(2, 4)
    stage.timeline.advance(120)
    assert waiting.conclusion == "success"
    assert len(stage.runners()) == 2


def test_maximum_below_minimum_kills_the_listener() -> None:
    """The API takes it, the listener does not: none comes back, and only a log says why."""
    stage = Stage(min_runners=1)
    patch = {"spec": {"maxRunners": 0}}
    stage.store.patch(RUNNER_SETS, "arc-staging", "arc-eph", patch)
    stage.timeline.advance(60)
    assert stage.store.items(LISTENERS, "arc-systems") == []
    assert 'MinRunners "1" cannot be greater than MaxRunners "0"' in stage.arc.log[-1]
    assert len(stage.runners()) == 1


def test_failing_pods_back_off_and_end() -> None:
    """0, 5, 10, 20, 40 s between pods; the sixth failure ends the runner, and another is made."""
    stage = Stage(min_runners=0)
    stage.arc.faults.pod_exits.extend([1] * 6)
    late = job(stage)
    stage.timeline.advance(400)
    made = [
        (change.after["metadata"]["creationTimestamp"], name)
        for plural, name, change in stage.seen
        if plural == PODS.plural and change.type == "ADDED" and "runner" in name
    ]
    assert len(made) == 7
    assert len({name for _, name in made}) == 2
    assert late.conclusion == "success"


def test_old_versions_stop_at_too_many_failures() -> None:
    """Until 0.11 such a runner stayed Failed, and ate its slot."""
    stage = Stage(min_runners=0, max_runners=1, version="0.11.0")
    stage.arc.faults.pod_exits.extend([1] * 6)
    late = job(stage)
    stage.timeline.advance(600)
    (stuck,) = stage.runners()
    assert (stuck["status"]["phase"], stuck["status"]["reason"]) == (
        "Failed",
        "TooManyPodFailures",
    )
    assert set(stuck["status"]["failures"].values()) == {True}
    assert late.status == "queued"


def test_deprecated_runner_is_outdated() -> None:
    """Exit code 7, from 0.14 on."""
    stage = Stage(min_runners=0)
    stage.arc.faults.pod_exits.append(7)
    job(stage)
    stage.timeline.advance(60)
    assert [each["status"]["phase"] for each in stage.runners()] == ["Outdated"]


def test_idle_poll_resets_the_patch_id() -> None:
    """The one number for which a set shrinks: sent by a new listener, and when nothing waits."""
    stage = Stage(min_runners=1)
    job(stage, 5)
    stage.timeline.advance(20)
    sent = stage.store.items(EPHEMERAL_SETS)[0]["spec"]
    assert sent["patchID"] > 0
    stage.timeline.advance(60)
    assert stage.store.items(EPHEMERAL_SETS)[0]["spec"] == {**sent, "patchID": 0, "replicas": 1}


@pytest.mark.parametrize(("version", "phase"), [("0.14.2", "Running"), ("0.13.0", None)])
def test_phase_of_the_set_by_version(version: str, phase: str | None) -> None:
    """Before 0.14 a scale set says no phase."""
    assert Stage(version=version).arc.scale_set["status"].get("phase") == phase
