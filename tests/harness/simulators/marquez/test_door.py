"""The recorder's HTTP door: connections, faults and logs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from fixtures.core import errors
from fixtures.simulators.marquez import door, servicelog
from fixtures.simulators.marquez.door import Doors
from fixtures.simulators.marquez.state import Recorder

Builder = Callable[..., dict[str, Any]]
RUN = "3f1c0f0e-0000-4000-8000-000000000001"
TIMEOUT_S = 5


@pytest.fixture
def doors(recorder: Recorder) -> Iterator[Doors]:
    """Addresses of the recorder, served on loopback."""
    with door.serve(recorder) as doors:
        yield doors


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=TIMEOUT_S)


def test_addresses_need_a_start(recorder: Recorder) -> None:
    """A door that is shut has no address."""
    with pytest.raises(errors.SystemUnreachable):
        _ = door.RecorderServer(recorder).api_url


def test_delay_is_cut_short_by_stopping(recorder: Recorder) -> None:
    """A long delay does not hold the door open."""
    recorder.faults.delay_s = 60
    _stopped_while_asking(recorder)


def test_delay_slows_every_answer(recorder: Recorder, doors: Doors) -> None:
    """A delay is at least what was asked."""
    recorder.faults.delay_s = 0.02
    begun = time.perf_counter()
    assert get(f"{doors.api_url}/api/v1/namespaces").ok
    assert time.perf_counter() - begun >= 0.02


def test_every_request_is_written_down(recorder: Recorder, doors: Doors, event: Builder) -> None:
    """Method, target as sent and status are kept, in the request log and in the service log."""
    requests.post(f"{doors.api_url}/api/v1/lineage", json=event("START", RUN), timeout=TIMEOUT_S)
    get(f"{doors.api_url}/api/v1/namespaces/a%2Fb?x=1")
    seen = [(request.method, request.target, request.status) for request in recorder.requests]
    assert seen == [
        ("POST", "/api/v1/lineage", 201),
        ("GET", "/api/v1/namespaces/a%2Fb?x=1", 404),
    ]
    assert recorder.log_lines[0] == servicelog.HEADER
    assert "recorder: POST /api/v1/lineage 201 " in recorder.log_lines[1]


def test_garbage_is_a_success_without_json(recorder: Recorder, doors: Doors) -> None:
    """Status 200 with a body that does not parse."""
    recorder.faults.garbage = True
    answer = get(f"{doors.api_url}/api/v1/namespaces")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_hang_ends_without_an_answer(recorder: Recorder) -> None:
    """A request that hangs loses its connection when the door closes."""
    recorder.faults.hang = True
    _stopped_while_asking(recorder)
    assert recorder.requests[-1].status == 0


def test_health_has_its_own_port(recorder: Recorder, doors: Doors) -> None:
    """The admin port answers, and says so when the database is gone."""
    assert get(f"{doors.admin_url}/ping").text.strip() == "pong"
    assert get(f"{doors.admin_url}/healthcheck").json()["postgresql"]["healthy"] is True
    recorder.faults.unhealthy = True
    sick = get(f"{doors.admin_url}/healthcheck")
    assert (sick.status_code, sick.json()["postgresql"]["healthy"]) == (500, False)


def test_idle_connections_do_not_hold_it_up(recorder: Recorder) -> None:
    """Stopping with a kept-alive connection open leaves no thread and no listener."""
    # A session's other tests may have a recorder of their own.
    before = set(threading.enumerate())
    server = door.RecorderServer(recorder)
    doors = server.start()
    with requests.Session() as session:
        session.get(f"{doors.api_url}/api/v1/namespaces", timeout=TIMEOUT_S)
        server.stop()
    started = set(threading.enumerate()) - before
    assert "marquez-recorder" not in [thread.name for thread in started]
    with pytest.raises(requests.ConnectionError):
        get(doors.api_url)
    server.stop()


def test_log_errors_leaves_a_trace(recorder: Recorder, doors: Doors, event: Builder) -> None:
    """The service log holds a stack trace for every event."""
    recorder.faults.log_errors = True
    requests.post(f"{doors.api_url}/api/v1/lineage", json=event("START", RUN), timeout=TIMEOUT_S)
    assert any(line.startswith("ERROR") for line in recorder.log_lines)
    assert any(line.startswith("! at ") for line in recorder.log_lines)


def test_log_has_the_request_before_its_answer(
    recorder: Recorder, doors: Doors, event: Builder
) -> None:
    """Whoever has an answer, even one without a body, finds its request in the log."""
    for number in range(1, 51):
        url = f"{doors.api_url}/api/v1/lineage"
        requests.post(url, json=event("START", RUN), timeout=TIMEOUT_S)
        assert len(recorder.requests) == number


def test_log_is_bounded() -> None:
    """Old lines go, the header stays."""
    log = servicelog.ServiceLog()
    log._lines.extend(str(number) for number in range(servicelog.KEPT + 5))
    assert len(log.lines) == servicelog.KEPT + 1
    assert log.lines[:2] == [servicelog.HEADER, "5"]


def test_module_serves_until_told_to_stop() -> None:
    """Run as a module it prints its addresses and ends well on SIGTERM."""
    command = [sys.executable, "-m", "fixtures.simulators.marquez"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        doors = json.loads(process.stdout.readline())
        assert get(f"{doors['admin_url']}/ping").ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


def test_names_are_decoded_once(recorder: Recorder, doors: Doors, event: Builder) -> None:
    """A slash, a percent sign and a plus inside a name survive the path."""
    recorder.record(event("START", RUN, job="a/b%2Fc+d é"))
    path = "/api/v1/namespaces/tests/jobs/a%2Fb%252Fc+d%20%C3%A9"
    assert get(f"{doors.api_url}{path}").json()["name"] == "a/b%2Fc+d é"


def test_port_taken_is_told_at_once(recorder: Recorder) -> None:
    """A port in use is an error that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.SystemUnreachable, match=str(port)):
            door.RecorderServer(recorder, port=port).start()


