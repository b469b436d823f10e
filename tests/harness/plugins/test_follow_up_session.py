"""The plan's follow-up in a session of pytest: there, shown, and of no weight."""

from __future__ import annotations

import json

import pytest

from tests.harness.plugins.conftest import ROOT, Project, Seen

COMMAND = """
import pathlib, sys, types

from fixtures.clients.hotpass import Hotpass


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    command = Hotpass(
        prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
        root=tmp_path_factory.mktemp("checkout"),
        variables={{"PYTHONPATH": {root!r}, "HOTPASS_SIMULATOR_FAULTS": {faults!r}}},
    )
    return Surroundings(types.SimpleNamespace(hotpass=command, systems=()))
"""
"""Systems of which only the command is there."""


def follow_ups(project: Project) -> list[str]:
    return [
        json.loads((bundle / "follow-up.json").read_text())["result"]
        for bundle in project.bundles()
        if (bundle / "follow-up.json").exists()
    ]


def test_off_in_a_dry_run(held: Seen) -> None:
    """Nobody asked for it: no file, no line, no process."""
    assert held.result.ret == 0
    assert follow_ups(held.project) == []
    held.result.stdout.no_fnmatch_line("*follow-up*")


@pytest.mark.parametrize(
    ("faults", "result", "line"),
    [
        ("", "passed", "follow-up passed: 6 checks"),
        ("qa-check-fails", "failed", "follow-up failed: Documentation Checks of 6 checks*"),
    ],
)
def test_switched_on(
    project: Project, monkeypatch: pytest.MonkeyPatch, faults: str, result: str, line: str
) -> None:
    """After the last verdict and before the seal; shown, and without weight."""
    monkeypatch.setenv("REHEARSAL_FOLLOW_UP", "always")
    project.rehearsal(COMMAND.format(root=str(ROOT), faults=faults))
    ran = project.run("-m", "marquez")
    assert ran.ret == 0
    assert follow_ups(project) == [result]
    ran.stdout.fnmatch_lines([line])
    summary = project.summary()
    assert {"follow-up.json", "follow-up.log", "follow-up.sh"} <= summary.artefacts.keys()
    assert bool(summary.deviations) is (result == "failed")


def test_narrowed_run_has_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debugging waits for no QA; the bundle that never counts says why."""
    monkeypatch.setenv("REHEARSAL_FOLLOW_UP", "always")
    project.rehearsal()
    project.run("-m", "marquez", "-k", "stack_healthy")
    [bundle] = project.bundles("scratch")
    body = json.loads((bundle / "follow-up.json").read_text())
    assert (body["result"], "narrowed" in body["reason"]) == ("not run", True)
