"""The proof of the limit: breaches are seen, and each condition that is lacking is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fixtures.core.records.backfill import Flock, RunLog, Triggered
from fixtures.core.records.backfill_runs import HOLDING, RUNNING, FlowRun, overlap, overlap_of
from fixtures.core.verdict import Ruling, Verdict
from fixtures.guardrails import backfill
from tests.harness.guardrails import backfill_made as made

OVERTAKING = made.a_run(3, (0, "SCHEDULED"), (2, "PENDING"), (5, "RUNNING"), (7, "COMPLETED"))


def judged(**spoilt: Any) -> Verdict:
    """The verdict over a good rehearsal with these payloads instead."""
    needs = backfill.REGISTRY["backfill.limit-honoured"].needs
    whole = {**made.seen(), **spoilt}
    return backfill.limit_honoured(**{name: whole[name] for name in needs})


def recorded(label: str) -> list[FlowRun]:
    """Runs as the real server recorded them, under our tag and deployment."""
    return [
        FlowRun.from_api(
            {"id": run_id, "deployment_id": made.DEPLOYMENT, "tags": [made.TAG]}, states
        )
        for run_id, states in made.RECORDED["states"][label].items()
    ]


def judged_recorded(label: str, **spoilt: Any) -> Verdict:
    """The verdict over recorded runs, everything around them as it should be."""
    runs = recorded(label)
    last = max(run.states[-1].at for run in runs)
    asked = tuple(
        Triggered(id=run.id, key=run.id, created=True, attempts=1, parameters={}) for run in runs
    )
    logs = [replace(made.logs()[0], run_id=run.id) for run in runs]
    triggering = made.triggering(
        planned=len(runs),
        triggered=asked,
        ended_at=last + timedelta(seconds=1),
        probe=None,
        probe_due=False,
    )
    return judged(flock=Flock(runs=tuple(runs)), triggering=triggering, logs=logs, **spoilt)


def test_good_rehearsal_holds() -> None:
    """Two at once under a limit of two, two waited, three at once without a limit."""
    verdict = judged()
    assert verdict, verdict.story
    assert "at most 2 ran at once, for 3.0 s; 2 waited for a slot" in verdict.observed
    assert "without a limit 3 ran at once" in verdict.observed


@pytest.mark.parametrize(
    ("label", "ruling", "told"),
    [
        pytest.param("dep_ENQUEUE", Ruling.HELD, "2 ran at once, for 3.6 s", id="enqueue"),
        pytest.param("limited2", Ruling.HELD, "2 ran at once, for 11.9 s", id="limited"),
        pytest.param("control_nolimit", Ruling.BROKE, "5 ran at once", id="no-limit-at-all"),
        pytest.param("wp_queue", Ruling.NOT_ESTABLISHED, "nobody waited", id="queue-throttled"),
        pytest.param("vacuous_n1", Ruling.NOT_ESTABLISHED, "trigger at least 3", id="one-run"),
        pytest.param("dep_CANCEL_NEW", Ruling.NOT_ESTABLISHED, "never reached", id="refusing"),
    ],
)
def test_recorded_histories(label: str, ruling: Ruling, told: str) -> None:
    """What a real server recorded is judged for what it was."""
    strategy = "CANCEL_NEW" if label == "dep_CANCEL_NEW" else "ENQUEUE"
    deployment = made.deployment(strategy=strategy)
    verdict = judged_recorded(label, deployment=deployment, deployment_after=deployment)
    assert verdict.ruling is ruling, verdict.story
    assert told in verdict.observed


def test_recorded_peaks() -> None:
    """The sweep finds the overlaps that were measured by other means."""
    found = {}
    for label in made.RECORDED["states"]:
        runs = recorded(label)
        until = max(run.states[-1].at for run in runs)
        found[label] = (
            overlap_of(runs, RUNNING, until=until).peak,
            overlap_of(runs, HOLDING, until=until).peak,
            sum(run.waited for run in runs),
            sum(run.refused for run in runs),
            sum(run.leased for run in runs),
        )
    assert found == {
        "control_nolimit": (5, 5, 0, 0, 0),
        "dep_CANCEL_NEW": (1, 2, 0, 4, 2),
        "dep_ENQUEUE": (2, 2, 4, 0, 6),
        "limited2": (2, 2, 3, 0, 5),
        "vacuous_n1": (1, 1, 0, 0, 1),
        "wp_queue": (2, 2, 0, 0, 0),
    }


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        pytest.param([*made.runs()[:2], OVERTAKING], "3 ran at once at 14:00:05Z", id="third"),
        pytest.param(
            [
                *made.runs()[:2],
                replace(OVERTAKING, id="0" * 8, tags=frozenset(), name="theirs"),
            ],
            "3 ran at once",
            id="somebody-elses",
        ),
        pytest.param(
            [
                *made.runs()[:2],
                made.a_run(3, (1, "PENDING"), (9, "RUNNING"), (10, "COMPLETED")),
            ],
            "3 held a slot at once, for 7.0 s",
            id="held-for-long",
        ),
    ],
)
def test_breach_breaks(runs: Sequence[FlowRun], told: str) -> None:
    """More at once than the limit breaks, whoever started them, and whatever else is lacking."""
    verdict = judged(flock=made.flock(runs))
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


def test_second_witness_breaks() -> None:
    """A server that counts three slots taken has let three in."""
    verdict = judged(triggering=made.triggering(slot_samples=(2, 3)))
    assert verdict.ruling is Ruling.BROKE


def test_holding_a_moment_longer_is_no_breach() -> None:
    """A state is stamped before its slot is taken: less than two seconds are nothing."""
    runs = made.runs()
    runs[2] = made.a_run(
        3,
        (1, "AwaitingConcurrencySlot"),
        (7.4, "PENDING"),
        (12, "RUNNING"),
        (13, "COMPLETED"),
    )
    assert judged(flock=made.flock(runs))


def without_waiting() -> list[FlowRun]:
    runs = made.runs()
    runs[2] = made.a_run(3, (9, "PENDING"), (12, "RUNNING"), (13, "COMPLETED"))
    runs[3] = made.a_run(4, (10, "PENDING"), (13, "RUNNING"), (14, "COMPLETED"))
    return runs


def one_after_the_other() -> list[FlowRun]:
    runs = made.runs()
    runs[1] = made.a_run(2, (1, "PENDING"), (8, "RUNNING"), (9, "COMPLETED"))
    return runs


def with_state(number: int, *changes: tuple[float, str], **fields: Any) -> list[FlowRun]:
    runs = made.runs()
    runs[number - 1] = made.a_run(number, *changes, **fields)
    return runs


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        pytest.param(
            {"triggering": made.triggering(triggered=made.triggering().triggered[:2])},
            "2 runs cannot overlap beyond 2: trigger at least 3",
            id="1-too-few",
        ),
        pytest.param(
            {"flock": made.flock(with_state(4, (1, "AwaitingConcurrencySlot")))},
            "1 of our runs have not ended",
            id="1-not-ended",
        ),
        pytest.param(
            {
                "flock": made.flock(
                    with_state(
                        4,
                        (1, "AwaitingConcurrencySlot"),
                        (10, "PENDING"),
                        (13, "RUNNING"),
                        (14, "FAILED"),
                    )
                )
            },
            "3 of 4 expected runs completed",
            id="1-one-failed",
        ),
        pytest.param(
            {"flock": made.flock(one_after_the_other())},
            "the limit was never reached, 1 ran at once",
            id="2-never-saturated",
        ),
        pytest.param(
            {"flock": made.flock(without_waiting())}, "nobody waited", id="3-nobody-waited"
        ),
        pytest.param(
            {
                "flock": made.flock(
                    with_state(1, (1, "PENDING"), (4, "RUNNING"), (8, "COMPLETED"), leased=False)
                )
            },
            "1 of our runs ran without a lease",
            id="4-no-lease",
        ),
        pytest.param({"pool": made.pool(limit=2)}, "has a limit of 2 itself", id="5-pool-limit"),
        pytest.param(
            {"pool": made.pool(queue_limits={"default": 1})},
            "queue default has a limit of 1 itself",
            id="5-queue-limit",
        ),
        pytest.param({"pool": made.pool(workers=())}, "no worker", id="5-no-worker"),
        pytest.param(
            {"logs": made.logs(outcomes=((0, 0),))}, "without having worked", id="6-no-windows"
        ),
        pytest.param({"logs": made.logs(outcomes=())}, "without having worked", id="6-silent"),
        pytest.param(
            {"triggering": made.triggering(probe=None)},
            "the control arm without a limit did not run",
            id="7-no-control",
        ),
        pytest.param(
            {"flock": made.flock(made.runs()[:6])},
            "without a limit only 2 ran at once",
            id="7-control-shows-nothing",
        ),
        pytest.param(
            {"logs": made.logs(skipped=("limits ['x'] do not exist - skipping acquisition.",))},
            "a limit that nobody enforced",
            id="8-skipped",
        ),
        pytest.param(
            {"deployment_after": made.deployment(limit=3)},
            "was changed meanwhile",
            id="9-changed-meanwhile",
        ),
        pytest.param(
            {
                "flock": made.flock(
                    [
                        *made.runs(),
                        made.a_run(8, (2, "RUNNING"), (3, "COMPLETED"), deployment_id=None),
                    ]
                )
            },
            "1 runs of the flow belong to no deployment",
            id="10-bypassed",
        ),
        pytest.param(
            {"manifests": made.manifests(made.copy("prefect/backfill.yaml", concurrency_limit=0))},
            "promises no limit",
            id="no-limit-promised",
        ),
        pytest.param({"flock": made.flock([])}, "trigger at least 3", id="nothing-at-all"),
    ],
)
def test_each_condition_is_needed(spoilt: dict[str, Any], told: str) -> None:
    """Without any one of them nothing is proved, and the message says what would make it so."""
    verdict = judged(**spoilt)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED, verdict.story
    assert told in verdict.observed


def test_control_arm_is_for_dry_runs_only() -> None:
    """On staging nothing is started without a limit, and the limit can be proved all the same."""
    verdict = judged(triggering=made.triggering(probe=None, probe_due=False))
    assert verdict
    assert "without a limit" not in verdict.observed


def test_run_that_never_started_in_logs_is_idle() -> None:
    """A run without any log is one that did nothing we know of."""
    logs: list[RunLog] = made.logs()[:3]
    assert judged(logs=logs).ruling is Ruling.NOT_ESTABLISHED


def test_what_ends_makes_room_for_what_begins() -> None:
    """Two that meet in one moment were never at once."""
    found = overlap([(made.at(0), made.at(1), 1), (made.at(1), made.at(2), 1)])
    assert (found.peak, found.seconds) == (1, {1: 2.0})


def test_weights_add_up() -> None:
    """A run that takes two slots counts twice."""
    found = overlap([(made.at(0), made.at(2), 2), (made.at(1), made.at(3), 1)])
    assert (found.peak, found.peak_at) == (3, made.at(1))
    assert found.seconds == {1: 1.0, 2: 1.0, 3: 1.0}


def test_retries_keep_the_slot() -> None:
    """Between two attempts the slot stays held, and nothing runs."""
    run = made.a_run(
        1,
        (0, "PENDING"),
        (1, "RUNNING"),
        (2, "AwaitingRetry"),
        (4, "RUNNING"),
        (5, "COMPLETED"),
    )
    assert run.intervals(HOLDING, until=made.at(9)) == [(made.at(0), made.at(5))]
    assert run.intervals(RUNNING, until=made.at(9)) == [
        (made.at(1), made.at(2)),
        (made.at(4), made.at(5)),
    ]
    assert run.attempts == 2
