"""The Prefect client against a door that answers as told: pages, refusals, patience, secrets."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from fixtures.clients.prefect import EVENTS_A_PAGE, ROWS_A_PAGE, Prefect
from fixtures.clients.prefect_rest import Credentials, Rest
from fixtures.core import errors

DATE = "Sun, 22 Nov 2026 01:00:00 GMT"
KEY = "pnu_made-up-for-a-test-0123456789"
RUN = "00000000-0000-4000-8000-000000000001"


@dataclass(slots=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    body: Any
    authorization: str | None


@dataclass(slots=True)
class Said:
    """One answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


class Door(http.server.ThreadingHTTPServer):
    """Answers what ``say`` makes of a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say: Callable[[Asked], Said] = lambda _: Said()
        self.asked: list[Asked] = []

    @property
    def api_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}/api"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(size)
        asked = Asked(
            self.command,
            self.path.removeprefix("/api"),
            json.loads(raw) if raw else None,
            self.headers.get("authorization"),
        )
        self.server.asked.append(asked)
        said = self.server.say(asked)
        data = (said.text if said.text is not None else json.dumps(said.body)).encode()
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(data)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - inherited
        return DATE

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(slots=True)
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The time so far."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(scope="module")
def running_door() -> Iterator[Door]:
    """Door of a Prefect API, once for all tests of this module."""
    with Door() as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield door
        door.shutdown()
        thread.join()


@pytest.fixture
def door(running_door: Door) -> Door:
    """Door of a Prefect API, nothing asked yet."""
    running_door.asked.clear()
    return running_door


@pytest.fixture
def clock() -> FakeClock:
    """Clock that nobody has to wait for."""
    return FakeClock()


@pytest.fixture
def prefect(door: Door, clock: FakeClock) -> Iterator[Prefect]:
    """Client of the door, with a key."""
    rest = Rest(door.api_url, credentials=Credentials(api_key=KEY), patience_s=60.0, clock=clock)
    yield Prefect(rest)
    rest.close()


def log_row(number: int) -> dict[str, Any]:
    return {"id": f"{number:04}", "timestamp": f"2026-11-22T01:00:00.{number:06}Z", "message": ""}


def paged(rows: list[dict[str, Any]]) -> Callable[[Asked], Said]:
    def say(asked: Asked) -> Said:
        begin, many = asked.body["offset"], asked.body["limit"]
        return Said(body=rows[begin : begin + many])

    return say


@pytest.mark.parametrize("count", [0, 1, ROWS_A_PAGE - 1, ROWS_A_PAGE, ROWS_A_PAGE + 1, 1508])
def test_logs_are_joined_whole(door: Door, prefect: Prefect, count: int) -> None:
    """Every line is there, in order, however the pages fall."""
    rows = [log_row(number) for number in range(count)]
    door.say = paged(rows)
    assert prefect.logs(RUN) == rows
    assert {asked.body["limit"] for asked in door.asked} == {ROWS_A_PAGE}


def test_lines_that_shift_between_pages_stand_once(door: Door, prefect: Prefect) -> None:
    """A line that arrives while pages are read pushes another one onto two of them."""
    rows = [log_row(number) for number in range(ROWS_A_PAGE + 1)]
    pages = [rows[:ROWS_A_PAGE], rows[ROWS_A_PAGE - 1 :]]
    door.say = lambda _: Said(body=pages[len(door.asked) - 1])
    assert prefect.logs(RUN) == rows


def test_lines_come_back_in_order(door: Door, prefect: Prefect) -> None:
    """The order is that of the stamps, not that of the answer."""
    door.say = paged([log_row(2), log_row(1)])
    assert [row["id"] for row in prefect.logs(RUN)] == ["0001", "0002"]


def test_lines_are_counted_by_another_way(door: Door, prefect: Prefect) -> None:
    """A line break inside a message makes no second line."""
    text = 'timestamp,level,flow_run_id,task_run_id,message\n1,20,a,,"one\ntwo"\n2,20,a,,three\n'
    door.say = lambda _: Said(text=text)
    assert prefect.log_lines(RUN) == 2


def test_events_follow_the_next_page(door: Door, prefect: Prefect) -> None:
    """Later pages are asked for on our own address, whatever the server thinks it is."""
    first = {"id": "b", "occurred": "2026-11-22T01:00:01Z"}
    second = {"id": "a", "occurred": "2026-11-22T01:00:00Z"}

    def say(asked: Asked) -> Said:
        if asked.method == "POST":
            assert asked.body["limit"] == EVENTS_A_PAGE
            return Said(body={"events": [first], "next_page": "http://elsewhere/next?page=xyz"})
        assert asked.path == "/events/filter/next?page=xyz"
        return Said(body={"events": [second, first], "next_page": None})

    door.say = say
    moment = datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert prefect.events(prefix="prefect.x", since=moment, until=moment) == [second, first]


def test_limits_are_told_apart(door: Door, prefect: Prefect) -> None:
    """A global limit, a deployment's and a tag's have addresses of their own."""
    door.say = lambda _: Said(status=404, body={"detail": "Not Found"})
    assert prefect.limit("hotpass/backfill") is None
    assert prefect.limit(f"deployment:{RUN}") is None
    assert prefect.tag_limit("database") is None
    assert [asked.path for asked in door.asked] == [
        "/v2/concurrency_limits/hotpass%2Fbackfill",
        f"/v2/concurrency_limits/deployment%3A{RUN}",
        "/concurrency_limits/tag/database",
    ]


def test_deployment_name_needs_its_flow(door: Door, prefect: Prefect) -> None:
    """The plan's bare name is refused before anybody is asked."""
    with pytest.raises(errors.SettingsInvalid, match="names no flow"):
        prefect.deployment("hotpass-backfill")
    assert not door.asked


