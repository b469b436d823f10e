"""Compose stacks of killed rehearsals: found by name, told with the command, never removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.procedures.compose import leftovers, plans
from tests.harness import fake_docker
from tests.harness.fake_docker import FakeDocker

DEAD = f"{plans.PROJECT_PREFIX}999999999-0a1b2c"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Fake `docker` on the PATH."""
    return fake_docker.installed(tmp_path, monkeypatch)


def test_only_ours_and_only_the_dead() -> None:
    """A stack whose rehearsal lives is no leftover, and neither is anybody else's."""
    ours = plans.new_project()
    strangers = ["hotpass", f"{plans.PROJECT_PREFIX}abc-0a", "x-hotpass-rehearsal-1-0a"]
    assert leftovers.left_behind([DEAD, ours, *strangers]) == (DEAD,)
    assert leftovers.left_behind([ours], alive=lambda _: False) == (ours,)
    assert leftovers.left_behind([DEAD], alive=lambda pid: pid == 999999999) == ()


def test_a_lone_volume_gives_its_project_away(docker: FakeDocker) -> None:
    """Whatever is left of a project counts, be it no container."""
    docker.answer("container-ls", "hotpass")
    docker.answer("volume-ls", DEAD)
    assert leftovers.projects() == ("hotpass", DEAD)


def test_recover_names_it_with_the_command(
    docker: FakeDocker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be kept on request: it is named, with what takes it down, and nothing is removed."""
    docker.answer("container-ls", f"{DEAD}\n{plans.PROJECT_PREFIX}{os.getpid()}-0a1b2c")
    assert main(["recover", "--evidence-root", str(tmp_path)]) == Exit.HELD
    said = capsys.readouterr().out
    assert f"docker compose -p {DEAD} down -v" in said
    assert str(os.getpid()) not in said.replace(str(tmp_path), "")
    assert not [asked for asked in docker.asked if " rm" in asked or " down" in asked]


def test_an_engine_that_does_not_answer_is_no_trouble(
    docker: FakeDocker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an engine no container of ours can be left."""
    docker.answer("container-ls", "Cannot connect to the Docker daemon", code=1)
    assert main(["recover", "--evidence-root", str(tmp_path)]) == Exit.HELD
    assert "left" not in capsys.readouterr().out.replace(str(tmp_path), "")
