"""Self-tests of the lineage picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.core import errors
from fixtures.drawing import graph, lineage, placement

SVG = "{http://www.w3.org/2000/svg}"
SMOKE = [("a.csv", "job"), ("b.csv", "job"), ("job", "refined.xlsx"), ("job", "refined.zip")]

HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="markup"),
    pytest.param("\"'/><g class='node' data-node-id='fake'>", id="attribute-break"),
    pytest.param("]]>&nbsp;&#0;<!--", id="entities"),
    pytest.param("two\nlines\ttabbed\r", id="line-breaks"),
    pytest.param("nul\x00bell\x07escape\x1b[0m", id="control-characters"),
    pytest.param("half \ud83d of an emoji", id="lone-surrogate"),
    pytest.param("emoji 😀👩‍👩‍👧 漢字 \u202eevil", id="emoji"),
    pytest.param("x" * 300, id="300-characters"),
    pytest.param(" ", id="blank"),
]


def parsed(svg: str) -> ElementTree.Element:
    """Parse a drawing of our own."""
    return ElementTree.fromstring(svg)  # noqa: S314 - drawn a line before


def labels(svg: str) -> list[str]:
    """Read the label of every node."""
    root = parsed(svg)
    return [line.text or "" for line in root.iter(f"{SVG}text") if line.get("class") == "label"]


def test_every_node_is_drawn_once(smoke: dict[str, Any]) -> None:
    """The picture read back shows exactly the nodes of the answer, one label each."""
    svg = lineage.lineage_svg(smoke, title="Lineage")
    assert sorted(lineage.node_ids_drawn(svg)) == sorted(node["id"] for node in smoke["graph"])
    assert Counter(labels(svg)) == Counter(
        ["a.csv", "b.csv", "job", "refined.xlsx", "refined.zip"]
    )


def test_each_edge_is_drawn_once(smoke: dict[str, Any]) -> None:
    """Marquez lists every edge twice; the picture shows it once, with a tip."""
    root = parsed(draw(smoke))
    drawn = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    assert len(drawn) == len(SMOKE)
    assert all(path.get("marker-end") == "url(#tip)" for path in drawn)


def test_the_job_shows_how_its_latest_run_ended(smoke: dict[str, Any]) -> None:
    """State and run id stand on the job, in words."""
    svg = lineage.lineage_svg(smoke, title="Lineage")
    assert "✓ COMPLETED" in svg
    assert "run 3f1c2a7e" in svg


def test_a_job_without_a_run_says_so(answer: Callable[..., dict[str, Any]]) -> None:
    """Marquez answers null for a job that never ran."""
    payload = answer([("a.csv", "job")])
    next(node for node in payload["graph"] if node["type"] == "JOB")["data"]["latestRun"] = None
    assert "never ran" in draw(payload)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(answer: Callable[..., dict[str, Any]], name: str) -> None:
    """Whatever a dataset is called, the XML is valid, encodable and shows that one node."""
    payload = answer([(name, "job")])
    svg = draw(payload, title=name, note=name)
    svg.encode()
    assert sorted(drawn(svg)) == sorted(ids(payload))
    assert all(label.strip() for label in labels(svg))
    assert all(len(label) < 60 for label in labels(svg))
    assert "<script" not in svg


def test_the_full_name_is_kept_as_a_title(answer: Callable[..., dict[str, Any]]) -> None:
    """A shortened label keeps the whole name one hover away."""
    name = "/srv/" + "deep/" * 50 + "refined.xlsx"
    assert f"DATASET · hotpass.local · {name}" in draw(answer([(name, "job")]))


def test_an_empty_answer_says_no_lineage() -> None:
    """An empty graph is drawn as an absence, never as an empty canvas."""
    svg = draw({"graph": []})
    assert "No lineage" in svg
    assert drawn(svg) == []


def test_a_node_alone_is_drawn(answer: Callable[..., dict[str, Any]]) -> None:
    """A running job has no edges yet and is shown all the same."""
    assert drawn(draw(answer([], alone=["job"]))) == ["job:hotpass.local:job"]


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param(
            [(f"in{n}", "job") for n in range(120)] + [("job", f"out{n}") for n in range(79)],
            id="star",
        ),
        pytest.param([(f"job{n}", f"job{n + 1}") for n in range(199)], id="chain"),
        pytest.param([(f"job{n}", f"job{(n + 1) % 200}") for n in range(200)], id="ring"),
    ],
)
def test_two_hundred_nodes(
    answer: Callable[..., dict[str, Any]], edges: list[tuple[str, str]]
) -> None:
    """Large answers lose nobody, and no two boxes stand on each other."""
    payload = answer(edges)
    assert sorted(drawn(draw(payload))) == sorted(ids(payload))
    whole = graph.parse(payload)
    placed = placement.place([node.id for node in whole.nodes], whole.edges)
    assert not overlapping(list(placed.corners.values()))
    assert placed.height <= placement.ROWS_AT_MOST * (placement.BOX_HEIGHT + placement.ROW_GAP)


def test_the_order_of_the_answer_does_not_matter(smoke: dict[str, Any]) -> None:
    """Marquez's sets have no order: the same graph is the same picture, byte for byte."""
    turned = {"graph": smoke["graph"][::-1]}
    assert draw(smoke) == draw(turned)


