"""Records of the preflight, read back from what they were saved as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.records.e2e import Stages
from fixtures.core.records.e2e_checks import (
    Archives,
    Durations,
    Lineage,
    Privacy,
    Provenance,
    QaRun,
)
from fixtures.evidence import canonical

GOOD = Path(__file__).parents[2] / "doctored" / "e2e" / "good_holds"
RECORDS = {
    "stages": Stages,
    "qa": QaRun,
    "archive": Archives,
    "provenance": Provenance,
    "lineage": Lineage,
    "privacy": Privacy,
    "durations": Durations,
}


def saved(name: str) -> dict[str, Any]:
    body: dict[str, Any] = canonical.read((GOOD / f"{name}.json").read_bytes())
    return body


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_saved_and_read_back_is_the_same(name: str) -> None:
    """Nothing is lost on the way to the disk and back, but the mark that is not the record's."""
    body = saved(name)
    record = RECORDS[name].from_json(body)  # type: ignore[attr-defined]  # each has one
    body.pop("_rehearsal")
    assert record.to_json() == body


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        pytest.param("stages", ("stages",), None, id="no-stages"),
        pytest.param("outputs", ("outputs", 0, "after", "modified_at"), "noon", id="no-moment"),
        pytest.param(
            "attempt", ("stages", 0, "attempts", 0, "started_at"), "2026-01-15T09:00:00", id="zone"
        ),
        pytest.param("said", ("stages", 0, "said", "extra"), 1, id="a-key-too-many"),
    ],
)
def test_stages_that_cannot_be_read(name: str, path: tuple[Any, ...], value: Any) -> None:
    """A payload of another shape is unreadable, with a code, and never half a record."""
    body = saved("stages")
    inner: Any = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(errors.PayloadUnreadable, match=r"stages\.json cannot be read"):
        Stages.from_json(body)


def test_stage_that_never_began() -> None:
    """What is not there is None, not an error."""
    stages = Stages.from_json(saved("stages"))
    assert stages.of("deploy") is None
    assert stages.output("archived") is None
    assert stages.rows_of("archived") is None
    assert stages.rows_of("refined") == 43
