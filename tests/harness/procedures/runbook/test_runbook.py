"""The run-books of a checkout against a rehearsal: what goes into its bundle, and the patch."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.clients.hotpass import RUNBOOK_PREFIX, Hotpass
from fixtures.core.settings import Settings
from fixtures.evidence import contract, verify
from fixtures.evidence.summary import Summary
from fixtures.guardrails import marquez as guardrails
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing, runbook
from fixtures.procedures.runbook import Compared, helps, patch
from tests.harness.procedures.conftest import JUNIT, Staged
from tests.harness.procedures.runbook import made_up

TODAY = date(2026, 11, 22)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Checkout under git with both run-books, most of whose commands do not work."""
    root = made_up.write(tmp_path / "co")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True, timeout=30)  # noqa: S607
    return root


def compared(
    root: Path, known: Settings, *, word: str = "e2e", measured: bool = False
) -> Compared:
    """The run-books against a rehearsal in which nothing ran."""
    silent = Hotpass(prefix=RUNBOOK_PREFIX, root=root, variables={})
    speaking = Hotpass(
        prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
        root=root,
        variables={
            "PYTHONPATH": str(Path(fixtures.__file__).parents[1]),
            "HOTPASS_SIMULATOR_DEFECTS": "all",
        },
    )
    nothing = Summary(opened={"word": word, "mode": "live"}, guardrails=())
    return runbook.compare(
        root,
        known,
        nothing,
        folder=root,
        hotpass=speaking if measured else silent,
        today=TODAY,
    )


def applied(root: Path, diff: bytes) -> str:
    """The run-books after `git apply`, which says when a patch does not fit."""
    subprocess.run(
        ["git", "-C", str(root), "apply", "-"],  # noqa: S607
        input=diff,
        check=True,
        capture_output=True,
        timeout=30,
    )
    return (root / made_up.PLAN).read_text() + (root / made_up.SMOKE).read_text()


def test_patch_makes_the_commands_work(checkout: Path, known: Settings) -> None:
    """Applied by git, nothing is left that is known not to work; the dates have moved."""
    text = applied(checkout, compared(checkout, known).patch)
    assert text.count("last_updated: 2026-11-22") == 2
    for right in (
        "--output-path ./dist/r.xlsx --profile generic\n",
        "--profile=generic\n",
        "prefect deployment run hotpass-backfill/hotpass-backfill \\\n",
        '--params \'{"parameters": {"pipeline": {"backfill": true}}, "runs": [',
        "deployment run hotpass-refinement-pipeline/hotpass-refinement --watch",
        'export OPENLINEAGE_URL="http://localhost:5002"\n',
        "curl -s http://localhost:5002/api/v1/namespaces/hotpass.local/datasets \\\n",
    ):
        assert right in text
    again = compared(checkout, known)
    assert not again.patch
    assert not again.body["corrections"]
    assert not again.body["by_hand"]


def test_patch_changes_nothing_else(checkout: Path, known: Settings) -> None:
    """As many lines as before, and only those with a correction or a date."""
    before = (checkout / made_up.PLAN).read_text().splitlines()
    applied(checkout, compared(checkout, known).patch)
    after = (checkout / made_up.PLAN).read_text().splitlines()
    differing = [old for old, new in zip(before, after, strict=True) if old != new]
    assert len(differing) == 5


@pytest.mark.parametrize("end", ["\r\n", ""], ids=["carriage-returns", "no-last-newline"])
def test_patch_fits_other_line_ends(checkout: Path, known: Settings, end: str) -> None:
    """A document of Windows, or one without an end of its last line."""
    path = checkout / made_up.SMOKE
    text = made_up.SMOKE_TEXT + "\n```bash\nuv run prefect deployment run hotpass-refinement\n```"
    path.write_bytes(text.replace("\n", end or "\n").encode())
    assert "pipeline/hotpass-refinement" in applied(checkout, compared(checkout, known).patch)


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("staging", "generic", "generic"),
        ('"staging"', "generic", '"generic"'),
        ("--profile='staging'", "--profile=generic", "--profile='generic'"),
        ('URL="http://a"', "URL=http://b", 'URL="http://b"'),
        ("'{}'", "'{\"a\": 1}'", "'{\"a\": 1}'"),
        ('"{}"', "'{\"a\": 1}'", "'{\"a\": 1}'"),
        ("--params='{}'", "--params='{\"a\": 1}'", "--params='{\"a\": 1}'"),
    ],
)
def test_quotes_stay_as_they_were(old: str, new: str, written: str) -> None:
    """The owner's way of quoting is kept; JSON brings its own, which bash needs."""
    assert patch.written(old, new) == written


