"""The contract of the Kubernetes API: one script of requests, and what a real server answered.

Covers: statuses, bodies and headers of ``recordings/kube-apiserver.json`` (kube-apiserver 1.20.2
with the CustomResourceDefinitions of ARC 0.14.2), held against the twin always, and against the
server of ``KUBECONFIG`` when ``KUBECONFIG`` and ``CLUSTER_CONTRACT_CONTEXT`` name one that has
ARC's CustomResourceDefinitions; there each run makes a namespace of its own, and removes it.
Not here: watches over time (``test_cluster_watch.py``), what ARC does with its objects.

Left out of the comparison: uids, versions, times, generated names, ``managedFields``, and the
defaults a server adds to a pod's spec.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fixtures.clients.cluster import Answer, Cluster
from fixtures.evidence import canonical
from fixtures.procedures.arc_stacks import kubeconfig
from fixtures.simulators.cluster.access import ADMIN, Access
from fixtures.simulators.cluster.routes import ApiServer
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.store import Store
from fixtures.simulators.cluster.timeline import Timeline

RECORDED = canonical.read(
    (Path(__file__).parent / "recordings" / "kube-apiserver.json").read_bytes()
)
RECORDED_NAMESPACE = "arc-staging"
GROUP = "/apis/actions.github.com/v1alpha1"
JSON_PATCH, MERGE, STRATEGIC = (
    f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch")
)
FINALIZERS = [
    "ephemeralrunner.actions.github.com/finalizer",
    "ephemeralrunner.actions.github.com/runner-registration-finalizer",
]
VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "managedFields"}
GENERATED = re.compile(r"(arc-eph-abcde-runner-)[a-z0-9]{5}")
POD_DEFAULTS = {
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "dnsPolicy",
    "securityContext",
    "schedulerName",
    "tolerations",
    "priority",
    "enableServiceLinks",
    "preemptionPolicy",
}


@dataclass(slots=True)
class Server:
    """A server under contract."""

    cluster: Cluster
    namespace: str
    answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self, method: str, path: str, **how: Any) -> Answer:
        """Send one request below the namespace."""
        return self.cluster.request(method, path.replace("{ns}", self.namespace), **how)


@pytest.fixture(params=["twin", "real"], scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One server: the twin, and a real one when one is named."""
    if request.param == "real":
        yield from _real()
        return
    api = ApiServer(Store(Timeline()), Access(users={"contract": ADMIN}))
    serving = Serving(api, name="API server under contract")
    url = serving.start()
    path = kubeconfig(tmp_path_factory.mktemp("kube") / "config", url, "contract")
    cluster = Cluster(kubeconfig=path, context="simulated", server=url, timeout_s=5)
    api.store.add_namespace("default")
    try:
        yield Server(cluster, RECORDED_NAMESPACE)
    finally:
        cluster.close()
        serving.stop()


def _real() -> Iterator[Server]:
    context = os.environ.get("CLUSTER_CONTRACT_CONTEXT")
    if not os.environ.get("KUBECONFIG") or not context:
        pytest.skip("set KUBECONFIG and CLUSTER_CONTRACT_CONTEXT to a server with ARC's CRDs")
    from kubernetes import config

    path = Path(os.environ["KUBECONFIG"])
    load: Any = config.new_client_from_config
    host = load(str(path), context).configuration.host
    cluster = Cluster(kubeconfig=path, context=context, server=host)
    server = Server(cluster, f"rehearsal-contract-{uuid4().hex[:8]}")
    try:
        yield server
    finally:
        server.ask("DELETE", "/api/v1/namespaces/{ns}")
        cluster.close()


SETS = GROUP + "/namespaces/{ns}/autoscalingrunnersets"
RUNNERS = GROUP + "/namespaces/{ns}/ephemeralrunners"
PODS = "/api/v1/namespaces/{ns}/pods"
SPEC = {
    "githubConfigUrl": "https://github.com/acme/hotpass",
    "githubConfigSecret": "s",
    "minRunners": 1,
    "maxRunners": 3,
    "template": {"spec": {"containers": [{"name": "runner", "image": "x"}]}},
}
SET = {
    "apiVersion": "actions.github.com/v1alpha1",
    "kind": "AutoscalingRunnerSet",
    "metadata": {
        "name": "arc-eph",
        "finalizers": ["autoscalingrunnerset.actions.github.com/finalizer"],
    },
    "spec": SPEC,
}
RUNNER = {
    "apiVersion": "actions.github.com/v1alpha1",
    "kind": "EphemeralRunner",
    "metadata": {
        "generateName": "arc-eph-abcde-runner-",
        "labels": {"actions.github.com/scale-set-name": "arc-eph"},
        "finalizers": FINALIZERS,
    },
    "spec": {
        "githubConfigUrl": "https://github.com/acme/hotpass",
        "githubConfigSecret": "s",
        "runnerScaleSetId": 7,
    },
}
REVIEW = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {
        "resourceAttributes": {
            "namespace": "arc-staging",
            "verb": "patch",
            "group": "actions.github.com",
            "resource": "autoscalingrunnersets",
        }
    },
}
REHEARSER = {"impersonate-user": "rehearser"}


