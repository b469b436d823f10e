"""Self-tests of records: what a payload says, and which payloads say nothing."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.records import lineage, picture, service
from fixtures.core.records.lineage import Dataset, LineageGraph, LineageRun
from fixtures.core.records.picture import Picture, missing_labels
from fixtures.core.records.refine import FileFact, RefineResult
from fixtures.core.records.service import Health, scan

NOON = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)

RUN: dict[str, Any] = {
    "id": "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10",
    "state": "COMPLETED",
    "startedAt": "2025-12-03T12:00:00Z",
    "endedAt": "2025-12-03T12:00:01.500Z",
    "inputDatasetVersions": [
        {"datasetVersionId": {"namespace": "ns", "name": "/a.xlsx", "version": "v"}}
    ],
    "outputDatasetVersions": [],
}
JOB, INPUT = "job:ns:j", "dataset:ns:/a.xlsx"
GRAPH: dict[str, Any] = {
    "graph": [
        {"id": JOB, "inEdges": [{"origin": INPUT, "destination": JOB}], "outEdges": []},
        {"id": INPUT, "inEdges": [], "outEdges": [{"origin": INPUT, "destination": JOB}]},
    ]
}
DATASETS: dict[str, Any] = {"datasets": [{"namespace": "ns", "name": "/a.xlsx"}]}
HEALTH: dict[str, Any] = {
    "healthcheck": {"postgresql": {"healthy": True}},
    "namespaces": [{"name": "default"}],
}
PICTURE = Picture(
    how="drawn", page_url="", labels=("j", "/a.xlsx"), width_px=800, height_px=400, blank=False
)
FILE = FileFact(path="/a.xlsx", size_bytes=3, sha256="0" * 64, modified_at=NOON, magic="504b0304")
REFINE = RefineResult(
    run_id=RUN["id"],
    namespace="ns",
    job="j",
    how="exit code 0",
    exit_code=0,
    started_at=NOON,
    ended_at=NOON,
    workbook_path="/out.xlsx",
    inputs=(FILE,),
    workbook=FILE,
    archives=(FILE,),
    workbook_before=None,
    last_lines=("done",),
)

READERS: dict[str, tuple[Callable[[Any], object], dict[str, Any]]] = {
    "run": (LineageRun.from_api, RUN),
    "graph": (LineageGraph.from_api, GRAPH),
    "datasets": (lineage.datasets_from_api, DATASETS),
    "health": (Health.from_json, HEALTH),
    "picture": (Picture.from_json, PICTURE.to_json()),
    "refine": (RefineResult.from_json, REFINE.to_json()),
}
MISSING = object()


def changed(body: dict[str, Any], path: tuple[Any, ...], value: object) -> Any:
    """The body with one value changed, or taken away."""
    body = copy.deepcopy(body)
    inner: Any = body
    for key in path[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return body


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "body",
    [None, 3, "text", [], [1], {}],
    ids=["null", "number", "text", "list", "items", "empty"],
)
def test_what_is_no_such_payload_is_unreadable(kind: str, body: object) -> None:
    """Another shape altogether is told as such, never as a bare TypeError."""
    read, good = READERS[kind]
    read(good)
    with pytest.raises(errors.PayloadUnreadable) as caught:
        read(body)
    assert caught.value.hint


FLAWS: list[tuple[str, tuple[Any, ...], object]] = [
    ("run", ("id",), MISSING),
    ("run", ("state",), MISSING),
    ("run", ("startedAt",), "yesterday"),
    ("run", ("startedAt",), 1764763200),
    ("run", ("startedAt",), "0001-01-01T00:00:00+05:00"),
    ("run", ("endedAt",), ""),
    ("run", ("inputDatasetVersions",), "none"),
    ("run", ("inputDatasetVersions",), {"a": 1}),
    ("run", ("inputDatasetVersions", 0), None),
    ("run", ("inputDatasetVersions", 0, "datasetVersionId"), MISSING),
    ("run", ("inputDatasetVersions", 0, "datasetVersionId", "name"), MISSING),
    ("graph", ("graph",), None),
    ("graph", ("graph",), {"a": 1}),
    ("graph", ("graph", 0, "id"), MISSING),
    ("graph", ("graph", 0, "inEdges"), MISSING),
    ("graph", ("graph", 0, "outEdges"), None),
    ("graph", ("graph", 0, "inEdges", 0, "origin"), MISSING),
    ("graph", ("graph", 0, "inEdges", 0), "edge"),
    ("datasets", ("datasets",), None),
    ("datasets", ("datasets", 0), "ns:/a.xlsx"),
    ("datasets", ("datasets", 0, "namespace"), MISSING),
    ("health", ("healthcheck",), []),
    ("health", ("healthcheck", "postgresql"), True),
    ("health", ("healthcheck", "postgresql", "healthy"), MISSING),
    ("health", ("namespaces",), "default"),
    ("health", ("namespaces", 0, "name"), MISSING),
    ("picture", ("labels",), MISSING),
    ("picture", ("labels",), None),
    ("picture", ("labels",), "j"),
    ("picture", ("width_px",), MISSING),
    ("picture", ("stranger",), 1),
    ("refine", ("started_at",), MISSING),
    ("refine", ("started_at",), None),
    ("refine", ("started_at",), "noon"),
    ("refine", ("ended_at",), "2025-12-03T12:00:00"),
    ("refine", ("inputs",), None),
    ("refine", ("inputs", 0), None),
    ("refine", ("inputs", 0, "sha256"), MISSING),
    ("refine", ("inputs", 0, "modified_at"), "2025-12-03"),
    ("refine", ("workbook",), MISSING),
    ("refine", ("workbook",), {}),
    ("refine", ("last_lines",), None),
    ("refine", ("exit_code",), MISSING),
    ("refine", ("stranger",), 1),
]


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    FLAWS,
    ids=[
        f"{kind}-{'.'.join(map(str, path))}-{'missing' if value is MISSING else value}"
        for kind, path, value in FLAWS
    ],
)
def test_a_flaw_makes_a_payload_unreadable(
    kind: str, path: tuple[Any, ...], value: object
) -> None:
    """A key that is missing or has another type is refused where it is read."""
    read, good = READERS[kind]
    with pytest.raises(errors.PayloadUnreadable):
        read(changed(good, path, value))


def test_a_run_is_read() -> None:
    """Times aware, datasets by name; keys nobody needs are passed over."""
    run = LineageRun.from_api({**RUN, "facets": {}, "args": {}})
    assert run.started_at == NOON
    assert run.ended_at == datetime(2025, 12, 3, 12, 0, 1, 500_000, tzinfo=UTC)
    assert run.inputs == {Dataset("ns", "/a.xlsx")}
    assert run.outputs == frozenset()


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2025-12-03T12:00:00Z", 12), ("2025-12-03T12:00:00", 12), ("2025-12-03T14:00:00+02:00", 12)],
    ids=["zulu", "bare-is-utc", "with-offset"],
)
def test_every_stamp_becomes_utc(text: str, hour: int) -> None:
    """Marquez's own examples mix stamps with and without a zone."""
    run = LineageRun.from_api({**RUN, "startedAt": text})
    assert run.started_at == NOON.replace(hour=hour)


