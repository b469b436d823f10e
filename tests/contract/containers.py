"""pytest-docker over our own Compose client: its names and ports, our way of up and down.

Covers: an executor that runs an argv instead of a shell's line, and tells refusals by our errors.
Not here: the stack itself (``fixtures/procedures/compose/``).
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_docker.plugin import DockerComposeExecutor, Services

from fixtures.clients import compose
from fixtures.clients.compose import Compose
from fixtures.procedures.compose import plans, project
from fixtures.procedures.compose.project import Running

READY_S = 180.0


class Executor(DockerComposeExecutor):
    """pytest-docker's executor, without its shell: what a refusal means is told by its code."""

    made: Compose

    def __init__(self, made: Compose) -> None:
        super().__init__("docker compose", [str(file) for file in made.files], made.project)
        object.__setattr__(self, "made", made)  # its class is frozen

    def execute(self, subcommand: str, **_: Any) -> bytes:
        """Run one subcommand of the project."""
        argv = self.made.argv(*shlex.split(subcommand))
        return compose.ask(*argv, cwd=self.made.cwd, variables=self.made.variables).encode()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Our own stack for the length of a ``with`` block."""
    with project.brought_up(plans.own(), folder=folder, timeout_s=READY_S) as up:
        yield up


def services_of(up: Running) -> Services:
    """The stack as pytest-docker's fixtures hand it out."""
    return Services(Executor(up.made))
