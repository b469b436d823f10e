"""The contract of watches: from which version, what is told, what is forgotten.

Covers: the recorded watch lines and expiries, against the twin; a real server's history cannot be
made to expire on demand, so nothing here runs against one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.cluster import RUNNERS, Answer, Cluster
from fixtures.evidence import canonical
from fixtures.procedures.arc_stacks import kubeconfig
from fixtures.simulators.cluster import kinds
from fixtures.simulators.cluster.access import ADMIN, Access
from fixtures.simulators.cluster.routes import ApiServer
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.store import Store
from fixtures.simulators.cluster.timeline import Timeline

RECORDED = canonical.read(
    (Path(__file__).parent / "recordings" / "kube-apiserver.json").read_bytes()
)
NAMESPACE = "arc-staging"
PATH = RUNNERS.path(NAMESPACE)


@pytest.fixture
def api() -> ApiServer:
    """Twin of the API server, not served: its state is at hand."""
    made = ApiServer(Store(Timeline()), Access(users={"contract": ADMIN}))
    made.store.add_namespace(NAMESPACE)
    return made


@pytest.fixture
def cluster(api: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    """Client of the twin, served for one test."""
    serving = Serving(api, name="API server under contract")
    url = serving.start()
    client = Cluster(
        kubeconfig=kubeconfig(tmp_path / "config", url, "contract"),
        context="simulated",
        server=url,
        timeout_s=5,
    )
    yield client
    client.close()
    serving.stop()


def make(api: ApiServer, *, labels: dict[str, str] | None = None) -> dict[str, Any]:
    told = {"generateName": "runner-", "labels": labels or {}}
    return api.store.create(kinds.RUNNERS, NAMESPACE, {"metadata": told, "spec": {}})


def watched(cluster: Cluster, **query: str) -> list[dict[str, Any]]:
    """The lines of a watch that the server ends by itself after a second."""
    answer = cluster.stream(
        PATH,
        query={"watch": "true", "timeoutSeconds": "1", **query},
        accept="application/json",
        read_timeout_s=5,
    )
    return [json.loads(line) for line in answer.read().splitlines()]


def watched_until(cluster: Cluster, last: Mapping[str, Any], **query: str) -> list[dict[str, Any]]:
    """The lines of a watch before that of an object which was made last."""
    answer = cluster.stream(
        PATH, query={"watch": "true", **query}, accept="application/json", read_timeout_s=5
    )
    held, told = b"", list[dict[str, Any]]()
    for chunk in answer.stream(1, decode_content=False):
        held += chunk
        if chunk == b"\n":
            line, held = json.loads(held), b""
            if line["object"]["metadata"]["uid"] == last["metadata"]["uid"]:
                break
            told.append(line)
    else:
        pytest.fail("the watch ended before it came to the last object")
    answer.close()
    return told


def test_without_a_version_what_is_there_is_told_first(api: ApiServer, cluster: Cluster) -> None:
    """Synthetic ADDED lines, as recorded: no evidence of an order."""
    make(api)
    make(api)
    lines = watched(cluster)
    recorded = RECORDED["watch_no_rv"]["lines"]
    assert [each["type"] for each in lines] == [each["type"] for each in recorded]
    assert all(each["object"]["kind"] == "EphemeralRunner" for each in lines)


def test_from_a_version_only_what_came_after(api: ApiServer, cluster: Cluster) -> None:
    """Nothing twice, nothing left out."""
    make(api)
    listing = cluster.list(RUNNERS, NAMESPACE)
    later = make(api)
    lines = watched(cluster, resourceVersion=listing.resource_version)
    assert [(each["type"], each["object"]["metadata"]["uid"]) for each in lines] == [
        ("ADDED", later["metadata"]["uid"])
    ]


def test_too_old_a_version_is_told_in_the_stream(api: ApiServer, cluster: Cluster) -> None:
    """HTTP 200 and one ERROR line with code 410, as recorded."""
    api.store.forget()
    (line,) = watched(cluster, resourceVersion="1")
    (recorded,) = RECORDED["watch_old_rv"]["lines"]
    assert line["type"] == recorded["type"]
    message = line["object"].pop("message")
    assert message.startswith("too old resource version: 1 (")
    assert {**line["object"], "message": ""} == {**recorded["object"], "message": ""}


def test_expired_page_tokens(api: ApiServer, cluster: Cluster) -> None:
    """HTTP 410 with a fresh token, as recorded."""
    make(api)
    make(api)
    first = cluster.request("GET", PATH, query={"limit": "1"})
    token = first.body["metadata"]["continue"]
    api.store.forget()
    same(
        cluster.request("GET", PATH, query={"limit": "1", "continue": token}), "list_continue_410"
    )


def test_exact_lists_of_the_past(api: ApiServer, cluster: Cluster) -> None:
    """HTTP 410, as recorded."""
    make(api)
    exact = {"resourceVersion": "1", "resourceVersionMatch": "Exact"}
    same(cluster.request("GET", PATH, query=exact), "list_exact_old")


def test_leaving_a_selection_is_a_deletion(api: ApiServer, cluster: Cluster) -> None:
    """To a watch with a selector an object whose label changes is gone."""
    made = make(api, labels={"set": "a"})
    version = made["metadata"]["resourceVersion"]
    name = made["metadata"]["name"]
    api.store.patch(kinds.RUNNERS, NAMESPACE, name, {"metadata": {"labels": {"set": "b"}}})
    for label, told in (("a", "DELETED"), ("b", "ADDED")):
        last = make(api, labels={"set": label})
        lines = watched_until(cluster, last, resourceVersion=version, labelSelector=f"set={label}")
        assert [each["type"] for each in lines] == [told]


def test_last_finalizer_ends_it(api: ApiServer, cluster: Cluster) -> None:
    """Deletion is MODIFIED while a finalizer holds, and DELETED with a version of its own."""
    body = {"metadata": {"name": "held", "finalizers": ["a.b/c"]}, "spec": {}}
    made = api.store.create(kinds.RUNNERS, NAMESPACE, body)
    api.store.delete(kinds.RUNNERS, NAMESPACE, "held")
    kept = api.store.patch(kinds.RUNNERS, NAMESPACE, "held", {"metadata": {"finalizers": []}})
    version = made["metadata"]["resourceVersion"]
    lines = watched_until(cluster, make(api), resourceVersion=version)
    assert [each["type"] for each in lines] == ["MODIFIED", "DELETED"]
    last = lines[-1]["object"]["metadata"]["resourceVersion"]
    assert int(last) > int(kept["metadata"]["resourceVersion"])


def test_owned_objects_go_with_their_owner(api: ApiServer) -> None:
    """What the garbage collector does in a real cluster."""
    owner = make(api)
    reference = {"uid": owner["metadata"]["uid"], "kind": "EphemeralRunner", "name": "x"}
    pod = {"metadata": {"name": "p", "ownerReferences": [reference]}, "spec": {"containers": []}}
    api.store.create(kinds.PODS, NAMESPACE, pod)
    api.store.delete(kinds.RUNNERS, NAMESPACE, owner["metadata"]["name"])
    assert api.store.items(kinds.PODS, NAMESPACE) == []


def test_memory_stays_flat() -> None:
    """History is kept up to a limit; before that a watch is told 410, never a gap in silence."""
    store = Store(Timeline(), events_kept=50)
    store.add_namespace(NAMESPACE)
    store.create(kinds.RUNNERS, NAMESPACE, {"metadata": {"name": "busy"}, "spec": {}})
    first = store.version
    for number in range(200):
        told = {"status": {"runnerId": number}}
        store.patch(kinds.RUNNERS, NAMESPACE, "busy", told, status=True)
    assert len(store.since(kinds.RUNNERS, store.version - 50)) == 50
    for version in (first, store.version - 51):
        with pytest.raises(Exception, match="too old resource version"):
            store.since(kinds.RUNNERS, version)


def same(answer: Answer, name: str) -> None:
    recorded = RECORDED[name]
    assert answer.status == recorded["status"]
    told, expected = dict(answer.body), dict(recorded["body"])
    assert told.pop("metadata").keys() == expected.pop("metadata").keys()
    assert told == expected
