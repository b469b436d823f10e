"""Faults of a backfill on a real Prefect server: how each is put there, and what is checked of it.

Covers: faults of the worker, the server, its configuration, the command and the plan; what each
must do stands in ``fixtures/guardrails/seeded_backfill.json`` and nowhere else.
Not here: flaws that only payloads can have (``harness/doctored/test_backfill.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fixtures.core.outcome import Outcome
from fixtures.evidence import layout, verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.guardrails.seeded import Fault
from fixtures.procedures import judging
from fixtures.procedures.judging import Kind

if TYPE_CHECKING:
    from tests.harness.procedures.backfill.conftest import Played, Staged

Seed = Callable[["Staged"], None]
COMMAND = seeded.expected("backfill", "command")
SERVICE = seeded.expected("backfill", "service")
SHORT_S = 2.5
"""What runs that never end are given, in seconds."""


def _late(stage: Staged) -> None:
    stage.plan(run_timeout_s=SHORT_S)


def absent_worker(stage: Staged) -> None:
    stage.manners.absent = True
    _late(stage)


def idle_worker(stage: Staged) -> None:
    stage.manners.idle = True
    _late(stage)


def dying_worker(stage: Staged) -> None:
    stage.manners.dies = True
    stage.plan(run_timeout_s=10.0)


def old_worker(stage: Staged) -> None:
    stage.manners.old = True


def lone_run(stage: Staged) -> None:
    stage.plan(runs=1)


def limit_of_one(stage: Staged) -> None:
    stage.register()
    stage.patch(f"/deployments/{stage.deployment_id}", {"concurrency_limit": 1})


def limit_on_pool(stage: Staged) -> None:
    stage.register()
    stage.patch(f"/deployments/{stage.deployment_id}", {"concurrency_limit": None})
    stage.patch(f"/work_pools/{stage.table.work_pool}", {"concurrency_limit": 2})


def limit_on_tag(stage: Staged) -> None:
    stage.register()
    tag = f"backfill-{stage.table.work_pool}"
    limit = {"tag": tag, "concurrency_limit": 2}
    stage.registrar.rest.ask("POST", "/concurrency_limits/", body=limit)
    body = {"concurrency_limit": None, "tags": [tag]}
    stage.patch(f"/deployments/{stage.deployment_id}", body)


def server_restart(stage: Staged) -> None:
    def again(_: list[str]) -> None:
        stage.restart()

    stage.manners.at_height = again


def limit_raised_meanwhile(stage: Staged) -> None:
    stage.register()

    def raise_it(_: list[str]) -> None:
        stage.patch(f"/deployments/{stage.deployment_id}", {"concurrency_limit": 3})

    stage.manners.at_height = raise_it


def slash_in_key(stage: Staged) -> None:
    stage.manifests(lambda text: text.replace("backfill-key-", "backfill/key-"))


def greedy_occupy(stage: Staged) -> None:
    stage.manners.slots = 2


def paused_deployment(stage: Staged) -> None:
    stage.register()
    stage.patch(f"/deployments/{stage.deployment_id}", {"paused": True})


def lost_logs(stage: Staged) -> None:
    stage.manners.silent = True


def cut_logs(stage: Staged) -> None:
    stage.manners.cut = True


def broken_contract(stage: Staged) -> None:
    stage.manners.successes = 0


def no_windows(stage: Staged) -> None:
    stage.manners.windows = stage.manners.successes = 0


def body_three_times(stage: Staged) -> None:
    stage.manners.bodies = 3


def failing_runs(stage: Staged) -> None:
    stage.manners.fails = True


def cancelled_by_others(stage: Staged) -> None:
    def cancel(running: list[str]) -> None:
        state = {"type": "CANCELLED", "name": "Cancelled", "message": "by somebody else"}
        body = {"state": state, "force": True}
        stage.registrar.rest.ask("POST", f"/flow_runs/{running[0]}/set_state", body=body)

    stage.manners.at_height = cancel


def duplicate_trigger(stage: Staged) -> None:
    stage.register()
    body = {
        "parameters": {"runs": [{"run_date": "2020-01-01", "version": "1"}]},
        "idempotency_key": f"rehearsal:{stage.bundle.run_id}:backfill-1",
    }
    path = f"/deployments/{stage.deployment_id}/create_flow_run"
    stage.registrar.rest.ask("POST", path, body=body)


def busy_for_a_moment(stage: Staged) -> None:
    stage.between.busy = 2


def busy_for_ever(stage: Staged) -> None:
    stage.between.busy = -1
    stage.rehearsal.prefect.rest.patience_s = 0.5


def wrong_key(stage: Staged) -> None:
    stage.between.refuse = True


def old_server(stage: Staged) -> None:
    stage.between.version = "2.20.26"


def name_without_flow(stage: Staged) -> None:
    stage.plan(deployment="hotpass-backfill")


def refused_parameters(stage: Staged) -> None:
    argv = stage.rehearsal.plan.trigger
    stage.plan(trigger=(*argv[:-1], '{"runs": "all of them"}'))


def stale_manifest_copy(stage: Staged) -> None:
    stage.manifests(lambda text: text.replace("limit: 2", "limit: 5"), shallow_only=True)


def manifest_without_limit(stage: Staged) -> None:
    stage.manifests(
        lambda text: "\n".join(
            line for line in text.splitlines() if "concurrency_limit" not in line
        )
    )


def nothing_deployed(stage: Staged) -> None:
    stage.plan(deploy=(*stage.rehearsal.plan.deploy[:-1], "elsewhere"))
    switch(stage, "HOTPASS_SIMULATOR_DEFECTS", "deploy-nothing-succeeds")


def undecorated_deploy(stage: Staged) -> None:
    switch(stage, "HOTPASS_SIMULATOR_DEFECTS", "deploy-undecorated")


def failing_gate(stage: Staged) -> None:
    switch(stage, "HOTPASS_SIMULATOR_FAULTS", "qa-check-fails")


def switch(stage: Staged, name: str, value: str) -> None:
    command = stage.rehearsal.hotpass
    stage.rehearsal.hotpass = replace(command, variables={**command.variables, name: value})


SEEDS_COMMAND: dict[str, Seed] = {
    "stale-manifest-copy": stale_manifest_copy,
    "manifest-without-limit": manifest_without_limit,
    "key-with-slash": slash_in_key,
    "deploy-nothing-succeeds": nothing_deployed,
    "deploy-undecorated": undecorated_deploy,
    "qa-check-fails": failing_gate,
}
SEEDS_SERVICE: dict[str, Seed] = {
    "limit-ignored": old_worker,
    "limit-of-one": limit_of_one,
    "limit-on-pool": limit_on_pool,
    "limit-on-tag": limit_on_tag,
    "limit-raised-meanwhile": limit_raised_meanwhile,
    "server-restart": server_restart,
    "one-run-only": lone_run,
    "occupy-takes-all": greedy_occupy,
    "deployment-paused": paused_deployment,
    "pool-without-worker": absent_worker,
    "late-runs": idle_worker,
    "worker-dies-mid-run": dying_worker,
    "logs-lost": lost_logs,
    "logs-cut": cut_logs,
    "contract-broke": broken_contract,
    "no-windows": no_windows,
    "body-three-times": body_three_times,
    "runs-fail": failing_runs,
    "cancelled-by-others": cancelled_by_others,
    "duplicate-trigger": duplicate_trigger,
    "busy-for-a-moment": busy_for_a_moment,
    "busy-for-ever": busy_for_ever,
    "wrong-key": wrong_key,
    "server-of-2": old_server,
    "name-without-flow": name_without_flow,
    "parameters-refused": refused_parameters,
}


BREACH = "limit-ignored"
"""The server itself lets it happen."""
USUAL = (BREACH, "name-without-flow", "server-of-2", "wrong-key")
"""Played in every run of the self-tests, ten seconds in all; the others in the sweep."""
SEEDS = {**SEEDS_COMMAND, **SEEDS_SERVICE}
ROWS = {**COMMAND, **SERVICE}


def check(played: Played, fault: Fault) -> None:
    """The verdicts are the row's and no others, and the evidence of it is whole."""
    stories = "\n".join(each.story for each in played.verdicts if not each)
    assert {each.guardrail: each.ruling for each in played.verdicts if not each} == (
        fault.not_held
    ), stories
    assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, fault.outcome)
    assert not played.sealed.harness_faults
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees
    assert [each.again for each in judged.compared if each.kind is not Kind.AGREES] == []
    present = {
        path.relative_to(played.sealed.folder).as_posix()
        for path in played.sealed.folder.rglob("*")
    }
    required = {each.path for each in layout.artefacts_of("backfill") if each.required}
    assert required - present <= played.sealed.summary.absent.keys()
