"""Self-tests of the one place that waits; no test here sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from fixtures.core import errors, waits


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps, or looks long."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The made-up present."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let made-up time pass."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


def looks(*seen: object) -> Callable[[], object]:
    """Show one thing after the other; raise it when it is an error."""
    rest: Iterator[object] = iter(seen)

    def look() -> object:
        each = next(rest)
        if isinstance(each, Exception):
            raise each
        return each

    return look


def until(look: Callable[[], object], clock: FakeClock, timeout_s: float = 1.0) -> object:
    """Wait for the word `up`."""
    return waits.until(
        look,
        lambda seen: seen == "up",
        what="it to be up",
        timeout_s=timeout_s,
        hint="Start it.",
        poll_s=0.4,
        clock=clock,
    )


def test_what_is_good_at_once_costs_no_sleep() -> None:
    """The first good look ends the wait."""
    clock = FakeClock()
    assert until(looks("up"), clock) == "up"
    assert clock.slept == []


def test_it_looks_again() -> None:
    """It looks until what it sees is good, a pause between two looks."""
    clock = FakeClock()
    assert until(looks("down", "starting", "up"), clock) == "up"
    assert clock.slept == [0.4, 0.4]


def test_it_looks_at_least_once() -> None:
    """A wait without time still looks."""
    assert until(looks("up"), FakeClock(), timeout_s=0) == "up"


def test_no_sleep_passes_the_deadline() -> None:
    """The last sleep ends at the deadline, and one more look is taken there."""
    clock = FakeClock()
    with pytest.raises(errors.WaitExpired):
        until(looks("down", "down", "down", "down"), clock)
    assert clock.slept == pytest.approx([0.4, 0.4, 0.2])


def test_a_late_success_counts() -> None:
    """What is good at the deadline itself is good."""
    assert until(looks("down", "down", "down", "up"), FakeClock()) == "up"


def test_the_error_names_reason_count_and_last_sight() -> None:
    """The message holds what was waited for, how long, and what was last seen."""
    with pytest.raises(errors.WaitExpired) as caught:
        until(looks("down", "down", "down", "starting"), FakeClock())
    assert caught.value.message == (
        "waiting for it to be up: 4 looks in 1.0 s (limit 1 s), last saw 'starting'"
    )
    assert caught.value.hint == "Start it."


def test_a_harness_error_is_an_observation() -> None:
    """A system that refuses connections today may answer tomorrow."""
    refused = errors.SystemUnreachable("connection refused", hint="Start it.")
    assert until(looks(refused, "up"), FakeClock()) == "up"
    with pytest.raises(errors.WaitExpired, match="last saw 'connection refused'"):
        until(looks(refused, refused, refused, refused), FakeClock())


def test_any_other_error_is_a_fault_and_leaves_at_once() -> None:
    """A bug in a look is not waited out."""
    clock = FakeClock()
    with pytest.raises(ZeroDivisionError):
        until(looks(ZeroDivisionError()), clock)
    assert clock.slept == []


def test_a_slow_look_is_counted_in() -> None:
    """Time spent looking is time spent: there is no second look after the deadline."""
    clock = FakeClock()

    def slow() -> object:
        clock.now += 7
        return "down"

    with pytest.raises(errors.WaitExpired, match=r"1 looks in 7\.0 s"):
        until(slow, clock)
    assert clock.slept == []
