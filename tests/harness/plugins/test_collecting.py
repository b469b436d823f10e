"""Collecting rehearsals: nothing that the selected one does not need, and nothing heavy at all."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.plugins.conftest import ROOT

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

LOADED = (
    "import json, sys, pytest\n"
    "code = pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', '-m', 'marquez'])\n"
    "print(json.dumps([int(code), sorted(sys.modules)]), file=sys.stderr)\n"
)
HEAVY = {"boto3", "jsonschema", "kubernetes", "playwright", "prefect", "pydantic", "starlette"}
LATER = ("clients", "core.redaction", "core.settings", "drawing", "simulators")
"""Floors and rooms that only a rehearsal under way needs."""
OTHERS = ("arc", "backfill", "e2e")


def test_nothing_heavy_is_imported() -> None:
    """`--collect-only -m marquez` needs no settings, no client, and no other word's guardrails."""
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, loaded = json.loads(ran.stderr.splitlines()[-1])
    assert code == 0
    assert "fixtures.guardrails.marquez" in loaded
    assert HEAVY & set(loaded) == set()
    ours = [name.removeprefix("fixtures.") for name in loaded if name.startswith("fixtures.")]
    assert [name for name in ours if name.startswith(LATER)] == []
    others = tuple(f"guardrails.{word}" for word in OTHERS)
    assert [name for name in ours if name.startswith(others)] == []


@pytest.mark.parametrize(
    ("markers", "ends"),
    [
        pytest.param("marquez", 0, id="another-word"),
        pytest.param("marquez and not arc", 0, id="excluded"),
        pytest.param("arc", 2, id="its-own-word"),
        pytest.param("marquez or arc", 2, id="among-others"),
        pytest.param("not e2e", 2, id="not-excluded"),
        pytest.param("", 2, id="everything"),
    ],
)
def test_module_of_another_word_is_left_alone(project: Project, markers: str, ends: int) -> None:
    """A module that cannot even be imported hinders whoever may select it, and nobody else."""
    module = project.pytester.path / "tests" / "rehearsals" / "test_arc.py"
    module.write_text("raise RuntimeError('not today')\n", encoding="utf-8")
    result = project.run("--collect-only", "-q", "-m", markers)
    assert result.ret == ends, result.stdout.str()


def test_wrong_settings_hinder_nobody_who_only_looks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told before a rehearsal starts, and not to whoever collects it."""
    monkeypatch.setenv("REHEARSAL_NO_SUCH_THING", "1")
    assert project.run("--collect-only", "-m", "marquez").ret == 0
    assert project.run("-m", "marquez").ret == 4


def test_what_a_module_logs_at_its_import_is_masked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while nothing but collecting goes on: live logs pass every report by."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", "kept-from-everybody")
    project.rehearsal(
        "import logging, os\n"
        "logging.getLogger(__name__).error('it is %s', os.environ['REHEARSAL_SECRETS__X'])\n"
    )
    result = project.run("--collect-only", "-m", "marquez", "--log-cli-level=INFO")
    shown = "\n".join([*result.outlines, *result.errlines])
    assert "it is [REDACTED:v-" in shown
    assert "kept-from-everybody" not in shown