def test_what_only_a_person_can_say_is_not_patched(checkout: Path, known: Settings) -> None:
    """Without the profile of the settings there is nothing to write instead."""
    for name in ("generic", "test"):
        (checkout / f"apps/data-platform/hotpass/profiles/{name}.yaml").unlink()
    made = compared(checkout, known)
    assert any("no profile staging; known are aviation" in line for line in made.body["by_hand"])
    assert b"--profile staging" not in made.patch


def test_checkout_that_says_nothing_refutes_nothing(checkout: Path, known: Settings) -> None:
    """No profiles, manifests or Compose file: nothing is called wrong but a name without flow."""
    for folder in ("apps", "prefect", "deploy"):
        for path in (checkout / folder).rglob("*.y*ml"):
            path.unlink()
    body = compared(checkout, known).body
    assert not body["by_hand"]
    whys = {each["why"] for each in body["corrections"]}
    assert whys == {"Prefect takes a deployment as <flow>/<deployment> alone"}


def test_options_are_those_of_the_real_help(
    checkout: Path, known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option the command does not have is told, and left to a person: it may be meant."""
    # Prefect would be asked through uv.
    monkeypatch.setattr(helps, "VERB_WORDS", {"hotpass": 1})
    path = checkout / made_up.PLAN
    path.write_text(
        path.read_text()
        .replace("qa all\n", "qa all --output qa.json\n")
        .replace("--manifest-dir prefect\n", "--manifest-dir prefect --dry-run\n")
    )
    made = compared(checkout, known, measured=True)
    told = "\n".join(made.body["by_hand"])
    assert "`hotpass qa` has no option --output" in told
    assert "`hotpass deploy` has no option --dry-run" in told
    assert len(made.body["by_hand"]) == 2
    checked = {row["argv"][3]: row["options_checked"] for row in made.body["commands"]}
    assert checked == {"overview": True, "refine": True, "enrich": True, "qa": True}


def test_only_the_words_own_commands(checkout: Path, known: Settings) -> None:
    """Each word's bundle holds its own; a word without any says so by its counts."""
    counts = {
        word: len(compared(checkout, known, word=word).body["commands"])
        for word in ("marquez", "arc", "backfill", "e2e")
    }
    assert counts == {"marquez": 4, "arc": 0, "backfill": 3, "e2e": 4}


def test_absent_run_books(tmp_path: Path, known: Settings) -> None:
    """A checkout without them: reported, and no patch."""
    made = compared(tmp_path, known)
    assert len(made.body["absent"]) == 2
    assert not made.patch
    assert "absent: staging rehearsal plan" in made.note


def test_in_a_bundle(quick_stage: Staged, checkout: Path, known: Settings) -> None:
    """Sealed with the rest: schema, digests in manifest and report, and `verify` says yes."""
    seen = quick_stage.rehearsal.run()
    closing.judge_all(quick_stage.bundle, guardrails.REGISTRY, seen)
    silent = Hotpass(prefix=RUNBOOK_PREFIX, root=checkout, variables={})
    runbook.add(quick_stage.bundle, checkout, known, hotpass=silent)
    sealed = closing.close(quick_stage.bundle, junit=JUNIT)
    body: dict[str, Any] = json.loads((sealed.folder / runbook.ARTEFACT).read_text())
    assert contract.trouble_with(body, "bundle-runbook") is None
    assert body["counts"] == {"run": 0, "run with a deviation": 2, "never run": 2}
    states = {row["step"]: row["state"] for row in body["commands"]}
    assert states == {
        "1": "never run",
        "2": "run with a deviation",
        "3": "never run",
        "4": "run with a deviation",
    }
    manifest = json.loads((sealed.folder / "manifest.json").read_text())
    [entry] = [each for each in manifest["artefacts"] if each["path"] == runbook.ARTEFACT]
    page = (sealed.folder / "report.html").read_text()
    for document in body["documents"]:
        assert document["sha256"] in entry["note"]
        assert document["sha256"] in page
    answer = verify.verify(sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    assert "5002" in applied(checkout, (sealed.folder / runbook.PATCH).read_bytes())