def pod(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "runner", "image": "x"}]},
    }


def patched(server: Server, patch: Any, form: str = MERGE, part: str = "") -> Answer:
    return server.ask("PATCH", f"{SETS}/arc-eph{part}", body=patch, content_type=form)


def stale(server: Server) -> Answer:
    body = {**SET, "metadata": {**SET["metadata"], "resourceVersion": "1"}}  # type: ignore[dict-item]
    return server.ask("PUT", f"{SETS}/arc-eph", body=body)


def third(server: Server) -> str:
    return str(server.answers["er_create"].body["metadata"]["name"])


def create_three(server: Server) -> Answer:
    server.ask("POST", RUNNERS, body=RUNNER)
    server.ask("POST", RUNNERS, body=RUNNER)
    return server.ask("POST", RUNNERS, body=RUNNER)


def as_nobody(server: Server) -> Answer:
    return server.ask("GET", f"{SETS}/arc-eph", headers={"authorization": "Bearer nobody"})


def stripped(server: Server) -> Answer:
    none = {"metadata": {"finalizers": None}}
    return server.ask("PATCH", f"{RUNNERS}/{third(server)}", body=none, content_type=MERGE)


def pod_runs(server: Server) -> Answer:
    state = {"running": {"startedAt": "2026-11-21T00:00:00Z"}}
    told = {"name": "runner", "state": state, "lastState": {}, "ready": True, "restartCount": 0}
    status = {"phase": "Running", "containerStatuses": [{**told, "image": "x", "imageID": "x"}]}
    return server.ask("PATCH", f"{PODS}/p1/status", body={"status": status}, content_type=MERGE)


STEPS: dict[str, Callable[[Server], Answer]] = {
    "ns": lambda on: on.ask("POST", "/api/v1/namespaces", body=_namespace(on.namespace)),
    "disc": lambda on: on.ask("GET", GROUP),
    "ars_create": lambda on: on.ask("POST", SETS, body=SET),
    "ars_create_409": lambda on: on.ask("POST", SETS, body=SET),
    "ars_invalid_422": lambda on: patched(on, {"spec": {"maxRunners": -1}}),
    "ars_invalid_type_422": lambda on: patched(on, {"spec": {"maxRunners": "3"}}),
    "ars_unknown_field": lambda on: patched(on, {"spec": {"noSuchField": 1}}),
    "ars_patch_spec": lambda on: patched(on, {"spec": {"minRunners": 0, "maxRunners": 0}}),
    "ars_patch_status": lambda on: patched(
        on, {"status": {"currentRunners": 0, "phase": "Running"}}, part="/status"
    ),
    "ars_status_via_main": lambda on: patched(on, {"status": {"currentRunners": 9}}),
    "ars_strategic_415": lambda on: patched(on, {"spec": {"minRunners": 5}}, STRATEGIC),
    "ars_put_409": stale,
    "ars_404": lambda on: on.ask("GET", f"{SETS}/nope"),
    "ars_403": lambda on: on.ask("GET", f"{SETS}/arc-eph", headers=REHEARSER),
    "ars_401": as_nobody,
    "unknown_resource_404": lambda on: on.ask("GET", GROUP + "/namespaces/{ns}/bogus"),
    "er_create": create_three,
    "er_delete_finalizer": lambda on: on.ask("DELETE", f"{RUNNERS}/{third(on)}"),
    "er_strip": stripped,
    "er_gone": lambda on: on.ask("GET", f"{RUNNERS}/{third(on)}"),
    "list_page": lambda on: on.ask("GET", RUNNERS, query={"limit": "1"}),
    "sel": lambda on: on.ask(
        "GET", RUNNERS, query={"labelSelector": "actions.github.com/scale-set-name in (other)"}
    ),
    "pod_delete": lambda on: on.ask("DELETE", f"{PODS}/p1"),
    "pod_after": lambda on: on.ask("GET", f"{PODS}/p1"),
    "pod_create": lambda on: on.ask("POST", PODS, body=pod("p1")),
    "pod_422": lambda on: on.ask("POST", PODS, body=pod("Bad_Name")),
    "pod_status": pod_runs,
    "pod_fs": lambda on: on.ask("GET", PODS, query={"fieldSelector": "status.phase=Running"}),
    "ssar": lambda on: on.ask(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body=REVIEW,
        headers=REHEARSER,
    ),
    "dry": lambda on: on.ask("DELETE", f"{SETS}/arc-eph", query={"dryRun": "All"}),
    "l": lambda on: on.ask("GET", RUNNERS),
}
"""Name in the recordings to the request; the pod that is gone is asked for before it is made."""
NOT_ASKED = {
    "watch_old_rv": "test_cluster_watch.py",
    "watch_no_rv": "test_cluster_watch.py",
    "list_continue_410": "test_cluster_watch.py: history must be forgotten first",
    "list_exact_old": "test_cluster_watch.py",
}


