"""A workspace with synthetic inputs, a server that takes down every event it is sent, and a bench.

Not here: the simulated Marquez; this server knows no model and answers 201 to whatever comes.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.simulators.hotpass import cli
from fixtures.simulators.hotpass.inputs import write_synthetic_inputs
from fixtures.simulators.hotpass.manifest_samples import write_synthetic_manifests


class EventServer(http.server.ThreadingHTTPServer):
    """Keeps the bodies posted to ``/api/v1/lineage``; any other path is a 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.events: list[dict[str, Any]] = []
        self.arrivals = threading.Semaphore(0)


class _Door(http.server.BaseHTTPRequestHandler):
    server: EventServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.path == "/api/v1/lineage"
        if known:
            self.server.events.append(json.loads(body))
            # Before the answer: released after it, one test's last event would count in the next.
            self.server.arrivals.release()
        self.send_response(201 if known else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it inherits
        """Say nothing: a test's output is the command's."""


@pytest.fixture(scope="session")
def event_server() -> Iterator[EventServer]:
    """A lineage server on a free port of the loopback."""
    with EventServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs and manifests, written once and copied into every workspace."""
    folder = tmp_path_factory.mktemp("checkout")
    write_synthetic_inputs(folder / "data")
    write_synthetic_manifests(folder)
    return folder


@pytest.fixture(scope="session")
def results(checkout: Path) -> Path:
    """What ``refine --archive`` and ``enrich`` make of the inputs, made once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("HOTPASS_"):
                patch.delenv(name)
        patch.setenv("HOTPASS_DISABLE_LINEAGE", "1")
        patch.chdir(checkout)
        cli.main(["refine", "--archive"])
        cli.main(["enrich", "--input", "dist/refined.xlsx", "--output", "dist/enriched.xlsx"])
    return checkout / "dist"


@pytest.fixture
def workspace(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the synthetic inputs in ``data``; lineage is off."""
    for name in os.environ:
        if name.startswith(("HOTPASS_", "OPENLINEAGE_", "COLUMNS")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("HOTPASS_DISABLE_LINEAGE", "1")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkout / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture
def received(
    workspace: Path, event_server: EventServer, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """The events of this test, in the order they came; turns lineage on."""
    event_server.events.clear()
    monkeypatch.delenv("HOTPASS_DISABLE_LINEAGE")
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{event_server.server_port}")
    return event_server.events


@pytest.fixture
def refine(workspace: Path) -> Callable[..., int]:
    """Run ``hotpass refine --archive`` with more arguments, in this process."""

    def run(*arguments: str) -> int:
        return cli.main(["refine", "--archive", *arguments])

    return run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command that was run left on its streams, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> dict[str, Any]:
        """The NDJSON on stdout: data by event, the last of a name."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        return {line["event"]: line["data"] for line in lines}


@dataclass(frozen=True, slots=True)
class Bench:
    """A workspace with inputs and manifests, and the command to run in it."""

    workspace: Path
    received: list[dict[str, Any]]
    """Lineage events of everything run so far."""

    monkeypatch: pytest.MonkeyPatch
    _capture: pytest.CaptureFixture[str]

    def run(self, *argv: str, defects: str = "", faults: str = "") -> Outcome:
        """Run one command in this process with these switches."""
        with self.monkeypatch.context() as patch:
            patch.setenv("HOTPASS_SIMULATOR_DEFECTS", defects)
            patch.setenv("HOTPASS_SIMULATOR_FAULTS", faults)
            self._capture.readouterr()
            code = cli.main(argv)
        return Outcome(code, *self._capture.readouterr())


@pytest.fixture
def bench(
    checkout: Path,
    workspace: Path,
    received: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Bench:
    """Inputs, manifests and a lineage server around the command."""
    shutil.copytree(checkout / "prefect", workspace / "prefect")
    return Bench(workspace, received, monkeypatch, capsys)
