"""A door between client and server that answers for it now and then.

Covers: 429 with Retry-After, a key that is not taken, a server that says it is older.
Not here: the server, which is real.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

KEPT = ("content-type", "date", "retry-after")


@dataclass(slots=True)
class Between:
    """Passes requests on, and says something else on cue."""

    upstream: str
    """Scheme, host and port of the server."""
    busy: int = 0
    """How often each new request is answered 429 first; -1: for ever."""
    refuse: bool = False
    """Whether no key is taken."""
    version: str = ""
    """What it says its version is; empty: the server's own."""
    asked: list[str] = field(default_factory=list)
    _answered: dict[str, int] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it stands."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Open on a free loopback port."""
        between = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                between.answer(self)

            def do_POST(self) -> None:
                between.answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, door: BaseHTTPRequestHandler) -> None:
        """Answer one request, or have the server answer it."""
        size = int(door.headers.get("content-length") or 0)
        body = door.rfile.read(size)
        self.asked.append(f"{door.command} {door.path}")
        if self.refuse:
            return self._say(door, 401, b'{"exception_message":"Unauthorized"}')
        if self.version and door.path.endswith("/admin/version"):
            return self._say(door, 200, f'"{self.version}"'.encode())
        same = f"{door.command} {door.path} {body!r}"
        before = self._answered.get(same, 0)
        if self.busy < 0 or before < self.busy:
            self._answered[same] = before + 1
            return self._say(door, 429, b"{}", retry_after="0")
        try:
            passed = requests.request(
                door.command,
                f"{self.upstream}{door.path}",
                data=body,
                headers={"content-type": "application/json"},
                timeout=30,
            )
        except requests.ConnectionError:
            # Nobody there: what asked hears nothing either.
            door.close_connection = True
            return None
        return self._say(door, passed.status_code, passed.content)

    @staticmethod
    def _say(
        door: BaseHTTPRequestHandler, status: int, body: bytes, *, retry_after: str = ""
    ) -> None:
        door.send_response(status)
        door.send_header("content-type", "application/json")
        door.send_header("content-length", str(len(body)))
        if retry_after:
            door.send_header("retry-after", retry_after)
        door.end_headers()
        door.wfile.write(body)
