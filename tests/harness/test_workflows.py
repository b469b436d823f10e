"""The GitHub workflows: pinned, narrow, and one cell for every word and environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.core import settings
from fixtures.core.words import WORDS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@pytest.fixture(scope="module")
def nightly() -> dict[str, Any]:
    """The nightly workflow, as GitHub reads it."""
    read: dict[str, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    )
    return read


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [each for each in job["steps"] if str(each.get("uses", "")).startswith(f"{action}@")]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_actions_are_pinned_by_hash(path: Path) -> None:
    """Each by its full hash with the version beside it; one action, one hash in all workflows."""
    uses = [
        line.strip().removeprefix("- ")
        for each in WORKFLOWS
        for line in each.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert path.read_text(encoding="utf-8").count("uses:") > 0
    assert [line for line in uses if not PINNED.fullmatch(line)] == []
    assert len({line.partition("@")[0] for line in uses}) == len(set(uses))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_jobs_are_bounded_and_leave_no_token(path: Path) -> None:
    """A limit of time for each job; no checkout leaves its token in `.git/config`."""
    for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
        assert job["timeout-minutes"]
        for checkout in steps(job, "actions/checkout"):
            assert checkout["with"]["persist-credentials"] is False


def test_every_word_has_its_cells(nightly: dict[str, Any]) -> None:
    """Dry for each word; live for each word on the environment its settings name."""
    known = settings.load(ROOT / "pyproject.toml")
    assert set(nightly["jobs"]["dry"]["strategy"]["matrix"]["word"]) == set(WORDS)
    cells = nightly["jobs"]["live"]["strategy"]["matrix"]["include"]
    assert {(each["word"], each["environment"]) for each in cells} == {
        (word, getattr(known.words, word).environment) for word in WORDS
    }


@pytest.mark.parametrize("job", ["dry", "live"])
def test_evidence_is_sealed_then_kept_whatever_happened(nightly: dict[str, Any], job: str) -> None:
    """One cell's failure stops no other; what was killed is sealed, then all of it uploaded."""
    cell = nightly["jobs"][job]
    assert cell["strategy"]["fail-fast"] is False
    names = [each.get("name") for each in cell["steps"]]
    sealing = cell["steps"][names.index("Seal what was killed")]
    (keeping,) = steps(cell, "actions/upload-artifact")
    assert names.index("Seal what was killed") < cell["steps"].index(keeping)
    assert sealing["if"] == keeping["if"] == "always()"
    assert keeping["with"]["include-hidden-files"] is True
    assert keeping["with"]["if-no-files-found"] == "error"


def test_live_cells_are_never_skipped(nightly: dict[str, Any]) -> None:
    """No condition on the job or on the rehearsal: what is not configured ends BLOCKED."""
    live = nightly["jobs"]["live"]
    assert "if" not in live
    (rehearse,) = [each for each in live["steps"] if "pytest" in str(each.get("run"))]
    assert "if" not in rehearse
    assert "continue-on-error" not in rehearse


def test_keys_are_short_lived(nightly: dict[str, Any]) -> None:
    """AWS by OIDC only; rights are given to jobs, and no more than they use."""
    assert nightly["permissions"] == {}
    assert "AWS_SECRET_ACCESS_KEY" not in str(nightly)
    rights = {name: set(job["permissions"]) for name, job in nightly["jobs"].items()}
    assert rights == {
        "dry": {"contents"},
        "live": {"contents", "id-token", "issues"},
        "board": {"contents", "id-token"},
    }
    for job in ("live", "board"):
        for step in steps(nightly["jobs"][job], "aws-actions/configure-aws-credentials"):
            assert not {each for each in step["with"] if "access-key" in each}


def test_a_live_cell_has_its_role_before_it_rehearses(nightly: dict[str, Any]) -> None:
    """The bucket is asked which bundle the rehearsal continues: nothing else lies on a runner."""
    live = nightly["jobs"]["live"]["steps"]
    (role,) = steps(nightly["jobs"]["live"], "aws-actions/configure-aws-credentials")
    (rehearse,) = [each for each in live if "pytest" in str(each.get("run"))]
    assert live.index(role) < live.index(rehearse)
    assert "REHEARSAL_PUBLISHING" in rehearse["env"]


def test_no_expression_reaches_a_shell(nightly: dict[str, Any]) -> None:
    """What GitHub fills in arrives as a variable, never as a piece of a script."""
    for job in nightly["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_the_board_is_drawn_even_after_a_bad_night(nightly: dict[str, Any]) -> None:
    """It waits for every cell, and comes whatever they ended in."""
    board = nightly["jobs"]["board"]
    assert set(board["needs"]) == {"dry", "live"}
    assert board["if"] == "always()"