@pytest.fixture(scope="module")
def answered(server: Server) -> Server:
    """The server with every step made once, in order."""
    for name, step in STEPS.items():
        server.answers[name] = step(server)
    return server


@pytest.mark.parametrize("name", STEPS)
def test_answers_as_recorded(answered: Server, name: str) -> None:
    """Status, content type and body are those of the real server."""
    recorded, answer = RECORDED[name], answered.answers[name]
    assert answer.status == recorded["status"]
    told = recorded["headers"]["Content-Type"]
    assert answer.headers["content-type"].partition(";")[0] == told.partition(";")[0]
    assert comparable(answer.body, answered.namespace) == comparable(
        recorded["body"], RECORDED_NAMESPACE
    )


def test_no_recording_is_left_out() -> None:
    """Each recorded answer is asked for again, or says why not."""
    assert RECORDED.keys() == STEPS.keys() | NOT_ASKED.keys()


def test_versions_move_only_with_changes(answered: Server) -> None:
    """A patch that changes nothing keeps version and generation; each change raises both."""

    def of(name: str, key: str) -> Any:
        return answered.answers[name].body["metadata"][key]

    for key in ("resourceVersion", "generation"):
        assert of("ars_unknown_field", key) == of("ars_create", key)
        assert of("ars_patch_spec", key) != of("ars_create", key)
    assert of("ars_patch_status", "generation") == of("ars_patch_spec", "generation")
    assert of("ars_patch_status", "resourceVersion") != of("ars_patch_spec", "resourceVersion")
    assert of("ars_status_via_main", "resourceVersion") == of(
        "ars_patch_status", "resourceVersion"
    )
    assert of("er_strip", "resourceVersion") == of("er_delete_finalizer", "resourceVersion")


def test_metadata_only_lists_hold_no_data(answered: Server) -> None:
    """Secrets asked for as metadata come without what is in them."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "hidden", "labels": {"a": "b"}},
        "data": {"jitToken": "aGlkZGVu"},
    }
    assert answered.ask("POST", "/api/v1/namespaces/{ns}/secrets", body=secret).status == 201
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = answered.ask("GET", "/api/v1/namespaces/{ns}/secrets", accept=accept).body
    assert listed["kind"] == "PartialObjectMetadataList"
    assert "hidden" in [each["metadata"]["name"] for each in listed["items"]]
    assert all(each.keys() <= {"metadata", "kind", "apiVersion"} for each in listed["items"])


def test_json_patch_tests_before_it_changes(answered: Server) -> None:
    """A JSON patch whose test fails changes nothing."""
    wrong = [
        {"op": "test", "path": "/spec/maxRunners", "value": 99},
        {"op": "replace", "path": "/spec/maxRunners", "value": 5},
    ]
    assert patched(answered, wrong, JSON_PATCH).status == 422
    right = [{"op": "replace", "path": "/spec/maxRunners", "value": 5}]
    assert patched(answered, right, JSON_PATCH).body["spec"]["maxRunners"] == 5


def test_merge_patch_takes_fields_away_with_null(answered: Server) -> None:
    """An absent maximum is restored as absent: null takes it away, 0 would not."""
    after = patched(answered, {"spec": {"maxRunners": None}}).body
    assert "maxRunners" not in after["spec"]


def _namespace(name: str) -> dict[str, Any]:
    # The recorded one is arc-systems; ours must be the one we work in.
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def comparable(body: Any, namespace: str) -> Any:
    """A body without what differs from server to server and run to run."""
    if isinstance(body, dict):
        told = {
            key: comparable(each, namespace)
            for key, each in body.items()
            if key not in VOLATILE | POD_DEFAULTS | {"storageVersionHash", "continue", "time"}
        }
        if "containers" in told and "nodeName" not in told:
            told["containers"] = [
                {key: each[key] for key in ("name", "image")} for each in told["containers"]
            ]
        if "resources" in told and isinstance(told["resources"], list):
            told["resources"].sort(key=lambda each: each["name"])
        # A real server of today adds a label to each namespace.
        if told.get("labels", {}).keys() == {"kubernetes.io/metadata.name"}:
            del told["labels"]
        return told
    if isinstance(body, list):
        return [comparable(each, namespace) for each in body]
    if isinstance(body, str):
        shown = body.replace(namespace, "NS").replace("arc-systems", "NS")
        return GENERATED.sub(r"\g<1>XXXXX", shown)
    return body
