"""The registry of the backfill: complete, paired with its tests, in the plan's order."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from fixtures.core import errors
from fixtures.core.registry import Guardrail, Unseen
from fixtures.core.verdict import Ruling
from fixtures.evidence import layout
from fixtures.guardrails import backfill
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.backfill import TITLES
from tests.harness.guardrails import backfill_made as made
from tests.harness.guardrails.pairing import paired_tests

EACH = [pytest.param(each, id=each.id) for each in backfill.REGISTRY]


@pytest.fixture
def rehearsal_tests(pytestconfig: pytest.Config) -> dict[str, ast.FunctionDef]:
    """Test functions of the rehearsal by guardrail id, in the order they stand there."""
    return paired_tests("backfill", pytestconfig.rootpath)


def test_guardrails_and_tests_pair_one_to_one(
    rehearsal_tests: Mapping[str, ast.FunctionDef],
) -> None:
    """Every guardrail has its test and every test its guardrail, in the same order."""
    assert list(rehearsal_tests) == [each.id for each in backfill.REGISTRY]


@pytest.mark.parametrize("guardrail", EACH)
def test_each_test_weighs_its_own_guardrail(
    guardrail: Guardrail, rehearsal_tests: Mapping[str, ast.FunctionDef]
) -> None:
    """The test calls the guardrail of its name, with the gathered payloads of the same names."""
    test = rehearsal_tests[guardrail.id]
    calls = [
        node
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("backfill.")
    ]
    assert [ast.unparse(call.func) for call in calls] == [
        f"backfill.{test.name.removeprefix('test_')}"
    ]
    assert tuple(map(ast.unparse, calls[0].args)) == guardrail.needs
    assert tuple(each.arg for each in test.args.args) == (*guardrail.needs, "weigh")


@pytest.mark.parametrize("guardrail", EACH)
def test_promise_and_artefact(guardrail: Guardrail) -> None:
    """A promise is one sentence, looks at something, and sends to a file the bundle may hold."""
    assert guardrail.needs
    assert set(guardrail.needs) <= made.seen().keys()
    assert guardrail.promise.endswith(".")
    assert len(guardrail.promise) < 99
    assert guardrail.artefact is not None
    assert layout.entry_for("backfill", guardrail.artefact) is not None


@pytest.mark.parametrize("guardrail", EACH)
def test_anything_unseen_is_not_established(guardrail: Guardrail) -> None:
    """Any one payload that was not gathered leaves the guardrail not established, with the why."""
    for name in guardrail.needs:
        unseen = Unseen(errors.SystemRefused("answered 500", hint="Read the log."))
        verdict = guardrail.over({**made.seen(), name: unseen})
        assert verdict.ruling is Ruling.NOT_ESTABLISHED
        assert verdict.observed == "[system-refused] answered 500 (hint: Read the log.)"


def test_version_stands_for_this_set() -> None:
    """Whoever changes a guardrail's name, rank, step or artefact raises the version as well."""
    assert backfill.REGISTRY.version == 1
    assert REGISTRIES["backfill"] is backfill.REGISTRY
    steps = [each.step for each in backfill.REGISTRY]
    assert steps == sorted(steps)
    assert set(steps) <= TITLES.keys()
    rows = [(each.id, each.rank.value, each.step, each.artefact) for each in backfill.REGISTRY]
    assert rows == [
        ("backfill.manifest-limits", "must", "1", "manifests.json"),
        ("backfill.deploy-confirmed", "must", "1", "deploy.log"),
        ("backfill.acceptance-passed", "must", "1", "qa-ta.log"),
        ("backfill.limit-on-deployment", "must", "2", "deployment.json"),
        ("backfill.pool-ready", "must", "2", "work-pool.json"),
        ("backfill.runs-completed", "must", "2", "flow-runs.json"),
        ("backfill.limit-honoured", "must", "2", "flow-runs.json"),
        ("backfill.key-limit-kept", "should", "2", "limit-events.json"),
        ("backfill.contracts-held", "must", "2", "summary.json"),
        ("backfill.logs-complete", "must", "2", "prefect.log"),
        ("backfill.nothing-left-running", "should", "2", "metadata.json"),
    ]
