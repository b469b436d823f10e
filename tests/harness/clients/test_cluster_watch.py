"""A watch that says what it missed, against a server that breaks off, forgets and stammers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fixtures.clients.cluster import RUNNERS, Cluster
from fixtures.clients.cluster_watch import Seen, Watcher
from fixtures.core import errors
from fixtures.procedures.arc_stacks import kubeconfig
from fixtures.simulators.cluster import kinds, watching
from fixtures.simulators.cluster.access import ADMIN, Access
from fixtures.simulators.cluster.routes import ApiServer
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.store import Store
from fixtures.simulators.cluster.timeline import Timeline

NAMESPACE = "arc-staging"
LONGEST_S = 10.0


@pytest.fixture
def api() -> ApiServer:
    """Twin of the API server."""
    made = ApiServer(Store(Timeline()), Access(users={"tests": ADMIN}))
    made.store.add_namespace(NAMESPACE)
    return made


@pytest.fixture
def cluster(api: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    """Client of the twin, served for one test."""
    serving = Serving(api, name="API server of a test")
    url = serving.start()
    client = Cluster(
        kubeconfig=kubeconfig(tmp_path / "config", url, "tests"),
        context="simulated",
        server=url,
        timeout_s=2.0,
    )
    yield client
    client.close()
    serving.stop()


@pytest.fixture
def bookmarks_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet stream is told where it is after a twentieth of a second, not a whole one."""
    monkeypatch.setattr(watching, "BOOKMARK_S", 0.05)


@pytest.fixture
def seen() -> list[Seen]:
    """Everything a watch has seen."""
    return []


@pytest.fixture
def watcher(api: ApiServer, cluster: Cluster, seen: list[Seen]) -> Iterator[Watcher]:
    """Watch of the runners, not started."""
    made = Watcher(
        cluster,
        RUNNERS,
        NAMESPACE,
        see=seen.append,
        now=lambda: api.store.timeline.now,
        timeout_s=LONGEST_S,
        grace_s=1.0,
        backoff_s=0.005,
    )
    yield made
    made.stop()


def make(api: ApiServer, name: str) -> str:
    body = {"metadata": {"name": name}, "spec": {}}
    uid: str = api.store.create(kinds.RUNNERS, NAMESPACE, body)["metadata"]["uid"]
    return uid


def phase(api: ApiServer, name: str, told: str) -> None:
    api.store.patch(kinds.RUNNERS, NAMESPACE, name, {"status": {"phase": told}}, status=True)


def caught_up(watcher: Watcher, api: ApiServer) -> bool:
    last = api.store.version
    return watcher.wait_until(lambda version: int(version) >= last, timeout_s=LONGEST_S)


def told(seen: list[Seen]) -> list[tuple[str, str, str, str]]:
    return [
        (
            each.source,
            each.type,
            each.object["metadata"]["name"],
            each.object.get("status", {}).get("phase", ""),
        )
        for each in seen
    ]


def test_lists_then_watches(watcher: Watcher, api: ApiServer, seen: list[Seen]) -> None:
    """What was there comes from the list, what comes after from the watch; nothing twice."""
    make(api, "a")
    watcher.start()
    make(api, "b")
    phase(api, "b", "Pending")
    api.store.delete(kinds.RUNNERS, NAMESPACE, "a")
    assert caught_up(watcher, api)
    assert told(seen) == [
        ("list", "ADDED", "a", ""),
        ("watch", "ADDED", "b", ""),
        ("watch", "MODIFIED", "b", "Pending"),
        ("watch", "DELETED", "a", ""),
    ]


@pytest.mark.parametrize("fault", ["drop_watches", "half_lines"])
def test_broken_streams_lose_nothing(
    watcher: Watcher, api: ApiServer, seen: list[Seen], fault: str
) -> None:
    """An event cut off comes again after the reconnect, once; there is no gap."""
    watcher.start()
    setattr(api.faults, fault, 2)
    make(api, "a")
    for each in ("Pending", "Running"):
        phase(api, "a", each)
        assert caught_up(watcher, api)
    assert [each[3] for each in told(seen)] == ["", "Pending", "Running"]
    assert watcher.tally.reconnects == 2
    assert watcher.tally.gaps == []