def test_an_open_run_has_no_end() -> None:
    """Null and absent times are None, and null lists are empty."""
    run = LineageRun.from_api({"id": "x", "state": "NEW", "startedAt": None})
    assert (run.started_at, run.ended_at, run.inputs) == (None, None, frozenset())


@pytest.mark.parametrize("side", ["inEdges", "outEdges"])
def test_an_edge_counts_when_either_end_lists_it(side: str) -> None:
    """The same edge from both ends is one; from one end it is there."""
    graph = copy.deepcopy(GRAPH)
    for node in graph["graph"]:
        node[side] = []
    read = LineageGraph.from_api(graph)
    assert read.edges == {(INPUT, JOB)}
    assert read.nodes == {JOB, Dataset("ns", "/a.xlsx").node_id}


def test_refine_survives_the_disk() -> None:
    """What is saved reads back the same, our own sibling key apart."""
    saved = json.loads(json.dumps({**REFINE.to_json(), "_rehearsal": {"mode": "dry run"}}))
    assert RefineResult.from_json(saved) == REFINE
    bare = changed(REFINE.to_json(), ("workbook",), None)
    assert RefineResult.from_json(bare).workbook is None


def test_outputs_are_workbook_and_archives() -> None:
    """Lineage should show the files that are there: the workbook, and every new archive."""
    assert REFINE.dataset_inputs == {Dataset("ns", "/a.xlsx")}
    there = dataclasses.replace(REFINE, workbook=dataclasses.replace(FILE, path="/out.xlsx"))
    assert there.dataset_outputs == {Dataset("ns", "/out.xlsx"), Dataset("ns", "/a.xlsx")}
    absent = dataclasses.replace(REFINE, workbook=None)
    assert absent.dataset_outputs == {Dataset("ns", "/a.xlsx")}


