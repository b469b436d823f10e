"""What the preflight can be told, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import fixtures
from fixtures.core import settings
from fixtures.core.settings.words import E2eTable

OURS = settings.load(Path(fixtures.__file__).parents[1] / "pyproject.toml").words.e2e


def table(**changes: Any) -> E2eTable:
    return E2eTable(**{**OURS.model_dump(), **changes})


def test_run_book_form_stays() -> None:
    """The plan's words are data, the refused profile among them: corrections are recorded."""
    refine, enrich = OURS.commands["refine"], OURS.commands["enrich"]
    assert refine[refine.index("--profile") + 1] == "staging"
    assert enrich[-1] == "--allow-network=true"
    assert OURS.working_profile == "generic"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"commands": {}}, "commands lacks overview", id="no-commands"),
        pytest.param(
            {"commands": {**OURS.commands, "refine": ("uv", "run", "hotpass", "refine")}},
            "commands.refine must hold --input-dir once",
            id="no-input",
        ),
        pytest.param(
            {"commands": {**OURS.commands, "enrich": (*OURS.commands["enrich"], "--output")}},
            "commands.enrich must hold --output once",
            id="output-twice",
        ),
        pytest.param({"contact_columns": "("}, "no regular expression", id="no-expression"),
        pytest.param({"qa_checks": 0}, "greater than or equal to 1", id="no-check"),
        pytest.param({"slower_factor": 1}, "greater than 1", id="nothing-slower"),
        pytest.param({"log_limit_bytes": 10}, "greater than or equal to 4096", id="tiny-log"),
    ],
)
def test_refused(changes: dict[str, Any], told: str) -> None:
    """A setting that would make the rehearsal prove nothing is an error."""
    with pytest.raises(ValidationError, match=told):
        table(**changes)
