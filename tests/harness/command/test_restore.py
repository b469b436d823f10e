"""`rehearsal restore arc`: from a directory to a scale set put back, or a refusal that helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.command import main
from fixtures.core import settings
from fixtures.core.outcome import Exit
from fixtures.procedures import arc_findings
from fixtures.procedures.arc import ArcRehearsal
from fixtures.procedures.arc_stacks import kubeconfig
from fixtures.procedures.preflight.finding import State
from tests.harness.procedures.arc_stage import ROOT, Staged, staged

DRAINED_S = 120.0


class KilledError(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Staged]:
    """Rehearsal killed while its scale set was drained; the settings name its cluster."""

    def kill(now_s: float) -> None:
        if now_s >= DRAINED_S:
            raise KilledError

    with staged(tmp_path) as ready:
        ready.clock.on_sleep = kill
        with monkeypatch.context() as on:
            on.setattr(ArcRehearsal, "_leave_as_found", lambda _: None)
            with pytest.raises(KilledError):
                ready.rehearsal.run()
        ready.clock.on_sleep = lambda _: None
        ready.bundle.ledger.close()
        server = ready.stack.parts.cluster.server
        config = kubeconfig(tmp_path / "config", server, ready.world.cluster_token)
        variable = "REHEARSAL_ENVIRONMENTS__ARC_STAGING__"
        monkeypatch.setenv(f"{variable}KUBECONFIG", str(config))
        monkeypatch.setenv(f"{variable}CLUSTER_CONTEXT", "simulated")
        monkeypatch.setenv(f"{variable}CLUSTER_SERVER", server)
        monkeypatch.chdir(ROOT)
        yield ready


def test_kill_then_restore(killed: Staged, capsys: pytest.CaptureFixture[str]) -> None:
    """The set is drained after the kill, and as it was after the command."""
    assert killed.limits == {"minRunners": 0, "maxRunners": 0}
    assert main.main(["restore", "arc", str(killed.bundle.folder)]) == Exit.HELD
    assert killed.limits == {"minRunners": 1, "maxRunners": 3}
    assert "arc-eph restored: min 1, max 3" in capsys.readouterr().out
    assert main.main(["restore", "arc", str(killed.bundle.folder)]) == Exit.HELD
    assert "already" in capsys.readouterr().out


def test_limits_of_somebody_else_need_force(
    killed: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was set since is not overwritten without being told."""
    killed.world.arc._patch_set({"minRunners": 0, "maxRunners": 7})
    asked = ["restore", "arc", str(killed.bundle.folder)]
    assert main.main(asked) == Exit.HARNESS_FAULT
    assert "pass --force" in capsys.readouterr().err
    assert killed.limits["maxRunners"] == 7
    assert main.main([*asked, "--force"]) == Exit.HELD
    assert killed.limits == {"minRunners": 1, "maxRunners": 3}


def test_unconfigured_cluster_tells_what_to_set_by_hand(
    killed: Staged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has only the directory still learns the numbers."""
    monkeypatch.delenv("REHEARSAL_ENVIRONMENTS__ARC_STAGING__CLUSTER_SERVER")
    assert main.main(["restore", "arc", str(killed.bundle.folder)]) == Exit.USAGE
    assert "min 1, max 3" in capsys.readouterr().err


def test_directory_without_originals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No ledger, nothing to restore."""
    assert main.main(["restore", "arc", str(tmp_path)]) == Exit.HARNESS_FAULT
    assert "is no ledger" in capsys.readouterr().err


def test_preflight_says_who_drained_it(killed: Staged) -> None:
    """The next rehearsal meets a drained set: it is told which directory puts it back."""
    from fixtures.procedures import arc_preflight

    parts, plan = killed.stack.parts, killed.stack.plan
    body = arc_preflight.look(
        parts.cluster,
        parts.github,
        scale_set=plan.scale_set,
        namespace=plan.namespace,
        controller_namespace=plan.controller_namespace,
        workflow=plan.workflow,
    )
    found = list(arc_findings.told(body, killed.bundle.folder.parents[1]))
    drained = next(each for each in found if "drained already" in each.found)
    assert drained.state is State.MISSING
    assert f"rehearsal restore arc {killed.bundle.folder}" in drained.fix


def test_settings_of_the_word_have_defaults() -> None:
    """The run-book's names, without a line of configuration."""
    table = settings.load(ROOT / "pyproject.toml").words.arc
    assert (table.scale_set, table.namespace) == ("arc-eph", "arc-staging")
    assert table.controller_namespace != table.namespace
