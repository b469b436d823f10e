"""Preflight as a whole: what is looked at when, what a run would start, nothing changed."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.core import taint
from fixtures.core.settings import EnvironmentTable
from fixtures.procedures import preflight
from fixtures.procedures.preflight import machine
from fixtures.procedures.preflight.finding import Finding, Look, State, blocked
from tests.harness import fake_docker
from tests.harness.procedures.preflight.conftest import Install

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
READS_ONLY = {"check-ignore", "version"}
"""The only words preflight hands to git and docker."""
PREFECT = "http://127.0.0.1:4200/api"
BARE = [
    "this harness",
    "scratch directory",
    "ports on loopback",
    "evidence directory",
    "openlineage.yml",
    "input directory",
    "Prefect, for the optional step",
    "browser",
]


def states(look: Look) -> dict[str, State]:
    """Findings by name, in their order."""
    return {each.name: each.state for each in preflight.findings(look)}


def test_bare_dry_run_is_ready(look: Look) -> None:
    """A dry run without a checkout needs a place and ports; a browser is worth having."""
    found = states(look)
    assert list(found) == BARE
    assert found.pop("browser") is State.ATTENTION
    assert set(found.values()) == {State.READY}


def test_bare_dry_run_reads_the_settings_inputs(look: Look, tmp_path: Path) -> None:
    """A directory of the settings is looked at; the synthetic set needs no look."""
    table = look.table.model_copy(update={"input_dir": str(tmp_path / "nowhere")})
    words = look.settings.words.model_copy(update={"marquez": table})
    settings = look.settings.model_copy(update={"words": words})
    assert states(replace(look, settings=settings))["input directory"] is State.MISSING


@pytest.mark.parametrize("has_uv", [True, False])
def test_dry_run_of_a_checkout(look: Look, checkout: Path, install: Install, has_uv: bool) -> None:
    """With a checkout its command is the real one: everything it needs is looked at, uv too."""
    if has_uv:
        install("uv")
    found = states(replace(look, hotpass_root=checkout))
    assert found.pop("browser") is State.ATTENTION
    assert found.pop("uv") is (State.READY if has_uv else State.MISSING)
    assert set(found.values()) == {State.READY}
    assert {"profile generic", "refined workbook"} <= found.keys()


def test_url_of_the_shell_needs_attention(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run sets its own URL: that of the shell does not decide, and is told."""
    monkeypatch.setenv("OPENLINEAGE_URL", "http://localhost:5000/api/v1")
    assert states(look)["OPENLINEAGE_URL of this shell"] is State.ATTENTION


def test_live_run_on_a_running_stack(
    look: Look, checkout: Path, running: EnvironmentTable, install: Install
) -> None:
    """A complete environment, a healthy service and a good checkout: nothing is missing."""
    install("uv")
    live = replace(look, staging=True, stack="running", hotpass_root=checkout, environment=running)
    found = list(preflight.findings(live))
    assert not blocked(found), [each for each in found if each.state is State.MISSING]
    assert "Marquez" in {each.name for each in found}


def test_live_run_without_anything(look: Look) -> None:
    """Everything that is missing is told at once, each with how to provide it."""
    found = [
        each
        for each in preflight.findings(replace(look, staging=True, stack="running"))
        if each.state is State.MISSING
    ]
    told = " ".join(f"{each.name}: {each.fix}" for each in found)
    for what in (
        "--hotpass-root",
        "pip install uv",
        "marquez_url",
        "marquez_log",
        "__MARQUEZ_URL",
    ):
        assert what in told
    assert all(each.fix for each in found)
    assert "Marquez" not in {each.name for each in found}


DAEMON = "Cannot connect to the Docker daemon at unix:///x.sock."


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        pytest.param(None, "Install an engine", id="no-docker"),
        pytest.param(("version-version", DAEMON, 1), "Start the engine", id="no-engine"),
        pytest.param(("compose-version", "1.29.2", 0), "Compose plug-in, v2.24", id="compose-v1"),
        pytest.param((), "", id="engine"),
    ],
)
@pytest.mark.parametrize("staging", [True, False], ids=["live", "dry"])
def test_run_on_a_compose_stack(
    look: Look,
    checkout: Path,
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: tuple[str, str, int] | tuple[()] | None,
    told: str,
    staging: bool,
) -> None:
    """An engine that answers, and a Compose that is new enough; nothing else is missing."""
    monkeypatch.setattr(machine, "PORTS", {})
    install("uv")
    if engine is not None:
        fake = fake_docker.installed(tmp_path, monkeypatch)
        if engine:
            fake.answer(engine[0], engine[1], code=engine[2])
        monkeypatch.setenv("PATH", f"{fake.folder / 'bin'}:{tmp_path / 'bin'}:/usr/bin:/bin")
    live = replace(look, staging=staging, stack="compose", hotpass_root=checkout)
    found = [each for each in preflight.findings(live) if each.state is State.MISSING]
    assert len(found) == bool(told), found
    assert told in " ".join(each.fix for each in found)


