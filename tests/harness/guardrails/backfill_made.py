"""What a backfill gathers when everything went well, made by hand; tests spoil one thing of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fixtures.core.records.backfill import (
    DeploymentFacts,
    Flock,
    KeyLimit,
    PoolFacts,
    Probe,
    RunLog,
    SlotUse,
    Triggered,
    Triggering,
    WorkerFacts,
)
from fixtures.core.records.backfill_manifests import ManifestCopy, Manifests, PreCheck
from fixtures.core.records.backfill_runs import FlowRun, StateChange

BEGIN = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
DEPLOYMENT, PROBE = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"
TAG = "rehearsal:3f1c0f5e-9d0a-4a5b-8d53-1f3f6f1f2a77"
PARAMETERS = {"runs": [{"run_date": "2026-01-01", "version": "1"}]}
RECORDED = json.loads(
    (Path(__file__).parent / "recordings" / "prefect.json").read_text(encoding="utf-8")
)


def at(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)


def a_run(
    number: int,
    *changes: tuple[float, str],
    probe: bool = False,
    leased: bool = True,
    last: str = "COMPLETED",
    **fields: Any,
) -> FlowRun:
    """A run by its state changes: second and type, or the name of a scheduled state."""
    states = []
    for second, kind in changes:
        scheduled = kind.startswith("Awaiting")
        states.append(
            StateChange(
                type="SCHEDULED" if scheduled else kind,
                name=kind if scheduled else kind.capitalize(),
                at=at(second),
                message="",
                leased=leased and not probe and kind in ("PENDING", "RUNNING"),
            )
        )
    assert last
    return FlowRun(
        **{
            "id": f"00000000-0000-4000-8000-00000000000{number}",
            "name": f"{'control' if probe else 'backfill'}-{number}",
            "deployment_id": PROBE if probe else DEPLOYMENT,
            "tags": frozenset({TAG}),
            "parameters": PARAMETERS,
            "states": tuple(states),
            **fields,
        }
    )


def runs() -> list[FlowRun]:
    """Four of ours under a limit of two, three of the control arm."""
    return [
        a_run(1, (0, "SCHEDULED"), (1, "PENDING"), (4, "RUNNING"), (8, "COMPLETED")),
        a_run(2, (0, "SCHEDULED"), (1, "PENDING"), (5, "RUNNING"), (9, "COMPLETED")),
        a_run(
            3,
            (0, "SCHEDULED"),
            (1, "AwaitingConcurrencySlot"),
            (9, "PENDING"),
            (12, "RUNNING"),
            (13, "COMPLETED"),
        ),
        a_run(
            4,
            (0, "SCHEDULED"),
            (1, "AwaitingConcurrencySlot"),
            (10, "PENDING"),
            (13, "RUNNING"),
            (14, "COMPLETED"),
        ),
        *(
            a_run(each, (15, "PENDING"), (18, "RUNNING"), (20, "COMPLETED"), probe=True)
            for each in (5, 6, 7)
        ),
    ]


def flock(changed: Iterable[FlowRun] | None = None) -> Flock:
    return Flock(runs=tuple(runs() if changed is None else changed))


def triggering(**fields: Any) -> Triggering:
    return Triggering(
        **{
            "deployment": "hotpass-backfill/hotpass-backfill",
            "tag": TAG,
            "planned": 4,
            "triggered": tuple(
                Triggered(
                    id=run.id,
                    key=f"{TAG}:backfill-{number}",
                    created=True,
                    attempts=1,
                    parameters=PARAMETERS,
                )
                for number, run in enumerate(runs()[:4], start=1)
            ),
            "begun_at": at(0),
            "ended_at": at(30),
            "slot_samples": (0, 1, 2, 2, 1, 0),
            "slots_left": 0,
            "cancelled": (),
            "unended": (),
            "probe": Probe(deployment_id=PROBE, run_ids=tuple(run.id for run in runs()[4:])),
            "probe_due": True,
            **fields,
        }
    )


def deployment(**fields: Any) -> DeploymentFacts:
    return DeploymentFacts(
        **{
            "id": DEPLOYMENT,
            "name": "hotpass-backfill",
            "limit": 2,
            "active": True,
            "strategy": "ENQUEUE",
            "slots_taken": 0,
            "work_pool": "hotpass-e2e-staging",
            "paused": False,
            "parameter_names": frozenset({"runs", "parameters"}),
            "entrypoint": "orchestration.py:backfill_pipeline_flow",
            "enforces_schema": True,
            **fields,
        }
    )


def pool(**fields: Any) -> PoolFacts:
    return PoolFacts(
        **{
            "name": "hotpass-e2e-staging",
            "type": "process",
            "status": "READY",
            "paused": False,
            "limit": None,
            "queue_limits": {"default": None},
            "paused_queues": (),
            "workers": (WorkerFacts(name="one", status="ONLINE", heartbeat_at=at(-5)),),
            "seen_at": at(0),
            **fields,
        }
    )


def copy(path: str, **fields: Any) -> ManifestCopy:
    return ManifestCopy(
        **{
            "path": path,
            "sha256": "5f" * 32,
            "trouble": "",
            "work_pool": "default-agent-pool",
            "concurrency_limit": 2,
            "concurrency_key": None,
            "inner_limit": 2,
            "inner_key": "hotpass-backfill",
            **fields,
        }
    )


def manifests(*copies: ManifestCopy) -> Manifests:
    usual = (
        copy("prefect/backfill.yaml"),
        copy("prefect/deployments/hotpass-backfill.yaml"),
    )
    return Manifests(flow="backfill", folder="prefect", copies=copies or usual)


def logs(**fields: Any) -> list[RunLog]:
    return [
        RunLog(
            **{
                "run_id": run.id,
                "lines": 9,
                "counted": 9,
                "settled": True,
                "outcomes": ((1, 1),),
                "skipped": (),
                "ended": True,
                **fields,
            }
        )
        for run in runs()[:4]
    ]


def a_use(begin: float, end: float | None, *, slots: int = 1) -> SlotUse:
    return SlotUse(
        limit_name="hotpass-backfill",
        slots=slots,
        limit=2,
        acquired_at=at(begin),
        released_at=None if end is None else at(end),
    )


def key_limit(**fields: Any) -> KeyLimit:
    return KeyLimit(
        **{
            "key": "hotpass-backfill",
            "exists": True,
            "active": True,
            "limit": 2,
            "promised": 2,
            "uses": (a_use(4, 8), a_use(5, 9), a_use(12, 13), a_use(13, 14)),
            **fields,
        }
    )


def check(**fields: Any) -> PreCheck:
    return PreCheck(
        **{
            "argv": ("uv", "run", "hotpass"),
            "how": "exit code 0",
            "exit_code": 0,
            "last_lines": ("all passed",),
            "events": {"deploy.completed": {"deployment_ids": [DEPLOYMENT]}},
            **fields,
        }
    )


def seen() -> Mapping[str, Any]:
    """Everything a good rehearsal gathers, by parameter name."""
    return {
        "manifests": manifests(),
        "deploy": check(),
        "acceptance": check(),
        "deployment": deployment(),
        "deployment_after": deployment(),
        "pool": pool(),
        "triggering": triggering(),
        "flock": flock(),
        "logs": logs(),
        "key_limit": key_limit(),
    }
