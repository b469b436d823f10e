"""A made-up machine: its home, its programs, its Hotpass checkout, all below tmp_path."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.core.settings import EnvironmentTable, Settings
from fixtures.procedures.preflight.finding import Finding, Look
from fixtures.simulators.marquez.door import RecorderServer
from fixtures.simulators.marquez.state import Recorder
from tests.harness.procedures.runbook import made_up

Install = Callable[..., Path]
SOUND = """
services:
  hotpass-web:
    build: ../../apps/web-ui
    ports: ["127.0.0.1:3001:80"]
  marquez:
    image: marquezproject/marquez:0.51.1
    environment: {SEARCH_ENABLED: "false"}
    ports: ["127.0.0.1:5000:5000", "127.0.0.1:5001:5001"]
    depends_on: {marquez-db: {condition: service_healthy}}
  marquez-db:
    image: postgres:15.9
    volumes: ["data:/var/lib/postgresql/data"]
  marquez-web:
    image: marquezproject/marquez-web:0.51.1
  prefect:
    image: prefecthq/prefect:3.8.8-python3.11
    healthcheck: {test: [CMD, python, -c, "pass"]}
"""
"""A Compose file without any of the known traps."""


def only(found: Iterator[Finding] | list[Finding]) -> Finding:
    """The one finding there is."""
    [finding] = found
    return finding


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Home of nobody, with no variable of the operator's own in the shell."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in os.environ:
        if name.startswith(("REHEARSAL_", "OPENLINEAGE_", "GIT_")):
            monkeypatch.delenv(name)
    return folder


@pytest.fixture(autouse=True)
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a program on a PATH that holds nothing but git: ``install("docker", exit_code=1)``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed; preflight asks it what is ignored")
    (folder / "git").symlink_to(Path(git).resolve())
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, *, exit_code: int = 0) -> Path:
        program = folder / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\nexit {exit_code}\n")
        program.chmod(0o755)
        return program

    return put


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Hotpass checkout in which nothing is missing."""
    root = tmp_path / "hotpass"
    (root / ".venv/lib/python3.13/site-packages/openlineage/client").mkdir(parents=True)
    for folder in ("apps/data-platform/hotpass/profiles", "data", "deploy/docker"):
        (root / folder).mkdir(parents=True)
    (root / "apps/data-platform/hotpass/profiles/README.md").write_text("")
    (root / "data/clubs.xlsx").write_bytes(b"PK\x03\x04")
    (root / "deploy/docker/docker-compose.yml").write_text(SOUND, encoding="utf-8")
    (root / ".gitignore").write_text("/dist/\n/.venv/\n")
    demand = '[project]\nname = "hotpass"\nversion = "0"\nrequires-python = ">=3.13,<3.14"\n'
    (root / "pyproject.toml").write_text(demand)
    (root / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.13.2\n")
    made_up.write(root, working=True, ports=False)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True, timeout=30)  # noqa: S607
    return root


@pytest.fixture
def look(tmp_path: Path, known: Settings) -> Look:
    """Dry run of the lineage smoke, as this project's settings have it."""
    return Look(
        settings=known.model_copy(update={"browser": "none"}),
        staging=False,
        environment_name="hotpass-staging",
        environment=EnvironmentTable(provenance={}),
        stack="",
        hotpass_root=None,
        evidence_root=tmp_path / "evidence",
    )


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Recorder that knows nothing yet."""
    made = Recorder()
    yield made
    made.close()


@pytest.fixture
def server(recorder: Recorder) -> Iterator[RecorderServer]:
    """Recorder that answers on two ports of loopback."""
    served = RecorderServer(recorder)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def running(server: RecorderServer) -> EnvironmentTable:
    """Environment whose lineage service is the recorder, complete."""
    return EnvironmentTable(
        provenance={},
        marquez_url=server.api_url,
        marquez_admin_url=server.admin_url,
        marquez_ui_url=server.ui_url,
        marquez_log=("cat", "marquez.log"),
    )
