"""Which servers the contract is held against, and how a claim talks to them.

Covers: our twin always, the real one where it is named or asked for; posting an event, reading a
path.
Not here: how a real one is started (``real_marquez.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests

if TYPE_CHECKING:
    from pytest_docker.plugin import Services

    from fixtures.procedures.compose.project import Running

ABSENT = object()
"""Stands for a field to leave out."""

ASKED = "LAUNCH_REAL_MARQUEZ"
JOB = "refine"
TIMEOUT_S = 60
"""A real server is slow with many runs: its issues tell of graphs that took 15 s."""

Emit = Callable[..., requests.Response]
Get = Callable[..., requests.Response]
Post = Callable[..., requests.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under contract."""

    admin_url: str | None
    """None when no admin port is known."""

    api_url: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options for what needs more than Python packages."""
    parser.addoption(
        "--tools",
        action="store_true",
        help="also try what needs a download, Java or PostgreSQL: `tox -e contract` does",
    )
    parser.addoption(
        "--compose",
        action="store_true",
        help="also hold the contract against containers: an engine, Compose v2 and images",
    )
    parser.addoption(
        "--real-marquez",
        action="store_true",
        help="start a real Marquez (Java, PostgreSQL, Maven) and hold the contract against it",
    )


@pytest.fixture
def tools(request: pytest.FixtureRequest) -> None:
    """Leave to do what needs more than Python packages: downloads, Java, PostgreSQL."""
    if not request.config.getoption("--tools"):
        pytest.skip("needs a download, Java or PostgreSQL: run `uv run tox -e contract`")


@pytest.fixture(scope="session")
def composed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Our Compose stack, brought up once for this session."""
    if not request.config.getoption("--compose"):
        pytest.skip("needs a container engine: run with --compose, see tests/README.md")
    from tests.contract import containers

    with containers.running(tmp_path_factory.mktemp("compose")) as up:
        yield up


@pytest.fixture(scope="session")
def docker_services(composed: Running) -> Services:
    """The Compose stack by pytest-docker's name for it; taken down also when half up."""
    from tests.contract import containers

    return containers.services_of(composed)


@pytest.fixture(scope="session")
def launched_marquez() -> Iterator[Target]:
    """A real Marquez started for this session, with an empty database."""
    from tests.contract import real_marquez

    with real_marquez.serve() as running:
        yield Target(admin_url=running.admin_url, api_url=running.api_url)


@pytest.fixture(params=["recorder", "container", "real"], scope="module")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """One server: the recorder; what a container serves, and a real Marquez, when asked for."""
    if request.param == "recorder":
        # Not at the top: this file is read whenever pytest starts, whatever it then runs.
        from fixtures.simulators.marquez import door
        from fixtures.simulators.marquez.state import Recorder

        with door.serve(Recorder()) as doors:
            yield Target(admin_url=doors.admin_url, api_url=doors.api_url)
    elif request.param == "container":
        services: Services = request.getfixturevalue("docker_services")
        yield Target(
            admin_url=f"http://127.0.0.1:{services.port_for('marquez', 5001)}",
            api_url=f"http://127.0.0.1:{services.port_for('marquez', 5000)}",
        )
    elif os.environ.get("MARQUEZ_URL"):
        yield Target(
            admin_url=os.environ.get("MARQUEZ_ADMIN_URL"),
            api_url=os.environ["MARQUEZ_URL"].rstrip("/"),
        )
    elif request.config.getoption("--real-marquez") or os.environ.get(ASKED) == "1":
        yield request.getfixturevalue("launched_marquez")
    else:
        pytest.skip(
            "no real Marquez: name one with MARQUEZ_URL (and MARQUEZ_ADMIN_URL), or start one "
            f"with --real-marquez or {ASKED}=1"
        )


@pytest.fixture
def emit(post: Post, namespace: str) -> Emit:
    """Poster of one run event: ``emit("START", run_id, outputs=["d"])``; ``raw`` overrides."""

    def send(
        kind: str | None,
        run_id: str,
        *,
        at: str = "2026-11-22T01:00:00Z",
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        job: str = JOB,
        raw: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        event: dict[str, Any] = {
            "eventType": kind,
            "eventTime": at,
            "producer": "https://example.org/contract",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id},
            "job": {"namespace": namespace, "name": job},
            "inputs": [{"namespace": namespace, "name": name} for name in inputs],
            "outputs": [{"namespace": namespace, "name": name} for name in outputs],
        }
        body = {**event, **(raw or {})}
        return post(json={key: value for key, value in body.items() if value is not ABSENT})

    return send


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Connections of one test, kept between its requests."""
    with requests.Session() as made:
        yield made


@pytest.fixture
def get(target: Target, session: requests.Session) -> Get:
    """Reader of one path, each part percent-encoded: ``get("jobs", "runs", run_id)``."""

    def fetch(*parts: str, **query: object) -> requests.Response:
        path = "/".join(quote(part, safe="") for part in parts)
        params = {key: str(value) for key, value in query.items()}
        return session.get(f"{target.api_url}/api/v1/{path}", params=params, timeout=TIMEOUT_S)

    return fetch


@pytest.fixture
def namespace() -> str:
    """A namespace nobody else uses, so that a shared server is safe to test on."""
    return f"contract-{uuid4().hex}"


@pytest.fixture
def post(target: Target, session: requests.Session) -> Post:
    """Poster of any body: ``post(json=event)``, or ``post("text")`` as if it were JSON."""

    def send(
        data: str | None = None, *, json: object = None, kind: str = "application/json"
    ) -> requests.Response:
        url = f"{target.api_url}/api/v1/lineage"
        if data is None:
            return session.post(url, json=json, timeout=TIMEOUT_S)
        headers = {"content-type": kind}
        return session.post(url, data=data.encode(), headers=headers, timeout=TIMEOUT_S)

    return send


@pytest.fixture
def run_id() -> str:
    """A fresh run id."""
    return str(uuid4())
