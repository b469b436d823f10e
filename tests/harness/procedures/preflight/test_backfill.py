"""What a backfill would meet: workspace, deployment, pool and manifests; nothing is triggered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.settings import EnvironmentTable, Settings
from fixtures.procedures import prefect_server, preflight
from fixtures.procedures.preflight import backfill
from fixtures.procedures.preflight.finding import Finding, Look, State, blocked
from tests.harness.clients import test_prefect
from tests.harness.clients.test_prefect import Asked, Door, Said
from tests.harness.procedures.preflight.conftest import Install

WINDOWS = ({"run_date": "2026-01-01", "version": "1"},)
OTHER = "00000000-0000-4000-8000-0000000000{}"
READING = ("/filter", "/count", "/version", "/workers/filter", "/queues/filter")
CLOUD = "https://api.prefect.cloud/api/accounts/{}/workspaces/{}"


def deployment(**changes: Any) -> dict[str, Any]:
    return {
        "id": OTHER.format(11),
        "name": "hotpass-backfill",
        "global_concurrency_limit": {"limit": 2, "active": True, "active_slots": 0},
        "work_pool_name": "hotpass-e2e-staging",
        "paused": False,
        "parameter_openapi_schema": {"properties": {"runs": {}}},
        **changes,
    }


class Server:
    """A workspace in which everything is in its place, until a test spoils it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.version = "3.5.0"
        self.deployment: dict[str, Any] | None = deployment()
        self.worker_status = "ONLINE"
        self.paused = False
        self.status = 200
        door.say = self.answer

    def answer(self, asked: Asked) -> Said:
        """What this workspace answers."""
        now = datetime.now(UTC).isoformat()
        if self.status != 200:
            return Said(status=self.status, body={"detail": "no"})
        if asked.path == "/admin/version":
            return Said(body=self.version)
        if asked.path.startswith("/deployments/name/"):
            found = self.deployment
            return Said(body=found) if found else Said(status=404, body={"detail": "not found"})
        if asked.path.endswith("/workers/filter"):
            row = {"name": "w1", "status": self.worker_status, "last_heartbeat_time": now}
            return Said(body=[row])
        if asked.path.startswith("/work_pools/") and not asked.path.endswith("/filter"):
            return Said(body={"name": "p", "type": "process", "is_paused": self.paused})
        return Said(body=0 if asked.path.endswith("/count") else [])


@pytest.fixture
def server() -> Iterator[Server]:
    """Workspace that answers on loopback."""
    door = Door()
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Server(door)
    door.shutdown()
    thread.join()
    door.server_close()


@pytest.fixture
def look(look: Look, known: Settings) -> Look:
    """Live backfill with windows, in an environment of its own."""
    table = known.words.backfill.model_copy(update={"windows": WINDOWS})
    words = known.words.model_copy(update={"backfill": table})
    return replace(
        look,
        word="backfill",
        staging=True,
        settings=look.settings.model_copy(update={"words": words}),
        environment_name="hotpass-staging",
    )


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address or key of the operator's own."""
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)


def at(look: Look, server: Server, **changes: Any) -> Look:
    url = server.door.api_url
    return replace(
        look, environment=EnvironmentTable(provenance={}, prefect_api_url=url, **changes)
    )


def named(look: Look, name: str) -> Finding:
    [found] = [each for each in backfill.findings(look) if each.name.startswith(name)]
    return found


