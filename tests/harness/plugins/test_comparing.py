"""A session that is no dry run compares what it seals with the last green live rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.core.records.systems import Mode
from fixtures.evidence import canonical, layout
from tests.harness.publishing.board import made

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project


def test_local_rehearsal_is_compared_with_the_last_green_live_one(project: Project) -> None:
    """The comparison is handed in where bundles are sealed, and finds what lies beside them."""
    green = made.whole(project.evidence, mode=Mode.LIVE)
    # In a process of its own: any self-test that made a twin has tainted this one.
    assert project.run("-m", "marquez", "--staging").ret == pytest.ExitCode.OK
    first, second = project.bundles()
    told = canonical.read((second / layout.DIFF).read_bytes())
    assert (first, told["older"]["directory"]) == (green, str(green))
    assert (told["older"]["verified"], told["newer"]["mode"]) == (True, "local")
    page = (second / "report.html").read_text("utf-8")
    assert "What changed since the last green live rehearsal" in page
    assert green.name in page
