"""The registry of the lineage smoke: complete, paired with its tests, in the run-book's order."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from fixtures.core import errors, words
from fixtures.core.registry import Guardrail, Unseen
from fixtures.core.verdict import Ruling
from fixtures.evidence import layout
from fixtures.guardrails import marquez
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.marquez import TITLES
from tests.harness.guardrails.pairing import paired_tests

EACH = [pytest.param(each, id=each.id) for each in marquez.REGISTRY]


@pytest.fixture
def rehearsal_tests(pytestconfig: pytest.Config) -> dict[str, ast.FunctionDef]:
    """Test functions of the rehearsal by guardrail id, in the order they stand there."""
    return paired_tests("marquez", pytestconfig.rootpath)


def test_guardrails_and_tests_pair_one_to_one(
    rehearsal_tests: Mapping[str, ast.FunctionDef],
) -> None:
    """Every guardrail has its test and every test its guardrail, in the same order."""
    assert list(rehearsal_tests) == [each.id for each in marquez.REGISTRY]


@pytest.mark.parametrize("guardrail", EACH)
def test_each_test_weighs_its_own_guardrail(
    guardrail: Guardrail, rehearsal_tests: Mapping[str, ast.FunctionDef]
) -> None:
    """The test calls the guardrail of its name, with the gathered payloads of the same names."""
    test = rehearsal_tests[guardrail.id]
    calls = [
        node
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("marquez.")
    ]
    assert [ast.unparse(call.func) for call in calls] == [
        f"marquez.{test.name.removeprefix('test_')}"
    ]
    assert tuple(map(ast.unparse, calls[0].args)) == guardrail.needs
    assert tuple(each.arg for each in test.args.args) == (*guardrail.needs, "weigh")


@pytest.mark.parametrize("guardrail", EACH)
def test_needs_are_among_what_is_gathered(guardrail: Guardrail, seen: Mapping[str, Any]) -> None:
    """A guardrail looks at something, and only at what the procedure gathers."""
    assert guardrail.needs
    assert set(guardrail.needs) <= seen.keys()


@pytest.mark.parametrize("guardrail", EACH)
def test_promise_is_one_line(guardrail: Guardrail) -> None:
    """A promise is the docstring's first sentence, whole on its line."""
    lines = (inspect.getdoc(guardrail.judge) or "").splitlines()
    assert guardrail.promise == lines[0]
    assert guardrail.promise.endswith(".")
    assert len(guardrail.promise) < 99
    assert not any(line for line in lines[1:2])


@pytest.mark.parametrize("guardrail", EACH)
def test_artefact_is_one_the_layout_knows(guardrail: Guardrail) -> None:
    """A reader is sent to a file the bundle may hold."""
    assert guardrail.artefact is not None
    assert layout.entry_for("marquez", guardrail.artefact) is not None


def test_order_is_that_of_the_steps() -> None:
    """Guardrails stand in the order of the run-book's steps, and each step is one of it."""
    steps = [each.step for each in marquez.REGISTRY]
    assert steps == sorted(steps)
    assert set(steps) <= TITLES.keys()


@pytest.mark.parametrize("guardrail", EACH)
def test_verdict_carries_the_registered_names(
    guardrail: Guardrail, seen: Mapping[str, Any]
) -> None:
    """Over a good rehearsal each holds, under the id and artefact it is registered with."""
    verdict = guardrail.over(seen)
    assert verdict, verdict.story
    assert (verdict.guardrail, verdict.artefact) == (guardrail.id, guardrail.artefact)


@pytest.mark.parametrize("guardrail", EACH)
def test_anything_unseen_is_not_established(guardrail: Guardrail, seen: Mapping[str, Any]) -> None:
    """Any one payload that was not gathered leaves the guardrail not established, with the why."""
    for name in guardrail.needs:
        unseen = Unseen(errors.SystemRefused("answered 500", hint="Read marquez.log."))
        verdict = guardrail.over({**seen, name: unseen})
        assert verdict.ruling is Ruling.NOT_ESTABLISHED
        assert verdict.observed == "[system-refused] answered 500 (hint: Read marquez.log.)"
        assert verdict.artefact == guardrail.artefact


def test_version_stands_for_this_set() -> None:
    """Whoever changes a guardrail's name, rank, step or artefact raises the version as well."""
    assert marquez.REGISTRY.version == 3
    rows = [(each.id, each.rank.value, each.step, each.artefact) for each in marquez.REGISTRY]
    assert rows == [
        ("marquez.stack-healthy", "must", "1", "health.json"),
        ("marquez.refine-succeeded", "must", "2", "cli.log"),
        ("marquez.run-completed", "must", "2", "runs.json"),
        ("marquez.events-stored", "should", "2", "events.ndjson"),
        ("marquez.job-version-predicted", "should", "2", "runs.json"),
        ("marquez.prefect-linkage", "should", "3", "linkage.json"),
        ("marquez.inputs-and-outputs", "must", "4", "datasets.json"),
        ("marquez.graph-linked", "must", "4", "graph.json"),
        ("marquez.screenshot-shows-job", "must", "4", "graph.png"),
        ("marquez.exports-complete", "should", "4", "runs.json"),
        ("marquez.service-log-clean", "should", "5", "marquez.log"),
    ]
    optional = [each.id for each in marquez.REGISTRY if each.optional]
    assert optional == ["marquez.prefect-linkage"]


def test_registries_are_named_by_word() -> None:
    """The look-up by word gives that word's registry."""
    assert all(word in words.WORDS for word in REGISTRIES)
    assert all(word == registry.word for word, registry in REGISTRIES.items())
    assert REGISTRIES["marquez"] is marquez.REGISTRY
