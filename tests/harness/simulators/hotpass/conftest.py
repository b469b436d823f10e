"""A workspace with synthetic inputs, and a server that takes down every event it is sent.

Not here: the simulated Marquez; this server knows no model and answers 201 to whatever comes.
"""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.simulators.hotpass import cli
from fixtures.simulators.hotpass.inputs import write_synthetic_inputs


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
        self.send_response(201 if known else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if known:
            self.server.arrivals.release()

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


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the synthetic inputs in ``data``; lineage is off."""
    for name in os.environ:
        if name.startswith(("HOTPASS_", "OPENLINEAGE_", "COLUMNS")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOTPASS_DISABLE_LINEAGE", "1")
    monkeypatch.chdir(tmp_path)
    write_synthetic_inputs(tmp_path / "data")
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
