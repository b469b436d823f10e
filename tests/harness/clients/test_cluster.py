"""The cluster client against the twin: identity first, dicts, secrets by metadata, patience."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fixtures.clients.cluster import PODS, RUNNERS, SECRETS, Cluster, Resource
from fixtures.core import errors
from fixtures.procedures.arc_stacks import kubeconfig
from fixtures.simulators.cluster import kinds
from fixtures.simulators.cluster.access import ADMIN, Access
from fixtures.simulators.cluster.routes import ApiServer
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.store import Store
from fixtures.simulators.cluster.timeline import Timeline

NAMESPACE = "arc-staging"


@pytest.fixture
def api() -> ApiServer:
    """Twin of the API server, with one namespace and the system's."""
    made = ApiServer(Store(Timeline()), Access(users={"tests": ADMIN}))
    made.store.add_namespace("kube-system")
    made.store.add_namespace(NAMESPACE)
    return made


@pytest.fixture
def url(api: ApiServer) -> Iterator[str]:
    """Where the twin answers."""
    serving = Serving(api, name="API server of a test")
    yield serving.start()
    serving.stop()


@pytest.fixture
def cluster(api: ApiServer, url: str, tmp_path: Path) -> Iterator[Cluster]:
    """Client with the twin's own clock."""
    client = Cluster(
        kubeconfig=kubeconfig(tmp_path / "config", url, "tests"),
        context="simulated",
        server=url,
        timeout_s=2.0,
        now=lambda: api.store.timeline.now,
    )
    yield client
    client.close()


def test_another_server_is_refused(url: str, tmp_path: Path) -> None:
    """A context that leads elsewhere is not asked anything; its address is not told either."""
    config = kubeconfig(tmp_path / "config", url, "tests")
    with pytest.raises(errors.IdentityRefused) as refused:
        Cluster(kubeconfig=config, context="simulated", server="https://staging.example")
    assert url not in str(refused.value)


@pytest.mark.parametrize("context", ["production", ""])
def test_context_is_named_never_the_current_one(url: str, tmp_path: Path, context: str) -> None:
    """A context that is not there is an error, not a fall-back."""
    config = kubeconfig(tmp_path / "config", url, "tests")
    if not context:
        config.write_text(config.read_text().replace("current-context", "x-context"))
    with pytest.raises(errors.SystemUnreachable):
        Cluster(kubeconfig=config, context=context, server=url)


def test_missing_configuration_is_told(tmp_path: Path) -> None:
    """No file, no guess."""
    with pytest.raises(errors.SystemUnreachable, match="cannot be used"):
        Cluster(kubeconfig=tmp_path / "none", context="simulated", server="http://x")


def test_identity_is_what_proves_which_cluster_it_is(cluster: Cluster, api: ApiServer) -> None:
    """The uid of kube-system, and the server's version."""
    system = api.store.read(kinds.NAMESPACES, "", "kube-system")
    assert cluster.identity() == {
        "server version": "v1.33.0-simulated",
        "cluster uid": system["metadata"]["uid"],
    }


def test_lists_are_whole(
    cluster: Cluster, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are joined; the version to watch from is the last page's."""
    monkeypatch.setattr("fixtures.clients.cluster.ITEMS_A_PAGE", 2)
    for number in range(5):
        body = {"metadata": {"name": f"r{number}"}, "spec": {}}
        api.store.create(kinds.RUNNERS, NAMESPACE, body)
    listing = cluster.list(RUNNERS, NAMESPACE)
    assert [each["metadata"]["name"] for each in listing.items] == [f"r{n}" for n in range(5)]
    assert listing.resource_version == str(api.store.version)


def test_secrets_come_as_metadata(cluster: Cluster, api: ApiServer) -> None:
    """Whatever is asked, what is in a Secret is never sent."""
    body = {"metadata": {"name": "s"}, "data": {"jitToken": "aGlkZGVu"}}
    api.store.create(kinds.SECRETS, NAMESPACE, body)
    one = cluster.get(SECRETS, NAMESPACE, "s")
    assert one is not None
    assert "data" not in one
    assert all("data" not in each for each in cluster.list(SECRETS, NAMESPACE).items)
    assert all("PartialObjectMetadata" in each.accept for each in api.requests)


def test_absent_is_none_and_unserved_is_an_error(cluster: Cluster) -> None:
    """A runner that is gone is a fact; a resource nobody serves means another cluster."""
    assert cluster.get(PODS, NAMESPACE, "none") is None
    with pytest.raises(errors.SystemRefused, match="does not serve"):
        cluster.get(Resource("ephemeralrunners", "actions.example", "v1"), NAMESPACE, "x")


def test_null_takes_a_field_away(cluster: Cluster, api: ApiServer) -> None:
    """The patch that restores an absent maximum."""
    spec = {"minRunners": 1, "maxRunners": 3}
    api.store.create(kinds.RUNNER_SETS, NAMESPACE, {"metadata": {"name": "a"}, "spec": spec})
    sets = Resource("autoscalingrunnersets", "actions.github.com", "v1alpha1")
    after = cluster.merge_patch(sets, NAMESPACE, "a", {"spec": {"maxRunners": None}})
    assert after["spec"] == {"minRunners": 1}


def test_access_is_asked_not_tried(cluster: Cluster, api: ApiServer) -> None:
    """One review per verb; nothing is changed to find out."""
    api.access.denied.add(("patch", "ephemeralrunners"))
    assert cluster.allowed("get", RUNNERS, NAMESPACE)
    assert not cluster.allowed("patch", RUNNERS, NAMESPACE)
    assert {each.method for each in api.requests} == {"POST"}


def test_forbidden_is_told_with_the_servers_words(cluster: Cluster, api: ApiServer) -> None:
    """Who may not do what, where."""
    api.access.denied.add(("list", "pods"))
    with pytest.raises(errors.SystemRefused, match='cannot list resource "pods"'):
        cluster.list(PODS, NAMESPACE)


def test_token_that_ran_out_is_fetched_again(
    cluster: Cluster, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 once is the token's age: the configuration is asked for another, once."""
    api.access.expires["tests"] = api.store.timeline.now
    api.access.users["fresh"] = ADMIN
    given = iter(["tests", "fresh"])
    monkeypatch.setattr(
        cluster, "authorization", lambda: {"authorization": f"Bearer {next(given)}"}
    )
    assert cluster.list(PODS, NAMESPACE).items == []
    assert [each.status for each in api.requests] == [401, 200]


def test_server_that_is_gone_is_unreachable(cluster: Cluster, api: ApiServer) -> None:
    """A connection that breaks off is told as such, never as an empty list."""
    api.faults.gone_until = api.store.timeline.now + timedelta(seconds=30)
    with pytest.raises(errors.SystemUnreachable):
        cluster.list(PODS, NAMESPACE)
    api.store.timeline.advance(31)
    assert cluster.list(PODS, NAMESPACE).items == []


def test_skew_is_the_servers_clock_minus_ours(cluster: Cluster, api: ApiServer) -> None:
    """From the Date header of the last answer; None before the first."""
    assert cluster.skew_s is None
    api.faults.clock_skew_s = 90.0
    cluster.list(PODS, NAMESPACE)
    assert cluster.skew_s == pytest.approx(90.0, abs=1.0)
