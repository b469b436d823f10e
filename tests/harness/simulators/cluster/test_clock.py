"""The clock of far twins: time stands still, and passes when it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.clients.cluster import RUNNERS
from fixtures.simulators.cluster.clock import ClockApp, FarTimeline
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.world import World


@pytest.fixture
def world() -> World:
    """World whose clock is asked from afar."""
    made = World.of()
    made.arc.install()
    return made


@pytest.fixture
def far(world: World) -> Iterator[FarTimeline]:
    """Its timeline, over the wire."""
    serving = Serving(ClockApp(world), name="clock")
    serving.start()
    yield FarTimeline(serving.url)
    serving.stop()


def test_time_passes_when_told(world: World, far: FarTimeline) -> None:
    """Both sides agree on the present, to the microsecond."""
    assert far.elapsed_s == 0
    far.advance(12.25)
    assert (far.elapsed_s, far.now) == (12.25, world.timeline.now)


def test_last_change_is_the_stores(world: World, far: FarTimeline) -> None:
    """Whoever waits for its watches waits for the same version as beside the world."""
    where = RUNNERS.group, RUNNERS.plural, "arc-staging"
    group, plural, namespace = where
    assert far.ask(group=group, plural=plural, namespace=namespace)["last_change"] == 0
    far.advance(60)
    told = far.ask(group=group, plural=plural, namespace=namespace)["last_change"]
    assert told == world.last_change(*where) > 0