def test_ports_matter_to_a_compose_stack_only(
    look: Look, running: EnvironmentTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that runs already holds its own ports."""
    taken = Finding(name="port 5000", state=State.MISSING, found="", fix="Stop it.")
    monkeypatch.setattr(machine, "ports", lambda: iter([taken]))
    live = replace(look, staging=True, stack="compose")
    assert "port 5000" in states(live)
    assert "port 5000" not in states(replace(live, stack="running", environment=running))
    assert "port 5000" not in states(look)


def test_url_of_the_environment_decides(look: Look, running: EnvironmentTable) -> None:
    """The environment's URL is the one a run would use: with the suffix it blocks."""
    spoilt = running.model_copy(update={"marquez_url": f"{running.marquez_url}/api/v1"})
    live = replace(look, staging=True, stack="running", environment=spoilt)
    assert states(live)["marquez_url of hotpass-staging"] is State.MISSING


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, ["recorder", "simulated `hotpass refine`", "a Prefect server"], id="dry"),
        pytest.param(
            {"hotpass_root": Path("/srv/hotpass")},
            ["recorder", "`uv run hotpass refine` in /srv/hotpass, once", "a Prefect server"],
            id="dry-with-checkout",
        ),
        pytest.param(
            {"staging": True, "stack": "compose", "hotpass_root": Path("/srv/hotpass")},
            [
                "prefect marquez hotpass-web` of /srv/hotpass",
                "`hotpass refine` in /srv/hotpass",
                "1 flow run in that stack's Prefect: hotpass-refinement-pipeline/hotpass-refine",
                "`hotpass qa all` once",
            ],
            id="compose",
        ),
        pytest.param(
            {"stack": "compose"},
            ["in containers", "simulated `hotpass refine`", "1 flow run in that stack's Prefect"],
            id="dry-compose",
        ),
        pytest.param(
            {"staging": True, "stack": "running"}, ["nothing: no Hotpass checkout"], id="no-root"
        ),
        pytest.param(
            {"staging": True, "stack": "running", "hotpass_root": Path("/srv/hotpass")},
            ["`hotpass refine` in /srv/hotpass, once", "`hotpass qa all` once"],
            id="running",
        ),
        pytest.param(
            {
                "staging": True,
                "stack": "running",
                "hotpass_root": Path("/srv/hotpass"),
                "environment": EnvironmentTable(provenance={}, prefect_api_url=PREFECT),
            },
            ["refine", f"1 flow run in {PREFECT}: ", "`hotpass qa all` once"],
            id="running-prefect",
        ),
    ],
)
def test_what_a_run_would_start(
    look: Look, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], told: list[str]
) -> None:
    """One line for each thing, so that nobody starts what they did not mean to."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    started = preflight.would_start(replace(look, **changes))
    assert len(started) == len(told)
    for line, part in zip(started, told, strict=True):
        assert part in line


def test_no_flow_run_is_promised_where_none_is_started(look: Look) -> None:
    """The optional step is switched off: no run is announced, on whatever stack."""
    table = look.table.model_copy(update={"prefect": "none"})
    words = look.settings.words.model_copy(update={"marquez": table})
    off = replace(
        look,
        settings=look.settings.model_copy(update={"words": words}),
        environment=EnvironmentTable(provenance={}, prefect_api_url=PREFECT),
        hotpass_root=Path("/srv/hotpass"),
    )
    for staging in (True, False):
        for stack in ("compose", "running"):
            started = preflight.would_start(replace(off, staging=staging, stack=stack))
            assert "flow run" not in " ".join(started)


def test_every_finding_that_is_not_ready_names_the_fix(look: Look, tmp_path: Path) -> None:
    """A finding without a next step is a complaint."""
    worst = replace(look, staging=True, stack="running", hotpass_root=tmp_path / "nowhere")
    found = [each for each in preflight.findings(worst) if each.state is not State.READY]
    assert len(found) > 6
    assert all(each.fix for each in found)


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every path below, with mode, time and content."""
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (root, *root.rglob("*"))
    }


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[Any]]:
    """Every process started from here on."""
    started: list[subprocess.Popen[Any]] = []

    class Noted(subprocess.Popen[Any]):
        def __init__(self, *arguments: Any, **how: Any) -> None:
            super().__init__(*arguments, **how)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every host this process connects to, or looks up, from here on."""
    hosts: set[str] = set()

    def noting(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            hosts.add(address[0])
            return original(self, address)

        return connect

    look_up = socket.getaddrinfo

    def noting_look_up(host: Any, *arguments: Any, **how: Any) -> Any:
        hosts.add(host)
        return look_up(host, *arguments, **how)

    monkeypatch.setattr(socket.socket, "connect", noting(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", noting(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", noting_look_up)
    return hosts


@pytest.mark.parametrize("stack", ["", "compose", "running"], ids=["dry", "compose", "running"])
def test_nothing_changes(
    look: Look,
    checkout: Path,
    install: Install,
    running: EnvironmentTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    children: list[subprocess.Popen[Any]],
    asked: set[str],
    stack: str,
) -> None:
    """No file made or touched, no process left, nobody asked beyond loopback, nothing tainted."""
    install("uv")
    install("docker")
    monkeypatch.setattr(taint, "_marks", [])
    if stack:
        look = replace(look, staging=True, stack=stack, environment=running)
    before = snapshot(tmp_path)
    found = list(preflight.findings(replace(look, hotpass_root=checkout)))
    preflight.would_start(look)
    assert len(found) > 4
    started = [list(each.args) for each in children if isinstance(each.args, (list, tuple))]
    assert snapshot(tmp_path) == before
    assert all(each.poll() is not None for each in children)
    # git always; the engine's and Compose's versions where there are to be containers.
    assert len(children) == len(started) == (3 if stack == "compose" else 1)
    assert all(READS_ONLY.intersection(each) for each in started), started
    assert asked <= LOOPBACK
    assert bool(asked) is bool(stack)
    assert not taint.marks()
