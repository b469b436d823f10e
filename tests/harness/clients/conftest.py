"""Lineage services to talk to: the recorder behind its door, and one that answers as told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from fixtures.clients.marquez import Marquez
from fixtures.simulators.marquez.door import RecorderServer
from fixtures.simulators.marquez.state import Recorder

MOMENT = "2026-11-22T01:00:00Z"
Answer = tuple[int, Mapping[str, str], bytes]


class Parrot(http.server.ThreadingHTTPServer):
    """Answers every GET with what ``say`` makes of its target, and remembers the targets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Beak)
        self.say: Callable[[str], Answer] = lambda _: (200, {}, b"{}")
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Beak(http.server.BaseHTTPRequestHandler):
    server: Parrot

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, body = self.server.say(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it inherits
        """Say nothing: a test's output is the client's."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Recorder that knows nothing yet."""
    made = Recorder()
    yield made
    made.close()


@pytest.fixture
def marquez(recorder: Recorder) -> Iterator[Marquez]:
    """Client of the recorder, through its door; impatient."""
    server = RecorderServer(recorder)
    server.start()
    client = Marquez(
        api_url=f"{server.api_url}/",
        admin_url=f"{server.admin_url}/",
        ui_url=f"{server.ui_url}/",
        timeout_s=5.0,
    )
    yield client
    client.close()
    server.stop()


@pytest.fixture(scope="module")
def running_parrot() -> Iterator[Parrot]:
    """Server that answers as told, once for all tests of a module."""
    with Parrot() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def parrot(running_parrot: Parrot) -> Parrot:
    """Server that answers as told, with nothing asked yet."""
    running_parrot.asked.clear()
    return running_parrot


@pytest.fixture
def of_parrot(parrot: Parrot) -> Iterator[Marquez]:
    """Client of the server that answers as told."""
    client = Marquez(api_url=parrot.url, admin_url=parrot.url, ui_url=parrot.url, timeout_s=5.0)
    yield client
    client.close()


@pytest.fixture
def record(recorder: Recorder) -> Callable[..., None]:
    """Has the recorder take the START of a run: ``record(run_id, inputs=[…])``."""

    def start(
        run_id: str,
        *,
        inputs: list[str] | None = None,
        namespace: str = "tests",
        job: str = "refine",
    ) -> None:
        named: list[dict[str, Any]] = [
            {"namespace": namespace, "name": name} for name in inputs or []
        ]
        recorder.record(
            {
                "eventType": "START",
                "eventTime": MOMENT,
                "producer": "https://example.org/self-test",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                "run": {"runId": run_id, "facets": {}},
                "job": {"namespace": namespace, "name": job},
                "inputs": named,
                "outputs": [],
            }
        )

    return start
