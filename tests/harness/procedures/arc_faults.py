"""Switches of the ARC rehearsal's twins: what each fault does to a world before it is rehearsed.

Covers: one function per row of ``fixtures/guardrails/seeded_arc.json``, and what is checked of a
rehearsal played with it.
Not here: what each must do (that table); who plays which: the usual ones ``test_arc_faults.py``,
all the others ``harness/sweep/test_arc_faults.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fixtures.core.outcome import Outcome
from fixtures.evidence import verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import judging
from fixtures.simulators.cluster.kinds import RUNNER_SETS
from fixtures.simulators.cluster.world import World
from fixtures.simulators.sts.state import Role
from tests.harness.procedures.arc_stage import staged

Spoil = Callable[[World], object]
ROWS = seeded.expected("arc", "world")
USUAL = (
    "allowed-and-refused",
    "drain-reverted",
    "lost-restore",
    "no-maximum",
    "static-keys-win",
    "stuck-finalizer",
    "verb-forbidden",
    "watch-expired",
)
"""Played in every run of the self-tests, four seconds in all; the others in the sweep."""
QUIET_S = 90.0
"""When a rehearsal begins, in seconds of the world."""
BUSY_S = QUIET_S + 40
"""While the first job runs and the set is drained."""


def arc(**switches: object) -> Spoil:
    """Flip switches of the controller."""

    def spoil(world: World) -> None:
        for name, value in switches.items():
            assert hasattr(world.arc.faults, name)
            setattr(world.arc.faults, name, value)

    return spoil


def api(**switches: object) -> Spoil:
    """Flip switches of the API server."""

    def spoil(world: World) -> None:
        for name, value in switches.items():
            assert hasattr(world.api.faults, name)
            setattr(world.api.faults, name, value)

    return spoil


def github(**switches: object) -> Spoil:
    """Flip switches of GitHub."""

    def spoil(world: World) -> None:
        for name, value in switches.items():
            assert hasattr(world.github.faults, name)
            setattr(world.github.faults, name, value)

    return spoil


def smoke(**switches: object) -> Spoil:
    """Flip switches of the machine the job runs on."""

    def spoil(world: World) -> None:
        for name, value in switches.items():
            assert hasattr(world.smoke.faults, name)
            setattr(world.smoke.faults, name, value)

    return spoil


def later(seconds: float, happens: Spoil) -> Spoil:
    """Flip them at that second of the world."""
    return lambda world: world.timeline.after(seconds, lambda: happens(world))


def any_audience(world: World) -> None:
    world.sts.faults.any_audience = True


def role_may(*actions: str) -> Spoil:
    def spoil(world: World) -> None:
        world.sts.roles[0] = dataclasses.replace(world.sts.roles[0], actions=frozenset(actions))

    return spoil


def denied(world: World) -> None:
    world.api.access.denied.add(("patch", "autoscalingrunnersets"))


def token_expires(*, again_after_s: float | None) -> Spoil:
    """The token is refused from now on, or until it has been renewed."""

    def spoil(world: World) -> None:
        expires = world.api.access.expires
        expires[world.cluster_token] = world.timeline.now
        if again_after_s is not None:
            world.timeline.after(again_after_s, lambda: expires.pop(world.cluster_token, None))

    return spoil


def gone_for_half_a_minute(world: World) -> None:
    world.api.faults.gone_until = world.timeline.now + timedelta(seconds=30)


def idle_from_the_start(world: World) -> None:
    # Nothing runs, nothing listens, nothing is pending: quiet, and that is all.
    world.timeline.after(5, world.arc._stop_listener)


def drained_before(world: World) -> None:
    none = {"minRunners": 0, "maxRunners": 0}
    world.timeline.after(60, lambda: world.arc._patch_set(none))


def somebody_at_work(world: World) -> None:
    world.timeline.after(30, lambda: world.github.dispatch({"seconds": "3600"}))


def mistyped(world: World) -> None:
    def rename() -> None:
        where = (RUNNER_SETS, "arc-staging", "arc-eph")
        world.store.patch(*where, {"metadata": {"finalizers": None}})
        world.store.delete(*where)

    world.timeline.after(60, rename)


def other_account(world: World) -> None:
    other = role_of(world, account="999988887777")
    world.sts.roles.append(other)
    world.smoke.faults.other_role = other.arn


def other_role(world: World) -> None:
    other = role_of(world, name="administrator")
    world.sts.roles.append(other)
    world.smoke.faults.other_role = other.arn


def role_of(world: World, **changes: str) -> Role:
    known = world.sts.roles[0]
    told = {"name": known.name, "account": known.account, **changes}
    return Role(
        name=told["name"],
        account=told["account"],
        issuer=known.issuer,
        audience=known.audience,
        subjects=known.subjects,
    )


def pod_exits(*codes: int) -> Spoil:
    return later(QUIET_S, lambda world: world.arc.faults.pod_exits.extend(codes))


VARIANTS: dict[str, dict[str, Any]] = {
    "arc-0.12.1": {"version": "0.12.1"},
    "arc-0.13.0": {"version": "0.13.0"},
    "no-maximum": {"max_runners": None},
    "no-limits-at-all": {"min_runners": None, "max_runners": None},
    "no-minimum": {"min_runners": 0},
    "three-idle": {"min_runners": 3, "max_runners": 9},
}
"""Worlds with nothing wrong in them: every guardrail must hold."""

FAULTS: dict[str, Spoil] = {
    # The controller, and what lives beside it
    "ghost-runner": arc(ghost_runners=True),
    "stuck-finalizer": arc(stuck_finalizer=True),
    "failed-runner-before": arc(failed_runners=1),
    "failed-runner-during": later(QUIET_S, arc(failed_runners=1)),
    "silent-listener": arc(deaf_listener=True),
    "looping-listener": arc(listener_restarts_s=35.0),
    "lost-restore": arc(lose_restore=True),
    "max-zero-with-min-one": arc(sticky_min=True),
    "drain-reverted": arc(drain_reverted_after_s=20.0),
    "new-runner-while-drained": arc(eager_while_drained=True),
    "jobs-while-drained": arc(overassign=True),
    "idle-runner-stays": arc(keep_idle=True),
    "listener-lost-after-restore": arc(listener_lost=True),
    "scale-set-recreated": arc(id_changes=True),
    "orphan-pod": arc(orphan_pods=True),
    "orphan-secret": arc(orphan_secrets=True),
    "phases-out-of-order": arc(out_of_order=True),
    "pod-vanishes": arc(pod_vanishes_after_s=60.0),
    "protection-left": arc(protection_left=True),
    "slow-pickup": arc(slow_pickup_s=150.0),
    "pod-fails-once": pod_exits(1),
    "runner-version-deprecated": pod_exits(7),
    "listener-of-other-limits": arc(stale_listener=True),
    "idle-from-the-start": idle_from_the_start,
    "mistyped-scale-set": mistyped,
    "drained-before": drained_before,
    "somebody-at-work": somebody_at_work,
    # The API server and the way to it
    "verb-forbidden": denied,
    "allowed-and-refused": api(status_for={"/autoscalinglisteners": 403}),
    "watch-dropped": later(BUSY_S, api(drop_watches=3)),
    "half-a-line": later(BUSY_S, api(half_lines=2)),
    "watch-expired": later(BUSY_S, api(expire_watches=True)),
    "server-gone-for-30-s": later(BUSY_S, gone_for_half_a_minute),
    "deaf-watch": later(BUSY_S, api(mute_watches=True)),
    "slow-api": api(slow_s=0.02),
    "token-expires-midway": later(BUSY_S, token_expires(again_after_s=20.0)),
    "token-expires-for-good": later(BUSY_S, token_expires(again_after_s=None)),
    "cluster-clock-ahead": api(clock_skew_s=45.0),
    # GitHub
    "github-clock-behind": github(clock_skew_s=-45.0),
    "github-429": github(status_for={"/jobs": 429}, status_times={"/jobs": 3}),
    "github-500": github(status_for={"/jobs": 500}, status_times={"/jobs": 3}),
    "github-500-for-good": later(QUIET_S, github(status_for={"/jobs": 500})),
    "dispatch-429": github(status_for={"/dispatches": 429}, status_times={"/dispatches": 1}),
    "dispatch-cut-off": github(dispatch_hangs_up=1),
    "dispatch-without-details": github(no_run_details=True),
    "newer-run-of-another": github(no_run_details=True, foreign_runs=2),
    "run-without-a-name": github(no_run_details=True, nameless_runs=True, foreign_runs=1),
    # Who the job is
    "wrong-role": other_role,
    "wrong-account": other_account,
    "wrong-session": smoke(session_name="GitHubActions"),
    "static-keys-win": smoke(static_keys=True),
    "expired-token": smoke(expired_token=True),
    "wrong-audience-accepted": any_audience,
    "role-too-wide": role_may("s3:ListBucket", "iam:ListUsers"),
    "role-too-narrow": role_may(),
    "hosted-machine": smoke(hosted=True),
    "no-identity-artefact": smoke(no_artefact=True),
    "immutable-subject": smoke(immutable_subject=True),
}


def check(fault: str, folder: Path) -> None:
    """Play a whole rehearsal with a fault: the verdicts are its row's, and the evidence whole."""
    spoil = FAULTS.get(fault, lambda _: None)
    row = ROWS[fault]
    with staged(folder, spoil, **VARIANTS.get(fault, {})) as stage:
        original = stage.world.arc.min_runners, stage.world.arc.max_runners
        played = stage.play()
        assert played.not_held == row.not_held
        assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, row.outcome)
        assert not played.sealed.harness_faults
        if fault not in ("drained-before", "mistyped-scale-set", "token-expires-for-good"):
            limits = stage.limits
            assert (limits.get("minRunners"), limits.get("maxRunners")) == original
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees, [each for each in judged.compared if not each.agrees]