@pytest.mark.parametrize(("status", "created"), [(201, True), (200, False)])
def test_old_run_under_our_key_is_told(
    door: Door, prefect: Prefect, status: int, created: bool
) -> None:
    """A key used before answers 200 with the old run and its old parameters."""
    door.say = lambda _: Said(status=status, body={"id": RUN})
    made = prefect.create_flow_run("d", parameters={"x": 1}, key="k", tags=["t"], name="n")
    assert (made.run["id"], made.created) == (RUN, created)
    assert door.asked[0].body["idempotency_key"] == "k"


def test_parameters_of_another_type_are_refused(door: Door, prefect: Prefect) -> None:
    """409 comes back with the server's reason and a hint."""
    reason = "Validation failed for field 'x'. Failure reason: 'abc' is not of type 'integer'"
    door.say = lambda _: Said(status=409, body={"detail": reason})
    with pytest.raises(errors.SystemRefused, match="not of type") as refused:
        prefect.create_flow_run("d", parameters={"x": "abc"}, key="k", tags=[], name="n")
    assert "parameter schema" in refused.value.hint


def test_retry_after_is_obeyed(door: Door, prefect: Prefect, clock: FakeClock) -> None:
    """As long as the server asks for, in seconds or as a time of day by its own clock."""
    waits = ["7", "Sun, 22 Nov 2026 01:00:05 GMT"]

    def say(_: Asked) -> Said:
        number = len(door.asked) - 1
        if number < len(waits):
            return Said(status=429, headers={"Retry-After": waits[number]})
        return Said(body={"id": "pool"})

    door.say = say
    assert prefect.work_pool("p") == {"id": "pool"}
    assert clock.slept == [7.0, 5.0]


def test_patience_has_an_end(door: Door, prefect: Prefect, clock: FakeClock) -> None:
    """A storm of 429 ends in an error that says how long it lasted, and sleeps no further."""
    door.say = lambda _: Said(status=429, headers={"Retry-After": "25"})
    with pytest.raises(errors.SystemRefused, match=r"429 for 50 s, 3 times, and asks for 25 s"):
        prefect.work_pool("p")
    assert clock.now == 50.0


