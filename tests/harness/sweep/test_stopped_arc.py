"""Ctrl-C and SIGKILL amid an ARC rehearsal: the scale set's limits come back, byte for byte.

Covers: real signals to a whole pytest process; the twins live in a process of their own, and
outlive it as a cluster would.
Not here: what a stopped rehearsal leaves as evidence (``test_stopped.py``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.evidence import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.arc_stacks import kubeconfig
from tests.harness.sweep.conftest import ROOT, Rehearsal
from tests.harness.sweep.outside import VARIABLE

LINES = (5, 7, 9, 11, 13, 17, 20)
"""Ledger lines: the originals, steps 2 to 5 begun, step 6, the files it leaves."""
DRAINED = {"minRunners": 0, "maxRunners": 0}
SETTING = "REHEARSAL_ENVIRONMENTS__ARC_STAGING__"


@dataclass(frozen=True)
class Stage:
    """A dry run that has not started, and the cluster it will run on."""

    rehearsal: Rehearsal
    cluster_url: str
    token: str

    @property
    def limits(self) -> dict[str, int]:
        """Of the scale set, as the API server has them."""
        path = "/apis/actions.github.com/v1alpha1/namespaces/arc-staging/autoscalingrunnersets"
        asked = urllib.request.Request(f"{self.cluster_url}{path}/arc-eph")  # noqa: S310
        asked.add_header("authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - loopback
            spec = json.load(answer)["spec"]
        return {key: spec[key] for key in ("minRunners", "maxRunners") if key in spec}

    def drained(self) -> bool:
        """Whether the drain has come to the API server."""
        return self.limits == DRAINED

    def folder(self) -> Path:
        """The one evidence directory."""
        (found,) = (self.rehearsal.evidence / "arc").iterdir()
        return found


@pytest.fixture(params=[3, None], ids=["max-3", "no-max"])
def stage(request: pytest.FixtureRequest, rehearsal: Rehearsal, tmp_path: Path) -> Iterator[Stage]:
    """Twins in a process of their own; settings name their cluster."""
    most = [] if request.param is None else ["--max-runners", str(request.param)]
    with subprocess.Popen(
        [sys.executable, "-m", "fixtures.simulators.cluster", "--min-runners", "1", *most],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as twins:
        try:
            assert twins.stdout is not None
            told = json.loads(twins.stdout.readline())
            config = kubeconfig(tmp_path / "config", told["cluster_url"], told["cluster_token"])
            arc = dataclasses.replace(
                rehearsal,
                word="arc",
                options=("-p", "tests.harness.sweep.outside"),
                variables={
                    VARIABLE: json.dumps(told),
                    f"{SETTING}KUBECONFIG": str(config),
                    f"{SETTING}CLUSTER_CONTEXT": "simulated",
                    f"{SETTING}CLUSTER_SERVER": told["cluster_url"],
                },
            )
            made = Stage(arc, told["cluster_url"], told["cluster_token"])
            assert made.limits == before_of(request.param)
            yield made
        finally:
            twins.terminate()


@pytest.fixture
def before(stage: Stage) -> dict[str, int]:
    """The limits nobody has touched yet."""
    return stage.limits


def before_of(most: int | None) -> dict[str, int]:
    return {"minRunners": 1} if most is None else {"minRunners": 1, "maxRunners": most}


def moment(stage: Stage, when: int | str) -> Callable[[], bool]:
    if when == "drained":
        return stage.drained
    return lambda: stage.rehearsal.lines() >= int(when)


@pytest.mark.parametrize("when", [*LINES, "drained"])
def test_ctrl_c_puts_the_limits_back(
    stage: Stage, before: dict[str, int], when: int | str
) -> None:
    """At whatever step: exit 2 and limits as before, by the rehearsal itself."""
    code = stage.rehearsal.stop_when(moment(stage, when), signal.SIGINT, what=f"moment {when}")
    assert code == 2, stage.rehearsal.output()
    assert stage.limits == before
    assert stage.folder().name.endswith(".interrupted")


@pytest.mark.parametrize("when", [*LINES, "drained"])
def test_restore_after_sigkill(stage: Stage, before: dict[str, int], when: int | str) -> None:
    """At whatever step: `rehearsal restore arc` puts the limits back; an absent one is absent."""
    code = stage.rehearsal.stop_when(moment(stage, when), signal.SIGKILL, what=f"moment {when}")
    assert code == -signal.SIGKILL, stage.rehearsal.output()
    if when == "drained":
        # The control: nothing of the dead process has tidied up.
        assert stage.limits == DRAINED
    restored = stage.rehearsal.command("restore", "arc", str(stage.folder()))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert stage.limits == before


@pytest.mark.parametrize("when", [7, "drained"])
def test_restore_from_what_recovery_sealed(
    stage: Stage, before: dict[str, int], when: int | str
) -> None:
    """Sealed as .interrupted by `recover`, a killed rehearsal restores the limits all the same."""
    code = stage.rehearsal.stop_when(moment(stage, when), signal.SIGKILL, what=f"moment {when}")
    assert code == -signal.SIGKILL, stage.rehearsal.output()
    root = str(stage.rehearsal.evidence)
    recovered = stage.rehearsal.command("recover", "--evidence-root", root)
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    sealed = stage.folder()
    assert sealed.name.endswith(".interrupted")
    assert str(sealed) in recovered.stdout
    for _ in range(2):
        # The second time there is nothing left to do, and that is no trouble.
        restored = stage.rehearsal.command("restore", "arc", str(sealed))
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert stage.limits == before
    answer = verify.verify(sealed, registries=REGISTRIES)
    assert answer.verified, answer.denials


def test_unstopped_run_passes(stage: Stage, before: dict[str, int]) -> None:
    """The control of all the others: over far twins, too, the whole rehearsal goes well."""
    running = stage.rehearsal.start()
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(running.kill)
        assert running.wait(timeout=60) == 0, stage.rehearsal.output()
    assert stage.limits == before
