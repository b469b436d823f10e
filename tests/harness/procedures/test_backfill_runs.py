"""Triggering and watching runs: deadlines with the last state, and nothing left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from fixtures.clients.prefect import Created, Prefect
from fixtures.core import errors
from fixtures.procedures import backfill_runs
from fixtures.procedures.backfill_runs import Flight
from tests.harness.guardrails import backfill_made as made


@dataclass(slots=True)
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0

    def monotonic(self) -> float:
        """The time so far."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@dataclass(slots=True)
class FakeServer:
    """Runs by number, each in a state that a test sets."""

    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heeds: bool = True
    """Whether a cancelled run ends."""
    refuse_after: int = 99

    def create_flow_run(self, _: str, *, key: str, **__: Any) -> Created:
        """Make one, or refuse."""
        if len(self.states) >= self.refuse_after:
            raise errors.SystemRefused("answered 500", hint="")
        run_id = f"run-{len(self.states) + 1}"
        self.states[run_id] = ("SCHEDULED", "Late")
        self.asked.append(key)
        return Created({"id": run_id}, True, 1)

    def flow_runs(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every run."""
        return [
            {"id": run_id, "name": run_id, "state_type": kind, "state_name": name}
            for run_id, (kind, name) in self.states.items()
        ]

    def limit(self, _: str) -> dict[str, Any]:
        """The deployment's limit."""
        return {"active_slots": 2}

    def cancel(self, run_id: str, *, force: bool = False) -> str:
        """End one, if it heeds."""
        self.asked.append(f"{'force' if force else 'cancel'} {run_id}")
        if self.heeds or force:
            self.states[run_id] = ("CANCELLED", "Cancelled")
        return "Cancelled"


@pytest.fixture
def server() -> FakeServer:
    """Server with no runs."""
    return FakeServer()


@pytest.fixture
def flight(server: FakeServer) -> Flight:
    """Flight of no runs yet."""
    return Flight(
        prefect=cast("Prefect", server),
        deployment=made.deployment(),
        tag=made.TAG,
        poll_s=1.0,
        clock=FakeClock(),
    )


PARAMETERS = {"runs": [{"run_date": "2026-01-01"}]}


def test_unknown_parameters_are_refused_before_anything_is_asked(
    flight: Flight, server: FakeServer
) -> None:
    """Prefect takes a name it does not know, and the run crashes: we compare first."""
    with pytest.raises(errors.SettingsInvalid, match="no parameter pipeline"):
        flight.trigger([PARAMETERS, {"pipeline": {}}], label="backfill")
    assert not server.asked


def test_each_run_has_a_key_of_its_own(flight: Flight, server: FakeServer) -> None:
    """Asked twice, a run is made once; asked for two, two are made."""
    flight.trigger([PARAMETERS] * 2, label="backfill")
    assert server.asked == [f"{made.TAG}:backfill-1", f"{made.TAG}:backfill-2"]


def test_runs_that_end_are_left_alone(flight: Flight, server: FakeServer) -> None:
    """Nobody is cancelled who ended by himself."""
    flight.trigger([PARAMETERS], label="backfill")
    server.states["run-1"] = ("COMPLETED", "Completed")
    assert flight.land(timeout_s=5, cancel_s=5) == ""
    assert (flight.cancelled, flight.slot_samples) == ([], [2])


def test_deadline_tells_the_last_states(flight: Flight, server: FakeServer) -> None:
    """A run that never ends is cancelled, and the reason holds what it was last seen in."""
    flight.trigger([PARAMETERS] * 2, label="backfill")
    server.states["run-1"] = ("COMPLETED", "Completed")
    late = flight.land(timeout_s=5, cancel_s=5)
    assert "'run-2': ('SCHEDULED', 'Late')" in late
    assert (flight.cancelled, flight.unended) == (["run-2"], [])


def test_run_without_worker_is_given_up_by_force(flight: Flight, server: FakeServer) -> None:
    """CANCELLING for ever keeps a slot: it is overwritten, and told as possibly still at work."""
    flight.trigger([PARAMETERS], label="backfill")
    server.heeds = False
    flight.end(cancel_s=2)
    assert server.asked[1:] == ["cancel run-1", "force run-1"]
    assert flight.unended == ["run-1"]


def test_half_triggered_flight_is_ended_whole(flight: Flight, server: FakeServer) -> None:
    """When the third is refused, the first two are known, and ended."""
    server.refuse_after = 2
    with pytest.raises(errors.SystemRefused):
        flight.trigger([PARAMETERS] * 3, label="backfill")
    flight.end(cancel_s=2)
    assert flight.cancelled == ["run-1", "run-2"]


def test_nothing_triggered_is_nothing_to_end(flight: Flight, server: FakeServer) -> None:
    """An empty list of ids would find everybody's runs: nobody is asked."""
    flight.end(cancel_s=2)
    assert not server.asked


def test_others_runs_are_cut_to_whose_they_are() -> None:
    """What somebody else asked for is not ours to keep, nor which host ran ours."""
    rows = [
        {"id": each, "created": "2026", "parameters": {"secret": 1}, "created_by": {"id": "x"}}
        for each in ("ours", "theirs")
    ]

    class Server:
        def flow_runs(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
            return rows

    found = backfill_runs.runs_within(
        cast("Prefect", Server()), deployment_id="d", flow="f", since=made.BEGIN, ours=["ours"]
    )
    assert [("parameters" in row, "created_by" in row) for row in found] == [
        (True, False),
        (False, False),
    ]
