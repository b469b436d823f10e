"""Preflight's findings in a Hotpass checkout: each in every state it can have."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.settings import MarquezTable, Settings
from fixtures.procedures.preflight import checkout as looked
from fixtures.procedures.preflight.finding import Finding, State

REFINE = ("uv", "run", "hotpass", "refine", "--input-dir", "./data", "--output-path")


@pytest.fixture
def table(known: Settings) -> MarquezTable:
    """Settings of the lineage smoke, as this project has them."""
    return known.words.marquez


def named(root: Path, table: MarquezTable, name: str, **changes: Any) -> Finding:
    """The finding whose name begins so."""
    found = looked.findings(root, table.model_copy(update=changes))
    [finding] = [each for each in found if each.name.startswith(name)]
    return finding


def refine(*more: str, output: str = "./dist/refined.xlsx") -> dict[str, tuple[str, ...]]:
    return {"refine": (*REFINE, output, *more)}


def test_good_checkout_is_ready(checkout: Path, table: MarquezTable) -> None:
    """Client, profile, ignored output and inputs: four findings, all ready."""
    found = list(looked.findings(checkout, table))
    assert [each.state for each in found] == [State.READY] * 4
    assert not any(each.fix for each in found)


def test_environment_is_not_there_yet(checkout: Path, table: MarquezTable) -> None:
    """`uv run` would make it, without the client: attention."""
    shutil.rmtree(checkout / ".venv")
    found = named(checkout, table, "openlineage-python")
    assert found.state is State.ATTENTION
    assert "uv pip install openlineage-python" in found.fix


def test_client_is_missing(checkout: Path, table: MarquezTable) -> None:
    """Without the client zero events are sent and nobody says so: blocks."""
    shutil.rmtree(checkout / ".venv/lib/python3.13/site-packages/openlineage")
    found = named(checkout, table, "openlineage-python")
    assert (found.state, found.found) == (State.MISSING, f"not in {checkout / '.venv'}")


@pytest.mark.parametrize("where", looked.PROFILES)
@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_profile_is_known(checkout: Path, table: MarquezTable, where: str, ending: str) -> None:
    """Both public repositories keep their profiles in a place of their own."""
    shutil.rmtree(checkout / "apps")
    (checkout / where).mkdir(parents=True)
    (checkout / where / f"generic.{ending}").write_text("")
    assert named(checkout, table, "profile generic").state is State.READY


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        pytest.param({"commands": refine("--profile", "staging")}, "staging", id="command"),
        pytest.param({"profile": "staging", "commands": refine()}, "staging", id="table"),
        pytest.param({"profile": "staging"}, "generic", id="command-wins"),
        pytest.param({"commands": refine("--profile")}, "generic", id="no-value"),
        pytest.param(
            {"commands": refine("--profile", "generic", "--profile", "staging")},
            "staging",
            id="last-one-wins",
        ),
    ],
)
def test_profile_is_that_of_the_command(
    checkout: Path, table: MarquezTable, changes: dict[str, Any], profile: str
) -> None:
    """What the command is given counts; an unknown profile blocks, the known ones are named."""
    found = named(checkout, table, "profile", **changes)
    assert found.name == f"profile {profile}"
    known = profile == "generic"
    assert found.state is (State.READY if known else State.MISSING)
    assert found.found == ("known" if known else "known are aviation, generic, test")
    assert known or "commands.refine" in found.fix


def test_no_profiles_at_all(checkout: Path, table: MarquezTable) -> None:
    """A folder without profiles may be no checkout of Hotpass: attention."""
    shutil.rmtree(checkout / "apps")
    found = named(checkout, table, "profile")
    assert found.state is State.ATTENTION
    assert found.expected == "generic.yaml in apps/data-platform/hotpass/profiles"


def test_workbook_where_git_would_take_it(checkout: Path, table: MarquezTable) -> None:
    """The workbook holds personal data: a path git does not ignore blocks."""
    found = named(checkout, table, "refined workbook", commands=refine(output="refined.xlsx"))
    assert found.state is State.MISSING
    assert str(checkout / "refined.xlsx") in found.found
    assert "personal data" in found.expected


def test_workbook_in_an_ignored_folder_that_git_tracks(
    checkout: Path, table: MarquezTable
) -> None:
    """A file git tracks already is not ignored, whatever .gitignore says."""
    (checkout / "dist").mkdir()
    (checkout / "dist/refined.xlsx").write_bytes(b"PK")
    add = ["git", "-C", str(checkout), "add", "--force", "dist/refined.xlsx"]
    subprocess.run(add, check=True, timeout=30)
    assert named(checkout, table, "refined workbook").state is State.MISSING


def test_no_history(checkout: Path, table: MarquezTable) -> None:
    """Outside a git checkout nobody can say what is ignored: attention."""
    shutil.rmtree(checkout / ".git")
    found = named(checkout, table, "refined workbook")
    assert (found.state, found.fix) == (State.ATTENTION, "Check that this is a git checkout.")


def test_no_git(checkout: Path, table: MarquezTable, tmp_path: Path) -> None:
    """Without git as well."""
    (tmp_path / "bin/git").unlink()
    assert named(checkout, table, "refined workbook").state is State.ATTENTION


def test_compose_file_with_the_suffix(checkout: Path, table: MarquezTable) -> None:
    """Hotpass's own stack loses events through the same suffix: each line is named."""
    file = checkout / "deploy/docker/docker-compose.yml"
    file.write_text(
        "services:\n"
        "  prefect:\n"
        "    OPENLINEAGE_URL: http://marquez:5000/api/v1\n"
        "  web:\n"
        "    OPENLINEAGE_URL: http://marquez:5000\n"
        "    OTHER_URL: http://marquez:5000/api/v1\n"
    )
    found = named(checkout, table, "OPENLINEAGE_URL")
    assert found.state is State.ATTENTION
    assert found.found == (
        "deploy/docker/docker-compose.yml:3: OPENLINEAGE_URL: http://marquez:5000/api/v1"
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["gone", "no-text"])
def test_compose_file_that_cannot_be_read(
    checkout: Path, table: MarquezTable, content: bytes | None
) -> None:
    """Whether it must be there is asked elsewhere; a file that is no text says nothing."""
    file = checkout / "deploy/docker/docker-compose.yml"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert not [each for each in looked.findings(checkout, table) if "Compose" in each.name]


