"""Starting and stopping twins: whole, and at once."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
import requests
from starlette.types import Receive, Scope, Send

from fixtures.core import errors
from fixtures.simulators.serving import Serving

TIMEOUT_S = 5


class Stubborn:
    """A watch that loses the first cancellation, as `asyncio.wait_for` may before Python 3.12."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cancelled = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer the head of a stream, then nothing more, for ever."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}\n", "more_body": True})
        self.begun.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                if self.cancelled > 1:
                    raise


async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_an_open_watch_that_forgets_to_end_is_ended() -> None:
    """Stopping does not wait for a stream without end; the thread is gone when it returns."""
    app = Stubborn()
    serving = Serving(app, name="a stubborn twin")
    with requests.get(serving.start(), stream=True, timeout=TIMEOUT_S):
        assert app.begun.wait(TIMEOUT_S)
        serving.stop()
    assert app.cancelled == 2
    assert "a stubborn twin" not in [each.name for each in threading.enumerate()]


def test_each_app_has_a_port_of_its_own() -> None:
    """Two apps, two addresses, one thread; both are gone together."""
    serving = Serving(quiet, quiet, name="a pair")
    serving.start()
    first, second = serving.urls
    assert first != second
    assert [requests.get(each, timeout=TIMEOUT_S).status_code for each in serving.urls] == [
        204
    ] * 2
    serving.stop()
    with pytest.raises(errors.SystemUnreachable, match="not started"):
        _ = serving.urls
    for url in (first, second):
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=TIMEOUT_S)


def test_a_port_that_is_taken_leaves_none_open() -> None:
    """The first port is let go when the second cannot be had."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = socket.create_server(("127.0.0.1", 0))
        other = free.getsockname()[1]
        free.close()
        serving = Serving(quiet, quiet, name="a pair", ports=(other, port))
        with pytest.raises(errors.SystemUnreachable, match=f"cannot listen on 127.0.0.1:{port}"):
            serving.start()
    with socket.create_server(("127.0.0.1", other)):
        pass


def test_answers_leave_at_once() -> None:
    """Nagle's wait for an acknowledgement would cost 40 ms for each answer in two pieces."""
    nodelay: list[int] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        transport = receive.__self__.transport  # type: ignore[attr-defined]
        own = transport.get_extra_info("socket")
        nodelay.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await quiet(scope, receive, send)

    serving = Serving(look, name="looks at itself")
    assert requests.get(serving.start(), timeout=TIMEOUT_S).status_code == 204
    serving.stop()
    assert [bool(each) for each in nodelay] == [True]
