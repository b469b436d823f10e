"""Self-tests of the frozen sets of guardrails."""

from __future__ import annotations

import pytest

from fixtures.core import errors
from fixtures.core.registry import Registry, Unseen
from fixtures.core.verdict import Promise, Rank, Ruling, Verdict


@pytest.fixture
def registry() -> Registry:
    """Two guardrails of different steps, the second one optional."""
    made = Registry(word="marquez", version=1)

    @made.guardrail(rank=Rank.MUST, step="1", artefact="health.json")
    def stack_healthy(health: bool, runs: int) -> Verdict:
        """The stack is healthy.

        And a second paragraph.
        """
        promise = Promise("marquez.stack-healthy", "health.json", "healthy")
        return promise.held(f"{runs} runs") if health else promise.broke("ill")

    @made.guardrail(rank=Rank.SHOULD, step="3", artefact=None, optional=True)
    def flow_ran(flow: str) -> Verdict:
        """The flow ran."""
        return Promise("marquez.flow-ran", None, "ran").held(flow)

    return made


def test_names_come_from_functions(registry: Registry) -> None:
    """A guardrail is named for its function, promises its first line, needs its parameters."""
    first, second = registry
    assert (first.id, second.id) == ("marquez.stack-healthy", "marquez.flow-ran")
    assert first.promise == "The stack is healthy."
    assert first.needs == ("health", "runs")
    assert "marquez.flow-ran" in registry
    assert "marquez.nobody" not in registry
    assert registry["marquez.flow-ran"] is second


def test_no_name_twice(registry: Registry) -> None:
    """A second guardrail of one name is refused, not silently the only one."""

    def stack_healthy() -> Verdict:
        """Another."""
        raise AssertionError

    with pytest.raises(ValueError, match="registered twice"):
        registry.guardrail(rank=Rank.MUST, step="9", artefact=None)(stack_healthy)
    assert registry["marquez.stack-healthy"].step == "1"


def test_the_function_stays_a_function(registry: Registry) -> None:
    """Registering leaves a plain function to call."""
    assert registry["marquez.stack-healthy"].judge(health=True, runs=2)


@pytest.mark.parametrize("unseen", ["health", "runs"])
def test_anything_unseen_is_not_established(registry: Registry, unseen: str) -> None:
    """A payload that was never gathered is neither good nor bad, whatever the rest says."""
    seen = {
        "health": True,
        "runs": 3,
        unseen: Unseen(errors.SystemUnreachable("no\n answer", hint="Start it.")),
    }
    verdict = registry["marquez.stack-healthy"].over(seen)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
    assert verdict.observed == "[system-unreachable] no answer (hint: Start it.)"
    assert verdict.expected == "The stack is healthy."
    assert verdict.artefact == "health.json"


def test_a_payload_nobody_gathered_is_an_error(registry: Registry) -> None:
    """A forgotten payload is a fault of ours, never a verdict."""
    with pytest.raises(KeyError):
        registry["marquez.stack-healthy"].over({"health": True})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param((), ["marquez.stack-healthy"], id="nothing-ran"),
        pytest.param(("1", "2"), ["marquez.stack-healthy"], id="optional-step-did-not-run"),
        pytest.param(("3",), ["marquez.stack-healthy", "marquez.flow-ran"], id="optional-ran"),
    ],
)
def test_optional_steps(registry: Registry, steps: tuple[str, ...], expected: list[str]) -> None:
    """An optional step that did not run is not exercised; any other is expected in any case."""
    assert [each.id for each in registry.expected(steps_run=frozenset(steps))] == expected


def test_judge_all(registry: Registry) -> None:
    """Each expected guardrail ends in one verdict."""
    seen = {"health": False, "runs": 0, "flow": "ran"}
    verdicts = registry.judge_all(seen, steps_run=frozenset({"3"}))
    assert [each.ruling for each in verdicts] == [Ruling.BROKE, Ruling.HELD]
