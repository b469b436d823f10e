"""What we claim of Marquez's door for events: what is taken, what is refused, what is listed.

Not here: what becomes of an event that was taken (the modules beside this one).
Source: Marquez 0.51's resources and beans; statuses and bodies of the framework below them were
measured on Dropwizard 2.1.12 with parameters annotated alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests

from tests.contract.conftest import ABSENT, JOB, TIMEOUT_S

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Get, Post, Target

WHOLE_FACET = {"_producer": "https://example.org", "_schemaURL": "https://example.org/facet.json"}


def test_accepted_is_201_and_empty(emit: Emit, run_id: str) -> None:
    """An event taken is answered 201 without a body."""
    answer = emit("START", run_id)
    assert (answer.status_code, answer.text) == (201, "")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{", id="cut"),
        pytest.param("[]", id="list"),
        pytest.param('"event"', id="text"),
        pytest.param('{"run": "id"}', id="run-is-text"),
        pytest.param('{"run": {"runId": {}}}', id="run-id-is-object"),
        pytest.param('{"inputs": {}}', id="inputs-are-object"),
    ],
)
def test_bad_json_is_500_with_code_400(post: Post, body: str) -> None:
    """What is no JSON, or not of the right types, is a server error whose body says 400."""
    answer = post(body)
    assert (answer.status_code, answer.json()["code"]) == (500, 400)
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("2021-11-03", id="date"),
        pytest.param("2021-11-03T10:00:00Z[Europe/London]", id="zone-in-words"),
        pytest.param("2021-11-03 10:00:00Z", id="space"),
        pytest.param("2021-13-03T10:00:00Z", id="month-13"),
        pytest.param("2021-11-03T10:00:00+0100", id="offset-without-colon"),
        pytest.param("soon", id="word"),
    ],
)
def test_bad_time_is_500_with_code_400(emit: Emit, run_id: str, at: str) -> None:
    """A stamp that cannot be read is refused like malformed JSON."""
    answer = emit("START", run_id, at=at)
    assert (answer.status_code, answer.json()["code"]) == (500, 400)


@pytest.mark.parametrize("body", [pytest.param("", id="nothing"), pytest.param("null", id="null")])
def test_empty_body_is_422(post: Post, body: str) -> None:
    """No body, and a null in its place, are missing altogether."""
    answer = post(body)
    assert answer.status_code == 422
    assert answer.json() == {"errors": ["The request body must not be null"]}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        pytest.param("2021-11-03T10:00:00+01:00", "2021-11-03T09:00:00Z", id="offset"),
        pytest.param("2021-11-03T10:00:00+01", "2021-11-03T09:00:00Z", id="hours"),
        pytest.param("2021-11-03T10:00Z", "2021-11-03T10:00:00Z", id="minutes"),
        pytest.param("2021-11-03T10:00:00.5Z", "2021-11-03T10:00:00.500Z", id="tenth"),
        pytest.param("2021-11-03T10:00:00.123456Z", "2021-11-03T10:00:00.123456Z", id="micros"),
        pytest.param("2021-11-03T10:00:00", "2021-11-03T10:00:00Z", id="bare"),
    ],
)
def test_good_times_become_utc(emit: Emit, get: Get, run_id: str, at: str, shown: str) -> None:
    """Stamps come back as instants; a bare one means the server's zone, here UTC."""
    assert emit("START", run_id, at=at).status_code == 201
    assert get("jobs", "runs", run_id).json()["startedAt"] == shown


def test_health_is_on_the_admin_port(target: Target) -> None:
    """The admin port answers pong, and names the database in its health check."""
    if target.admin_url is None:
        pytest.skip("no admin port known: set MARQUEZ_ADMIN_URL")
    ping = requests.get(f"{target.admin_url}/ping", timeout=TIMEOUT_S)
    health = requests.get(f"{target.admin_url}/healthcheck", timeout=TIMEOUT_S)
    assert (ping.status_code, ping.text) == (200, "pong\n")
    assert health.status_code == 200
    assert health.json()["postgresql"]["healthy"] is True
    assert health.json()["deadlocks"]["healthy"] is True


