"""Prefect backfill guardrails: a concurrency limit that is there, was reached, and held.

Preconditions: the deployment and its work pool exist, and a worker of the pool is online.
Steps: 1 reconcile manifests and guardrails locally · 2 trigger the flow, capture logs and
guardrail assertions · 3 record command history and configuration
Expected: guardrails backfill.* hold; prefect.log, summary.json, cli.sh and metadata.json in the
evidence directory
Run-book: staging rehearsal plan, Prefect Backfill Guardrails, last updated 2025-11-02
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from fixtures.guardrails import backfill

if TYPE_CHECKING:
    from fixtures.core.records.backfill import (
        DeploymentFacts,
        Flock,
        KeyLimit,
        PoolFacts,
        RunLog,
        Triggering,
    )
    from fixtures.core.records.backfill_manifests import Manifests, PreCheck
    from fixtures.procedures.weighing import Weigh

pytestmark = pytest.mark.backfill


def test_manifest_limits(manifests: Manifests, weigh: Weigh) -> None:
    """Step 1: the manifest carries limit and key, and all its copies agree."""
    verdict = weigh(backfill.manifest_limits(manifests))
    assert verdict, verdict.story


def test_deploy_confirmed(deploy: PreCheck, weigh: Weigh) -> None:
    """Step 1: `hotpass deploy` applied at least one deployment."""
    verdict = weigh(backfill.deploy_confirmed(deploy))
    assert verdict, verdict.story


def test_acceptance_passed(acceptance: PreCheck, weigh: Weigh) -> None:
    """Step 1: `hotpass qa ta` passed, beside the other steps."""
    verdict = weigh(backfill.acceptance_passed(acceptance))
    assert verdict, verdict.story


def test_limit_on_deployment(
    deployment: DeploymentFacts, manifests: Manifests, pool: PoolFacts, weigh: Weigh
) -> None:
    """Step 2: the deployment on the server has the manifest's limit."""
    verdict = weigh(backfill.limit_on_deployment(deployment, manifests, pool))
    assert verdict, verdict.story


def test_pool_ready(pool: PoolFacts, deployment: DeploymentFacts, weigh: Weigh) -> None:
    """Step 2: the work pool is there, with a worker online."""
    verdict = weigh(backfill.pool_ready(pool, deployment))
    assert verdict, verdict.story


def test_runs_completed(
    flock: Flock, triggering: Triggering, deployment: DeploymentFacts, weigh: Weigh
) -> None:
    """Step 2: every run we triggered completed with the parameters asked for."""
    verdict = weigh(backfill.runs_completed(flock, triggering, deployment))
    assert verdict, verdict.story


def test_limit_honoured(
    flock: Flock,
    triggering: Triggering,
    manifests: Manifests,
    deployment: DeploymentFacts,
    deployment_after: DeploymentFacts,
    pool: PoolFacts,
    logs: Sequence[RunLog],
    weigh: Weigh,
) -> None:
    """Step 2: runs never overlapped beyond the limit, which they reached and waited for."""
    verdict = weigh(
        backfill.limit_honoured(
            flock, triggering, manifests, deployment, deployment_after, pool, logs
        )
    )
    assert verdict, verdict.story


def test_key_limit_kept(key_limit: KeyLimit, triggering: Triggering, weigh: Weigh) -> None:
    """Step 2: the limit that the flow asks for by its key exists and was kept."""
    verdict = weigh(backfill.key_limit_kept(key_limit, triggering))
    assert verdict, verdict.story


def test_contracts_held(
    logs: Sequence[RunLog], flock: Flock, triggering: Triggering, weigh: Weigh
) -> None:
    """Step 2: every window's dataset contract held, and no run was idle."""
    verdict = weigh(backfill.contracts_held(logs, flock, triggering))
    assert verdict, verdict.story


def test_logs_complete(
    logs: Sequence[RunLog], flock: Flock, triggering: Triggering, weigh: Weigh
) -> None:
    """Step 2: the log of every run is there to its last line."""
    verdict = weigh(backfill.logs_complete(logs, flock, triggering))
    assert verdict, verdict.story


def test_nothing_left_running(
    triggering: Triggering, flock: Flock, deployment: DeploymentFacts, weigh: Weigh
) -> None:
    """Step 2: no run of ours is left, and no slot is held."""
    verdict = weigh(backfill.nothing_left_running(triggering, flock, deployment))
    assert verdict, verdict.story