def test_picture_survives_the_disk() -> None:
    """What is saved reads back the same, our own sibling key apart."""
    saved = json.loads(json.dumps({**PICTURE.to_json(), "_rehearsal": {}}))
    assert Picture.from_json(saved) == PICTURE


LONG = "/srv/data/example-"
CUT = LONG[: picture.LABEL_CHARACTERS] + "..."


@pytest.mark.parametrize(
    ("names", "labels", "missing"),
    [
        pytest.param(["job"], ["job"], [], id="whole"),
        pytest.param(["job"], [], ["job"], id="none"),
        pytest.param(["job"], ["jo..."], ["job"], id="cut-too-short-to-tell"),
        pytest.param(["job"], ["job "], ["job"], id="another-text"),
        pytest.param([f"{LONG}a"], [CUT], [], id="cut"),
        pytest.param([f"{LONG}a"], [CUT.removesuffix("...")], [f"{LONG}a"], id="cut-without-dots"),
        pytest.param([f"{LONG}a", f"{LONG}b"], [CUT, CUT], [], id="two-cut-alike"),
        pytest.param([f"{LONG}a", f"{LONG}b"], [CUT], [f"{LONG}b"], id="one-label-for-two"),
        pytest.param(["a", "a"], ["a"], ["a"], id="one-name-twice"),
        pytest.param(
            [f"{LONG}a", f"{LONG}b"], [CUT, f"{LONG}a"], [], id="whole-one-chooses-first"
        ),
        pytest.param(
            [f"{LONG}a/x", f"{LONG}b"], [CUT, f"{LONG}a..."], [], id="longer-one-chooses-first"
        ),
        pytest.param(["b", "a"], ["c"], ["a", "b"], id="sorted"),
        pytest.param([], ["a"], [], id="nothing-to-show"),
    ],
)
def test_missing_labels(names: list[str], labels: list[str], missing: list[str]) -> None:
    """Each name needs a label of its own; the order of the labels does not matter."""
    assert missing_labels(names, labels) == missing
    assert missing_labels(names, labels[::-1]) == missing


@pytest.mark.parametrize(
    ("components", "namespaces", "usable"),
    [
        pytest.param({"db": True}, ["default"], True, id="healthy"),
        pytest.param({}, ["default"], False, id="no-check"),
        pytest.param({"db": True, "x": False}, ["default"], False, id="one-ill"),
        pytest.param({"db": True}, ["other"], False, id="no-default-namespace"),
        pytest.param({"db": True}, [], False, id="no-namespace"),
    ],
)
def test_usable(components: dict[str, bool], namespaces: list[str], usable: bool) -> None:
    """Usable is every component healthy and the API answering."""
    assert Health(components, frozenset(namespaces)).usable is usable


@pytest.mark.parametrize("healthy", [False, None, "true", 1], ids=str)
def test_only_true_is_healthy(healthy: object) -> None:
    """A text that says true is not true."""
    body = changed(HEALTH, ("healthcheck", "postgresql", "healthy"), healthy)
    assert not Health.from_json(body).usable


@pytest.mark.parametrize(
    "line",
    [
        "ERROR [2025-12-03] marquez.db: gone",
        "FATAL: password authentication failed",
        "java.lang.IllegalStateException: no",
        "Caused by: java.net.ConnectException",
        "    at marquez.MarquezApp.main(MarquezApp.java:1)",
        "Migration of schema failed",
    ],
)
def test_trouble_in_a_log(line: str) -> None:
    """A line that tells of an error is counted and quoted."""
    facts = scan(["INFO started", line])
    assert (facts.lines, facts.trouble_count) == (2, 1)
    assert facts.troubles == (line.strip(),)


@pytest.mark.parametrize(
    "line", ["INFO ERRORS: 0", "0 exceptions", "migration done", "look at this (that)"]
)
def test_no_trouble_in_a_log(line: str) -> None:
    """Words that only look like trouble are none."""
    assert scan([line]).trouble_count == 0


def test_few_lines_are_quoted_and_all_counted() -> None:
    """A flood is counted whole and quoted in part; blank lines are no lines."""
    facts = scan(["", "  \n", *["ERROR " + "x" * 500] * 1000])
    assert (facts.lines, facts.trouble_count) == (1000, 1000)
    assert len(facts.troubles) == service.MOST_QUOTED
    assert max(map(len, facts.troubles)) <= 200
