"""A whole ARC rehearsal in this process: twins, doors, bundle, seal.

Not here: what spoils it (``arc_faults.py``), pytest's part of a rehearsal (``harness/plugins``).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fixtures
from fixtures.core import settings, taint
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.core.verdict import Ruling, Verdict
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import arc_stacks, closing
from fixtures.procedures.arc import ArcRehearsal
from fixtures.procedures.arc_stacks import ArcStack, SimulatedClock
from fixtures.simulators.cluster.world import World

ROOT = Path(fixtures.__file__).parents[1]
JUNIT = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<testsuites><testsuite name="rehearsal.arc"/></testsuites>'
)
REGISTRY = REGISTRIES["arc"]
load = functools.cache(settings.load)
POLL_S = 10.0
"""Between two looks, in simulated seconds: each is a handful of requests."""


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been run, judged and sealed."""

    seen: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    sealed: Sealed

    @property
    def not_held(self) -> dict[str, Ruling]:
        """Guardrails that did not hold, and their rulings."""
        return {each.guardrail: each.ruling for each in self.verdicts if not each}

    def text(self, name: str) -> str:
        """An artefact as text."""
        return (self.sealed.folder / name).read_text(encoding="utf-8")


@dataclass(slots=True)
class Staged:
    """A rehearsal ready to run, every part of it within reach."""

    world: World
    stack: ArcStack
    rehearsal: ArcRehearsal

    @property
    def bundle(self) -> Bundle:
        """Its evidence so far."""
        return self.rehearsal.bundle

    @property
    def clock(self) -> SimulatedClock:
        """The world's clock, as the rehearsal has it."""
        clock = self.stack.parts.clock
        assert isinstance(clock, SimulatedClock)
        return clock

    @property
    def limits(self) -> dict[str, int]:
        """The scale set's limits as they stand in the cluster."""
        spec = self.world.arc.scale_set["spec"]
        return {key: spec[key] for key in ("minRunners", "maxRunners") if key in spec}

    def play(self) -> Played:
        """Run it, judge it, seal it: a rehearsal without pytest."""
        seen = self.rehearsal.run()
        verdicts = closing.judge_all(self.bundle, REGISTRY, seen)
        return Played(seen, verdicts, closing.close(self.bundle, junit=JUNIT))


@contextlib.contextmanager
def staged(
    folder: Path, spoil: Callable[[World], object] = lambda _: None, **world: Any
) -> Iterator[Staged]:
    """A rehearsal over a world that somebody may have spoilt."""
    made = World.of(**world)
    spoil(made)
    known = load(ROOT / "pyproject.toml")
    with contextlib.ExitStack() as cleanup:
        stack = cleanup.enter_context(arc_stacks.embedded(known.words.arc, world=made))
        bundle = Bundle.reserve(
            folder / "evidence",
            word="arc",
            mode=Mode.DRY_RUN,
            redactor=Redactor(),
            registry=REGISTRY,
            opening=opening(stack),
        )
        cleanup.callback(bundle.ledger.close)
        # What the watches see of simulated time is every second of it all the same.
        plan = replace(stack.plan, poll_s=POLL_S)
        rehearsal = ArcRehearsal(bundle=bundle, systems=stack.parts, plan=plan)
        yield Staged(made, stack, rehearsal)


def opening(stack: ArcStack) -> dict[str, Any]:
    """The ledger's first line."""
    return {
        "environment": "arc-staging",
        "owners": ["Platform (primary)"],
        "operator": "tester",
        "runbook": "Staging rehearsal plan, last updated 2025-11-02",
        "strict": False,
        "staging": False,
        "narrowed": "",
        "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
        "source": {"commit": None, "dirty": None},
        "systems": systems_entry(stack.systems),
        "taints": list(taint.marks()),
        "settings": {},
    }