def test_everything_in_its_place(
    look: Look, server: Server, checkout: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server, deployment, pool with a worker, manifests: nothing blocks, nothing was made."""
    install("uv")
    monkeypatch.setattr(test_prefect, "DATE", format_datetime(datetime.now(UTC), usegmt=True))
    found = list(preflight.findings(replace(at(look, server), hotpass_root=checkout)))
    assert not blocked(found), [each for each in found if each.state is State.MISSING]
    told = {each.name: each.found for each in found}
    assert told["Prefect"] == f"3.5.0 at {server.door.api_url}"
    assert told["deployment hotpass-backfill/hotpass-backfill"].startswith("limit 2, ENQUEUE")
    assert told["work pool hotpass-e2e-staging"] == "process, 1 online: w1"
    assert told["manifest backfill"].startswith("prefect/backfill.yaml wins, limit 2")
    assert all(
        each.method == "GET" or each.path.endswith(READING) for each in server.door.asked
    ), server.door.asked


def test_clock_that_is_hours_off_blocks(look: Look, server: Server) -> None:
    """The made-up server lives hours ago: its runs could not be told from others'."""
    [found] = [each for each in preflight.findings(at(look, server)) if each.name == "clock"]
    assert found.state is State.MISSING
    assert "against prefect" in found.found


def test_what_it_would_start(look: Look, server: Server) -> None:
    """How many flow runs, in which workspace: the line that keeps an operator from a mistake."""
    line = preflight.would_start(at(look, server))[1]
    assert line.startswith("4 flow runs in workspace hotpass-staging (")
    one = replace(look, settings=look.settings.with_runs(1))
    assert preflight.would_start(one)[1].startswith("1 flow run in workspace hotpass-staging")


@pytest.mark.parametrize(
    ("runs", "state"),
    [(1, State.ATTENTION), (2, State.ATTENTION), (3, State.READY)],
)
def test_runs_against_the_limit(look: Look, checkout: Path, runs: int, state: State) -> None:
    """As many runs as the limit prove nothing: allowed, and said."""
    asked = replace(look, settings=look.settings.with_runs(runs), hotpass_root=checkout)
    found = named(asked, "flow runs to trigger")
    assert found.state is state
    assert found.state is State.READY or "--runs 4" in found.fix


@pytest.mark.parametrize(
    ("spoil", "name", "told"),
    [
        pytest.param({"version": "2.20.3"}, "Prefect", "Prefect 2.20.3: 2.x knows", id="2.x"),
        pytest.param({"version": "3.2.0"}, "Prefect", "from 3.4.11 on", id="too-old"),
        pytest.param({"status": 401}, "Prefect", "answered 401", id="wrong-key"),
        pytest.param({"deployment": None}, "deployment", "answered 404", id="no-deployment"),
        pytest.param(
            {"deployment": deployment(global_concurrency_limit=None)},
            "deployment",
            "no limit of its own",
            id="no-limit",
        ),
        pytest.param({"worker_status": "OFFLINE"}, "work pool", "none of 1", id="no-worker"),
        pytest.param({"paused": True}, "work pool", "it is paused", id="paused-pool"),
    ],
)
def test_what_blocks(
    look: Look, server: Server, spoil: dict[str, Any], name: str, told: str
) -> None:
    """Each with what was found and the fix, before the window."""
    for attribute, value in spoil.items():
        setattr(server, attribute, value)
    found = named(at(look, server), name)
    assert (found.state, told in found.found) == (State.MISSING, True), found
    assert found.fix


@pytest.mark.parametrize(
    "spoil", [{"paused": True}, {"work_pool_name": "elsewhere"}], ids=["paused", "other-pool"]
)
def test_deployment_that_needs_a_look(look: Look, server: Server, spoil: dict[str, Any]) -> None:
    """A paused deployment, or one whose runs go to another pool."""
    server.deployment = deployment(**spoil)
    assert named(at(look, server), "deployment").state is State.ATTENTION


def test_nobody_answers(look: Look) -> None:
    """An address where nobody is: one line, with whether a key is set; never its value."""
    environment = EnvironmentTable(provenance={}, prefect_api_url="http://127.0.0.1:9/api")
    found = named(replace(look, environment=environment), "Prefect")
    assert found.state is State.MISSING
    assert "PREFECT_API_KEY is not set" in found.expected


def test_key_stays_unsaid(look: Look, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that quotes the key back does not get it onto the screen."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_secret-value")
    server.door.say = lambda asked: Said(status=403, body={"detail": asked.authorization})
    found = list(backfill.findings(at(look, server)))
    assert "secret-value" not in json.dumps([repr(each) for each in found])
    assert any("PREFECT_API_KEY is set" in each.expected for each in found)


def test_other_workspace_is_not_even_asked(
    look: Look, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """The environment pins its workspace: another blocks, before any request."""
    pins = {"prefect": {"workspace": OTHER.format(22)}}
    monkeypatch.setenv("PREFECT_API_URL", CLOUD.format(OTHER.format(33), OTHER.format(44)))
    found = list(backfill.findings(at(look, server, identity=pins)))
    [refused] = [each for each in found if each.name == "workspace"]
    assert refused.state is State.MISSING
    assert OTHER.format(22) in refused.found
    assert not server.door.asked
    assert "Prefect" not in {each.name for each in found}


def test_nothing_is_configured(look: Look) -> None:
    """Every missing thing is a line of its own, and nobody is asked."""
    bare = look.settings.words.model_copy(
        update={"backfill": look.settings.words.backfill.model_copy(update={"windows": ()})}
    )
    settings = look.settings.model_copy(update={"words": bare})
    found = [
        each.name
        for each in backfill.findings(replace(look, settings=settings))
        if each.state is State.MISSING
    ]
    assert len(found) == 4
    assert any("windows" in each for each in found)


def test_dry_run_needs_prefect(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded server comes from a package: without it a dry run is BLOCKED."""
    dry = replace(look, staging=False)
    assert named(dry, "Prefect, embedded").state is State.READY
    monkeypatch.setattr(prefect_server, "installed", lambda: "")
    found = named(dry, "Prefect, embedded")
    assert (found.state, found.fix) == (State.MISSING, prefect_server.INSTALL)
    assert "Prefect server" in preflight.would_start(dry)[0]


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        pytest.param({"prefect/backfill.yaml": None}, "manifest", State.MISSING, id="none"),
        pytest.param(
            {"prefect/deployments/b.yaml": "id: backfill\nconcurrency_limit: 5\n"},
            "copies of backfill",
            State.ATTENTION,
            id="copies-disagree",
        ),
        pytest.param(
            {"prefect/backfill.yaml": "id: backfill\nparameters: {concurrency_key: a/b}\n"},
            "key a/b",
            State.ATTENTION,
            id="illegal-key",
        ),
        pytest.param(
            {"prefect/backfill.yaml": "id: backfill\n"}, "manifest", State.ATTENTION, id="no-limit"
        ),
    ],
)
def test_manifests(
    look: Look, checkout: Path, changes: dict[str, str | None], name: str, state: State
) -> None:
    """Which copy wins, whether the others agree, and a key that Prefect would refuse."""
    for path, text in changes.items():
        place = checkout / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text) if text is not None else place.unlink()
    found = named(replace(look, hotpass_root=checkout), name)
    assert found.state is state
    assert found.fix
