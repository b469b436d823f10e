"""The recorder's lineage page, read as a browser would parse it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from fixtures.simulators.marquez import door, layout, page
from fixtures.simulators.marquez.state import Recorder

Builder = Callable[..., dict[str, Any]]
RUN = "3f1c0f0e-0000-4000-8000-000000000001"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(recorder: Recorder, kind: str = "job", name: str = "refine") -> ET.Element:
    text = page.render(recorder, kind=kind, namespace="tests", name=name)
    svg = text[text.index("<svg") : text.index("</svg>") + len("</svg>")]
    return ET.fromstring(svg)  # noqa: S314  # our own drawing


def labels(svg: ET.Element) -> list[str]:
    return sorted(str(text.text) for text in svg.iter(f"{SVG}text"))


def test_edges_have_direction(recorder: Recorder, event: Builder) -> None:
    """One arrow per edge of the graph, from input to job and from job to output."""
    recorder.record(event("COMPLETE", RUN, inputs=["a"], outputs=["b"]))
    edges = [
        (path.get("data-origin"), path.get("data-destination"))
        for path in drawn(recorder).iter(f"{SVG}path")
        if path.get("marker-end")
    ]
    assert sorted(edges) == [
        ("dataset:tests:a", "job:tests:refine"),
        ("job:tests:refine", "dataset:tests:b"),
    ]


def test_inputs_left_outputs_right(recorder: Recorder, event: Builder) -> None:
    """The chosen node stands between what it reads and what it writes, whatever is chosen."""
    recorder.record(event("COMPLETE", RUN, inputs=["a"], outputs=["b"]))
    graph = recorder.lineage("job:tests:refine")["graph"]
    for centre in ("job:tests:refine", "dataset:tests:b"):
        places = layout.plan(graph, centre=centre).places
        columns = [places[f"{node}"].x for node in ("dataset:tests:a", "job:tests:refine")]
        assert columns[0] < columns[1] < places["dataset:tests:b"].x


def test_labels_are_cut_like_the_real_ones(recorder: Recorder, event: Builder) -> None:
    """Fifteen characters stay; longer names are cut and kept whole in the title."""
    recorder.record(event("COMPLETE", RUN, job="hotpass.pipeline.generic", inputs=["x" * 15]))
    svg = drawn(recorder, name="hotpass.pipeline.generic")
    assert labels(svg) == ["hotpass.pipelin...", "x" * 15]
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert "hotpass.pipeline.generic" in titles


def test_lost_outputs_are_not_drawn(recorder: Recorder, event: Builder) -> None:
    """The page shows what the graph holds, no more."""
    recorder.faults.lose_outputs = True
    recorder.record(event("COMPLETE", RUN, inputs=["a"], outputs=["b"]))
    assert labels(drawn(recorder)) == ["a", "refine"]


def test_markup_in_names_is_text(recorder: Recorder, event: Builder) -> None:
    """A name full of markup stays a name."""
    name = "<script>\"&'"
    recorder.record(event("COMPLETE", RUN, job=name))
    text = page.render(recorder, kind="job", namespace="tests", name=name)
    assert "<script>" not in text
    assert labels(drawn(recorder, name=name)) == [name]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("JOB", "refine", id="wrong-case"),
        pytest.param("job", "nobody", id="unknown-job"),
        pytest.param("dataset", "nobody", id="unknown-dataset"),
        pytest.param("run", "refine", id="no-node-type"),
    ],
)
def test_nobody_knows_it(recorder: Recorder, event: Builder, kind: str, name: str) -> None:
    """An unknown node is an empty canvas without an error."""
    recorder.record(event("COMPLETE", RUN, inputs=["a"]))
    assert labels(drawn(recorder, kind=kind, name=name)) == []


def test_page_is_served_under_the_real_paths(recorder: Recorder, event: Builder) -> None:
    """Percent-encoded names, with and without the last slash; the run's state is shown."""
    recorder.record(event("FAIL", RUN, job="a/b c"))
    with door.serve(recorder) as doors:
        for tail in ("", "/"):
            url = f"{doors.ui_url}/lineage/job/tests/{quote('a/b c', safe='')}{tail}"
            answer = requests.get(url, timeout=5)
            assert answer.headers["content-type"].startswith("text/html")
            assert 'data-node-id="job:tests:a/b c"' in answer.text
            assert ">FAILED<" in answer.text


def test_read_and_written_is_one_node(recorder: Recorder, event: Builder) -> None:
    """A dataset on both sides is drawn once, with both edges."""
    recorder.record(event("COMPLETE", RUN, inputs=["both"], outputs=["both"]))
    svg = drawn(recorder)
    assert labels(svg) == ["both", "refine"]
    assert len([path for path in svg.iter(f"{SVG}path") if path.get("marker-end")]) == 2