@pytest.mark.parametrize(
    ("owner", "facets", "missing"),
    [
        pytest.param(
            "run",
            {"nominalTime": dict(WHOLE_FACET)},
            {"run.facets.nominalTime.nominalStartTime"},
            id="nominal-time",
        ),
        pytest.param(
            "run",
            {"parent": {**WHOLE_FACET, "run": {}, "job": {"namespace": "n"}}},
            {"run.facets.parent.run.runId", "run.facets.parent.job.name"},
            id="parent",
        ),
        pytest.param(
            "run",
            {"nominalTime": {"nominalStartTime": "2021-11-03T10:00:00Z"}},
            {"run.facets.nominalTime._producer", "run.facets.nominalTime._schemaURL"},
            id="producer",
        ),
        pytest.param("job", {"sql": dict(WHOLE_FACET)}, {"job.facets.sql.query"}, id="sql"),
        pytest.param(
            "job", {"jobType": dict(WHOLE_FACET)}, {"job.facets.jobType.jobType"}, id="job-type"
        ),
    ],
)
def test_known_facets_must_be_whole(
    emit: Emit,
    namespace: str,
    run_id: str,
    owner: str,
    facets: dict[str, Any],
    missing: set[str],
) -> None:
    """Facets the service knows are checked field by field, more strictly than OpenLineage does."""
    whole = {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": JOB}}
    answer = emit("START", run_id, raw={owner: {**whole[owner], "facets": facets}})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {f"{path} must not be null" for path in missing}


def test_listed_events_keep_to_their_window(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """Events come newest first, or oldest first when asked, from after up to before."""
    # A year of its own keeps other people's events out of the window.
    year = 1971 + int(namespace[-4:], 16) % 28
    for kind, month in (("START", 1), ("COMPLETE", 2), ("OTHER", 5)):
        emit(kind, run_id, at=f"{year}-{month:02d}-01T00:00:00Z")

    def kinds(after: str, before: str, **query: object) -> list[str]:
        window = {"after": f"{year}-{after}T00:00:00Z", "before": f"{year}-{before}T00:00:00Z"}
        listed = get("events", "lineage", limit=10_000, **window, **query).json()["events"]
        return [event["eventType"] for event in listed if event["run"]["runId"] == run_id]

    assert kinds("01-01", "04-01") == ["COMPLETE", "START"]
    assert kinds("01-01", "04-01", sortDirection="asc") == ["START", "COMPLETE"]
    assert kinds("01-01", "02-01") == ["START"]
    assert kinds("01-02", "05-01") == ["COMPLETE"]


@pytest.mark.parametrize(
    ("query", "piece"),
    [
        pytest.param({"before": "soon"}, "soon", id="word"),
        pytest.param({"after": "2021-11-03"}, "2021-11-03", id="date"),
        pytest.param({"before": "2021-11-03T10:00:00"}, "2021-11-03T10:00:00", id="bare"),
        pytest.param({"sortDirection": "up"}, "sortDirection", id="direction"),
    ],
)
def test_listed_events_refuse_a_bad_window(get: Get, query: dict[str, str], piece: str) -> None:
    """A bound that is no stamp with its offset is a bad request, unlike in an event."""
    answer = get("events", "lineage", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert piece in answer.json()["message"]


def test_listed_events_stop_at_2030(emit: Emit, get: Get, run_id: str) -> None:
    """An event from 2030 on is not listed unless its end of the window is asked for."""
    emit("START", run_id, at="2031-01-01T00:00:00Z")

    def listed(**query: object) -> bool:
        window = {"after": "2030-12-31T00:00:00Z", **query}
        found = get("events", "lineage", limit=10_000, **window).json()["events"]
        return run_id in [event["run"]["runId"] for event in found]

    assert not listed()
    assert listed(before="2032-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("flaw", "error"),
    [
        pytest.param({"eventTime": ABSENT}, "eventTime", id="no-time"),
        pytest.param({"eventTime": None}, "eventTime", id="null-time"),
        pytest.param({"producer": ABSENT}, "producer", id="no-producer"),
        pytest.param({"run": {}}, "run.runId", id="no-run-id"),
        pytest.param({"run": ABSENT}, "run", id="no-run"),
        pytest.param({"job": ABSENT}, "job", id="no-job"),
        pytest.param({"job": {"name": "refine"}}, "job.namespace", id="no-namespace"),
        pytest.param({"job": {"namespace": "n"}}, "job.name", id="no-name"),
        pytest.param({"inputs": [{"namespace": "n"}]}, "inputs[0].name", id="no-dataset-name"),
        pytest.param({"outputs": [{"name": "n"}]}, "outputs[0].namespace", id="no-dataset-space"),
    ],
)
def test_missing_fields_are_422(emit: Emit, run_id: str, flaw: dict[str, Any], error: str) -> None:
    """A required field left out is the one error, named by its path."""
    answer = emit("START", run_id, raw=flaw)
    assert answer.status_code == 422
    assert answer.json() == {"errors": [f"{error} must not be null"]}


def test_missing_fields_are_all_named(post: Post) -> None:
    """Nothing but an empty object names every field at once, in no order."""
    answer = post(json={})
    assert answer.status_code == 422
    expected = {f"{name} must not be null" for name in ("eventTime", "job", "producer", "run")}
    assert set(answer.json()["errors"]) == expected


def test_other_methods_are_405(target: Target) -> None:
    """Events are posted and graphs read; nothing else is done at that address."""
    answer = requests.delete(f"{target.api_url}/api/v1/lineage", timeout=TIMEOUT_S)
    assert answer.status_code == 405
    assert answer.json()["code"] == 405


def test_refused_event_leaves_nothing(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """An event that was answered 422 made neither run nor namespace."""
    assert emit("START", run_id, raw={"producer": ABSENT}).status_code == 422
    assert get("jobs", "runs", run_id).status_code == 404
    assert get("namespaces", namespace).status_code == 404


def test_schema_url_tells_the_kind(post: Post, get: Get, namespace: str) -> None:
    """A job event is told by the last part of its schema's address, and needs no run."""
    event = {
        "eventTime": "2026-11-22T01:00:00Z",
        "producer": "https://example.org/contract",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
        "job": {"namespace": namespace, "name": JOB},
        "inputs": [{"namespace": namespace, "name": "a"}],
        "outputs": [{"namespace": namespace, "name": "b"}],
    }
    assert post(json=event).status_code == 201
    assert len(get("lineage", nodeId=f"job:{namespace}:{JOB}").json()["graph"]) == 3
    untold = {**event, "schemaURL": "https://example.org/other"}
    assert post(json=untold).json() == {"errors": ["run must not be null"]}


def test_schema_url_may_be_missing(emit: Emit, run_id: str) -> None:
    """A run event needs no schema, although OpenLineage demands it."""
    assert emit("START", run_id, raw={"schemaURL": ABSENT}).status_code == 201


def test_visible_at_once(emit: Emit, get: Get) -> None:
    """Whoever has the 201 finds the run with the next request; no waiting, no polling."""
    for _ in range(20):
        run_id = str(uuid4())
        assert emit("START", run_id).status_code == 201
        assert get("jobs", "runs", run_id).status_code == 200


def test_what_follows_the_event_is_ignored(post: Post, namespace: str, run_id: str) -> None:
    """Text after the first JSON value is never looked at."""
    event = (
        '{"eventType":"START","eventTime":"2026-11-22T01:00:00Z","producer":"p",'
        f'"run":{{"runId":"{run_id}"}},"job":{{"namespace":"{namespace}","name":"j"}}}} and more'
    )
    assert post(event).status_code == 201


def test_wrong_content_type_is_415(post: Post) -> None:
    """Only JSON is taken, with or without its charset."""
    refused = post("{}", kind="text/plain")
    assert (refused.status_code, refused.json()["code"]) == (415, 415)
    assert post("{}", kind="application/json; charset=utf-8").status_code == 422
