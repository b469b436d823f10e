"""Guardrails over the lineage graph and its picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fixtures.core.records.lineage import LineageGraph
from fixtures.core.records.picture import Picture
from fixtures.core.records.refine import RefineResult
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez

JOB = "job:hotpass.local:hotpass.pipeline.generic"
CLUBS = "dataset:hotpass.local:/srv/hotpass/data/clubs.xlsx"
REFINED = "dataset:hotpass.local:/srv/hotpass/dist/refined.xlsx"
ARCHIVE = "dataset:hotpass.local:/srv/hotpass/dist/refined.zip"
STRANGER = "dataset:hotpass.local:/srv/hotpass/data/stranger.xlsx"

Spoil = Callable[[LineageGraph], LineageGraph]


def without(*edges: tuple[str, str]) -> Spoil:
    return lambda graph: LineageGraph(graph.nodes, graph.edges - set(edges))


def also(*edges: tuple[str, str]) -> Spoil:
    ends = {end for edge in edges for end in edge}
    return lambda graph: LineageGraph(graph.nodes | ends, graph.edges | set(edges))


def test_graph_holds(graph: LineageGraph, refine: RefineResult) -> None:
    """All edges of our job in their direction: held, among others' edges."""
    verdict = marquez.graph_linked(graph, refine)
    assert verdict, verdict.story
    assert verdict.observed == f"6 nodes; all 4 edges of {JOB} are there"
    assert "with 2 edges in and 2 edges out" in verdict.expected


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda graph: LineageGraph(graph.nodes - {JOB}, graph.edges),
            f"none is {JOB}",
            id="job-missing",
        ),
        pytest.param(
            without((CLUBS, JOB)), f"1 of 4 edges missing: {CLUBS} → {JOB}", id="in-edge"
        ),
        pytest.param(
            without((JOB, REFINED)), f"1 of 4 edges missing: {JOB} → {REFINED}", id="out-edge"
        ),
        pytest.param(without((JOB, ARCHIVE)), ARCHIVE, id="archive-edge"),
        pytest.param(
            lambda graph: LineageGraph(graph.nodes, frozenset()),
            "4 of 4 edges missing",
            id="no-edges",
        ),
        pytest.param(
            lambda graph: LineageGraph(
                graph.nodes, frozenset((end, origin) for origin, end in graph.edges)
            ),
            "4 of 4 edges missing",
            id="all-reversed",
        ),
        pytest.param(
            lambda graph: also((JOB, CLUBS))(without((CLUBS, JOB))(graph)),
            f"1 of 4 edges missing: {CLUBS} → {JOB}",
            id="one-reversed",
        ),
        pytest.param(also((JOB, CLUBS)), f"did not use: {JOB} → {CLUBS}", id="both-directions"),
        pytest.param(also((STRANGER, JOB)), f"{STRANGER} → {JOB}", id="extra-in-edge"),
        pytest.param(also((JOB, STRANGER)), f"{JOB} → {STRANGER}", id="extra-out-edge"),
        pytest.param(also((JOB, JOB)), f"did not use: {JOB} → {JOB}", id="self-loop"),
        pytest.param(
            lambda graph: LineageGraph(graph.nodes - {CLUBS}, graph.edges),
            f"not there: {CLUBS}",
            id="input-node-missing",
        ),
        pytest.param(
            lambda graph: LineageGraph(graph.nodes - {REFINED}, graph.edges),
            f"not there: {REFINED}",
            id="output-node-missing",
        ),
    ],
)
def test_graph_breaks(graph: LineageGraph, refine: RefineResult, spoil: Spoil, told: str) -> None:
    """An edge too few, too many, or the wrong way round breaks; so does a node that is gone."""
    verdict = marquez.graph_linked(spoil(graph), refine)
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


def test_strangers_edges_do_not_matter(graph: LineageGraph, refine: RefineResult) -> None:
    """The graph is shared: edges between others are theirs."""
    assert marquez.graph_linked(also((STRANGER, "job:hotpass.local:other"))(graph), refine)


@pytest.mark.parametrize("changes", [{"namespace": "somebody.else"}, {"job": "hotpass.other"}])
def test_another_jobs_graph_breaks(
    graph: LineageGraph, refine: RefineResult, changes: dict[str, Any]
) -> None:
    """The same shape under another name is another job's."""
    assert marquez.graph_linked(graph, replace(refine, **changes)).ruling is Ruling.BROKE