def test_server_header_owns_up(doors: Doors) -> None:
    """Every answer says that it is simulated, exactly once."""
    raw = get(f"{doors.api_url}/api/v1/namespaces").headers["server"]
    assert raw == "hotpass-rehearsals-recorder (simulated)"


@pytest.mark.parametrize(
    ("status", "status_for", "expected"),
    [
        pytest.param(503, {}, (503, 503), id="everything"),
        pytest.param(None, {"/runs": 500}, (200, 500), id="one-path"),
        pytest.param(502, {"/runs": 500}, (502, 500), id="both"),
    ],
)
def test_status_faults(
    recorder: Recorder,
    doors: Doors,
    status: int | None,
    status_for: dict[str, int],
    expected: tuple[int, int],
) -> None:
    """A fault answers for the whole API or for a piece of its paths; health stays."""
    recorder.faults.status, recorder.faults.status_for = status, status_for
    paths = ("/api/v1/namespaces", "/api/v1/namespaces/n/jobs/j/runs")
    seen = tuple(get(f"{doors.api_url}{path}").status_code for path in paths)
    assert seen == expected
    assert get(f"{doors.admin_url}/ping").ok


def test_two_doors_at_once(recorder: Recorder) -> None:
    """Recorders served side by side do not meet."""
    with door.serve(recorder) as one, door.serve(Recorder()) as two:
        assert one.api_url != two.api_url
        assert get(f"{one.api_url}/api/v1/namespaces").ok
        assert get(f"{two.api_url}/api/v1/namespaces").ok


def _stopped_while_asking(recorder: Recorder) -> None:
    server = door.RecorderServer(recorder)
    host, port = server.start().api_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as client:
        client.sendall(b"GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\n\r\n")
        # Health is served by the same loop: once it answers, the request before it is under way.
        get(f"{server.admin_url}/ping")
        server.stop()
        with suppress(ConnectionError):
            assert client.recv(1) == b""
