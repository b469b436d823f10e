"""Full E2E preflight: the canonical pipeline sequence, judged by what came out of it.

Preconditions: a Hotpass checkout whose own environment `uv run hotpass` can build.
Steps: 1 execute overview, refine, enrich and qa all in order · 2 capture artefacts · 4 (ours)
compare with the last green run
Expected: guardrails e2e.* hold; overview.log, refine.log, enrich.log, qa.log in the evidence
directory
Run-book: staging rehearsal plan, Full E2E Preflight, last updated 2025-11-02
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.guardrails import e2e, e2e_logs, e2e_outputs

if TYPE_CHECKING:
    from fixtures.core.records.e2e import Stages
    from fixtures.core.records.e2e_checks import (
        Archives,
        Durations,
        Lineage,
        Privacy,
        Provenance,
        QaRun,
    )
    from fixtures.procedures.weighing import Weigh

pytestmark = pytest.mark.e2e


def test_overview_answered(stages: Stages, weigh: Weigh) -> None:
    """Step 1: `hotpass overview` exited 0 and said something."""
    verdict = weigh(e2e.overview_answered(stages))
    assert verdict, verdict.story


def test_refine_wrote(stages: Stages, weigh: Weigh) -> None:
    """Step 1: `hotpass refine` exited 0 and wrote a workbook with rows."""
    verdict = weigh(e2e.refine_wrote(stages))
    assert verdict, verdict.story


def test_enrich_wrote(stages: Stages, weigh: Weigh) -> None:
    """Step 1: `hotpass enrich` exited 0 and wrote a workbook with rows in this run."""
    verdict = weigh(e2e.enrich_wrote(stages))
    assert verdict, verdict.story


def test_qa_passed(qa: QaRun, weigh: Weigh) -> None:
    """Step 1: `hotpass qa all` exited 0, every check it should make was made, and passed."""
    verdict = weigh(e2e.qa_passed(qa))
    assert verdict, verdict.story


def test_nothing_skipped(stages: Stages, weigh: Weigh) -> None:
    """Step 1: no command left something undone and exited 0 all the same."""
    verdict = weigh(e2e.nothing_skipped(stages))
    assert verdict, verdict.story


def test_refined_rows_explained(stages: Stages, weigh: Weigh) -> None:
    """Step 1: every input row is in the refined workbook, or refine says why it is not."""
    verdict = weigh(e2e_outputs.refined_rows_explained(stages))
    assert verdict, verdict.story


def test_enriched_rows_conserved(stages: Stages, weigh: Weigh) -> None:
    """Step 1: enrichment keeps every refined row, and adds none."""
    verdict = weigh(e2e_outputs.enriched_rows_conserved(stages))
    assert verdict, verdict.story


def test_enriched_columns_kept(stages: Stages, weigh: Weigh) -> None:
    """Step 1: enrichment keeps every column of the refined rows."""
    verdict = weigh(e2e_outputs.enriched_columns_kept(stages))
    assert verdict, verdict.story


def test_archive_verifies(archive: Archives, weigh: Weigh) -> None:
    """Step 1: the archive holds this run's workbook, by its own checksums."""
    verdict = weigh(e2e_outputs.archive_verifies(archive))
    assert verdict, verdict.story


def test_archive_checksums_whole(archive: Archives, weigh: Weigh) -> None:
    """Step 1: the archive's SHA256SUMS can be checked with `sha256sum -c`."""
    verdict = weigh(e2e_outputs.archive_checksums_whole(archive))
    assert verdict, verdict.story


def test_provenance_consistent(provenance: Provenance, stages: Stages, weigh: Weigh) -> None:
    """Step 1: every enriched row says where its values come from."""
    verdict = weigh(e2e_outputs.provenance_consistent(provenance, stages))
    assert verdict, verdict.story


def test_lineage_emitted(lineage: Lineage, stages: Stages, weigh: Weigh) -> None:
    """Step 1: the refinement reported START and COMPLETE of one run."""
    verdict = weigh(e2e_outputs.lineage_emitted(lineage, stages))
    assert verdict, verdict.story


def test_logs_complete(stages: Stages, weigh: Weigh) -> None:
    """Step 2: the output of every command is archived to its exit code."""
    verdict = weigh(e2e_logs.logs_complete(stages))
    assert verdict, verdict.story


def test_logs_readable(stages: Stages, weigh: Weigh) -> None:
    """Step 2: a person can read the logs: UTF-8, no traceback, no line broken at 80 columns."""
    verdict = weigh(e2e_logs.logs_readable(stages))
    assert verdict, verdict.story


def test_personal_data_kept_out(privacy: Privacy, weigh: Weigh) -> None:
    """Step 2: no command prints people, and the evidence holds none."""
    verdict = weigh(e2e_logs.personal_data_kept_out(privacy))
    assert verdict, verdict.story


def test_durations_usual(durations: Durations, weigh: Weigh) -> None:
    """Step 4: no stage took far longer than in the last green run of the same kind."""
    verdict = weigh(e2e_logs.durations_usual(durations))
    assert verdict, verdict.story
