"""ARC runner lifecycle: the scale set drains, comes back, and leaves nothing behind.

Preconditions: access to `arc-staging` and to the controller's namespace; the smoke workflow of
`tests/rehearsals/arc-smoke.yml` on the default branch; an AWS role that trusts it.
Steps: 1 look at scale set, listener and access · 2 watch, and start a job that keeps a runner
busy · 3 drain, and start a job that must wait · 4 restore, and see it run · 5 confirm IAM/OIDC
from inside the job · 6 see what is left
Expected: guardrails arc.* hold; lifecycle.json and sts.txt in the evidence directory, the workflow
run's URL in its manifest
Run-book: staging rehearsal plan, ARC runner lifecycle, last updated 2025-11-02
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.guardrails import arc, arc_aftermath, arc_drain, arc_identity

if TYPE_CHECKING:
    from fixtures.core.records.arc import Lifecycle
    from fixtures.core.records.arc_identity import Identity
    from fixtures.core.records.arc_preflight import Preflight
    from fixtures.procedures.weighing import Weigh

pytestmark = pytest.mark.arc


def test_scale_set_served(preflight: Preflight, weigh: Weigh) -> None:
    """Step 1: scale set, listener and controller stand ready, and nobody else is at work."""
    verdict = weigh(arc.scale_set_served(preflight))
    assert verdict, verdict.story


def test_access_granted(preflight: Preflight, weigh: Weigh) -> None:
    """Step 1: we may do everything the rehearsal does."""
    verdict = weigh(arc.access_granted(preflight))
    assert verdict, verdict.story


def test_ran_on_watched_runner(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 2: the job ran on a runner seen in our watch."""
    verdict = weigh(arc.ran_on_watched_runner(lifecycle))
    assert verdict, verdict.story


def test_phases_in_order(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 2: every runner went through its phases in order."""
    verdict = weigh(arc.phases_in_order(lifecycle))
    assert verdict, verdict.story


def test_picked_up_in_time(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 2: the first job was picked up within its limit."""
    verdict = weigh(arc.picked_up_in_time(lifecycle))
    assert verdict, verdict.story


def test_drain_held(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 3: the set was drained and stayed so."""
    verdict = weigh(arc_drain.drain_held(lifecycle))
    assert verdict, verdict.story


def test_busy_job_finished(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 3: the busy job finished while the set was drained."""
    verdict = weigh(arc_drain.busy_job_finished(lifecycle))
    assert verdict, verdict.story


def test_queued_job_waited(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 3: the job started during the drain waited."""
    verdict = weigh(arc_drain.queued_job_waited(lifecycle))
    assert verdict, verdict.story


def test_no_new_runner(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 3: no runner was made while the set was drained."""
    verdict = weigh(arc_drain.no_new_runner(lifecycle))
    assert verdict, verdict.story


def test_runners_left(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 3: idle runners left in time, the busy one after its job."""
    verdict = weigh(arc_drain.runners_left(lifecycle))
    assert verdict, verdict.story


def test_limits_restored(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 4: both limits are what they were, byte for byte."""
    verdict = weigh(arc_drain.limits_restored(lifecycle))
    assert verdict, verdict.story


def test_resumed(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 4: the waiting job was picked up after the restore."""
    verdict = weigh(arc_drain.resumed(lifecycle))
    assert verdict, verdict.story


def test_listener_steady(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 4: the listener was made anew for drain and restore only."""
    verdict = weigh(arc_drain.listener_steady(lifecycle))
    assert verdict, verdict.story


def test_identity_on_runner(identity: Identity, lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 5: on the runner the job was the role it should be."""
    verdict = weigh(arc_identity.identity_on_runner(identity, lifecycle))
    assert verdict, verdict.story


def test_wrong_audience_refused(identity: Identity, weigh: Weigh) -> None:
    """Step 5: a token with another audience was refused."""
    verdict = weigh(arc_identity.wrong_audience_refused(identity))
    assert verdict, verdict.story


def test_access_bounded(identity: Identity, weigh: Weigh) -> None:
    """Step 5: its credentials did what they are for, and were refused what they are not."""
    verdict = weigh(arc_identity.access_bounded(identity))
    assert verdict, verdict.story


def test_runners_deregistered(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 6: GitHub knows our runners no more, and knew them busy."""
    verdict = weigh(arc_aftermath.runners_deregistered(lifecycle))
    assert verdict, verdict.story


def test_no_residue(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 6: no pod, Secret, runner or finalizer of ours is left."""
    verdict = weigh(arc_aftermath.no_residue(lifecycle))
    assert verdict, verdict.story


def test_scale_set_settled(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 6: the scale set is the same, and at rest."""
    verdict = weigh(arc_aftermath.scale_set_settled(lifecycle))
    assert verdict, verdict.story


def test_watch_unbroken(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 6: no watch lost anything."""
    verdict = weigh(arc_aftermath.watch_unbroken(lifecycle))
    assert verdict, verdict.story


def test_clocks_agree(lifecycle: Lifecycle, weigh: Weigh) -> None:
    """Step 6: the clocks of cluster, GitHub and harness agree."""
    verdict = weigh(arc_aftermath.clocks_agree(lifecycle))
    assert verdict, verdict.story