def test_forgotten_history_is_a_gap(
    watcher: Watcher, api: ApiServer, seen: list[Seen], bookmarks_come_soon: None
) -> None:
    """After 410 the collection is listed anew; what changed is told, and that some may be lost."""
    make(api, "gone")
    make(api, "changed")
    watcher.start()
    assert caught_up(watcher, api)
    with api.store.timeline.lock:
        api.store.delete(kinds.RUNNERS, NAMESPACE, "gone")
        phase(api, "changed", "Pending")
        phase(api, "changed", "Running")
        make(api, "new")
        api.faults.expire_watches = True
        api.bell.ring()
        api.store.forget()
    assert caught_up(watcher, api)
    assert told(seen)[2:] == [
        ("relist", "DELETED", "gone", ""),
        ("relist", "MODIFIED", "changed", "Running"),
        ("relist", "ADDED", "new", ""),
    ]
    assert (watcher.tally.relists, len(watcher.tally.gaps)) == (1, 1)
    assert "too old resource version" in watcher.tally.gaps[0].reason


def test_server_that_comes_back_is_asked_on(
    watcher: Watcher, api: ApiServer, seen: list[Seen]
) -> None:
    """While it is gone the watch tries again; what happened meanwhile is seen in order."""
    watcher.start()
    api.faults.gone_until = api.store.timeline.now + timedelta(seconds=30)
    api.faults.drop_watches = 1
    make(api, "a")
    phase(api, "a", "Pending")
    api.store.timeline.advance(31)
    assert caught_up(watcher, api)
    assert [each[1] for each in told(seen)] == ["ADDED", "MODIFIED"]
    assert watcher.tally.reconnects > 0
    assert watcher.tally.gaps == []


def test_clean_end_goes_on(api: ApiServer, cluster: Cluster, seen: list[Seen]) -> None:
    """A watch that the server ends in order is opened again from where it was."""
    short = Watcher(
        cluster,
        RUNNERS,
        NAMESPACE,
        see=seen.append,
        now=lambda: api.store.timeline.now,
        timeout_s=1.0,
        grace_s=1.0,
        backoff_s=0.005,
    )
    short.start()
    opened = 0
    while short.tally.reconnects == 0 and opened < 100:
        opened += 1
        short.wait_until(lambda _: False, timeout_s=0.1)
    make(api, "a")
    assert caught_up(short, api)
    short.stop()
    assert [each[1] for each in told(seen)] == ["ADDED"]
    assert short.tally.gaps == []


def test_deaf_connection_is_given_up(api: ApiServer, cluster: Cluster, seen: list[Seen]) -> None:
    """Silence beyond what the server may take ends the connection; the next one hears."""
    deaf = Watcher(
        cluster,
        RUNNERS,
        NAMESPACE,
        see=seen.append,
        now=lambda: api.store.timeline.now,
        timeout_s=60.0,
        grace_s=-59.8,
        backoff_s=0.005,
    )
    api.faults.mute_watches = True
    deaf.start()
    make(api, "a")
    while not deaf.tally.troubles:
        deaf.wait_until(lambda _: False, timeout_s=0.05)
    api.faults.mute_watches = False
    assert caught_up(deaf, api)
    deaf.stop()
    assert [each[1] for each in told(seen)] == ["ADDED"]
    assert "Timeout" in deaf.tally.troubles[0]


def test_bookmarks_carry_on_without_events(
    watcher: Watcher, api: ApiServer, bookmarks_come_soon: None
) -> None:
    """A quiet collection in a busy cluster: the version moves, so it is not forgotten."""
    watcher.start()
    api.store.add_namespace("elsewhere")
    assert caught_up(watcher, api)
    assert watcher.tally.events == 0
    assert watcher.tally.bookmarks > 0


def test_forbidden_watch_is_told_before_it_begins(watcher: Watcher, api: ApiServer) -> None:
    """A list that is refused is an error of the start, not a silent thread."""
    api.access.denied.add(("list", "ephemeralrunners"))
    with pytest.raises(errors.SystemRefused):
        watcher.start()


def test_many_transitions_are_all_seen(watcher: Watcher, api: ApiServer, seen: list[Seen]) -> None:
    """Two hundred runners through three phases: each transition once, in its order."""
    watcher.start()
    names = [f"r{number:03}" for number in range(200)]
    for name in names:
        make(api, name)
        for each in ("Pending", "Running"):
            phase(api, name, each)
        api.store.delete(kinds.RUNNERS, NAMESPACE, name)
    assert caught_up(watcher, api)
    by_name: dict[str, list[str]] = {}
    for _, kind, name, now in told(seen):
        by_name.setdefault(name, []).append(now if kind != "DELETED" else "gone")
    assert by_name == {name: ["", "Pending", "Running", "gone"] for name in names}
