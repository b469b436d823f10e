"""A Compose stack left up on request: only one that came up, and with what takes it down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.plugins import afterwards
from fixtures.procedures.compose import opening, project
from fixtures.procedures.compose.plans import Plan
from tests.harness import fake_docker
from tests.harness.fake_docker import FakeDocker

READY_S = 5.0


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Program that answers in place of `docker`."""
    return fake_docker.installed(tmp_path, monkeypatch)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Stack of two services named and one that comes along."""
    return Plan(
        files=(tmp_path / "compose.yml",),
        cwd=tmp_path,
        services=("prefect", "marquez"),
        build=False,
        database="postgres",
    )


def test_a_kept_stack_stays(docker: FakeDocker, plan: Plan, tmp_path: Path) -> None:
    """Nothing of it is taken down, and the command that does so is known."""
    with project.brought_up(plan, folder=tmp_path, timeout_s=READY_S, keep=True) as running:
        kept = running.kept
    assert kept == f"docker compose -p {plan.project} down -v"
    assert "down" not in docker.verbs()
    assert "rm" not in docker.verbs()


def test_a_stack_nobody_asked_to_keep_has_no_such_command(
    docker: FakeDocker, plan: Plan, tmp_path: Path
) -> None:
    """By default it goes."""
    with project.brought_up(plan, folder=tmp_path, timeout_s=READY_S) as running:
        assert running.kept == ""
    assert "down" in docker.verbs()


@pytest.mark.parametrize("when", ["coming-up", "inside"])
def test_one_that_failed_is_taken_down_all_the_same(
    docker: FakeDocker, plan: Plan, tmp_path: Path, when: str
) -> None:
    """Half a stack, or one that turned out to be a stranger's, is nothing to look at."""
    if when == "coming-up":
        docker.answer("compose-up", "Error response from daemon: no", code=1)
    with (
        pytest.raises(errors.HarnessError),
        project.brought_up(plan, folder=tmp_path, timeout_s=READY_S, keep=True),
    ):
        raise errors.IdentityRefused("not ours", hint="Point to the right one.")
    assert "down" in docker.verbs()


def test_the_deviation_is_what_the_terminal_reads(
    docker: FakeDocker, plan: Plan, tmp_path: Path
) -> None:
    """The bundle says that the stack was kept, in words from which the command is told again."""
    with project.brought_up(plan, folder=tmp_path, timeout_s=READY_S, keep=True) as running:
        noted: list[str] = []
        opening.note_kept(noted.append, running)
        opening.note_kept(noted.append, replace(running, kept=""))
    found = [afterwards.KEPT.fullmatch(each) for each in noted]
    assert [each and each[1] for each in found] == [running.kept]