def test_locked_database_is_asked_again(door: Door, prefect: Prefect, clock: FakeClock) -> None:
    """503 is what a server on SQLite says while its database is locked: it soon works."""
    door.say = lambda _: Said(status=503) if len(door.asked) < 4 else Said(body={"id": "pool"})
    assert prefect.work_pool("p") == {"id": "pool"}
    assert clock.slept == [0.25, 0.5, 1.0]


def test_what_must_not_be_asked_twice_is_not(door: Door, prefect: Prefect) -> None:
    """After a 503 something may have been made: only what is harmless is asked again."""
    door.say = lambda _: Said(status=503, body={})
    with pytest.raises(errors.SystemRefused, match="503"):
        prefect.rest.ask("POST", "/flows/", body={}, again=False)
    assert len(door.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_refusals_never_quote_the_key(door: Door, prefect: Prefect, status: int) -> None:
    """A server may quote the header back; an error must not."""
    door.say = lambda asked: Said(status=status, body={"detail": f"no: {asked.authorization}"})
    with pytest.raises(errors.SystemRefused, match=str(status)) as refused:
        prefect.work_pool("p")
    assert door.asked[0].authorization == f"Bearer {KEY}"
    assert KEY not in str(refused.value)
    assert KEY not in f"{prefect.rest!r}{Credentials(api_key=KEY)!r}"


def test_servers_own_authentication_is_basic() -> None:
    """A server's user and password go as basic authentication, never as a bearer's key."""
    header = Credentials(auth_string="user:made-up-pass").header
    assert header["Authorization"].startswith("Basic ")
    assert Credentials().header == {}


@pytest.mark.parametrize(
    ("version", "told"),
    [
        pytest.param("2.20.26", "2.x knows no deployment concurrency limit", id="2"),
        pytest.param("3.0.0", "from 3.4.11 on", id="3-without-lease-renewal"),
        pytest.param("4.0.0", "written for 3.x", id="4"),
        pytest.param("nightly", "written for 3.x", id="no-version"),
    ],
)
def test_other_versions_are_refused(door: Door, prefect: Prefect, version: str, told: str) -> None:
    """A server this harness was not written for is named, with its version."""
    door.say = lambda _: Said(body=version)
    with pytest.raises(errors.SystemRefused, match=told) as refused:
        prefect.rest.version()
    assert version in refused.value.message


@pytest.mark.parametrize("version", ["3.4.11", "3.8.8", "3.9.0+12.gabc"])
def test_versions_that_are_taken(door: Door, prefect: Prefect, version: str) -> None:
    """Any 3.x from the first that renews leases; and a read that needs the key was made."""
    door.say = lambda _: Said(body=version)
    assert prefect.rest.version() == version
    assert [asked.path for asked in door.asked] == ["/admin/version", "/deployments/count"]


def test_servers_clock_is_its_date_header(door: Door, prefect: Prefect) -> None:
    """States are stamped by the server: its clock counts, not ours."""
    door.say = lambda _: Said(body=0)
    assert prefect.now() == datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(text="<html>"), id="web-page"),
        pytest.param(Said(body={"rows": []}), id="no-list"),
        pytest.param(Said(body=["row"]), id="list-of-texts"),
    ],
)
def test_other_payloads_are_unreadable(door: Door, prefect: Prefect, said: Said) -> None:
    """What is not Prefect's answer is no empty one."""
    door.say = lambda _: said
    with pytest.raises(errors.PayloadUnreadable):
        prefect.flow_runs({})


def test_nobody_there_is_unreachable(door: Door, clock: FakeClock) -> None:
    """A closed port is told with its address, after one more try."""
    rest = Rest("http://127.0.0.1:9/api", timeout_s=1.0, clock=clock)
    with pytest.raises(errors.SystemUnreachable, match=r"127\.0\.0\.1:9"):
        rest.ask("GET", "/admin/version")