def test_inputs_are_the_commands(checkout: Path, table: MarquezTable) -> None:
    """Inputs are looked for where the command reads: in the checkout."""
    found = named(checkout, table, "input directory")
    assert found.found == f"{checkout / 'data'}, 1 files"
    shutil.rmtree(checkout / "data")
    assert named(checkout, table, "input directory").state is State.MISSING


def test_options_may_stand_anywhere(checkout: Path, table: MarquezTable) -> None:
    """Values are found by their option, wherever in the command it stands."""
    argv = ("uv", "run", "hotpass", "refine", "--archive", *REFINE[4:], "dist/refined.xlsx")
    found = list(
        looked.findings(checkout, table.model_copy(update={"commands": {"refine": argv}}))
    )
    assert [each.state for each in found] == [State.READY] * 4


def test_input_directory_of_the_settings_wins(
    checkout: Path, table: MarquezTable, home: Path
) -> None:
    """A directory set for this rehearsal is read instead, also one below home."""
    (home / "inputs").mkdir()
    (home / "inputs/mine.xlsx").write_bytes(b"PK")
    found = named(checkout, table, "input directory", input_dir="~/inputs")
    assert found.found == f"{home / 'inputs'}, 1 files"


def test_checkout_that_is_not_there(tmp_path: Path, table: MarquezTable) -> None:
    """A path that leads nowhere is findings, not a traceback; it blocks."""
    states = [each.state for each in looked.findings(tmp_path / "nowhere", table)]
    assert State.MISSING in states
    assert State.READY not in states
