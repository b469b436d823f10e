"""From a ledger to the rows of a report: what the page says is what the ledger says.

Not here: the page (``drawing/test_report.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import meta

from fixtures.drawing import report
from fixtures.drawing.view import ReportView, Teeth
from fixtures.evidence.summary import Summary, fold
from fixtures.guardrails import registries, seeded
from fixtures.plugins import evidence
from fixtures.procedures import report_view

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played

Draw = Callable[..., ReportView]


@pytest.fixture
def draw(good: Played) -> Draw:
    """Builds the view of a good rehearsal whose first line says something else."""

    def drawn(**opened: Any) -> ReportView:
        summary: Summary = good.sealed.summary
        first = {**summary.opened, **opened}
        changed = fold([first])
        changed.closing = summary.closing
        changed.verdicts = summary.verdicts
        return report_view.build(
            changed, folder=good.sealed.folder, digests={}, ledger_sha256="0" * 64
        )

    return drawn


def test_teeth_are_those_the_ledger_recorded(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page drawn by a later version tells of the harness that rehearsed, not of its own."""
    monkeypatch.delattr(seeded, "teeth")
    recorded = {
        "faults": 2,
        "harmless": 1,
        "sha256": "5f" * 32,
        "guardrails": {"marquez.run-completed": {"broke": 2, "not_established": 1}},
    }
    view = draw(harness={"version": "0", "teeth": recorded})
    assert view.teeth == Teeth(faults=2, harmless=1, sha256="5f" * 32)
    counted = {row.id: row.seeded for row in view.guardrails}
    assert counted["marquez.run-completed"] == (2, 1)
    assert counted["marquez.stack-healthy"] == (0, 0)


@pytest.mark.parametrize("harness", [{"version": "0"}, {"version": "0", "teeth": None}])
def test_word_without_a_table_shows_no_teeth(draw: Draw, harness: dict[str, Any]) -> None:
    """Nothing recorded is nothing claimed."""
    view = draw(harness=harness)
    assert view.teeth is None
    assert {row.seeded for row in view.guardrails} == {None}


def test_harness_entry_holds_teeth_and_the_code_that_judges() -> None:
    """What every rehearsal writes into its ledger's first line."""
    entry = evidence._harness("marquez")
    assert entry["teeth"] == seeded.teeth("marquez")
    assert entry["judging_sha256"] == registries.code_sha256("marquez")


@pytest.mark.parametrize("strict", [False, True])
def test_strict_rehearsal_lets_a_should_decide(draw: Draw, strict: bool) -> None:
    """The page knows what decided then."""
    view = draw(strict=strict)
    assert view.strict == strict
    assert {row.decides for row in view.guardrails if row.rank == "should"} == {strict}
    assert {row.decides for row in view.guardrails if row.rank == "must"} == {True}


@pytest.mark.parametrize("key", [None, "ab" * 32])
def test_key_is_the_one_of_the_first_line(draw: Draw, key: str | None) -> None:
    """Unsigned unless the ledger named a key before anything was gathered."""
    assert draw(signed_by=key).signed_by == key


def test_every_template_of_the_page_is_in_its_digest() -> None:
    """Verify draws a page again with the same code only, templates and all."""
    environment = report.environment()
    assert environment.loader is not None
    used, seen = {"report.html"}, set[str]()
    while used - seen:
        name = min(used - seen)
        seen.add(name)
        source = environment.loader.get_source(environment, name)[0]
        named = meta.find_referenced_templates(environment.parse(source))
        used |= {each for each in named if each is not None}
    assert {"changes.html", "since.html", "parts.html"} < used
    assert not [each for each in used if "/" in each]