@pytest.mark.parametrize(
    "empty",
    [
        pytest.param({"inputs": ()}, id="no-inputs"),
        pytest.param({}, id="no-nodes"),
    ],
)
def test_empty_graph_is_not_established(
    graph: LineageGraph, refine: RefineResult, empty: dict[str, Any]
) -> None:
    """Nothing read, or nothing drawn, proves nothing."""
    shown = graph if empty else LineageGraph(frozenset(), frozenset())
    verdict = marquez.graph_linked(shown, replace(refine, **empty))
    assert verdict.ruling is Ruling.NOT_ESTABLISHED


def test_picture_holds(picture: Picture, refine: RefineResult) -> None:
    """Every name has its label: held, with size and count."""
    verdict = marquez.screenshot_shows_job(picture, refine)
    assert verdict, verdict.story
    assert verdict.observed == "screenshot, 1400×800 px, 5 nodes, ours among them"
    assert "the 4 files" in verdict.expected


def test_others_labels_do_not_matter(picture: Picture, refine: RefineResult) -> None:
    """More nodes than ours may be shown."""
    crowded = replace(picture, labels=("hotpass.enrich", *picture.labels))
    assert marquez.screenshot_shows_job(crowded, refine)


def test_labels_cut_by_the_page_hold(picture: Picture, refine: RefineResult) -> None:
    """The page cuts after fifteen characters; four files cut alike need four labels."""
    cut = ("hotpass.pipelin...", *["/srv/hotpass/da..."] * 2, *["/srv/hotpass/di..."] * 2)
    assert marquez.screenshot_shows_job(replace(picture, labels=cut), refine)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        pytest.param((), "0 nodes", id="no-labels"),
        pytest.param(("hotpass.pipeline.generic",), "1 node;", id="job-alone"),
        pytest.param(
            ("hotpass.pipelin...", "/srv/hotpass/da...", *["/srv/hotpass/di..."] * 2),
            "not shown: /srv/hotpass/data/schools.xlsx",
            id="cut-alike-and-one-label-short",
        ),
        pytest.param(
            ("hotpass.pip...", *["/srv/hotpass/da..."] * 2, *["/srv/hotpass/di..."] * 2),
            "not shown: hotpass.pipeline.generic",
            id="cut-too-short",
        ),
        pytest.param(
            ("hotpass.pipelin", *["/srv/hotpass/da..."] * 2, *["/srv/hotpass/di..."] * 2),
            "not shown: hotpass.pipeline.generic",
            id="another-whole-name",
        ),
        pytest.param(
            ("...", *["/srv/hotpass/da..."] * 2, *["/srv/hotpass/di..."] * 2),
            "not shown: hotpass.pipeline.generic",
            id="three-dots-only",
        ),
    ],
)
def test_missing_labels_break(
    picture: Picture, refine: RefineResult, labels: tuple[str, ...], told: str
) -> None:
    """A name without a label of its own is not shown."""
    verdict = marquez.screenshot_shows_job(replace(picture, labels=labels), refine)
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


@pytest.mark.parametrize("gone", range(5))
def test_each_label_counts(picture: Picture, refine: RefineResult, gone: int) -> None:
    """The job and every single file must be shown."""
    labels = [label for number, label in enumerate(picture.labels) if number != gone]
    verdict = marquez.screenshot_shows_job(replace(picture, labels=tuple(labels)), refine)
    assert verdict.ruling is Ruling.BROKE
    assert f"not shown: {picture.labels[gone]}" in verdict.observed


def test_blank_picture_breaks(picture: Picture, refine: RefineResult) -> None:
    """Labels in the page do not save a picture of one colour."""
    verdict = marquez.screenshot_shows_job(replace(picture, blank=True), refine)
    assert verdict.ruling is Ruling.BROKE
    assert "blank" in verdict.observed


def test_picture_of_no_files_is_not_established(picture: Picture, refine: RefineResult) -> None:
    """A command that read nothing leaves nothing to look for."""
    verdict = marquez.screenshot_shows_job(picture, replace(refine, inputs=()))
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
