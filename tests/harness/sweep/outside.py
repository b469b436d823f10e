"""A pytest plugin: the ARC dry run over twins that live in another process, and outlive it.

Covers: the far world, put where the embedded one would be made.
Not here: the process it is far from (``python -m fixtures.simulators.cluster``).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.core import taint
from fixtures.simulators.cluster import world
from fixtures.simulators.cluster.clock import FarTimeline

VARIABLE = "FAR_TWINS"
"""What the twins' process told, as JSON."""


@dataclass(frozen=True, slots=True)
class FarWorld:
    """As much of a world as a dry run asks of it."""

    told: dict[str, Any]
    timeline: FarTimeline

    @property
    def cluster_token(self) -> str:
        """For its API server."""
        return str(self.told["cluster_token"])

    @property
    def github(self) -> SimpleNamespace:
        """How to talk to its GitHub."""
        return SimpleNamespace(repository=self.told["repository"], token=self.told["github_token"])

    @property
    def reachable(self) -> bool:
        """Whether its API server answers at this moment."""
        return bool(self.timeline.ask()["reachable"])

    @property
    def version(self) -> str:
        """Of ARC."""
        return str(self.told["version"])

    def last_change(self, group: str, plural: str, namespace: str) -> int:
        """Version of the newest change of a resource in a namespace."""
        told = self.timeline.ask(group=group, plural=plural, namespace=namespace)
        return int(told["last_change"])


def far_world(**_: object) -> FarWorld:
    # As near ones do when they are made.
    taint.mark("the simulated cluster")
    told = json.loads(os.environ[VARIABLE])
    return FarWorld(told, FarTimeline(told["clock_url"]))


@contextlib.contextmanager
def far_doors(far: FarWorld) -> Iterator[world.Doors]:
    told = far.told
    yield world.Doors(
        cluster_url=told["cluster_url"], github_url=told["github_url"], sts_url=told["sts_url"]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the dry run find the far twins; put the near ones back at the end."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(world.World, "of", far_world)
    patch.setattr(world, "serve", far_doors)
