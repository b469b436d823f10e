"""The optional Prefect step: the faults that the usual self-tests leave out, and signals amid it.

Covers: whole rehearsals with Prefect's own server, worker and command, stopped in step 3:
no process of theirs lives on.
Not here: signals at every other step (``test_stopped.py``).
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.evidence import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import linkage_stack
from fixtures.procedures.linkage import LinkagePlan, LinkageStep
from tests.harness.procedures.backfill import test_linkage
from tests.harness.procedures.backfill.conftest import keeper, served
from tests.harness.procedures.backfill.test_linkage import Link, link
from tests.harness.procedures.conftest import known, quick_stage
from tests.harness.sweep.conftest import Rehearsal

if TYPE_CHECKING:
    from fixtures.procedures.prefect_server import Served
    from tests.harness.procedures.conftest import Staged

__all__ = ["keeper", "known", "link", "quick_stage", "served"]


@pytest.mark.parametrize(
    "fault",
    sorted(test_linkage.ROWS.keys() - {*test_linkage.USUAL, test_linkage.LATE}),
)
def test_fault(link: Link, fault: str) -> None:
    """Each fault of the flow run or its lineage is caught by exactly its row's guardrails."""
    test_linkage.check(link(fault), fault)


def test_prefect_that_is_up_already(quick_stage: Staged, served: Served, tmp_path: Path) -> None:
    """A server without deployment and worker gets both from us, and the flow run is linked."""
    scratch = tmp_path / "side"
    scratch.mkdir()
    flow = linkage_stack.simulated_flow(
        scratch / "work", lineage_url=quick_stage.server.api_url, namespace="hotpass.local"
    )
    with linkage_stack.beside(
        served.api_url,
        flow,
        deployment="hotpass-refinement-pipeline/hotpass-refinement",
        scratch=scratch,
        system=linkage_stack.running_system(served.api_url),
    ) as side:
        quick_stage.rehearsal.linkage = LinkageStep(
            bundle=quick_stage.bundle,
            marquez=quick_stage.rehearsal.marquez,
            side=side,
            sheet=quick_stage.rehearsal.sheet,
            plan=LinkagePlan(
                namespace="hotpass.local", runbook=test_linkage.RUNBOOK, total_s=120.0
            ),
        )
        played = quick_stage.play()
    assert not played.not_held
    told = [each["text"] for each in played.sealed.summary.deviations if each["step"] == "3"]
    assert [text.split()[0] for text in told] == ["Prefect", "the", "Prefect"]
    assert "Finished in state Completed" in played.text("prefect-worker.log")
    test_linkage.check_whole(played)


@pytest.fixture
def linked(rehearsal: Rehearsal) -> Rehearsal:
    """Dry run with Prefect; its template database is the user's own, made once."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return dataclasses.replace(
        rehearsal,
        variables={"REHEARSAL_WORDS__MARQUEZ__PREFECT": "", "XDG_CACHE_HOME": cache},
    )


def said(linked: Rehearsal, words: str) -> Callable[[], bool]:
    """Whether the ledger says something by now."""

    def look() -> bool:
        books = (linked.evidence / "marquez").glob(".*.partial/ledger.jsonl")
        return any(words in book.read_text(encoding="utf-8") for book in books)

    return look


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "sigkill"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param('"step":"3"', id="refused-form"),
        pytest.param("had no deployment", id="flow-run"),
        pytest.param('"name":"flow run"', id="after-it"),
    ],
)
def test_nothing_of_prefect_lives_on(
    linked: Rehearsal, words: str, number: signal.Signals
) -> None:
    """Stopped anywhere in step 3: server, worker, command and flow run end with the rehearsal."""
    linked.stop_when(said(linked, words), number, what=words)
    if number is signal.SIGKILL:
        assert linked.command("recover", "--evidence-root", str(linked.evidence)).returncode == 0
    (bundle,) = (linked.evidence / "marquez").iterdir()
    answer = verify.verify(bundle, registries=REGISTRIES)
    assert answer.verified, answer.denials
    assert bundle.name.endswith(".interrupted")
