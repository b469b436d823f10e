"""The registry of the preflight: complete, paired with its tests, in the plan's order."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.registry import Guardrail, Unseen
from fixtures.core.verdict import Rank, Ruling
from fixtures.evidence import layout
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.e2e import saved
from fixtures.procedures.e2e.rehearsal import ARTEFACTS, TITLES
from tests.harness.guardrails.pairing import paired_tests

REGISTRY = REGISTRIES["e2e"]
EACH = [pytest.param(each, id=each.id) for each in REGISTRY]
GOOD = Path(__file__).parents[2] / "doctored" / "e2e" / "good_holds"


@pytest.fixture
def rehearsal_tests(pytestconfig: pytest.Config) -> dict[str, ast.FunctionDef]:
    """Test functions of the rehearsal by guardrail id, in the order they stand there."""
    return paired_tests("e2e", pytestconfig.rootpath)


def test_guardrails_and_tests_pair_one_to_one(
    rehearsal_tests: Mapping[str, ast.FunctionDef],
) -> None:
    """Every guardrail has its test and every test its guardrail, in the same order."""
    assert list(rehearsal_tests) == [each.id for each in REGISTRY]


@pytest.mark.parametrize("guardrail", EACH)
def test_each_test_weighs_its_own_guardrail(
    guardrail: Guardrail, rehearsal_tests: Mapping[str, ast.FunctionDef]
) -> None:
    """The test calls the guardrail of its name, with the gathered payloads of the same names."""
    test = rehearsal_tests[guardrail.id]
    calls = [
        node
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("e2e")
    ]
    module = guardrail.judge.__module__.rpartition(".")[2]
    assert [ast.unparse(call.func) for call in calls] == [
        f"{module}.{test.name.removeprefix('test_')}"
    ]
    assert tuple(map(ast.unparse, calls[0].args)) == guardrail.needs
    assert tuple(each.arg for each in test.args.args) == (*guardrail.needs, "weigh")


@pytest.mark.parametrize("guardrail", EACH)
def test_promise_and_artefact(guardrail: Guardrail) -> None:
    """A promise is one sentence, looks at something, and sends to a file the bundle may hold."""
    assert guardrail.needs
    assert set(guardrail.needs) <= {*ARTEFACTS, "durations"}
    assert guardrail.promise.endswith(".")
    assert len(guardrail.promise) < 99
    assert guardrail.artefact is not None
    assert layout.entry_for("e2e", guardrail.artefact) is not None
    assert guardrail.step in TITLES


@pytest.mark.parametrize("guardrail", EACH)
def test_anything_unseen_is_not_established(guardrail: Guardrail) -> None:
    """Any one payload that was not gathered leaves the guardrail not established, with the why."""
    seen = saved.seen_in(GOOD)
    assert guardrail.over(seen)
    for name in guardrail.needs:
        unseen = Unseen(errors.InputsUnreadable("no such folder", hint="Name another."))
        verdict = guardrail.over({**seen, name: unseen})
        assert verdict.ruling is Ruling.NOT_ESTABLISHED
        assert verdict.observed == "[inputs-unreadable] no such folder (hint: Name another.)"


@pytest.mark.parametrize("guardrail", EACH)
def test_wording_names_what_was_promised(guardrail: Guardrail) -> None:
    """What is expected is said before anything is observed, and both say something."""
    verdict = guardrail.over(saved.seen_in(GOOD))
    assert len(verdict.expected) > 20
    assert len(verdict.observed) > 10
    assert verdict.artefact == guardrail.artefact


def test_ranks() -> None:
    """What the plan runs the commands for decides; what we look at beside is shown in amber."""
    assert [each.id for each in REGISTRY if each.rank is Rank.MUST] == [
        "e2e.overview-answered",
        "e2e.refine-wrote",
        "e2e.enrich-wrote",
        "e2e.qa-passed",
        "e2e.enriched-rows-conserved",
        "e2e.archive-verifies",
        "e2e.logs-complete",
    ]
    assert [each.id for each in REGISTRY if each.optional] == ["e2e.durations-usual"]


def test_version_stands_for_this_set() -> None:
    """Whoever changes a guardrail's name, rank, step or artefact raises the version as well."""
    assert (REGISTRY.version, len(list(REGISTRY))) == (1, 16)
