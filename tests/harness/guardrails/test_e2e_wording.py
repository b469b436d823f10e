"""What the preflight's guardrails say: expected and observed, in an operator's words.

Not here: which of them hold over which payloads (``harness/doctored/test_e2e.py``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.doctored import test_e2e as doctored


def story(folder: str, guardrail: str, tmp_path: Path) -> str:
    verdicts = doctored.judged(folder, tmp_path / "evidence")
    return next(each.story for each in verdicts if each.guardrail == f"e2e.{guardrail}")


@pytest.mark.parametrize(
    ("folder", "guardrail", "told"),
    [
        pytest.param(
            "overview_said_a_banner_breaks",
            "overview-answered",
            "observed: exit code 0, and 1 line: that is no overview\n",
            id="one-line-is-a-line",
        ),
        pytest.param(
            "good_holds",
            "overview-answered",
            "observed: exit code 0; 24 lines\n",
            id="nothing-of-corrections-without-any",
        ),
        pytest.param(
            "corrected_profile_holds",
            "refine-wrote",
            "; after the plan's form was refused: there is no profile 'staging' (exit code 2)\n",
            id="the-refused-form-is-told",
        ),
        pytest.param(
            "good_holds",
            "personal-data-kept-out",
            "; not looked for: 87 cells (a placeholder 3, too short 84)\n",
            id="who-was-not-looked-for-is-told",
        ),
        pytest.param(
            "good_holds",
            "refine-wrote",
            "expected: `hotpass refine` exits 0 and writes /srv/staging-output/refined.xlsx with",
            id="the-file-is-named",
        ),
        pytest.param(
            "good_holds",
            "refine-wrote",
            "observed: exit code 0; 43 rows, 7271 bytes written 2026-01-15T09:00:38Z, sha256 ",
            id="the-file-is-told-by-facts",
        ),
        pytest.param(
            "qa_one_skipped_breaks",
            "qa-passed",
            "observed: 5 of 6 checks passed; SKIPPED Documentation Checks (fine)\n",
            id="a-skipped-check-is-called-so",
        ),
        pytest.param(
            "qa_five_of_six_breaks",
            "qa-passed",
            "observed: 5 of 6 checks passed; FAILED Documentation Checks (fine)\n",
            id="a-failed-check-is-named",
        ),
        pytest.param(
            "qa_one_twice_breaks",
            "qa-passed",
            "observed: 6 of 6 checks passed, 5 different ones; 6 expected\n",
            id="one-check-twice-is-one",
        ),
        pytest.param(
            "good_holds", "qa-passed", "observed: exit code 0; 6 of 6 checks passed\n", id="all"
        ),
        pytest.param(
            "network_forbidden_holds",
            "nothing-skipped",
            "observed: 234 lines of 4 commands; the network was forbidden by us\n",
            id="what-we-forbade-is-said",
        ),
        pytest.param(
            "good_holds", "nothing-skipped", "observed: 234 lines of 4 commands\n", id="lines"
        ),
        pytest.param(
            "qa_not_a_word_breaks",
            "nothing-skipped",
            "observed: nothing was said by qa\n",
            id="who-was-silent",
        ),
        pytest.param(
            "rows_lost_breaks",
            "refined-rows-explained",
            "48 rows in 2 sheets, 40 refined, 8 lost; it says duplicates_dropped 5\n",
            id="lost",
        ),
        pytest.param(
            "rows_made_up_breaks",
            "refined-rows-explained",
            "48 rows in 2 sheets, 60 refined, 12 made; it says duplicates_dropped 0\n",
            id="made",
        ),
        pytest.param(
            "no_duplicates_holds",
            "refined-rows-explained",
            "48 rows in 2 sheets, 48 refined; removed: nothing\n",
            id="nothing-removed",
        ),
        pytest.param(
            "archive_member_unlisted_breaks",
            "archive-verifies",
            "observed: not listed: extra.xlsx; listed and not there: –\n",
            id="which-is-not-listed",
        ),
        pytest.param(
            "archive_member_absent_breaks",
            "archive-verifies",
            "observed: not listed: –; listed and not there: gone.parquet\n",
            id="which-is-not-there",
        ),
        pytest.param(
            "provenance_misleads_off_breaks",
            "provenance-consistent",
            "filled in every row; network forbidden\n",
            id="what-the-flag-was",
        ),
        pytest.param(
            "provenance_misleads_off_breaks",
            "provenance-consistent",
            "network_enrichment 43; status skipped: network disabled 43\n",
            id="what-the-rows-say",
        ),
        pytest.param(
            "provenance_missing_breaks",
            "provenance-consistent",
            "_confidence, provenance_strategy, provenance_network_status\n",
            id="every-missing-column",
        ),
        pytest.param(
            "log_with_progress_bars_holds",
            "logs-readable",
            "observed: 234 lines of 4 logs; 412 redraws of progress bars undone\n",
            id="bars-undone",
        ),
        pytest.param(
            "good_holds", "logs-readable", "observed: 234 lines of 4 logs\n", id="no-bars"
        ),
    ],
)
def test_story(folder: str, guardrail: str, told: str, tmp_path: Path) -> None:
    """Counts, names and reasons a reader can act on."""
    assert told in story(folder, guardrail, tmp_path)


def test_of_many_a_few_are_named(tmp_path: Path) -> None:
    """Four are named, and how many more there are."""
    from fixtures.guardrails.e2e import named

    assert named(list("abcd")) == list("abcd")
    assert named(list("abcdef")) == [*"abcd", "and 2 more"]