def test_an_edge_out_of_the_answer_is_counted_not_drawn(
    answer: Callable[..., dict[str, Any]],
) -> None:
    """Marquez stops at a depth; what lies beyond is said, not lost."""
    payload = answer([("a.csv", "job"), ("job", "b.csv")])
    payload["graph"] = [node for node in payload["graph"] if not node["id"].endswith("b.csv")]
    assert "1 edge to nodes outside this answer" in draw(payload)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        pytest.param([("in", "job"), ("job", "out")], {"in": 0, "job": 1, "out": 2}, id="smoke"),
        pytest.param(
            [("a", "j1"), ("j1", "b"), ("b", "j2"), ("late", "j2")],
            {"a": 0, "j1": 1, "b": 2, "j2": 3, "late": 2},
            id="a-source-stands-beside-its-reader",
        ),
        pytest.param(
            [("a", "j"), ("j", "b"), ("b", "j")], {"a": 0, "j": 1, "b": 2}, id="reads-its-output"
        ),
        pytest.param(
            [("z", "m"), ("m", "a"), ("a", "m")], {"z": 0, "m": 1, "a": 2}, id="cycle-after-source"
        ),
        pytest.param([("j", "j")], {"j": 0}, id="feeds-itself"),
        pytest.param(
            [("a", "d"), ("a", "b"), ("b", "c"), ("c", "d")],
            {"a": 0, "b": 1, "c": 2, "d": 3},
            id="longest-path-wins",
        ),
    ],
)
def test_layers(edges: list[tuple[str, str]], expected: dict[str, int]) -> None:
    """Inputs stand left of their job and outputs right of it, cycles or not."""
    assert placement.layers(sorted(expected), edges) == expected


def test_long_edges_pass_between_boxes() -> None:
    """An edge that skips a layer has a lane of its own there."""
    edges = [("a", "b"), ("a", "c"), ("b", "c")]
    placed = placement.place(["a", "b", "c"], edges)
    ((_, lane_y),) = placed.lanes["a", "c"]
    box_y = placed.corners["b"][1]
    assert not box_y <= lane_y <= box_y + placement.BOX_HEIGHT


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({}, id="no-graph"),
        pytest.param({"graph": None}, id="null-graph"),
        pytest.param({"graph": "job"}, id="text-graph"),
        pytest.param({"graph": [{"type": "JOB"}]}, id="node-without-id"),
        pytest.param({"graph": ["job:a:b"]}, id="node-is-text"),
    ],
)
def test_another_answer_is_refused(payload: dict[str, Any]) -> None:
    """What is no lineage answer is never drawn as an empty one."""
    with pytest.raises(errors.PayloadUnreadable):
        draw(payload)


def test_a_node_of_nulls_is_drawn() -> None:
    """Marquez emits nulls: the id alone is enough to draw a node."""
    node = {"id": "dataset:ns:a", "type": None, "data": None, "inEdges": None, "outEdges": None}
    assert drawn(draw({"graph": [node]})) == ["dataset:ns:a"]


def test_a_node_without_label_is_not_drawn() -> None:
    """The proof counts what a reader can read, not what the markup claims."""
    group = '<g class="node" data-node-id="a"><title>a</title>{}</g>'
    empty = group.format('<text class="label"> </text>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{group.format("")}{empty}</svg>'
    assert drawn(svg) == []


def test_reading_back_needs_xml() -> None:
    """A truncated drawing is an error, not an empty list."""
    with pytest.raises(errors.PayloadUnreadable):
        drawn("<svg")


@pytest.fixture
def smoke(answer: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The graph the lineage smoke expects: two inputs, one job, two outputs."""
    return answer(SMOKE)


def draw(payload: dict[str, Any], *, title: str = "Lineage", note: str = "") -> str:
    """Draw with a title nobody looks at."""
    return lineage.lineage_svg(payload, title=title, note=note)


def drawn(svg: str) -> list[str]:
    """Read the ids back."""
    return lineage.node_ids_drawn(svg)


def ids(payload: dict[str, Any]) -> list[str]:
    """Return the ids as a drawing carries them."""
    return [lineage.drawn_id(node["id"]) for node in payload["graph"]]


def overlapping(corners: list[placement.Point]) -> bool:
    """Tell whether any two boxes share a point."""
    return any(
        abs(x - other_x) < placement.BOX_WIDTH and abs(y - other_y) < placement.BOX_HEIGHT
        for index, (x, y) in enumerate(corners)
        for other_x, other_y in corners[:index]
    )
